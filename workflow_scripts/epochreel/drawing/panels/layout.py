"""Sizes, labels and shades that several panels share."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.palette import Colour

TEXT, NOTE = 27.0, 24.0
"""Sizes of content and of notes: smaller text is illegible in a film that is 640 px wide."""
_ENDS = (1, 1.5, 2, 3, 4, 6, 8, 10, 20)  # times a power of ten
RIGHT, WRONG = "✓", "✗"


def shortened(canvas: Canvas, words: str, size: float, width: float, weight="regular") -> str:
    """Return text cut to `width` with an ellipsis; empty if not even a letter fits."""
    words = words[: int(4 * width / size) + 1]  # No letter is narrower than a quarter of its size.
    if canvas.measure(words, size, weight) <= width:
        return words
    low, high = 0, len(words)  # of letters that fit, and that do not
    while high - low > 1:
        middle = (low + high) // 2
        fits = canvas.measure(f"{words[:middle]}…", size, weight) <= width
        low, high = (middle, high) if fits else (low, middle)
    return f"{words[:low].rstrip()}…" if low else ""


def tiling(
    size: tuple[float, float],
    aspect: float,
    foot: float,
    least: float,
    count: int | None = None,
    gap: float = 18.0,
) -> tuple[int, int, float]:
    """Return the columns, the rows and the width of tiles in an area of `size`.

    A tile is `aspect` times as wide as it is high, with `foot` more below it. With `count`, the
    tiles are as large as possible for that number; otherwise as many as fit at the width `least`.
    """
    width, height = size[0] + gap, size[1] + gap
    if count is None:
        columns = max(int(width / (least + gap)), 1)
        wide = width / columns - gap
        rows = max(int(height / (least / aspect + foot + gap)), 1)
        return columns, rows, min(wide, aspect * (height / rows - gap - foot))
    fitting = []
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        wide = min(width / columns - gap, aspect * (height / rows - gap - foot))
        fitting.append((wide, -columns, rows))
    wide, columns, rows = max(fitting)
    return -columns, rows, wide


def round_end(values: np.ndarray) -> float:
    """Return the end of an axis of values: the next round number at or above the largest.

    It is 0 if no value is above 0. Only finite values count.
    """
    largest = float(np.max(values, initial=0.0, where=np.isfinite(values)))
    if largest <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(largest))
    return float(next(end for end in _ENDS if end * power >= largest) * power)


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
    if min(canvas.width - x, canvas.height - y) < 1:
        return  # The panel is too small for it.
    width, height = min(width, canvas.width - x), min(height, canvas.height - y)
    slots = canvas.picture_slots([x], [y], width, height, pixels.shape[:2])
    canvas.put_pictures(slots, pixels[None])
