"""What the jobs of a workplace load, open and start, as recorded by themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


def environment(folder: Path) -> dict[str, str]:
    """Return the environment in which jobs record what they do, in `folder`, with a scratch folder.

    The folder and `scratch` in it are created.
    """
    (folder / "scratch").mkdir(parents=True, exist_ok=True)
    return {
        "PYTHONPATH": str(Path(__file__).parent),
        "WITNESS": str(folder),
        "TMPDIR": str(folder / "scratch"),
    }


@dataclass(frozen=True)
class Job:
    """What one job did: modules, files, programs, unpickled classes and forbidden calls."""

    script: str
    modules: set[str]
    read: set[str]
    written: set[str]
    started: set[str]
    unpickled: set[str]
    refused: set[str]


def recorded_jobs(folder: Path) -> list[Job]:
    """Return the jobs of a workplace, each as recorded at its end."""
    found = (json.loads(path.read_text()) for path in sorted(folder.glob("*.json")))
    return [
        Job(about.pop("script"), **{what: set(names) for what, names in about.items()})
        for about in found
    ]
