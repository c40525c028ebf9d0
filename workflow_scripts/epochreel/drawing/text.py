"""Text as masks: laid out at fractions of a pixel, each glyph rendered once and kept.

Widths come from the outlines and not from hinted glyphs, so that a line has the same shape at
every size of the frame. DejaVu's figures all have one width: a number that changes moves
nothing beside it.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from epochreel.core import bundled_fonts

CAPITAL = 0.729
"""Height of capitals and figures, as a share of the text size (DejaVu Sans)."""

_WEIGHTS = {"regular": "DejaVuSans.ttf", "bold": "DejaVuSans-Bold.ttf"}
_OUTLINE_SIZE = 2048  # px: DejaVu's units per em, at which widths need no rounding
_PHASES = 4  # of a glyph within a pixel, across
_ZOOM = 8  # times larger each glyph is rendered, then averaged
_MARGIN = 3 * _ZOOM  # three px around it, so that the averaged box stays inside
_SMALLEST = 1.0  # px; fonts cannot be opened at sizes near zero


@lru_cache(256)
def width(text: str, weight: str = "regular") -> float:
    """Width of a line of `text`, as a multiple of its size."""
    return _font(weight, _OUTLINE_SIZE).getlength(text) / _OUTLINE_SIZE


def line(text: str, size: float, weight: str, start: float) -> tuple[np.ndarray, int, int]:
    """Coverage of a line of text whose pen starts at `start` px on a base line at y = 0.

    Returns the mask, uint8 (H, W), and the px of its left and top edges.
    """
    size = max(size, _SMALLEST)
    steps = [round((start + size * offset) * _PHASES) for offset in _offsets(text, weight)]
    placed = []
    for letter, step in zip(text, steps, strict=True):
        mask, left, top = _glyph(letter, weight, size, step % _PHASES)
        if mask.size:
            placed.append((mask, left + step // _PHASES, top))
    return _union(placed)


@lru_cache(1024)
def _offsets(text: str, weight: str) -> tuple[float, ...]:
    """Where each letter's pen stands, as multiples of the size, kerning included."""
    # The line up to and with the letter, less the letter: kerning with the one before remains.
    return tuple(width(text[: i + 1], weight) - width(text[i], weight) for i in range(len(text)))


def _union(placed: list[tuple[np.ndarray, int, int]]) -> tuple[np.ndarray, int, int]:
    if not placed:
        return np.zeros((0, 0), np.uint8), 0, 0
    left = min(x for _, x, _ in placed)
    top = min(y for _, _, y in placed)
    right = max(x + mask.shape[1] for mask, x, _ in placed)
    bottom = max(y + mask.shape[0] for mask, _, y in placed)
    whole = np.zeros((bottom - top, right - left), np.uint8)
    for mask, x, y in placed:
        part = whole[y - top : y - top + mask.shape[0], x - left : x - left + mask.shape[1]]
        np.maximum(part, mask, out=part)  # glyphs may touch; a sum would be too dark
    return whole, left, top


@lru_cache(8192)
def _glyph(letter: str, weight: str, size: float, phase: int) -> tuple[np.ndarray, int, int]:
    """Coverage of one glyph `phase` quarters of a px right of its pen; its left and top edge.

    Scaled down from a large rendering, upright so that capitals end on whole pixels.
    """
    font = _font(weight, size * _ZOOM)
    left, top, right, bottom = font.getbbox(letter, anchor="ls")
    if left >= right or top >= bottom:
        return np.zeros((0, 0), np.uint8), 0, 0
    large = Image.new("L", (right - left + 2 * _MARGIN, bottom - top + 2 * _MARGIN))
    pen = (_MARGIN - left, _MARGIN - top)
    ImageDraw.Draw(large).text(pen, letter, 255, font, anchor="ls")
    shift = phase / _PHASES
    tall = max(round(CAPITAL * size), 1) / (CAPITAL * size) / _ZOOM  # px a large px
    # Edges of the small picture on whole px, and the box of the large one that maps onto it.
    x0, x1 = math.floor(left / _ZOOM + shift), math.ceil(right / _ZOOM + shift)
    y0, y1 = math.floor(top * tall), math.ceil(bottom * tall)
    box = [(x - shift) * _ZOOM - left + _MARGIN for x in (x0, x1)]
    rows = [y / tall - top + _MARGIN for y in (y0, y1)]
    small = large.resize(
        (x1 - x0, y1 - y0), Image.Resampling.BOX, (box[0], rows[0], box[1], rows[1])
    )
    return np.asarray(small), x0, y0


@lru_cache(64)
def _font(weight: str, size: float) -> ImageFont.FreeTypeFont:
    if weight not in _WEIGHTS:
        raise ValueError(f"text weight {weight!r} is unknown: take one of {', '.join(_WEIGHTS)}")
    path = bundled_fonts.bundled(_WEIGHTS[weight])
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
