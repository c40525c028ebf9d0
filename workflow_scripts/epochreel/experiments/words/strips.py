"""Images of a word seen through masks, and signs whose state is visible without colour.

The mask is shown as light: where it is low, the image is grey on black, and where it is high, grey
on green. A sign is bold if it is correct, thin and boxed if it is wrong.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.palette import Colour
from epochreel.experiments.words.alphabet import END, SIDE, SIGNS, letter

LIGHT: Colour = (0, 158, 115)
"""Colour of a mask on black: Okabe and Ito's bluish green."""

RIGHT, WRONG, PLAIN = range(3)
"""Style of a sign: read correctly, read wrongly, or neutral."""

_BRIGHTNESS = 1.6
"""Letters, of grey level 128, are shown as 205."""


def looks(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return images seen through masks, both uint8 (…, 40, 40): uint8 (…, 40, 40, 3)."""
    # One lookup in a table of all 256 · 256 cases.
    return _colours().take(256 * images.astype(np.int32) + masks, axis=0)


@lru_cache(1)
def _colours() -> np.ndarray:
    """Return the colour of each grey level and mask: (256 · 256, 3)."""
    levels = np.arange(256)
    grey = np.minimum(levels * _BRIGHTNESS, 255)[:, None, None]
    light = levels[:, None] / 255 * np.array(LIGHT)
    lit = (
        255 - (255 - grey) * (255 - light) / 255
    )  # "screen" blending: light adds up and never exceeds white
    return np.rint(lit).astype(np.uint8).reshape(-1, 3)


def sheet(width: float, height: float) -> Canvas:
    """Return an empty canvas of `width` × `height` px, with a pixel as its unit."""
    return Canvas(round(width), round(height), units=min(round(width), round(height)))


def sign_tiles(canvas: Canvas, side: float) -> list[Canvas]:
    """Return a square tile of each sign in each style: number 27 · style + sign."""
    colours = canvas.palette
    styles = (
        (colours.right, "bold", colours.right_tint),
        (colours.wrong, "regular", colours.wrong_tint),
        (colours.ink, "bold", colours.slot),
    )
    tiles = []
    for style, (colour, weight, ground) in enumerate(styles):
        for sign in range(SIGNS):
            tile = wrong_tile(canvas, side) if style == WRONG else canvas.tile(side, side, ground)
            put_sign(tile, sign, 0.8 * side, colour, weight)
            tiles.append(tile)
    return tiles


def wrong_tile(canvas: Canvas, side: float) -> Canvas:
    """Return the box of a wrong sign, without a sign."""
    tile = canvas.tile(side, side, canvas.palette.wrong_tint)
    tile.frame(0, 0, side, side, canvas.palette.wrong, side / 16)
    return tile


def put_sign(tile: Canvas, sign: int, size: float, colour: Colour, weight: str) -> None:
    """Draw a letter, or "end" as large as fits, in the middle of a tile."""
    style = {"align": "centre", "middle": True, "fit": 0.92 * tile.width}
    tile.text(tile.width / 2, tile.height / 2, name(sign), size, colour, weight, **style)


def name(sign: int) -> str:
    """Return a letter, or "end"."""
    return "end" if sign == END else letter(sign)


def tile_numbers(read: np.ndarray, styles: np.ndarray | int) -> np.ndarray:
    """Return the numbers of the `sign_tiles` for signs in these styles."""
    return np.asarray(read, np.intp) + SIGNS * np.asarray(styles)


BLANK = np.zeros((SIDE, SIDE), np.uint8)
"""A mask that shows only the image."""
