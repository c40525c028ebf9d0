"""A recorder of the text that is drawn on canvases."""

from __future__ import annotations

from dataclasses import dataclass

from epochreel.drawing.canvas import Canvas


@dataclass(frozen=True)
class Drawn:
    """A line of text: its size and its place in units of the frame."""

    words: str
    size: float
    left: float
    baseline: float
    right: float


class Texts:
    """All lines that are drawn from now on, in order; `monkeypatch` is pytest's."""

    def __init__(self, monkeypatch):
        self.all: list[Drawn] = []
        draw = Canvas.text

        def record(canvas, x, y, words, size, colour=None, weight="regular", align="left", **more):
            wide = draw(canvas, x, y, words, size, colour, weight, align, **more)
            natural = canvas.measure(words, size, weight)
            left, top = (corner / canvas.scale for corner in canvas._corner)
            left += x - {"left": 0, "centre": 0.5, "right": 1}[align] * wide
            shown = size * wide / natural if natural else size
            self.all.append(Drawn(words, shown, left, top + y, left + wide))
            return wide

        monkeypatch.setattr(Canvas, "text", record)

    @property
    def words(self) -> list[str]:
        """All words."""
        return [line.words for line in self.all]
