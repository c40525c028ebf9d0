"""Class colours, dark enough for white text, and tints for coloured thumbnails."""

from __future__ import annotations

import colorsys

import numpy as np

from epochreel.drawing import palette
from epochreel.drawing.palette import Colour

_FIRST: tuple[Colour, ...] = (
    (0, 92, 175),
    (196, 84, 0),
    (18, 122, 62),
    (128, 58, 160),
    (190, 24, 44),
    (0, 126, 138),
    (118, 74, 34),
    (206, 58, 132),
    (112, 114, 0),
    (74, 84, 106),
)
_HUE_STEP = (5**0.5 - 1) / 2  # golden-ratio steps spread any number of hues evenly
_PALE, _DEEP = 0.42, 0.45


def of_classes(count: int) -> np.ndarray:
    """Return the colours of the first `count` classes, uint8 (count, 3)."""
    extra = [_extra_colour(number) for number in range(count - len(_FIRST))]
    return np.array([*_FIRST, *extra][:count], np.uint8)


def tints(colours: np.ndarray) -> np.ndarray:
    """Return the tint of each colour (C, 3) at each pixel level: uint8 (C, 256, 3).

    Black becomes a deep tone of the colour and white a pale one, so that a tinted image keeps its
    contrast.
    """
    share = np.arange(256)[:, None] / 255
    pale = np.array(palette.PAPER) * (1 - _PALE) + colours[:, None] * _PALE
    return np.rint(share * pale + (1 - share) * _DEEP * colours[:, None]).astype(np.uint8)


def _extra_colour(number: int) -> Colour:
    lightness = (0.30, 0.42)[number % 2]
    red, green, blue = colorsys.hls_to_rgb(number * _HUE_STEP % 1, lightness, 0.7)
    return round(255 * red), round(255 * green), round(255 * blue)
