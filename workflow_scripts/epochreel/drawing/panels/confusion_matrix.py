"""Confusion matrix: which classes the network mistakes for which."""

from __future__ import annotations

import numpy as np

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels import columns
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.panels.layout import NOTE, TEXT, draw_picture, shades, shortened

_LABEL = 29.0  # height of a row from which it has a label
_NUMBER = 56.0  # side of a cell from which it has a number


class ConfusionMatrix:
    """The share of each class that is predicted as each class; row 0 on top.

    The diagonal, where the network is right, is blue, everything else vermilion: the darker, the
    larger the share. `truth` and `prediction` are columns of classes. Cells of many classes have no
    labels. A class without test examples has an empty row.
    """

    def __init__(
        self,
        run_info: RunInfo,
        truth: str | None = None,
        prediction: str | None = None,
        title: str | None = None,
    ):
        self._answers = columns.Answers(run_info, truth, prediction)
        self._title = title or "What is mistaken for what"

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading and the names of the classes."""
        body = heading(canvas, self._title)
        names, count = self._answers.names, len(self._answers.names)
        top, foot = 44.0, 8.0
        room = body.height - top - foot
        is_named = room / count >= _LABEL
        words = max((body.measure(name, TEXT) for name in names), default=0.0)
        left = min(words + 18, 0.34 * body.width) if is_named else 0.0
        side = min(room, body.width - left)
        cell = side / count
        widths = [body.measure(name, NOTE) for name in names]
        fits = is_named and max(widths) <= cell - 4
        quiet, base = body.palette.quiet, 0.8 * NOTE
        if is_named:
            body.text(left - 16, base, "is", NOTE, quiet, align="right")
            body.text(left, base, "predicted as →", NOTE, quiet, fit=body.width - left)
        else:
            text = f"↓ is one of {count:,} · → predicted as"
            body.text(0, base, text, NOTE, quiet, fit=body.width)
        if fits:
            top += 30
            side = min(side, body.height - top - foot)
            cell = side / count
            for number, name in enumerate(names):
                body.text(left + cell * (number + 0.5), top - 10, name, NOTE, align="centre")
        if is_named:
            for number, name in enumerate(names):
                text, y = shortened(body, name, TEXT, left - 16), top + cell * (number + 0.5)
                body.text(left - 16, y, text, TEXT, align="right", middle=True)
        self._canvas, self._place, self._cell = body, (left, top, side, side), cell

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the shares."""
        shares, body = self._shares(frame_data), self._canvas
        colours = body.palette
        steps = np.linspace(0, 1, 256) ** 0.7  # Small shares stay visible.
        wrong, right = (
            shades(steps, full, colours.slot) for full in (colours.wrong, colours.right)
        )
        levels, index = np.rint(255 * shares).astype(np.uint8), np.arange(len(shares))
        pixels = wrong[levels]
        pixels[index, index] = right[levels.diagonal()]
        draw_picture(body, *self._place, pixels)
        left, top, side, _ = self._place
        if self._cell >= 12:
            for number in range(len(shares) + 1):
                at = self._cell * number
                body.rule(left, top + at, left + side, top + at, colours.paper, 2)
                body.rule(left + at, top, left + at, top + side, colours.paper, 2)
        if self._cell >= _NUMBER:
            for row, column in np.argwhere(shares >= 0.005):
                share = shares[row, column]
                colour = colours.paper if share > 0.4 else colours.ink
                x, y = left + self._cell * (column + 0.5), top + self._cell * (row + 0.5)
                words = f"{round(100 * share)}" + (" %" if self._cell > 90 else "")
                body.text(x, y, words, NOTE, colour, align="centre", middle=True)

    def _shares(self, frame_data: FrameData) -> np.ndarray:
        """Return the share of each true class (rows) for each prediction; 0 without examples."""
        truths = self._answers.truths(frame_data)
        said, count = self._answers.predictions(frame_data), len(self._answers.names)
        total = np.bincount(truths[truths >= 0], minlength=count)[:, None]
        is_known = (truths >= 0) & (said >= 0)
        pairs = truths[is_known].astype(np.int64) * count + said[is_known]
        counts = np.bincount(pairs, minlength=count * count).reshape(count, count)
        return np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
