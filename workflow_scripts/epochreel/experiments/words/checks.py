"""Checks that involve several settings of a run, performed while planning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from epochreel.experiments.words.masked_words import MASKED


def contradictions(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield a key of the run, such as "dataset", and an error message for each conflict.

    `settings` is described in `epochreel.experiment_api.validation.contradictions`.
    """
    data = settings["data"]
    if data["background"] == "folder" and data["backgrounds"] is None:
        words = "has background: folder but no backgrounds; expected the path of a folder"
        yield "dataset", words
    for number in settings["examples"] or ():
        if number >= MASKED:
            words = (
                f"contains {number}; expected numbers below {MASKED}: only these words have masks"
            )
            yield "figure.examples", words
