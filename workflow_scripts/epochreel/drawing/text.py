"""Text as coverage masks, positioned at fractions of a pixel, with a cache of rendered glyphs.

Widths come from the outlines, not from hinted glyphs, so that a line has the same shape at every
frame size. All digits of DejaVu have the same width, so a changing number does not move its label.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from epochreel.core.bundled_fonts import bundled
from epochreel.core.drawable_text import FONTS, drawable, has_letter

CAPITAL = 0.729
"""Height of capitals and digits relative to the text size (DejaVu Sans)."""

_OUTLINE_SIZE = 2048  # px: DejaVu's units per em, at which widths are exact
_PHASES = 4  # horizontal positions of a glyph within a pixel
_STARTS = 16  # horizontal positions of a line within a pixel
_ZOOM = 8  # oversampling: glyphs are rendered larger, then averaged
_MARGIN = 3 * _ZOOM  # 3 px around a glyph, so that the averaged box stays inside
_MIN_SIZE = 1.0  # px: fonts cannot be opened at sizes near zero


def width(text: str, weight: str = "regular") -> float:
    """Return the width of a line of `text` relative to its size.

    Raises `UserError` for text that cannot be drawn.
    """
    return _width(drawable(text), weight)


@lru_cache(4096)
def _width(text: str, weight: str) -> float:
    if weight == "mono":  # Also for characters that are drawn with another font.
        return len(text) * _font(weight, _OUTLINE_SIZE).getlength("0") / _OUTLINE_SIZE
    return _font(weight, _OUTLINE_SIZE).getlength(text) / _OUTLINE_SIZE


def line(text: str, size: float, weight: str, start: float) -> tuple[np.ndarray, int, int]:
    """Return the coverage of a line of text from x = `start` px, with its baseline at y = 0.

    Returns the mask, uint8 (H, W), and its left and top edge in px. Raises `UserError` for text
    that cannot be drawn.
    """
    whole, phase = divmod(round(start * _STARTS), _STARTS)
    mask, left, top = _line(drawable(text), max(size, _MIN_SIZE), weight, phase)
    return mask, left + whole, top


@lru_cache(1024)
def _line(text: str, size: float, weight: str, phase: int) -> tuple[np.ndarray, int, int]:
    """Return the coverage of a line from x = `phase` / 16 px; most lines recur."""
    glyphs = []
    for letter, offset in zip(text, _offsets(text, weight), strict=True):
        face, scale, shift = _in_cell(letter) if weight == "mono" else (weight, 1.0, 0.0)
        step = round((phase / _STARTS + size * (offset + shift)) * _PHASES)
        mask, left, top = _glyph(letter, face, scale * size, step % _PHASES)
        if mask.size:
            glyphs.append((mask, left + step // _PHASES, top))
    return _union(glyphs)


@lru_cache(1024)
def _in_cell(letter: str) -> tuple[str, float, float]:
    """Return how a letter of monospaced text is drawn: weight, relative size, and shift.

    Letters that DejaVu Sans Mono lacks are those of DejaVu Sans, centred in their cell and reduced
    if they are wider.
    """
    if has_letter("mono", letter):
        return "mono", 1.0, 0.0
    cell, wide = _width("0", "mono"), _width(letter, "regular")
    scale = min(1.0, cell / wide) if wide else 1.0
    return "regular", scale, (cell - scale * wide) / 2


@lru_cache(1024)
def _offsets(text: str, weight: str) -> tuple[float, ...]:
    """Return each letter's x position relative to the text size, with kerning."""
    # The width up to and including the letter, minus the letter's: this includes its kerning.
    return tuple(_width(text[: i + 1], weight) - _width(text[i], weight) for i in range(len(text)))


def _union(glyphs: list[tuple[np.ndarray, int, int]]) -> tuple[np.ndarray, int, int]:
    """Combine glyph masks into one; return it with its left and top edge."""
    if not glyphs:
        return np.zeros((0, 0), np.uint8), 0, 0
    left = min(x for _, x, _ in glyphs)
    top = min(y for _, _, y in glyphs)
    right = max(x + mask.shape[1] for mask, x, _ in glyphs)
    bottom = max(y + mask.shape[0] for mask, _, y in glyphs)
    combined = np.zeros((bottom - top, right - left), np.uint8)
    for mask, x, y in glyphs:
        part = combined[y - top : y - top + mask.shape[0], x - left : x - left + mask.shape[1]]
        np.maximum(part, mask, out=part)  # glyphs may overlap; a sum would be too dark
    return combined, left, top


@lru_cache(8192)
def _glyph(letter: str, weight: str, size: float, phase: int) -> tuple[np.ndarray, int, int]:
    """Return the coverage of a glyph, with its left and top edge relative to the pen.

    `phase` shifts the glyph to the right by quarters of a px. The glyph is rendered large, then
    reduced; the vertical scale puts the tops of capitals on whole pixels.
    """
    font = _font(weight, size * _ZOOM)
    left, top, right, bottom = font.getbbox(letter, anchor="ls")
    if left >= right or top >= bottom:
        return np.zeros((0, 0), np.uint8), 0, 0
    large = Image.new("L", (right - left + 2 * _MARGIN, bottom - top + 2 * _MARGIN))
    pen = (_MARGIN - left, _MARGIN - top)
    ImageDraw.Draw(large).text(pen, letter, 255, font, anchor="ls")
    shift = phase / _PHASES
    y_scale = max(round(CAPITAL * size), 1) / (CAPITAL * size) / _ZOOM  # px per large px
    # Edges of the small mask on whole px, and the box of the large one that maps onto it.
    x0, x1 = math.floor(left / _ZOOM + shift), math.ceil(right / _ZOOM + shift)
    y0, y1 = math.floor(top * y_scale), math.ceil(bottom * y_scale)
    box = [(x - shift) * _ZOOM - left + _MARGIN for x in (x0, x1)]
    rows = [y / y_scale - top + _MARGIN for y in (y0, y1)]
    small = large.resize(
        (x1 - x0, y1 - y0), Image.Resampling.BOX, (box[0], rows[0], box[1], rows[1])
    )
    return np.asarray(small), x0, y0


@lru_cache(64)
def _font(weight: str, size: float) -> ImageFont.FreeTypeFont:
    if weight not in FONTS:
        raise ValueError(f"unknown text weight {weight!r}; expected one of {', '.join(FONTS)}")
    path = bundled(FONTS[weight])
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
