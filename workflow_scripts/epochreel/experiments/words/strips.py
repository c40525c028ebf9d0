"""Images of a word seen through masks, and signs whose state is visible without colour.

The mask is shown as light: where it is low, the image is grey on black, and where it is high, grey
on green. A sign is bold if it is correct, thin and boxed if it is wrong, and pale if it does not
count; the end of a word is a square.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from epochreel.drawing import palette
from epochreel.drawing.canvas import HEIGHT, WIDTH, Canvas
from epochreel.drawing.palette import Colour
from epochreel.experiments.words.alphabet import END, SIDE, SIGNS, letter

LIGHT: Colour = (0, 158, 115)
"""Colour of a mask on black: Okabe and Ito's bluish green."""
PALE: Colour = (160, 165, 170)

RIGHT, WRONG, IDLE, PLAIN = range(4)
"""Style of a sign: read correctly, read wrongly, does not count, or neutral."""

_BRIGHTNESS = 1.6
"""Letters, of grey level 128, are shown as 205."""
_FADE = 0.88


def looks(images: np.ndarray, masks: np.ndarray, idle: np.ndarray | bool = False) -> np.ndarray:
    """Return images (…, 40, 40) seen through masks (…, 40, 40), both uint8: uint8 (…, 40, 40, 3).

    Images with a true `idle`, (…) bool, are pale.
    """
    # One lookup in a table of all 2 · 256 · 256 cases.
    row = 256 * np.asarray(idle, np.int32)[..., None, None] + images
    return _colours().take(256 * row + masks, axis=0)


@lru_cache(1)
def _colours() -> np.ndarray:
    """Return the colour of each grey level and mask: (2 · 256 · 256, 3), the second half pale."""
    levels = np.arange(256)
    grey = np.minimum(levels * _BRIGHTNESS, 255)[:, None, None]
    light = levels[:, None] / 255 * np.array(LIGHT)
    lit = (
        255 - (255 - grey) * (255 - light) / 255
    )  # "screen" blending: light adds up and never exceeds white
    pale = lit + (np.array(palette.PAPER) - lit) * _FADE
    return np.rint(np.stack((lit, pale))).astype(np.uint8).reshape(-1, 3)


def sheet(width: float, height: float) -> Canvas:
    """Return an empty canvas of `width` × `height` px, with a pixel as its unit."""
    return Canvas(WIDTH, HEIGHT).tile(width, height, palette.PAPER)


def sign_tiles(canvas: Canvas, wide: float, high: float) -> list[Canvas]:
    """Return a tile of each sign in each style: number 27 · style + sign."""
    styles = (
        (palette.RIGHT, "bold", palette.PAPER),
        (palette.WRONG, "regular", palette.WRONG_TINT),
        (PALE, "regular", palette.PAPER),
        (palette.INK, "bold", palette.PAPER),
    )
    tiles = []
    for style, (colour, weight, ground) in enumerate(styles):
        for sign in range(SIGNS):
            tile = canvas.tile(wide, high, ground)
            if style == WRONG:
                tile.frame(0, 0, wide, high, colour, high / 18)
            if sign == END:
                put_end(tile, wide / 2, high / 2, high * 0.46, colour, filled=weight == "bold")
            else:
                centre, size = (wide / 2, high / 2), high * 0.86
                tile.text(*centre, letter(sign), size, colour, weight, "centre", middle=True)
            tiles.append(tile)
    return tiles


def put_end(
    canvas: Canvas, x: float, y: float, side: float, colour: Colour, filled: bool = True
) -> None:
    """Draw the end symbol, centred at (x, y)."""
    if filled:
        canvas.rule(x, y, x, y, colour, side)
    else:
        canvas.frame(x - side / 2, y - side / 2, side, side, colour, side / 7)


def tile_numbers(read: np.ndarray, styles: np.ndarray | int) -> np.ndarray:
    """Return the numbers of the `sign_tiles` for signs in these styles."""
    return np.asarray(read, np.intp) + SIGNS * np.asarray(styles)


def percent_tiles(canvas: Canvas, wide: float, high: float) -> list[Canvas]:
    """Return right-aligned tiles of 0 … 100 %, and an empty one, number 101."""
    size = 0.97 * wide / canvas.measure("100 %", 1.0)
    tiles = []
    for number in range(102):
        tile = canvas.tile(wide, high, palette.PAPER)
        if number <= 100:
            text = f"{number} %"
            tile.text(wide, high / 2, text, size, palette.QUIET, align="right", middle=True)
        tiles.append(tile)
    return tiles


def percents(probability: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Return the number of the `percent_tiles` for each probability; 100 % only for 1."""
    share = probability.astype(np.float32)
    percentage = np.where(share < 1, np.minimum(np.rint(100 * share), 99), 100)
    return np.where(shown, percentage, 101).astype(np.intp)


BLANK = np.zeros((SIDE, SIDE), np.uint8)
"""A mask that shows only the image."""
