"""Class colours: dark enough for light text on light paper, light enough on dark paper."""

from __future__ import annotations

import colorsys

import numpy as np

from epochreel.drawing.palette import Colour, Palette

_HUE_STEP = (5**0.5 - 1) / 2  # golden-ratio steps spread any number of hues evenly
_ON_LIGHT, _ON_DARK = (0.30, 0.42), (0.62, 0.74)  # lightness of colours beyond the palette's


def of_classes(palette: Palette, count: int) -> np.ndarray:
    """Return the colours of the first `count` classes, uint8 (count, 3)."""
    lightness = _ON_LIGHT if sum(palette.paper) > sum(palette.ink) else _ON_DARK
    more = [_extra(number, lightness) for number in range(count - len(palette.classes))]
    return np.array([*palette.classes, *more][:count], np.uint8)


def _extra(number: int, lightness: tuple[float, float]) -> Colour:
    red, green, blue = colorsys.hls_to_rgb(number * _HUE_STEP % 1, lightness[number % 2], 0.7)
    return round(255 * red), round(255 * green), round(255 * blue)
