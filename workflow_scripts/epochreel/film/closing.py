"""The closing picture of a film: what the network learned, and what it still gets wrong.

It is drawn for laypeople: few words in large type, legible at a width of 640 px.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from epochreel.core.amounts import amount
from epochreel.drawing.canvas import LINE, Canvas
from epochreel.drawing.frame import FrameData, Panel, RunInfo
from epochreel.drawing.header import MARGIN, draw_band
from epochreel.drawing.palette import Colour
from epochreel.drawing.panels.curve import defined_parts, thinned
from epochreel.experiment_api.interface import Metric

_MOST_METRICS = 3
_TOP = 96.0  # of the area below the title
_NOTE = 32.0  # size of notes
_GAIN = 0.6  # of the width, or of the height if the frame is not wide
_LOWEST = 170.0  # height of a curve, and of a metric in large type
_SENTENCES = 0.4  # of the height: the most that the mistakes may take
_TITLE = 44.0  # size of the heading of the mistakes
_PAD = 30.0  # above and below the mistakes


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
    panel: Panel | None = None,
) -> np.ndarray:
    """Draw the picture, uint8 (H, W, 3).

    `names` are the metrics that it shows, the most important first; `sentences` say what is
    still wrong: none if nothing is, None if that is unknown. `panel` takes the place of the curve.
    """
    theme = run_info.theme
    canvas = Canvas(*run_info.size, theme.palette, theme.units)
    width, is_wide = canvas.width - 2 * MARGIN, run_info.shape == "wide"
    canvas.text(MARGIN, 66, run_info.title, 34, weight="bold", fit=width)
    foot = canvas.height - MARGIN / 2
    if sentences is not None:
        foot = _draw_mistakes(canvas, sentences) - MARGIN / 2
    found = gains(run_info, frame_data, names)
    if found:
        body = canvas.region(MARGIN, _TOP, width, foot - _TOP)
        x, y = (_GAIN * width, 0.0) if is_wide else (0.0, _GAIN * body.height)
        curve = body.region(x, y, body.width - x, body.height - y)
        if panel is not None:
            panel.draw_static(curve)
            panel.draw(curve, frame_data)
        elif curve.height >= _LOWEST:
            _draw_curve(curve, found[0], frame_data.history["step"])
        else:
            y = body.height
        seen = f"after {frame_data.examples:,} {run_info.nouns.examples}"
        left = body.region(0, 0, x - MARGIN if is_wide else width, y or body.height)
        _draw_gains(left, found, seen)
    return canvas.pixels


def _draw_gains(canvas: Canvas, found: Sequence[Gain], seen: str) -> None:
    """Draw the first and the last value of a metric, in large type, and the other metrics."""
    gain, quiet = found[0], canvas.palette.quiet
    free = canvas.height - _LOWEST - 2.4 * _NOTE  # for the other metrics, as far as they fit
    found = found[: max(int(free / (1.5 * _NOTE)), 0) + 1]
    foot = canvas.height - 1.5 * _NOTE * (len(found) - 1)
    for number, other in enumerate(found[1:]):
        text = f"{_name(other.metric)}: {other.first} → {other.last}"
        canvas.text(0, foot + 1.5 * _NOTE * number + _NOTE, text, _NOTE, fit=canvas.width)
    canvas.text(0, 52, _name(gain.metric), 44, fit=canvas.width)
    # Between the name and the notes, so large that the capitals fill most of the room.
    room = foot - 2.4 * _NOTE - 60
    last = min(190.0, max(room, 1.4 * _NOTE))
    parts, gap = (gain.first, "→", gain.last), 0.24 * last
    sizes, weights = (0.65 * last, 0.65 * last, last), ("regular", "regular", "bold")
    wide = sum(map(canvas.measure, parts, sizes, weights)) + 2 * gap
    scale, x, starts = min(1.0, canvas.width / wide), 0.0, []
    base = 60 + room / 2 + 0.4 * last * scale
    strong = canvas.palette.right if gain.is_better else canvas.palette.ink
    for text, size, colour, weight in zip(
        parts, sizes, (quiet, quiet, strong), weights, strict=True
    ):
        starts.append(x)
        x += canvas.text(x, base, text, size * scale, colour, weight) + gap * scale
    note = base + 1.6 * _NOTE
    start = 0.0
    if gain.is_from_start:
        start = canvas.text(starts[0], note, "before practice", _NOTE, quiet) + _NOTE
    # Below the last value, or further to the left if there is too little room.
    start = max(start, min(starts[2], canvas.width - canvas.measure(seen, _NOTE)))
    canvas.text(start, note, seen, _NOTE, quiet, fit=canvas.width - start)


def _name(metric: Metric) -> str:
    return (metric.plain or metric.label) + " (lower is better)" * (metric.direction == "lower")


def _draw_curve(canvas: Canvas, gain: Gain, steps: np.ndarray) -> None:
    """Draw all values over the training steps; the axis is 0 to 100 %, or their range."""
    palette, is_share, radius = canvas.palette, gain.metric.unit == "%", 14.0
    x, y, foot = radius, 1.6 * _NOTE, 1.4 * _NOTE
    width, height = canvas.width - 2 * radius, canvas.height - y - foot - radius
    low, high = (0.0, 1.0) if is_share else (np.nanmin(gain.values), np.nanmax(gain.values))
    levels = y + height * (high - gain.values) / ((high - low) or 1.0)
    points = np.column_stack((x + width * steps / max(steps[-1], 1), levels))
    canvas.rule(x, y + height, x + width, y + height, palette.hairline, 3)
    if is_share:
        canvas.rule(x, y, x + width, y, palette.hairline, 3)
        canvas.text(x, y - 14, "100 %", _NOTE, palette.quiet)
    for part in defined_parts(points):
        canvas.line(thinned(part), palette.right, 8)
    canvas.disc(*points[-1], radius, palette.right)
    label = y + height + 1.3 * _NOTE
    canvas.text(x, label, "start", _NOTE, palette.quiet)
    canvas.text(x + width, label, "end", _NOTE, palette.quiet, align="right")


def _draw_mistakes(canvas: Canvas, sentences: Sequence[str]) -> float:
    """Draw the sentences at the foot, on a band like that of a frame; return its top."""
    if not sentences:
        done = "It makes no more mistakes on the examples that it is tested on."
        return _draw_band(canvas, done, [], canvas.palette.right)
    return _draw_band(canvas, "What it still gets wrong", sentences, canvas.palette.wrong)


def _draw_band(canvas: Canvas, title: str, sentences: Sequence[str], colour: Colour) -> float:
    width = canvas.width - 2 * MARGIN
    heading = LINE * _TITLE * len(canvas.wrap(title, _TITLE, width, "bold"))
    room = _SENTENCES * canvas.height - 2 * _PAD - heading
    text, gap = "\n".join(sentences), 1.3 * _PAD  # to the right of a mark
    size, lines = canvas.fit_text(text, _TITLE, width - gap, height=room)
    high = heading + 2 * _PAD + (LINE * size * len(lines) if sentences else 0)
    top = canvas.height - MARGIN / 2 - high
    draw_band(canvas, top, high, colour)
    canvas.paragraph(MARGIN, top + _PAD + _TITLE, title, _TITLE, width, weight="bold")
    y = top + _PAD + heading + size
    for sentence in sentences:
        canvas.marks([MARGIN + 9], [y - 0.36 * size], 9, colour, "square")
        y += canvas.paragraph(MARGIN + gap, y, sentence, size, width - gap)
    return top
