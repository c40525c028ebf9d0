"""What the settings of a run of words may not be together; the plan asks before any job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def contradictions(asked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of the run, such as "dataset", and what each holds and may hold, in words.

    `asked` holds what `epochreel.experiment_api.validation.contradictions` says.
    """
    data = asked["data"]
    if data["background"] == "folder" and data["backgrounds"] is None:
        words = "has the background 'folder' and names none; its `backgrounds` may hold a folder"
        yield "dataset", words
