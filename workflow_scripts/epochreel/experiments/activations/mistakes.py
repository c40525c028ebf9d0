"""Test pictures that the network gets wrong, for the closing picture."""

from __future__ import annotations

import numpy as np

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.palette import Colour
from epochreel.drawing.panels.heading import heading
from epochreel.experiments.activations import classes, labels
from epochreel.experiments.activations.clouds import classified

_MOST = 6  # pictures
_SIZE, _GAP = 28.0, 24.0  # of text; between pictures
_LINES = 2.5 * _SIZE  # height of the words below a picture


def chosen(truth: np.ndarray, answers: np.ndarray, most: int = _MOST) -> np.ndarray:
    """Return the numbers of at most `most` wrong test images, the most frequent confusions first.

    Each confusion has one image; those of few confusions have more in turn.
    """
    wrong = np.flatnonzero(truth != answers)
    if not len(wrong):
        return wrong
    pairs = np.stack((truth, answers), 1)[wrong]
    _, which, counts = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    which = which.ravel()
    turns = np.array([(which[:k] == pair).sum() for k, pair in enumerate(which)])
    return wrong[np.lexsort((wrong, which, -counts[which], turns))][:most]


class Mistakes:
    """Up to six wrong answers: the picture, the network's answer, and the truth."""

    def __init__(self, run_info: RunInfo):
        self._test, self._names = run_info.test, classes.names(run_info.data)

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading."""
        self._body = heading(canvas, "Pictures that it still gets wrong")

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the pictures and the words below them."""
        truth, answers = classified(frame_data.predictions)
        numbers, body = chosen(truth, answers), self._body
        if not len(numbers):
            body.text(0, 1.5 * _SIZE, "None: it gets all of them right.", _SIZE)
            return
        columns = _columns(body, len(numbers))
        rows = -(-len(numbers) // columns)  # rounded up
        wide, high = (body.width + _GAP) / columns, body.height / rows
        side = max(min(wide - _GAP, high - _LINES - 8), 1)
        for place, number in enumerate(numbers.tolist()):
            row, column = divmod(place, columns)
            x, y = column * wide, row * high
            body.image(x, y, side, side, self._test[number]["image"])
            body.frame(x, y, side, side, body.palette.ink, 3)
            y += side + 1.05 * _SIZE
            answer, true = (self._names[each[number]] for each in (answers, truth))
            self._words(x, y, "says", answer, wide - _GAP, body.palette.wrong)
            self._words(x, y + 1.2 * _SIZE, "is", true, wide - _GAP, body.palette.ink)

    def _words(self, x: float, y: float, verb: str, name: str, room: float, colour: Colour) -> None:
        body, size = self._body, min(_SIZE, self._body.height / 4)
        weight = "bold" if colour == body.palette.wrong else "regular"
        short = labels.cut(body, name, size, weight, room - body.measure(f"{verb} ", size, weight))
        body.text(x, y, f"{verb} {short}", size, colour, weight, fit=room)


def _columns(canvas: Canvas, count: int) -> int:
    """Return how many pictures in a row are largest."""

    def side(columns: int) -> float:
        rows = -(-count // columns)
        return min((canvas.width + _GAP) / columns - _GAP, canvas.height / rows - _LINES - 8)

    return max(range(1, count + 1), key=lambda columns: (round(side(columns)), -columns))
