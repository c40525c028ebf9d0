"""The film of the word reader: where it looks, what it reads, and its progress."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from epochreel.drawing.frame import RunInfo
from epochreel.drawing.grid import Cell
from epochreel.drawing.panels.curve import Curve
from epochreel.experiments.words import step_loops as pictures
from epochreel.experiments.words.panels import Alphabet, Misread, Words


def panels(run_info: RunInfo) -> list:
    """Return the panels of a frame: words, and the progress next to or below them.

    A square frame has room for the words only.
    """
    words = Words(run_info)
    if run_info.shape == "square":
        return [words]
    curve = Curve(run_info, {"accuracy": "words", "letters": "letters"}, "Read correctly")
    progress = [curve, Cell(Alphabet(), size=1.4, essential=False)]
    return [Cell(words, size=2.2), progress]


def closing(run_info: RunInfo) -> Misread:
    """Return the panel of the closing picture: words that are still misread."""
    return Misread(run_info)


def loops(run_info: RunInfo, predictions: pa.Table) -> dict[str, list[np.ndarray]]:
    """Return loops that show, step by step, how words are read: pictures, uint8 (H, W, 3), by name.

    "reading" shows the first eight test words, 960 px wide; "word-1" … "word-8" show one each,
    320 px wide. A loop has one picture per step of its longest reading, and one of the result.
    `predictions` holds the rows of a snapshot's evaluation.
    """
    return pictures.draw(run_info, predictions)
