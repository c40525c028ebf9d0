"""The film of the word reader: where it looks, what it reads, and its progress."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase

import numpy as np
import pyarrow as pa

from epochreel.drawing.frame import FrameData, Panel, RunInfo
from epochreel.drawing.panels import MARGIN, Curve, TitleLine, percent
from epochreel.experiments.words import step_loops as pictures
from epochreel.experiments.words.alphabet import END, spelled, text
from epochreel.experiments.words.panels import (
    LEFT_WIDTH,
    SECOND,
    SECOND_WIDTH,
    ConfusionMatrix,
    PositionBars,
    WordStrips,
    steps,
)
from epochreel.film.sentences import confusions, moment, wrong_of

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


def mistakes(run_info: RunInfo, frame_data: FrameData) -> list[str]:
    """Say how many test words are misread, with an example, and which letters are confused."""
    words, read = (steps(frame_data.predictions, name) for name in ("letters", "prediction"))
    pairs = list(zip(map(text, words), map(text, read), strict=True))
    wrong = [(word, answer) for word, answer in pairs if word != answer]
    if not wrong:
        return []
    word, answer = wrong[0]
    sentences = [
        wrong_of(len(wrong), len(words), "test words"),
        f"For example, it reads {word} as {answer or 'an empty word'}.",
    ]
    # Leave out letters that the network takes for the end of the word.
    letters = spelled(words) & (read != END)
    return sentences + confusions(words[letters], read[letters], ascii_uppercase, "letters")[1:]


def sentence(numbers: Mapping[str, float], settings: Mapping) -> str:
    """Describe a snapshot in a sentence, for the captions."""
    words, letters = percent(numbers["accuracy"]), percent(numbers["letters"])
    across, down = numbers["spread_across"], numbers["spread_down"]
    return (
        f"{moment(numbers, 'words')}: {words} of words and {letters} of letters correct; "
        f"mask spread {across:.1f} px horizontally, {down:.1f} px vertically"
    )
