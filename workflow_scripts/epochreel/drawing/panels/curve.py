"""Curves of metrics over training time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from epochreel.core.amounts import in_a_line
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.panels.layout import round_end
from epochreel.drawing.panels.metric_values import is_lower_better, label, measured, unit
from epochreel.drawing.time_axis import TimeAxis

SHARES = {0.0: "0", 0.5: "50 %", 1.0: "100 %"}
"""Labels of an axis of fractions, 0 … 1."""
_SIZE = 24.0  # of labels
_MOST = 4


def time_name(run_info: RunInfo) -> str:
    """Return the name of the time axis; an epoch is explained where it is used."""
    examples = run_info.nouns.examples
    return {
        "epochs": f"epochs of {run_info.examples_per_epoch:,} {examples}",
        "steps": "steps",
        "examples": f"{examples} seen",
    }[run_info.time_axis.unit]


def draw_time(
    canvas: Canvas, axis: TimeAxis, end: float, plot: tuple[float, float, float, float]
) -> None:
    """Draw the ticks of a time axis that ends at `end` below a plot: x, y, width, height."""
    x, y, width, height = plot
    foot, quiet = y + height, canvas.palette.quiet
    for value, name in axis.labels(end, width, _SIZE):
        across = x + width * float(axis.shares(np.float64(value), end))
        canvas.rule(across, foot, across, foot + 7, canvas.palette.hairline)
        # The last label may be wider than the space on the right of the plot.
        middle = min(across, canvas.width - canvas.measure(name, _SIZE) / 2)
        canvas.text(middle, foot + 1.4 * _SIZE, name, _SIZE, quiet, align="centre")


class Curve:
    """One to four metrics up to the current snapshot, on the time axis of `run_info`.

    `metric` is the name of a metric, or several names, which may be mapped to the names in the
    legend (by default their labels). `title` is the heading: by default the metric's label, or the
    group of several metrics. They can be distinguished without colour: the first is a thick line
    that ends in a disc, the second a thin line that ends in a ring, the third thin with squares,
    the fourth dotted, ending in a square's outline. `axis` maps values to their labels. By default,
    fractions have an axis to 100 %; that of other metrics ends at the next round number, below 0
    too if a value is negative. With `scale` "log", the axis has powers of ten, and values that are
    not above 0 are gaps. Where a metric is undefined, its line has a gap; the mark is at its last
    defined value.
    """

    def __init__(
        self,
        run_info: RunInfo,
        metric: str | Sequence[str] | Mapping[str, str] = "accuracy",
        title: str | None = None,
        axis: Mapping[float, str] | None = None,
        scale: str = "linear",
    ):
        self._time, self._axis, self._scale = run_info.time_axis, axis, scale
        self._time_name = time_name(run_info)
        self._lines = _legend(run_info, metric)
        self._title = _heading(run_info, [*self._lines]) if title is None else title
        if len(self._lines) > _MOST:
            raise ValueError(f"a curve shows at most {_MOST} metrics, not {len(self._lines)}")
        units = {unit(run_info, name) for name in self._lines}
        if axis is None and units == {"%"} and scale == "linear":
            self._axis = SHARES
        self._is_share = units == {"%"}

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the legend and the name of the time axis."""
        body = heading(canvas, self._title)
        legend = self._draw_legend(body)
        left, foot = 92.0, 2.8 * _SIZE
        self._plot = (left, legend + 8, body.width - left - 28, body.height - legend - 8 - foot)
        self._canvas = body
        style = {"align": "right", "colour": body.palette.quiet, "fit": body.width}
        body.text(body.width, body.height - 4, self._time_name, _SIZE, **style)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the axes and the lines so far, and mark the last points."""
        canvas = self._canvas
        x, _, width, _ = self._plot
        values = {name: measured(frame_data, name) for name in self._lines}
        every = np.concatenate([*values.values()])
        axis = self._axis
        if axis is None:
            axis = _powers_of_ten(every, self._is_share) if self._is_log else _axis_of(every)
        self._draw_levels(canvas, axis)
        positions = self._time.positions(frame_data.history)
        end = self._time.end_at(positions[-1])
        draw_time(canvas, self._time, end, self._plot)
        across = x + width * self._time.shares(positions, end)
        # The first metric is drawn last, on top.
        for number, metric in reversed(list(enumerate(self._lines))):
            levels = self._level(values[metric], axis)
            self.draw_line(canvas, defined_parts(np.column_stack((across, levels))), number)

    @property
    def _is_log(self) -> bool:
        return self._scale == "log"

    def _draw_levels(self, canvas: Canvas, axis: Mapping[float, str]) -> None:
        x, _, width, _ = self._plot
        for value, name in axis.items():
            level = float(self._level(np.float64(value), axis))
            canvas.rule(x, level, x + width, level, canvas.palette.hairline)
            style = {"align": "right", "middle": True, "fit": x - 16}
            canvas.text(x - 14, level, name, _SIZE, canvas.palette.quiet, **style)

    def _level(self, values: np.ndarray, axis: Mapping[float, str]) -> np.ndarray:
        """Return the y of values, limited to the axis; NaN where they cannot be shown."""
        _, y, _, height = self._plot
        ends = np.array((min(axis), max(axis)), float)
        if self._is_log:
            values = np.log(np.where(values > 0, values, np.nan))
            ends = np.log(ends)
        low, high = ends
        return y + height * (1 - (np.clip(values, low, high) - low) / (high - low))

    def draw_line(self, canvas: Canvas, parts: Sequence[np.ndarray], number: int) -> None:
        """Draw the line of metric `number` in its parts, (n, 2) each, and mark its end.

        A subclass may draw it in another style.
        """
        weight, colours = (4, 2, 2, 6)[number], canvas.palette
        for points in map(thinned, parts):
            if len(points) == 1:
                # A point between two gaps is a dot, larger than the line to be visible.
                canvas.line(points, colours.ink, weight + 3)
            elif number == 3:
                canvas.marks(*spaced(points, 13.0, most=250).T, 3.5, colours.ink)
            else:
                canvas.line(points, colours.ink, weight)
            if number == 2:
                canvas.marks(*spaced(points, 60.0, most=40).T, 6, colours.ink, "square")
        if parts:
            self._mark(canvas, *parts[-1][-1], number)

    @staticmethod
    def _mark(canvas: Canvas, x: float, y: float, number: int) -> None:
        colours = canvas.palette
        if number < 2:
            canvas.disc(x, y, 9, (colours.paper, colours.ink)[number])
            canvas.disc(x, y, 7, (colours.right, colours.paper)[number])
        else:
            canvas.fill(x - 9, y - 9, 18, 18, colours.ink)
            canvas.fill(x - 6, y - 6, 12, 12, (colours.wrong, colours.paper)[number - 2])

    def _draw_legend(self, canvas: Canvas) -> float:
        """Draw a sample of each line that has a name; return the height of the legend."""
        x, y, sample = 0.0, _SIZE, 52.0
        for number, name in enumerate(self._lines.values()):
            if not name:
                continue
            wide = sample + 16 + canvas.measure(name, _SIZE)
            if x and x + wide > canvas.width:
                x, y = 0.0, y + 1.4 * _SIZE
            line = np.array([(x + 6, y - 8), (x + sample, y - 8)])
            self.draw_line(canvas, [line], number)
            room = canvas.width - x - sample - 16
            quiet = canvas.palette.quiet
            x += sample + 52 + canvas.text(x + sample + 16, y, name, _SIZE, quiet, fit=room)
        return y + 0.5 * _SIZE if any(self._lines.values()) else 8.0


def _axis_of(values: np.ndarray) -> dict[float, str]:
    """Return an axis from 0 to the next round number at or above the largest value.

    If a value is negative, it begins at the next round number below the smallest.
    """
    high, low = (round_end(sign * values) for sign in (1, -1))
    if low and not high:
        ends = (-low, -low / 2, 0.0)
    else:
        ends = (-low, 0.0, high) if low else (0.0, (high or 1.0) / 2, high or 1.0)
    return {value: f"{value:,.4g}" for value in ends}


def _powers_of_ten(values: np.ndarray, is_share: bool) -> dict[float, str]:
    """Return an axis of at most five powers of ten that hold all values above 0."""
    known = values[values > 0]  # without NaN
    ends = (known.min(), known.max()) if len(known) else (0.1, 1.0)
    low, high = math.floor(math.log10(ends[0]) + 1e-9), math.ceil(math.log10(ends[1]) - 1e-9)
    high = max(high, low + 1)
    step = -(-(high - low) // 4)
    powers = [10.0**n for n in sorted({*range(high, low, -step), low})]
    if is_share:
        return {value: f"{100 * value:.4g} %" for value in powers}
    return {value: f"{value:,.10g}" if 1e-4 < value < 1e6 else f"{value:.0e}" for value in powers}


def _legend(
    run_info: RunInfo, metric: str | Sequence[str] | Mapping[str, str]
) -> Mapping[str, str]:
    if isinstance(metric, str):
        return {metric: ""}
    if isinstance(metric, Mapping):
        return metric
    if len(metric) == 1:
        return {metric[0]: ""}
    return {name: in_a_line(label(run_info, name)) for name in metric}


def _heading(run_info: RunInfo, names: Sequence[str]) -> str:
    """Return the label of one metric or the group of several, their unit and direction."""
    groups = [getattr(run_info.metrics.get(name), "group", None) for name in names]
    several = [name for name in groups if name] or [label(run_info, name) for name in names]
    title = label(run_info, names[0]) if len(names) == 1 else ", ".join(dict.fromkeys(several))
    units = {unit(run_info, name) for name in names}
    notes = [name for name in units if name not in (None, "%") and len(units) == 1]
    if all(is_lower_better(run_info, name) for name in names):
        notes.append("lower is better")
    return f"{title} ({', '.join(notes)})" if notes else title


def spaced(points: np.ndarray, step: float, most: int) -> np.ndarray:
    """Return at most `most` points at equal distances along a line (n, 2), `step` apart or more."""
    lengths = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))))
    # Long lines swing up and down: closer marks would only fill an area.
    at = np.arange(0.0, lengths[-1] + 1e-9, max(step, lengths[-1] / (most - 1)))
    return np.column_stack([np.interp(at, lengths, points[:, axis]) for axis in (0, 1)])


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
