"""A table of metrics: at the start, now, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from epochreel.core.amounts import amount
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.panels.layout import NOTE, TEXT, shortened
from epochreel.drawing.panels.metric_values import (
    families,
    is_lower_better,
    label,
    matching,
    measured,
    metrics_of,
    unit,
)

_MOST, _LEAST = 68.0, 40.0  # height of a row
_STEP, _NAME = 122.0, 230.0  # width of a value and, at least, of the names


class MetricTable:
    """The first value, the present one and the best so far of each metric.

    `metrics` are names or patterns; by default all but those of families. Metrics for which there
    is no room are left out. An arrow says which values are better.
    """

    def __init__(
        self,
        run_info: RunInfo,
        metrics: str | Sequence[str] | None = None,
        title: str | None = None,
    ):
        self._info, self._title = run_info, title or "Metrics"
        members = {name for names in families(run_info).values() for name in names}
        every = [name for name in metrics_of(run_info) if name not in members]
        self._names = every if metrics is None else matching(run_info, metrics)

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the names and the rules."""
        body = self._canvas = heading(canvas, self._title, "↑ higher is better · ↓ lower is better")
        colours, head = body.palette, 36.0
        fits = max(int((body.height - head) // _LEAST), 1)
        self._shown = self._names[:fits]
        self._row = min((body.height - head) / max(len(self._shown), 1), _MOST)
        # Narrow panels show fewer values, never smaller ones.
        self._values = ("start", "now", "best")[: 3 if body.width >= 3 * _STEP + _NAME else 2]
        left = body.width - len(self._values) * _STEP
        self._right = [left + _STEP * n for n in range(1, len(self._values) + 1)]
        for x, name in zip(self._right, self._values, strict=True):
            body.text(x, 0.8 * NOTE, name, NOTE, colours.quiet, align="right")
        for number, name in enumerate(self._shown):
            y = head + self._row * number
            body.rule(0, y, body.width, y, colours.hairline)
            arrow = "↓" if is_lower_better(self._info, name) else "↑"
            measure = unit(self._info, name)
            words = f"{arrow} {label(self._info, name)}"
            words += f" ({measure})" if measure not in (None, "%") else ""
            text = shortened(body, words, TEXT, left)
            body.text(0, y + self._row / 2, text, TEXT, middle=True)
        self._head = head

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the values."""
        body, count = self._canvas, frame_data.predictions.num_rows
        for number, name in enumerate(self._shown):
            y, history = self._head + self._row * (number + 0.5), measured(frame_data, name)
            known = history[~np.isnan(history)]
            best = np.min if is_lower_better(self._info, name) else np.max
            values = {
                "start": known[0] if len(known) else np.nan,
                "now": history[-1],
                "best": best(known) if len(known) else np.nan,
            }
            shown = "%" if unit(self._info, name) == "%" else None  # Others stand in the name.
            for x, which in zip(self._right, self._values, strict=True):
                words = amount(float(values[which]), shown, count)
                weight = "bold" if which == "now" else "regular"
                colour = body.palette.ink if which == "now" else body.palette.quiet
                style = {"align": "right", "middle": True, "fit": _STEP - 14}
                body.text(x, y, words, TEXT, colour, weight, **style)
