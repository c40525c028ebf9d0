"""The heading of a panel."""

from __future__ import annotations

from epochreel.drawing.canvas import Canvas

_TITLE, _NOTE = 30.0, 24.0  # sizes of text


def heading(canvas: Canvas, title: str, note: str | None = None) -> Canvas:
    """Draw a panel's title and, below it, a note of at most two lines; return the region below."""
    canvas.text(0, 0.95 * _TITLE, title, _TITLE, weight="bold", fit=canvas.width)
    y = _TITLE + 12
    if note:
        quiet, baseline = canvas.palette.quiet, y + 0.8 * _NOTE
        y += canvas.paragraph(0, baseline, note, _NOTE, canvas.width, quiet, lines=2) + 6
    return canvas.region(0, y + 6, canvas.width, canvas.height - y - 6)
