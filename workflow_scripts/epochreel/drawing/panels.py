"""Panels that every film shares: the title line and the curve of accuracy so far."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from epochreel.core.errors import UserError
from epochreel.drawing import palette
from epochreel.drawing.canvas import WIDTH, Canvas
from epochreel.drawing.frame import FrameData, RunInfo

MARGIN = 56
"""Between the left and right edges of the frame and all that is drawn on it."""
TOP, BOTTOM = 196, 1036
"""Where the panels begin below the title line and their captions, and where they end."""


def caption(canvas: Canvas, x: float, title: str, note: str, fit: float, top: float = TOP) -> None:
    """A heading in two lines above a panel that begins at `top`: what it shows, how to read it."""
    canvas.text(x, top - 46, title, 26, weight="bold", fit=fit)
    canvas.text(x, top - 16, note, 20, palette.QUIET, fit=fit)


def ticks(end: float, most: int = 6) -> np.ndarray:
    """Round numbers from 0 to `end`, at most `most` of them."""
    power = 10.0 ** np.floor(np.log10(end / most))
    # The smallest step of 1, 2 or 5 times a power of ten that leaves few enough.
    step = next(s * power for s in (1, 2, 5, 10, 20) if end / (s * power) <= most - 1)
    return np.arange(int(end / step + 1e-9) + 1) * step  # 1e-9: a quotient may be rounded down


def measured(frame_data: FrameData, metric: str) -> np.ndarray:
    """A metric of all snapshots so far, (n,). Raises `UserError` where evaluations have it not."""
    if metric not in frame_data.history:
        there = ", ".join(sorted(set(frame_data.history) - {"snapshot", "epoch"})) or "none"
        raise UserError(
            f"the figure shows the metric '{metric}', and evaluate returns {there}: "
            f"return '{metric}' too, or draw other panels"
        )
    return np.asarray(frame_data.history[metric], float)


class TitleLine:
    """The film's title; then epochs, examples seen and share right, each at a fixed place."""

    def __init__(self, run_info: RunInfo, examples: str = "examples seen", right: str = "right"):
        self._title = run_info.title
        # Settled for the whole film, so that numbers keep their width.
        self._decimals = 1 if run_info.epochs >= 10 else 2
        most = f"{run_info.epochs * run_info.examples_per_epoch:,.0f}"
        self._fields = (
            # widest number, label after it
            (f"{run_info.epochs:.{self._decimals}f}", "epochs"),
            (most, examples),
            ("100.0 %", right),
        )

    def draw_static(self, canvas: Canvas) -> None:
        """Title and labels, set from the right edge leftwards."""
        self._ends = []
        x = WIDTH - MARGIN
        for widest, label in reversed(self._fields):
            x -= canvas.text(x, 74, label, 24, palette.QUIET, align="right") + 10
            self._ends.insert(0, x)
            x -= canvas.measure(widest, 34, "bold") + 44
        canvas.text(MARGIN, 74, self._title, 38, weight="bold", fit=x - MARGIN)
        canvas.rule(MARGIN, 104, WIDTH - MARGIN, 104, palette.HAIRLINE)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """The three numbers, ending where the widest would."""
        share = measured(frame_data, "accuracy")[-1]
        numbers = (
            f"{frame_data.epoch:.{self._decimals}f}",
            f"{frame_data.examples:,}",
            percent(share),
        )
        for x, number in zip(self._ends, numbers, strict=True):
            canvas.text(x, 74, number, 34, weight="bold", align="right")


def percent(share: float) -> str:
    """A share in percent, to a tenth; "100.0 %" is kept for a share of one, "0.0 %" for none."""
    tenths = round(float(share) * 1000)
    if share < 1:
        tenths = min(tenths, 999)
    if share > 0:
        tenths = max(tenths, 1)
    return f"{tenths // 10}.{tenths % 10} %"


SHARES = {0.0: "0", 0.5: "50 %", 1.0: "100 %"}
"""The labels of an axis of shares."""


class Curve:
    """One or two metrics over the epochs so far, on axes that never move.

    `place` is (x, y, width, height) of the panel without its heading; the labels of the axes lie
    in it to the left and below it. `metric` is a metric, or two with the names that tell them
    apart, also without colour: the first is drawn thick with a disc at its end, the second thin
    with a ring. `axis` labels the values; it begins at 0 and ends at its largest.
    """

    _labels = 80.0
    _sample = 40.0

    def __init__(
        self,
        run_info: RunInfo,
        place: tuple[float, float, float, float],
        title: str,
        metric: str | Mapping[str, str] = "accuracy",
        axis: Mapping[float, str] = SHARES,
    ):
        x, self._y, width, self._height = place
        self._x, self._width = x + self._labels, width - self._labels
        self._epochs, self._title, self._axis = run_info.epochs, title, axis
        self._lines = {metric: ""} if isinstance(metric, str) else metric
        self._top = max(axis)
        if len(self._lines) > 2:
            raise ValueError(f"a curve tells two metrics apart, not {len(self._lines)}")

    def draw_static(self, canvas: Canvas) -> None:
        """Heading, names, axes and their labels."""
        x, right, foot = self._x, self._x + self._width, self._y + self._height
        free = self._name_lines(canvas)
        left = x - self._labels
        canvas.text(left, self._y - 24, self._title, 26, weight="bold", fit=free - left)
        for value, label in self._axis.items():
            level = self._level(value)
            canvas.rule(x, level, right, level, palette.HAIRLINE)
            canvas.text(x - 18, level, label, 20, palette.QUIET, align="right", middle=True)
        for epoch in ticks(self._epochs):
            across = x + self._width * epoch / self._epochs
            canvas.rule(across, foot, across, foot + 7, palette.HAIRLINE)
            canvas.text(across, foot + 32, f"{epoch:g}", 20, palette.QUIET, align="centre")
        canvas.text(x - 18, foot + 32, "epoch", 20, palette.QUIET, align="right")

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """The lines so far and their last points."""
        epochs = np.asarray(frame_data.history["epoch"], float)
        across = self._x + self._width * epochs / self._epochs
        # The first metric is drawn last, on top.
        for number, metric in reversed(list(enumerate(self._lines))):
            values = np.clip(measured(frame_data, metric), 0, self._top)
            points = thinned(np.column_stack((across, self._level(values))))
            self._line(canvas, points, number)

    def _level(self, value: float | np.ndarray) -> float | np.ndarray:
        return self._y + self._height * (1 - value / self._top)

    def _line(self, canvas: Canvas, points: np.ndarray, number: int) -> None:
        canvas.line(points, palette.INK, (3, 1.5)[number])
        canvas.disc(*points[-1], 8, (palette.PAPER, palette.INK)[number])
        canvas.disc(*points[-1], 6, (palette.RIGHT, palette.PAPER)[number])

    def _name_lines(self, canvas: Canvas) -> float:
        """A sample of each line before its name, from the right; returns what is left free."""
        x, y = self._x + self._width, self._y - 24
        for number, name in reversed(list(enumerate(self._lines.values()))):
            if name:
                x -= canvas.text(x, y, name, 20, palette.QUIET, align="right") + 16
                sample = np.array([(x - self._sample, y - 7), (x, y - 7)])
                self._line(canvas, sample, number)
                x -= self._sample + 28
        return x


def thinned(points: np.ndarray, step: float = 0.5) -> np.ndarray:
    """A curve (n, 2), ordered by x, with the same outline and few points for each `step` of x.

    Of the points that share a step the first, the lowest, the highest and the last are kept.
    """
    bins = np.floor(points[:, 0] / step)
    if len(points) < 5 or bins[-1] - bins[0] > len(points):
        return points
    first = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))
    last = np.append(first[1:], len(points)) - 1
    order = np.lexsort((points[:, 1], bins))  # within each step by y: its ends are the extremes
    keep = np.unique(np.concatenate((first, last, order[first], order[last])))
    return points[keep]
