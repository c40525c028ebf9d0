"""How many pictures of each class are recognised, and of all: the panels beside the clouds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels.curve import Curve
from epochreel.drawing.panels.heading import heading
from epochreel.experiments.activations import classes, colours, labels

_SIZE, _PITCH = 27.0, (32.0, 56.0)  # of text; the least and the largest distance of two rows
_GAP, _NARROWEST = 32.0, 240.0  # between two columns; their least width


class Legend:
    """The classes, their colours, and the fraction of each that is recognised, as bars.

    Of more classes than there is room for, the first of `shown` are drawn.
    """

    def __init__(self, run_info: RunInfo, shown: Sequence[int]):
        self._names, self._shown = classes.names(run_info.data), np.asarray(shown)

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading and the empty bars."""
        note = "A full bar: all of them" if canvas.height > 300 else None
        self._canvas = heading(canvas, "Pictures recognised, by kind", note)
        wide, high = self._canvas.width, self._canvas.height
        rows = max(int(high / _PITCH[0]), 1)
        most = max(int((wide + _GAP) / (_NARROWEST + _GAP)), 1)
        columns = min(-(-len(self._shown) // rows), most)  # rounded up
        self._shown = self._shown[: rows * columns]
        self._rows = -(-len(self._shown) // columns)  # rounded up
        self._pitch = min(high / self._rows, _PITCH[1])
        self._wide = (wide - _GAP * (columns - 1)) / columns
        size = self._size = min(_SIZE, 0.8 * self._pitch)
        measured = [canvas.measure(self._names[label], size, "bold") for label in self._shown]
        self._room = min(max(measured), 0.5 * self._wide)
        self._words = {
            label: labels.cut(canvas, self._names[label], size, "bold", self._room)
            for label in self._shown
        }
        self._colours = colours.of_classes(canvas.palette, len(self._names)).tolist()

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the names and the bars."""
        canvas, palette = self._canvas, self._canvas.palette
        named = labels.named(frame_data.sentence, self._names)
        left, high = self._room + 14, min(0.62 * self._pitch, 28.0)
        for number, label in enumerate(self._shown):
            column, row = divmod(number, self._rows)
            x, y = column * (self._wide + _GAP), (row + 0.5) * self._pitch
            weight = "bold" if label in named else "regular"
            style = {"weight": weight, "middle": True, "fit": self._room}
            canvas.text(x, y, self._words[label], self._size, palette.ink, **style)
            share = frame_data.history.get(f"accuracy_of_{label}")
            bar = self._wide - left
            canvas.fill(x + left, y - high / 2, bar, high, palette.slot)
            if share is not None and share[-1] > 0:
                colour = tuple(self._colours[label])
                canvas.fill(x + left, y - high / 2, bar * float(share[-1]), high, colour)
            if label in named:
                canvas.frame(x + left, y - high / 2, bar, high, palette.ink, 4)


class _Curve(Curve):
    """A curve whose second line is a broad band, visible where the first one covers it."""

    def draw_line(self, canvas: Canvas, parts: Sequence[np.ndarray], number: int) -> None:
        """Draw the second line as a band, others as usual."""
        if number == 1:
            for points in parts:
                canvas.line(points, canvas.palette.quiet, 12)
        else:
            super().draw_line(canvas, parts, number)


class AccuracyCurve:
    """The accuracy on the test set, and on the training sample if there is one."""

    def __init__(self, run_info: RunInfo):
        both = {"accuracy": "new pictures", "train_accuracy": "practice pictures"}
        self._alone, self._both = (
            _Curve(run_info, metric, "Pictures recognised") for metric in ("accuracy", both)
        )

    def draw_static(self, canvas: Canvas) -> None:
        """Draw nothing: the number of lines depends on the evaluations."""

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the axes and lines."""
        curve = self._both if "train_accuracy" in frame_data.history else self._alone
        curve.draw_static(canvas)
        if "practice pictures" in frame_data.sentence:
            canvas.rule(0, 38, canvas.width, 38, canvas.palette.ink, 5)
        curve.draw(canvas, frame_data)
