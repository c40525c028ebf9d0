"""Bars of the metrics of a family, or of a mean per class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from epochreel.core.amounts import amount
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels import columns
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.panels.layout import TEXT, round_end, shortened
from epochreel.drawing.panels.metric_values import families, group, label, matching, measured, unit

_ROW, _LEAST = 64.0, 30.0  # height of a row: at most and at least


class MetricBars:
    """A bar for each metric of a family, or for the mean of a column in each class.

    `metrics` is a pattern such as `accuracy_of_*` or a list of names; by default the first family.
    With `column`, the bars are means of that column of numbers by the class in the column `by`;
    without a family, they are the shares of test examples that are right, by class. Fractions have
    an axis to 100 %; other axes end at the next round number. More bars than fit with their names
    are drawn without.
    """

    def __init__(
        self,
        run_info: RunInfo,
        metrics: str | Sequence[str] | None = None,
        column: str | None = None,
        by: str | None = None,
        title: str | None = None,
    ):
        self._info, self._column = run_info, column
        known = families(run_info)
        if metrics is None and column is None and by is None and known:
            metrics = next(iter(known.values()))
        self._names = None
        if metrics is not None:
            self._names = matching(run_info, metrics)
            self._labels = _class_names(run_info, self._names)
            self._unit = unit(run_info, self._names[0])
            self._title = title or group(run_info, self._names[0])
            return
        self._unit = None
        if column is None:
            self._answers = columns.Answers(run_info, by, None)
            self._unit, self._title = "%", title or "Accuracy by class"
        else:
            self._column = columns.find(
                run_info, "column", column, (), columns.is_number, is_strict=True
            )
            self._answers = columns.Answers(run_info, by, by)
            self._title = title or f"{column.replace('_', ' ')[:60]} by class"
        self._labels = self._answers.names

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the names and the empty bars."""
        body = self._canvas = heading(canvas, self._title)
        count = len(self._labels)
        self._is_named = body.height / count >= _LEAST
        if self._is_named:
            self._row = min(body.height / count, _ROW)
            self._left = min(
                max(body.measure(name, TEXT) for name in self._labels) + 18, 0.42 * body.width
            )
            self._right = 130.0
            for number, name in enumerate(self._labels):
                y = self._row * (number + 0.5)
                text = shortened(body, name, TEXT, self._left - 16)
                body.text(self._left - 16, y, text, TEXT, align="right", middle=True)
        else:
            pitch = body.width / count
            x = pitch * np.arange(count)
            high = body.height - 40
            wide = max(pitch - (4 if pitch > 12 else 0), 1 / body.scale)
            self._bars = body.bars(x, np.zeros(count), wide, high)
            quiet = body.palette.quiet
            body.text(
                0, body.height - 6, f"{count:,} classes, from the first to the last", 24, quiet
            )

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Fill the bars."""
        values = self._values(frame_data)
        top = 1.0 if self._unit == "%" else round_end(values) or 1.0
        if not self._is_named:
            self._canvas.fill_bars(self._bars, values / top)
            return
        body, count = self._canvas, frame_data.predictions.num_rows
        room = body.width - self._left - self._right
        for number, value in enumerate(values):
            y = self._row * number + 0.17 * self._row
            body.fill(self._left, y, room, 0.66 * self._row, body.palette.slot)
            if value > 0:
                wide = room * min(value / top, 1.0)
                body.fill(self._left, y, wide, 0.66 * self._row, body.palette.right)
            words, y = amount(float(value), self._unit, count), self._row * (number + 0.5)
            body.text(body.width, y, words, TEXT, align="right", middle=True, fit=self._right - 14)

    def _values(self, frame_data: FrameData) -> np.ndarray:
        if self._names is not None:
            return np.array([measured(frame_data, name)[-1] for name in self._names])
        truths = self._answers.truths(frame_data)
        if self._column is None:
            numbers = (truths == self._answers.predictions(frame_data)).astype(float)
        else:
            numbers = columns.numbers(self._info, frame_data, self._column)
            numbers = numbers.reshape(len(numbers), -1).mean(1)
        is_known = (truths >= 0) & ~np.isnan(numbers)
        count, total = (
            np.bincount(truths[is_known], weights, len(self._labels))
            for weights in (None, numbers[is_known])
        )
        return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def _class_names(run_info: RunInfo, names: Sequence[str]) -> list[str]:
    """Return a label for each metric; the name of a class where its number ends the name."""
    labels = [label(run_info, name) for name in names]
    numbers = [name.rpartition("_")[2] for name in names]
    truth = columns.guess(run_info, "truth", None, columns.TRUTH, columns.is_class)
    if not truth or not columns.guess(
        run_info, "prediction", None, columns.PREDICTION, columns.is_class
    ):
        return labels
    classes = columns.Answers(run_info, truth, None).names
    if len(classes) == len(names) and sorted(numbers) == sorted(map(str, range(len(names)))):
        return [classes[int(number)] for number in numbers]
    return labels
