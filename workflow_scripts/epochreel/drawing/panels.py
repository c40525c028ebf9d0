"""Panels for every experiment: the title line, and curves of metrics over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from epochreel.core.amounts import in_a_line, percent
from epochreel.core.errors import UserError
from epochreel.drawing import palette
from epochreel.drawing.canvas import WIDTH, Canvas
from epochreel.drawing.frame import FrameData, RunInfo

MARGIN = 56
"""Left and right margins of the frame."""
TOP, BOTTOM = 196, 1036
"""Upper edge of panels, below the title line and their headings, and their lower edge."""


_TIMES = ("snapshot", "step", "epoch", "examples")
"""The arrays of a history that are not metrics."""


def caption(canvas: Canvas, x: float, title: str, note: str, fit: float, top: float = TOP) -> None:
    """Draw a two-line heading above a panel that begins at `top`: its title and a note."""
    canvas.text(x, top - 46, title, 26, weight="bold", fit=fit)
    canvas.text(x, top - 16, note, 20, palette.QUIET, fit=fit)


def measured(frame_data: FrameData, metric: str) -> np.ndarray:
    """Return a metric at all snapshots so far, (n,); NaN where it is undefined.

    Raises `UserError` if it does not exist.
    """
    try:
        return np.asarray(frame_data.history[metric], float)
    except KeyError:
        available = ", ".join(sorted({*frame_data.history} - {*_TIMES})) or "none"
        raise UserError(
            f"the figure shows the metric '{metric}', but evaluate returns {available}: "
            f"return '{metric}' too (None while it is undefined), or draw other panels"
        ) from None


def label(run_info: RunInfo, metric: str) -> str:
    """Return the label of a metric, such as "Word accuracy"."""
    found = run_info.metrics.get(metric)
    return found.label if found else metric.replace("_", " ")


def group(run_info: RunInfo, metric: str) -> str:
    """Return the heading of a metric's group; its label if it belongs to none."""
    found = run_info.metrics.get(metric)
    return (found.group if found else None) or label(run_info, metric)


_MANY_EPOCHS = 500  # 500.0 is as wide as 999.9


class TitleLine:
    """The title of the film, and the epochs, examples and accuracy so far, in fixed positions.

    If the curves count steps, so does this line. `examples` names the training examples: "pages
    seen".
    """

    def __init__(self, run_info: RunInfo, examples: str = "examples seen"):
        self._title = run_info.title
        self._counts_steps = run_info.time_axis.unit == "steps"
        # The same room for runs of any length; numbers that need more are drawn smaller.
        examples_of_many = f"{_MANY_EPOCHS * run_info.examples_per_epoch:,}"
        self._fields = (
            # widest number, label after it
            ("999,999", "steps") if self._counts_steps else (f"{_MANY_EPOCHS}.0", "epochs"),
            (examples_of_many, examples),
            ("100.0 %", in_a_line(label(run_info, "accuracy"))),
        )

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the title and the labels, from the right edge to the left."""
        self._ends, self._room = [], []
        x = WIDTH - MARGIN
        for widest, label in reversed(self._fields):
            x -= canvas.text(x, 74, label, 24, palette.QUIET, align="right") + 10
            self._ends.insert(0, x)
            self._room.insert(0, canvas.measure(widest, 34, "bold"))
            x -= self._room[0] + 44
        canvas.text(MARGIN, 74, self._title, 38, weight="bold", fit=x - MARGIN)
        canvas.rule(MARGIN, 104, WIDTH - MARGIN, 104, palette.HAIRLINE)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the three numbers, right-aligned at their labels."""
        accuracy = measured(frame_data, "accuracy")[-1]
        numbers = (
            f"{frame_data.step:,}" if self._counts_steps else epochs(frame_data.epoch),
            f"{frame_data.examples:,}",
            percent(accuracy),
        )
        for x, room, number in zip(self._ends, self._room, numbers, strict=True):
            canvas.text(x, 74, number, 34, weight="bold", align="right", fit=room)


def epochs(number: float) -> str:
    """Format a number of epochs: "0.20", "9.80", "10.0"; the width stays the same up to 99.9."""
    tenths = round(number, 2) >= 10
    return f"{number:,.{1 if tenths else 2}f}"


SHARES = {0.0: "0", 0.5: "50 %", 1.0: "100 %"}
"""Labels of an axis of fractions, 0 … 1."""


class Curve:
    """One or two metrics up to the current snapshot, on the time axis of `run_info`.

    `place` is (x, y, width, height) of the panel without its heading. The labels of the values lie
    inside it on the left, those of the time below it. `title` is the heading: by default the
    metric's label, or the group of two metrics. `metric` is the name of a metric, or two names,
    which may be mapped to the names in the legend (by default their labels). To distinguish the two
    without colour, the first is a thick line that ends in a disc, the second a thin line that ends
    in a ring. `axis` maps values to their labels; it begins at 0 and ends at its largest value.
    Where a metric is undefined, its line has a gap; the disc or ring marks its last defined value.
    """

    _labels = 80.0
    _sample = 40.0

    def __init__(
        self,
        run_info: RunInfo,
        place: tuple[float, float, float, float],
        title: str | None = None,
        metric: str | Sequence[str] | Mapping[str, str] = "accuracy",
        axis: Mapping[float, str] = SHARES,
    ):
        x, self._y, width, self._height = place
        self._x, self._width = x + self._labels, width - self._labels
        self._time, self._axis, self._top = run_info.time_axis, axis, max(axis)
        self._lines = _legend(run_info, metric)
        self._title = _heading(run_info, metric) if title is None else title
        if len(self._lines) > 2:
            raise ValueError(f"a curve shows at most 2 metrics, not {len(self._lines)}")

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the legend, the axis of values, and the name of the time axis."""
        x, right, foot = self._x, self._x + self._width, self._y + self._height
        free = self._draw_legend(canvas)
        left = x - self._labels
        canvas.text(left, self._y - 24, self._title, 26, weight="bold", fit=free - left)
        for value, label in self._axis.items():
            level = self._level(value)
            canvas.rule(x, level, right, level, palette.HAIRLINE)
            canvas.text(x - 18, level, label, 20, palette.QUIET, align="right", middle=True)
        # The name of the time axis, left of its first label.
        gap = max(18, canvas.measure(self._time.first, 20) / 2 + 8)
        style = {"align": "right", "fit": self._labels + 20 - gap}
        canvas.text(x - gap, foot + 32, self._time.name, 20, palette.QUIET, **style)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the ticks of the time axis and the lines so far, and mark the last points."""
        positions = self._time.positions(frame_data.history)
        end = self._time.end_at(positions[-1])
        self._draw_ticks(canvas, end)
        across = self._x + self._width * self._time.shares(positions, end)
        # The first metric is drawn last, on top.
        for number, metric in reversed(list(enumerate(self._lines))):
            values = np.clip(measured(frame_data, metric), 0, self._top)
            points = np.column_stack((across, self._level(values)))
            self._line(canvas, defined_parts(points), number)

    def _draw_ticks(self, canvas: Canvas, end: float) -> None:
        foot = self._y + self._height
        for value, label in self._time.labels(end, self._width, 20):
            across = self._x + self._width * float(self._time.shares(np.float64(value), end))
            canvas.rule(across, foot, across, foot + 7, palette.HAIRLINE)
            canvas.text(across, foot + 32, label, 20, palette.QUIET, align="centre")

    def _level(self, value: float | np.ndarray) -> float | np.ndarray:
        return self._y + self._height * (1 - value / self._top)

    def _line(self, canvas: Canvas, parts: Sequence[np.ndarray], number: int) -> None:
        weight = (3, 1.5)[number]
        for points in parts:
            # A point between two gaps is a dot, larger than the line to be visible.
            canvas.line(thinned(points), palette.INK, weight if len(points) > 1 else weight + 3)
        if parts:
            canvas.disc(*parts[-1][-1], 8, (palette.PAPER, palette.INK)[number])
            canvas.disc(*parts[-1][-1], 6, (palette.RIGHT, palette.PAPER)[number])

    def _draw_legend(self, canvas: Canvas) -> float:
        """Draw the legend from the right; return the x up to which the heading may reach."""
        x, y = self._x + self._width, self._y - 24
        for number, name in reversed(list(enumerate(self._lines.values()))):
            if name:
                x -= canvas.text(x, y, name, 20, palette.QUIET, align="right") + 16
                sample = np.array([(x - self._sample, y - 7), (x, y - 7)])
                self._line(canvas, [sample], number)
                x -= self._sample + 28
        return x


def _legend(
    run_info: RunInfo, metric: str | Sequence[str] | Mapping[str, str]
) -> Mapping[str, str]:
    if isinstance(metric, str):
        return {metric: ""}
    if isinstance(metric, Mapping):
        return metric
    return {name: in_a_line(label(run_info, name)) for name in metric}


def _heading(run_info: RunInfo, metric: str | Sequence[str] | Mapping[str, str]) -> str:
    """Return the label of one metric, marked if lower is better, or the group of two."""
    if not isinstance(metric, str):
        return group(run_info, next(iter(metric)))
    found = run_info.metrics.get(metric)
    is_lower_better = found is not None and found.direction == "lower"
    return label(run_info, metric) + (" (lower is better)" if is_lower_better else "")


def defined_parts(points: np.ndarray) -> list[np.ndarray]:
    """Split a curve (n, 2) where y is NaN; return the parts between, each with at least a point."""
    is_defined = ~np.isnan(points[:, 1])
    starts = np.flatnonzero(np.diff(is_defined, prepend=False))  # of parts and gaps, alternating
    return np.split(points, starts)[1::2]


def thinned(points: np.ndarray, step: float = 0.5) -> np.ndarray:
    """Reduce a curve (n, 2), ordered by x, to at most four points per `step` of x.

    Keeps the first, the lowest, the highest and the last point of each step, so that the outline
    stays the same.
    """
    bins = np.floor(points[:, 0] / step)
    if len(points) < 5 or bins[-1] - bins[0] > len(points):
        return points
    first = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))
    last = np.append(first[1:], len(points)) - 1
    order = np.lexsort((points[:, 1], bins))  # in each step by y, extremes first and last
    keep = np.unique(np.concatenate((first, last, order[first], order[last])))
    return points[keep]
