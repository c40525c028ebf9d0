"""A table of metrics: at the start, now, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from epochreel.drawing.amounts import amount
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.panels.layout import NOTE, TEXT, shortened
from epochreel.drawing.panels.metrics import (
    families,
    is_lower_better,
    label,
    matching,
    measured,
    metrics_of,
    unit,
)

_MOST, _LEAST = 68.0, 40.0  # height of a row


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
        self._info, self._title = run_info, title or "Numbers"
        members = {name for names in families(run_info).values() for name in names}
        every = [name for name in metrics_of(run_info) if name not in members]
        self._names = every if metrics is None else matching(run_info, metrics)

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the names and the rules."""
        body = self._canvas = heading(canvas, self._title, "↑ more is better   ↓ less is better")
        colours, head = body.palette, 36.0
        fits = max(int((body.height - head) // _LEAST), 1)
        self._shown = self._names[:fits]
        self._row = min((body.height - head) / max(len(self._shown), 1), _MOST)
        step = min(0.19 * body.width, 190.0)
        self._right = [body.width - step * n for n in (2, 1, 0)]
        self._room, left = step - 14, body.width - 3 * step - 16
        for x, name in zip(self._right, ("start", "now", "best"), strict=True):
            body.text(x, 0.8 * NOTE, name, NOTE, colours.quiet, align="right")
        for number, name in enumerate(self._shown):
            y = head + self._row * number
            body.rule(0, y, body.width, y, colours.hairline)
            arrow = "↓" if is_lower_better(self._info, name) else "↑"
            words = f"{arrow} {label(self._info, name)}"
            text = shortened(body, words, TEXT, left)
            body.text(0, y + self._row / 2, text, TEXT, middle=True)
        self._head = head

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the values."""
        body, count = self._canvas, frame_data.predictions.num_rows
        for number, name in enumerate(self._shown):
            y, history = self._head + self._row * (number + 0.5), measured(frame_data, name)
            known = history[~np.isnan(history)]
            best = np.nanmin if is_lower_better(self._info, name) else np.nanmax
            values = (
                *(known[:1] if len(known) else [np.nan]),
                history[-1],
                best(known) if len(known) else np.nan,
            )
            for x, value, weight in zip(
                self._right, values, ("regular", "bold", "regular"), strict=True
            ):
                words, style = (
                    amount(float(value), unit(self._info, name), count),
                    {"align": "right", "middle": True},
                )
                colour = body.palette.ink if weight == "bold" else body.palette.quiet
                body.text(x, y, words, TEXT, colour, weight, fit=self._room, **style)
