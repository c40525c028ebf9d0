"""The closing picture of a film: what the network learned, and what it still gets wrong.

It is drawn for laypeople: few words in large type, legible at a width of 640 px.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from epochreel.core.amounts import amount
from epochreel.drawing import palette
from epochreel.drawing.canvas import WIDTH, Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels import MARGIN, defined_parts, thinned
from epochreel.experiment_api.interface import Metric

_MOST_METRICS = 3
_CURVE = (1270.0, 250.0, WIDTH - MARGIN - 1270.0, 330.0)  # x, y, width, height
_LEFT_WIDTH = _CURVE[0] - MARGIN - 90
_RULE = 690.0
_SIZES = (52, 46, 40, 34, 30, 24, 20)  # of the sentences; the last two only for very long ones
_FOOT = 1020.0


@dataclass(frozen=True)
class Gain:
    """A metric from its first defined value to its value at the last snapshot.

    `values` (n,) are those at all snapshots, NaN where undefined.
    """

    metric: Metric
    values: np.ndarray
    first: str
    last: str
    is_from_start: bool  # the first value is the untrained network's
    is_better: bool  # the last value is better than the first


def gains(run_info: RunInfo, frame_data: FrameData, names: Iterable[str]) -> list[Gain]:
    """Return the gains to show: of the metrics `names` that are defined at the last snapshot."""
    history, found = frame_data.history, []
    for name in names:
        values = np.asarray(history[name], float)
        if not math.isnan(values[-1]):
            metric, first = run_info.metrics[name], int(np.argmin(np.isnan(values)))
            shown = [
                amount(float(values[k]), metric.unit, frame_data.predictions.num_rows)
                for k in (first, -1)
            ]
            grown = values[-1] - values[first]
            is_better = grown > 0 if metric.direction == "higher" else grown < 0
            found.append(Gain(metric, values, *shown, first == 0, bool(is_better)))
    return found[:_MOST_METRICS]


def draw(
    run_info: RunInfo,
    frame_data: FrameData,
    names: Iterable[str],
    sentences: Sequence[str] | None,
) -> np.ndarray:
    """Draw the picture, uint8 (H, W, 3).

    `names` are the metrics that it shows, the most important first; `sentences` say what is
    still wrong: none if nothing is, None if that is unknown.
    """
    canvas = Canvas(*run_info.size)
    canvas.text(MARGIN, 92, run_info.title, 50, weight="bold", fit=WIDTH - 2 * MARGIN)
    canvas.rule(MARGIN, 130, WIDTH - MARGIN, 130, palette.HAIRLINE)
    found = gains(run_info, frame_data, names)
    if found:
        _draw_gain(canvas, found[0], frame_data.examples, len(found) - 1)
        _draw_curve(canvas, found[0], frame_data.history["step"])
        for number, gain in enumerate(found[1:]):
            text = f"{_name(gain.metric)}: {gain.first} → {gain.last}"
            canvas.text(MARGIN, 610 + 56 * number, text, 40, fit=_LEFT_WIDTH)
    if sentences is not None:
        _draw_mistakes(canvas, sentences)
    return canvas.pixels


def _draw_gain(canvas: Canvas, gain: Gain, examples: int, others: int) -> None:
    """Draw the first and the last value of a metric, in large type, and the training examples."""
    base = 470 if others < 2 else 430
    canvas.text(MARGIN, 230, _name(gain.metric), 54, fit=_LEFT_WIDTH)
    parts, gap = (gain.first, "→", gain.last), 40.0
    sizes, weights = (110.0, 110.0, 170.0), ("regular", "regular", "bold")
    colours = (palette.QUIET, palette.QUIET, palette.RIGHT if gain.is_better else palette.INK)
    wide = sum(map(canvas.measure, parts, sizes, weights)) + 2 * gap
    scale, x, starts = min(1.0, _LEFT_WIDTH / wide), MARGIN, []
    for text, size, colour, weight in zip(parts, sizes, colours, weights, strict=True):
        starts.append(x)
        x += canvas.text(x, base, text, size * scale, colour, weight) + gap * scale
    if gain.is_from_start:
        canvas.text(starts[0], base + 70, "untrained", 40, palette.QUIET)
    practice = f"after {examples:,} training example{'s' * (examples != 1)}"
    room = max(MARGIN + _LEFT_WIDTH - starts[2], 400)
    canvas.text(starts[2], base + 70, practice, 40, palette.QUIET, fit=room)


def _name(metric: Metric) -> str:
    return (metric.plain or metric.label) + " (lower is better)" * (metric.direction == "lower")


def _draw_curve(canvas: Canvas, gain: Gain, steps: np.ndarray) -> None:
    """Draw all values over the training steps; the axis is 0 to 100 %, or their range."""
    x, y, width, height = _CURVE
    is_share = gain.metric.unit == "%"
    low, high = (0.0, 1.0) if is_share else (np.nanmin(gain.values), np.nanmax(gain.values))
    levels = y + height * (high - gain.values) / ((high - low) or 1.0)
    points = np.column_stack((x + width * steps / max(steps[-1], 1), levels))
    canvas.rule(x, y + height, x + width, y + height, palette.HAIRLINE, 3)
    if is_share:
        canvas.rule(x, y, x + width, y, palette.HAIRLINE, 3)
        canvas.text(x, y - 16, "100 %", 36, palette.QUIET)
    for part in defined_parts(points):
        canvas.line(thinned(part), palette.RIGHT, 8)
    canvas.disc(*points[-1], 14, palette.RIGHT)
    canvas.text(x, y + height + 52, "start", 36, palette.QUIET)
    canvas.text(x + width, y + height + 52, "end", 36, palette.QUIET, align="right")


def _draw_mistakes(canvas: Canvas, sentences: Sequence[str]) -> None:
    """Draw the sentences, wrapped to the width of the picture, as large as possible."""
    canvas.rule(MARGIN, _RULE, WIDTH - MARGIN, _RULE, palette.HAIRLINE)
    if not sentences:
        text = "It no longer makes mistakes on the test examples."
        canvas.text(MARGIN, _RULE + 130, text, 56, palette.RIGHT, "bold")
        return
    top = _RULE + 88
    canvas.text(MARGIN, top, "What it still gets wrong", 50, palette.WRONG, "bold")
    for size in _SIZES:
        lines = [line for text in sentences for line in wrapped(canvas, text, size)]
        if top + 1.5 * size * len(lines) <= _FOOT:
            break
    for number, line in enumerate(lines, 1):
        canvas.text(MARGIN, top + 1.5 * size * number, line, size, fit=WIDTH - 2 * MARGIN)


def wrapped(canvas: Canvas, text: str, size: float) -> list[str]:
    """Break a sentence between words into lines that fit into the width of the picture."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and canvas.measure(longer, size) > WIDTH - 2 * MARGIN:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
