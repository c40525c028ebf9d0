"""The header of a frame: title, progress, and a sentence on what the network has learned."""

from __future__ import annotations

from epochreel.drawing.amounts import amount, in_a_line
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo

_MARGIN = 56.0
_BAND = 14.0  # free height of the sentence's band
_SIZES = (48.0, 46.0, 42.0, 38.0, 34.0, 30.0, 27.0, 24.0)  # of the sentence
_MANY = 500  # epochs: as wide as 999


class Header:
    """Title, epochs, examples and main metric so far; below them, on a band, the sentence.

    An epoch is explained by its length: "12.5 epochs of 400 pages". The sentence is drawn as large
    as it fits.
    """

    def __init__(self, run_info: RunInfo, width: float):
        self._info, self._width = run_info, width
        self._is_wide = run_info.shape == "wide"
        self._band = (96.0, 74.0) if self._is_wide else (156.0, 128.0)  # y, height
        self.height = sum(self._band) + 34.0

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the title, the labels and the band, and find the places of the numbers."""
        self._places, x = [], _MARGIN + self._width
        fields = self._fields()
        y = 66.0 if self._is_wide else 122.0
        wide = sum(canvas.measure(name, 24) + 10 + room for name, room in fields)
        gap = 44.0 if self._is_wide else max((self._width - wide) / max(len(fields) - 1, 1), 20)
        for name, room in reversed(fields):
            x -= canvas.text(x, y, name, 24, canvas.palette.quiet, align="right") + 10
            self._places.insert(0, (x, y, room))
            x -= room + gap
        room = x - _MARGIN if self._is_wide else self._width
        canvas.text(_MARGIN, 66.0, self._info.title, 34, weight="bold", fit=room)
        top, high = self._band
        canvas.fill(0, top, canvas.width, high, canvas.palette.slot)
        canvas.fill(0, top, 12, high, canvas.palette.right)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the numbers and the sentence."""
        for (x, y, room), number in zip(self._places, self._numbers(frame_data), strict=True):
            canvas.text(x, y, number, 32, weight="bold", align="right", fit=room)
        self._draw_sentence(canvas, frame_data.sentence)

    def _draw_sentence(self, canvas: Canvas, sentence: str) -> None:
        top, high = self._band
        for size in _SIZES:
            lines = canvas.wrap(sentence, size, self._width, "bold")
            if 1.2 * size * len(lines) <= high - _BAND:
                break
        middle = top + high / 2 - 0.6 * size * (len(lines) - 1)
        for number, line in enumerate(lines):
            y = middle + 1.2 * size * number
            canvas.text(_MARGIN, y, line, size, weight="bold", middle=True, fit=self._width)

    def _fields(self) -> list[tuple[str, float]]:
        """Return the label of each number, and the room for the number before it."""
        info, nouns = self._info, self._info.nouns
        metric = info.metrics.get(self._metric()) if self._metric() else None
        digit = 0.7 * 32  # width of a digit of DejaVu Sans Bold
        seen = f"{_MANY * info.examples_per_epoch:,}"
        fields = [(f"{nouns.examples} seen", digit * len(seen))]
        unit = info.time_axis.unit
        if unit == "epochs":
            name = f"epochs of {info.examples_per_epoch:,} {nouns.examples}"
            fields.insert(0, (name if self._is_wide else "epochs", 4.5 * digit))
        elif unit == "steps":
            fields.insert(0, ("steps", 6 * digit))
        if metric:
            fields.append((in_a_line(metric.plain or metric.label), 4.5 * digit))
        return fields

    def _numbers(self, frame_data: FrameData) -> list[str]:
        numbers = [f"{frame_data.examples:,}"]
        unit = self._info.time_axis.unit
        if unit != "examples":
            number = epochs(frame_data.epoch) if unit == "epochs" else f"{frame_data.step:,}"
            numbers.insert(0, number)
        if name := self._metric():
            value = float(frame_data.history[name][-1]) if name in frame_data.history else None
            unit = self._info.metrics[name].unit
            count = frame_data.predictions.num_rows
            numbers.append("–" if value is None or value != value else amount(value, unit, count))
        return numbers

    def _metric(self) -> str | None:
        """Return the main metric: `accuracy` or the first that the experiment declares."""
        declared = list(self._info.metrics)
        return "accuracy" if "accuracy" in declared else next(iter(declared), None)


def epochs(number: float) -> str:
    """Format a number of epochs: "0.20", "9.8", "10"."""
    return f"{number:.2f}" if number < 1 else f"{number:.1f}" if number < 10 else f"{number:,.0f}"
