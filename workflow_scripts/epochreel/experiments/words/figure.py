"""The film of the word reader: where it looks, what it reads, and its progress."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from epochreel.drawing.frame import Panel, RunInfo
from epochreel.drawing.panels import MARGIN, Curve, TitleLine
from epochreel.experiments.words import step_loops as pictures
from epochreel.experiments.words.panels import (
    LEFT_WIDTH,
    SECOND,
    SECOND_WIDTH,
    ConfusionMatrix,
    PositionBars,
    WordStrips,
)

_SPREADS = {0.0: "0", 5.0: "5", 10.0: "10", 15.0: "15 px"}


def panels(run_info: RunInfo) -> list[Panel]:
    """Return the panels of a frame."""
    y, high, half = 924.0, 78.0, (LEFT_WIDTH - 48) / 2
    words = {"accuracy": "words", "letters": "letters"}
    spreads = {"spread_across": "horizontal", "spread_down": "vertical"}
    return [
        TitleLine(run_info, "words seen"),
        WordStrips(run_info),
        ConfusionMatrix(),
        PositionBars(run_info),
        Curve(run_info, (MARGIN, y, half, high), metric=words),
        Curve(run_info, (MARGIN + half + 48, y, half, high), metric=spreads, axis=_SPREADS),
        Curve(run_info, (SECOND, y, SECOND_WIDTH, high), metric="in_order"),
    ]


def loops(run_info: RunInfo, predictions: pa.Table) -> dict[str, list[np.ndarray]]:
    """Return loops that show, step by step, how words are read: pictures, uint8 (H, W, 3), by name.

    "reading" shows the first eight test words, 960 px wide; "word-1" … "word-8" show one each,
    320 px wide. A loop has one picture per step of its longest reading, and one of the result.
    `predictions` holds the rows of a snapshot's evaluation.
    """
    return pictures.draw(run_info, predictions)
