"""The film of the word reader: where it looks, what it reads, and how it comes to read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from epochreel.drawing.frame import Panel, RunInfo
from epochreel.drawing.panels import MARGIN, Curve, TitleLine, percent
from epochreel.experiments.words import step_loops as pictures
from epochreel.experiments.words.panels import (
    LEFT_WIDTH,
    SECOND,
    SECOND_WIDTH,
    Confusions,
    PlaceBars,
    WordStrips,
)
from epochreel.film.sentences import progress

_SPREADS = {0.0: "0", 5.0: "5", 10.0: "10", 15.0: "15 px"}


def panels(run_info: RunInfo) -> list[Panel]:
    """The panels of a frame."""
    y, high, half = 924.0, 78.0, (LEFT_WIDTH - 48) / 2
    words = {"accuracy": "words", "letters": "letters"}
    spreads = {"spread_across": "across", "spread_down": "down"}
    return [
        TitleLine(run_info, "words seen", "of words right"),
        WordStrips(run_info),
        Confusions(),
        PlaceBars(),
        Curve(run_info, (MARGIN, y, half, high), "Share read right so far", words),
        Curve(
            run_info,
            (MARGIN + half + 48, y, half, high),
            "Spread of the masks",
            spreads,
            _SPREADS,
        ),
        Curve(
            run_info,
            (SECOND, y, SECOND_WIDTH, high),
            "Looks that move to the right",
            "in_order",
        ),
    ]


def loops(run_info: RunInfo, predictions: pa.Table) -> dict[str, list[np.ndarray]]:
    """Reading, step by step, at one snapshot: loops of pictures, uint8 (H, W, 3), by name.

    "reading" shows the first eight test words together, 960 px wide; "word-1" … "word-8" show one
    each, 320 px wide. A loop has a picture a step, as many as its longest reading takes, and one
    of what was read. `predictions` are the rows of the snapshot's evaluation.
    """
    return pictures.draw(run_info, predictions)


def sentence(numbers: Mapping[str, float], settings: Mapping) -> str:
    """What a snapshot's metrics say, for the captions."""
    said = progress(numbers, "words seen", "words")
    across, down = numbers["spread_across"], numbers["spread_down"]
    letters = percent(numbers["letters"])
    return f"{said}, {letters} of letters; masks spread {across:.1f} px across, {down:.1f} px down"
