"""The header of a frame: title, progress, and a sentence on what the network has learned."""

from __future__ import annotations

import math

from epochreel.core.amounts import amount, in_a_line
from epochreel.drawing.canvas import LINE, Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.palette import Colour
from epochreel.experiment_api.declared_metrics import main_metric

MARGIN = 56.0
"""Distance of panels and text from the edges of the frame."""
_BAND = 12.0  # height of the band that the sentence leaves free
_SIZE = 48.0  # of the sentence
_GAP = 44.0  # between two numbers
_MANY = 500  # epochs: there is room for the number of their examples, and 500 is as wide as 999


def band(shape: str) -> tuple[float, float]:
    """Return the top and the height of the sentence's band in a frame of this shape, in units."""
    return (96.0, 74.0) if shape == "wide" else (156.0, 128.0)


def draw_band(canvas: Canvas, top: float, height: float, colour: Colour) -> None:
    """Draw an empty band for sentences, as wide as the frame, which begins with a colour."""
    canvas.fill(0, top, canvas.width, height, canvas.palette.slot)
    canvas.fill(0, top, 12, height, colour)


class Header:
    """Title, number of examples seen, and main metric; below them, on a band, the sentence.

    The sentence is drawn as large as fits. Numbers for which there is no room are left out.
    """

    def __init__(self, run_info: RunInfo, width: float):
        self._info, self._width = run_info, width
        self._is_wide = run_info.shape == "wide"
        self._band = band(run_info.shape)
        self.height = sum(self._band) + 34.0

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the title, the labels and the band, and find the positions of the numbers."""
        title, x = self._info.title, MARGIN + self._width
        y = 66.0 if self._is_wide else 122.0
        least = 0.8 * canvas.measure(title, 34, "bold") if self._is_wide else 0.0
        free = self._width - min(least, 0.6 * self._width)
        fields = self._fitting(canvas, free)
        self._places = {}
        for number, (name, room) in reversed(fields.items()):
            style = {"align": "right", "fit": free - room - 10 - _GAP}
            x -= canvas.text(x, y, name, 24, canvas.palette.quiet, **style) + 10
            self._places[number] = (x, y, room)
            x -= room + _GAP
        room = x - MARGIN if self._is_wide else self._width
        canvas.text(MARGIN, 66.0, title, 34, weight="bold", fit=room)
        draw_band(canvas, *self._band, canvas.palette.right)

    def _fitting(self, canvas: Canvas, room: float) -> dict[str, tuple[str, float]]:
        """Return the fields that fit into `room`; the first ones are left out, never the last."""
        fields = self._fields()
        while len(fields) > 1:
            if sum(canvas.measure(name, 24) + 10 + r + _GAP for name, r in fields.values()) < room:
                break
            del fields[next(iter(fields))]
        return fields

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the numbers and the sentence."""
        for field, (x, y, room) in self._places.items():
            number = self._number(field, frame_data)
            canvas.text(x, y, number, 32, weight="bold", align="right", fit=room)
        self._draw_sentence(canvas, frame_data.sentence)

    def _draw_sentence(self, canvas: Canvas, sentence: str) -> None:
        top, high = self._band
        size, lines = canvas.fit_text(sentence, _SIZE, self._width, "bold", height=high - _BAND)
        middle = top + high / 2 - LINE / 2 * size * (len(lines) - 1)
        for number, line in enumerate(lines):
            y = middle + LINE * size * number
            canvas.text(MARGIN, y, line, size, weight="bold", middle=True, fit=self._width)

    def _fields(self) -> dict[str, tuple[str, float]]:
        """Return each number's label, and the room for the number before it."""
        info, digit, fields = self._info, 0.7 * 32, {}
        examples, per_epoch = info.nouns.examples, info.examples_per_epoch
        if info.time_axis.unit == "steps":
            fields["step"] = ("steps", 6 * digit)
        seen = f"{_MANY * per_epoch:,}"
        fields["examples"] = (f"{examples} seen", digit * len(seen))
        if name := self._metric():
            metric = info.metrics[name]
            fields["metric"] = (in_a_line(metric.plain or metric.label), 4.5 * digit)
        return fields

    def _number(self, field: str, frame_data: FrameData) -> str:
        if field in ("step", "examples"):
            return f"{getattr(frame_data, field):,}"
        name = self._metric()
        value = float(frame_data.history.get(name, [math.nan])[-1])
        return amount(value, self._info.metrics[name].unit, frame_data.predictions.num_rows)

    def _metric(self) -> str | None:
        """Return the main metric: `accuracy` or the first that the experiment declares."""
        declared = list(self._info.metrics)
        return main_metric(declared, declared)
