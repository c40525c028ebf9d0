"""The pictures of a reading: images seen through masks, and signs that are told without colour.

What a mask lets through is lit: a picture is grey on black where the mask is low, and the same on
green where it is high. A sign is bold where it is right, thin and boxed where it is wrong, and pale
where it does not count; the end of a word is a square.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from epochreel.drawing import palette
from epochreel.drawing.canvas import HEIGHT, WIDTH, Canvas
from epochreel.drawing.palette import Colour
from epochreel.experiments.words.alphabet import END, SIDE, SIGNS, letter

LIGHT: Colour = (0, 158, 115)
"""What a mask adds to black: Okabe and Ito's bluish green."""
PALE: Colour = (160, 165, 170)

RIGHT, WRONG, IDLE, PLAIN = range(4)
"""How a sign is told: read right, read wrong, of no account, or without a judgement."""

_BRIGHTNESS = 1.6
"""Letters, grey level 128, are shown as 205."""
_FADE = 0.88


def looks(images: np.ndarray, masks: np.ndarray, idle: np.ndarray | bool = False) -> np.ndarray:
    """Images (…, 40, 40) seen through masks (…, 40, 40), both uint8: uint8 (…, 40, 40, 3).

    Those of which `idle`, (…) bool, is true are pale.
    """
    # One look-up in a table of all 2 · 256 · 256 cases.
    row = 256 * np.asarray(idle, np.int32)[..., None, None] + images
    return _colours().take(256 * row + masks, axis=0)


@lru_cache(1)
def _colours() -> np.ndarray:
    """The colour of each grey level and mask: (2 · 256 · 256, 3), pale in the second half."""
    levels = np.arange(256)
    grey = np.minimum(levels * _BRIGHTNESS, 255)[:, None, None]
    light = levels[:, None] / 255 * np.array(LIGHT)
    lit = 255 - (255 - grey) * (255 - light) / 255  # "screen": light adds and never exceeds white
    pale = lit + (np.array(palette.PAPER) - lit) * _FADE
    return np.rint(np.stack((lit, pale))).astype(np.uint8).reshape(-1, 3)


def sheet(width: float, height: float) -> Canvas:
    """An empty canvas of so many px, a px being its unit."""
    return Canvas(WIDTH, HEIGHT).tile(width, height, palette.PAPER)


def sign_tiles(canvas: Canvas, wide: float, high: float) -> list[Canvas]:
    """A tile of each sign told in each way: number 27 · way + sign."""
    ways = (
        (palette.RIGHT, "bold", palette.PAPER),
        (palette.WRONG, "regular", palette.WRONG_TINT),
        (PALE, "regular", palette.PAPER),
        (palette.INK, "bold", palette.PAPER),
    )
    tiles = []
    for way, (colour, weight, ground) in enumerate(ways):
        for sign in range(SIGNS):
            tile = canvas.tile(wide, high, ground)
            if way == WRONG:
                tile.frame(0, 0, wide, high, colour, high / 18)
            if sign == END:
                put_end(tile, wide / 2, high / 2, high * 0.46, colour, filled=weight == "bold")
            else:
                place, size = (wide / 2, high / 2), high * 0.86
                tile.text(*place, letter(sign), size, colour, weight, "centre", middle=True)
            tiles.append(tile)
    return tiles


def put_end(
    canvas: Canvas, x: float, y: float, side: float, colour: Colour, filled: bool = True
) -> None:
    """The sign of a word's end, about (x, y)."""
    if filled:
        canvas.rule(x, y, x, y, colour, side)
    else:
        canvas.frame(x - side / 2, y - side / 2, side, side, colour, side / 7)


def tile_numbers(read: np.ndarray, ways: np.ndarray | int) -> np.ndarray:
    """Which of `sign_tiles` tells signs so."""
    return np.asarray(read, np.intp) + SIGNS * np.asarray(ways)


def percent_tiles(canvas: Canvas, wide: float, high: float) -> list[Canvas]:
    """Tiles of 0 … 100 %, the widest of which fills its own, and an empty one, number 101."""
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
    """Which of `percent_tiles` tells each probability; 100 % only for certainty."""
    share = probability.astype(np.float32)
    whole = np.where(share < 1, np.minimum(np.rint(100 * share), 99), 100)
    return np.where(shown, whole, 101).astype(np.intp)


BLANK = np.zeros((SIDE, SIDE), np.uint8)
"""A mask that hides nothing and lights nothing: the image alone."""
