"""What the settings of a run of words may not be together; the plan asks before any job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def contradictions(
    data: Mapping[str, Any],
    network: Mapping[str, Any],
    figure: Mapping[str, Any],
    film: Mapping[str, Any],
    test: int,
    train_sample: int,
) -> Iterator[tuple[str, str]]:
    """Keys of the run, such as "dataset", and what each holds and may hold, in words.

    The settings are each for themselves in order, defaults filled in; `test` and
    `train_sample` are the numbers of test examples and of training examples tried beside them.
    """
    if data["background"] == "folder" and data["backgrounds"] is None:
        words = "has the background 'folder' and names none; its `backgrounds` may hold a folder"
        yield "dataset", words
