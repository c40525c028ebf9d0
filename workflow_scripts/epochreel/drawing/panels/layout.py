"""Sizes, labels and shades that several panels share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.palette import Colour

TEXT, NOTE = 27.0, 24.0
"""Sizes of content and of notes: smaller text is illegible in a film of 640 px."""
RIGHT, WRONG = "✓", "✗"


def shortened(canvas: Canvas, words: str, size: float, width: float, weight="regular") -> str:
    """Return text cut to `width` with an ellipsis; empty if not even a letter fits."""
    words = words[:200]
    if canvas.measure(words, size, weight) <= width:
        return words
    while words and canvas.measure(f"{words}…", size, weight) > width:
        words = words[:-1]
    return f"{words.rstrip()}…" if words else ""


def tiling(
    width: float,
    height: float,
    aspect: float,
    foot: float,
    least: float,
    count: int | None = None,
    gap: float = 18.0,
) -> tuple[int, int, float]:
    """Return columns, rows and width of tiles in an area: as large as possible.

    A tile is `aspect` times as wide as it is high, with `foot` more below it. At most `count` tiles
    are needed; those that would be narrower than `least` are left out, except the first.
    """
    best = (1, 1, 0.0)
    for columns in range(1, max(int((width + gap) // (least + gap)), 1) + 1):
        wide = (width + gap) / columns - gap
        rows = max(int((height + gap) // (wide / aspect + foot + gap)), 1)
        if count is not None:
            rows = min(rows, -(-count // columns))
        # Tiles that are limited by the height may be narrower.
        wide = min(wide, aspect * ((height + gap) / rows - gap - foot))
        held = columns * rows if count is None else min(columns * rows, count)
        if wide > 0 and held * wide**2 * (columns * rows >= (count or 0) or 0.5) > _area(
            best, count
        ):
            best = (columns, rows, wide)
    return best


def _area(tiles: tuple[int, int, float], count: int | None) -> float:
    columns, rows, wide = tiles
    held = columns * rows if count is None else min(columns * rows, count)
    return held * wide**2 * (1.0 if columns * rows >= (count or 0) else 0.5)


def shades(values: np.ndarray, full: Colour, empty: Colour) -> np.ndarray:
    """Return values of 0 … 1 as colours between `empty` and `full`, uint8 (…, 3); NaN is empty."""
    share = np.clip(np.nan_to_num(values), 0, 1)[..., None]
    return np.rint(share * full + (1 - share) * np.array(empty, float)).astype(np.uint8)


def class_colours(palette, names: Sequence[str]) -> np.ndarray:
    """Return a colour for each class, uint8 (n, 3): repeated if there are more than colours."""
    colours = palette.classes
    return np.array([colours[index % len(colours)] for index in range(len(names))], np.uint8)


def coloured(picture: np.ndarray, palette, is_map: bool) -> np.ndarray:
    """Return an image or a label map as uint8 (h, w, 3).

    A label map gets the colours of the classes, its class 0 the colour of empty slots. Other
    numbers are grey values: from 0 … 1, 0 … 255, or their own range.
    """
    if picture.ndim == 3 and picture.shape[2] != 3:
        picture = picture[..., 0]
    if is_map:
        colours = np.array([palette.slot, *palette.classes], np.uint8)
        index = np.nan_to_num(picture).astype(int)
        return colours[np.where(index > 0, (index - 1) % (len(colours) - 1) + 1, 0)]
    if picture.dtype != np.uint8:
        numbers = np.nan_to_num(picture.astype(float))
        low, high = numbers.min(initial=0), numbers.max(initial=0)
        if low >= 0 and high <= 255:
            low, high = 0.0, 1.0 if high <= 1 else 255.0
        picture = np.rint((numbers - low) / ((high - low) or 1.0) * 255).astype(np.uint8)
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)


def draw_picture(
    canvas: Canvas, x: float, y: float, width: float, height: float, pixels: np.ndarray
) -> None:
    """Draw pixels, uint8 (h, w, 3), without smoothing if they are enlarged."""
    places = canvas.places([x], [y], width, height, pixels.shape[:2])
    canvas.put_pictures(places, pixels[None])
