"""What the jobs of a workplace load, told by themselves rather than by their imports' text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path


def environment(folder: Path) -> dict[str, str]:
    """The environment in which jobs note what they load, in `folder`, which is made."""
    folder.mkdir(exist_ok=True)
    return {"PYTHONPATH": str(Path(__file__).parent), "WITNESS": str(folder)}


def noted(folder: Path) -> Iterator[tuple[str, set[str]]]:
    """For each job, the name of its script and all modules that it had loaded at its end."""
    for path in sorted(folder.glob("*.json")):
        about = json.loads(path.read_text())
        yield about["script"], set(about["modules"])
