"""Curves of metrics over the time of the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from epochreel.core.amounts import in_a_line
from epochreel.core.errors import UserError
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.time_axis import next_round

_TIMES = ("snapshot", "step", "epoch", "examples")
"""The arrays of a history that are not metrics."""

SHARES = {0.0: "0", 0.5: "50 %", 1.0: "100 %"}
"""Labels of an axis of fractions, 0 … 1."""
_SIZE = 24.0  # of labels


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


class Curve:
    """One or two metrics up to the current snapshot, on the time axis of `run_info`.

    `metric` is the name of a metric, or two names, which may be mapped to the names in the legend
    (by default their labels). `title` is the heading: by default the metric's label, or the group
    of two metrics. To distinguish the two without colour, the first is a thick line that ends in a
    disc, the second a thin line that ends in a ring. `axis` maps values to their labels; it begins
    at 0 and ends at its largest value. By default, fractions have an axis to 100 %; that of other
    metrics ends at the next round number. Where a metric is undefined, its line has a gap; the disc
    or ring marks its last defined value.
    """

    def __init__(
        self,
        run_info: RunInfo,
        metric: str | Sequence[str] | Mapping[str, str] = "accuracy",
        title: str | None = None,
        axis: Mapping[float, str] | None = None,
    ):
        self._time, self._axis = run_info.time_axis, axis
        examples = run_info.nouns.examples
        self._time_name = {  # An epoch is explained where it is used.
            "epochs": f"epochs of {run_info.examples_per_epoch:,} {examples}",
            "steps": "steps",
            "examples": f"{examples} seen",
        }[self._time.unit]
        self._lines = _legend(run_info, metric)
        self._title = _heading(run_info, metric) if title is None else title
        if len(self._lines) > 2:
            raise ValueError(f"a curve shows at most 2 metrics, not {len(self._lines)}")
        units = {run_info.metrics[name].unit for name in self._lines if name in run_info.metrics}
        if axis is None and units == {"%"}:
            self._axis = SHARES

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the legend and the name of the time axis."""
        body = heading(canvas, self._title)
        legend = _SIZE * 1.5 if any(self._lines.values()) else 8
        self._draw_legend(body)
        left, foot = 92.0, 2.8 * _SIZE
        self._plot = (left, legend + 8, body.width - left - 28, body.height - legend - 8 - foot)
        self._canvas = body
        style = {"align": "right", "colour": body.palette.quiet}
        body.text(body.width, body.height - 4, self._time_name, _SIZE, **style)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the axes and the lines so far, and mark the last points."""
        canvas = self._canvas
        x, _, width, _ = self._plot
        values = {name: measured(frame_data, name) for name in self._lines}
        axis = self._axis or _axis_of(np.concatenate([*values.values()]))
        top = max(axis)
        self._draw_levels(canvas, axis)
        positions = self._time.positions(frame_data.history)
        end = self._time.end_at(positions[-1])
        self._draw_ticks(canvas, end)
        across = x + width * self._time.shares(positions, end)
        # The first metric is drawn last, on top.
        for number, metric in reversed(list(enumerate(self._lines))):
            levels = self._level(np.clip(values[metric], 0, top), top)
            self._line(canvas, defined_parts(np.column_stack((across, levels))), number)

    def _draw_levels(self, canvas: Canvas, axis: Mapping[float, str]) -> None:
        x, _, width, _ = self._plot
        for value, name in axis.items():
            level = self._level(value, max(axis))
            canvas.rule(x, level, x + width, level, canvas.palette.hairline)
            style = {"align": "right", "middle": True, "fit": x - 16}
            canvas.text(x - 14, level, name, _SIZE, canvas.palette.quiet, **style)

    def _draw_ticks(self, canvas: Canvas, end: float) -> None:
        x, y, width, height = self._plot
        foot, quiet = y + height, canvas.palette.quiet
        for value, name in self._time.labels(end, width, _SIZE):
            across = x + width * float(self._time.shares(np.float64(value), end))
            canvas.rule(across, foot, across, foot + 7, canvas.palette.hairline)
            canvas.text(across, foot + 1.4 * _SIZE, name, _SIZE, quiet, align="centre")

    def _level(self, value: float | np.ndarray, top: float) -> float | np.ndarray:
        _, y, _, height = self._plot
        return y + height * (1 - value / top)

    def _line(self, canvas: Canvas, parts: Sequence[np.ndarray], number: int) -> None:
        weight, colours = (4, 2)[number], canvas.palette
        for points in parts:
            # A point between two gaps is a dot, larger than the line to be visible.
            canvas.line(thinned(points), colours.ink, weight if len(points) > 1 else weight + 3)
        if parts:
            canvas.disc(*parts[-1][-1], 9, (colours.paper, colours.ink)[number])
            canvas.disc(*parts[-1][-1], 7, (colours.right, colours.paper)[number])

    def _draw_legend(self, canvas: Canvas) -> None:
        x, y, sample = 0.0, _SIZE, 40.0
        for number, name in enumerate(self._lines.values()):
            if name:
                line = np.array([(x, y - 8), (x + sample, y - 8)])
                self._line(canvas, [line], number)
                x += sample + 16
                x += canvas.text(x, y, name, _SIZE, canvas.palette.quiet) + 36


def _axis_of(values: np.ndarray) -> dict[float, str]:
    """Return an axis from 0 to the next round number at or above the largest value."""
    largest = float(np.nanmax(values, initial=0.0))
    power = 10.0 ** np.floor(np.log10(largest)) if largest > 0 else 1.0
    end = next_round(largest / power) * power
    return {0.0: "0", end / 2: f"{end / 2:,.4g}", end: f"{end:,.4g}"}


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
