"""The closing picture of a film: what the network learned, and what it still gets wrong.

It is drawn for laypeople: few words in large type, legible at a width of 640 px.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from epochreel.core import seeding
from epochreel.core.errors import raise_wrong_result, single_line
from epochreel.drawing import palette
from epochreel.drawing.canvas import WIDTH, Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels import MARGIN, defined_parts, percent, thinned
from epochreel.experiment_api.interface import Metric

_MANY = 10_000
"""The number of test results from which a percentage is shown with a decimal.

With fewer, the decimal would be noise: even for a fraction of 10,000 results, the standard error is
up to 0.5 %.
"""
_MOST_METRICS = 3
_CURVE = (1270.0, 250.0, WIDTH - MARGIN - 1270.0, 330.0)  # x, y, width, height
_LEFT_WIDTH = _CURVE[0] - MARGIN - 90
_RULE = 690.0
_MOST_SENTENCES = 4
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


def amount(value: float, unit: str | None, count: int) -> str:
    """Format a metric's value, computed from `count` results, without false precision."""
    if unit == "%":
        whole = round(100 * value)
        is_exact = value in (0, 1)  # Otherwise 0 % and 100 % would not be true.
        return f"{whole} %" if is_exact or (count < _MANY and 0 < whole < 100) else percent(value)
    if value == 0 or abs(value) >= 100:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.{2 - math.floor(math.log10(abs(value)))}f}"  # three digits
    return f"{text} {unit}" if unit else text


def mistakes(figure: ModuleType, run_info: RunInfo, frame_data: FrameData) -> list[str] | None:
    """Return sentences about what the network still gets wrong; [] if nothing, None if unknown.

    They come from `figure.mistakes(run_info, frame_data)` if the experiment defines it, otherwise
    from the accuracy. Raises `UserError` unless the function returns a list of sentences.
    """
    if not hasattr(figure, "mistakes"):
        return _from_accuracy(frame_data)
    seeding.seed_all(0)
    found, source = figure.mistakes(run_info, frame_data), f"{figure.__file__}: mistakes"
    expected = f"a list of at most {_MOST_SENTENCES} sentences, empty if there are no mistakes"
    if isinstance(found, str | Mapping) or not isinstance(found, Iterable):
        raise_wrong_result(source, found, expected)
    sentences = list(found)
    if len(sentences) > _MOST_SENTENCES:
        raise_wrong_result(source, sentences, expected)
    for sentence in sentences:
        if not isinstance(sentence, str) or not sentence.strip():
            raise_wrong_result(source, sentence, expected)
    return [single_line(sentence) for sentence in sentences]


def _from_accuracy(frame_data: FrameData) -> list[str] | None:
    accuracy = float(frame_data.history.get("accuracy", [math.nan])[-1])
    if math.isnan(accuracy):
        return None
    share = amount(1 - accuracy, "%", frame_data.predictions.num_rows)
    return [] if accuracy == 1 else [f"It is wrong in {share} of cases."]


def draw(
    run_info: RunInfo,
    frame_data: FrameData,
    names: Iterable[str],
    sentences: Sequence[str] | None,
) -> np.ndarray:
    """Draw the picture, uint8 (H, W, 3).

    `names` are the metrics that it shows, the most important first; `sentences` are as `mistakes`
    returns them.
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
