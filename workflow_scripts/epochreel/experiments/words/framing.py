"""A picture of a word as the networks know words: letters about seven rows high, grey on black.

The ground is the middle grey level of the picture's edge, and letters are what differs from it
most, darker or lighter. They are told by their contrast once fine noise is smoothed; the rows and
columns that they take set the scale. What lies around them stays as far as it fits.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from epochreel.core.errors import UserError
from epochreel.experiments.words.alphabet import SIDE

CAPITAL = 7
"""Rows of a capital letter."""
BRIGHTEST = 140
"""The grey level that eight pixels of a picture pass: letters, 128, with noise. The ground is 0."""

_ROOM = SIDE - 2  # columns for a word
_LARGEST = 1024  # px of the longer side; larger pictures are reduced first
_COARSE = 160  # px of the longer side, where letters are looked for
_FAINTEST = 16  # grey levels between ground and letters
_KNOWN = range(80, 201)  # what is bright in a picture that is as networks know it
_DARK = 96  # and what its middle grey level is at most, before a background
_SAME = (0.85, 1.2)  # letters that are so nearly of the right size keep their pixels
_COMPANY = 0.35  # of the strongest smoothed contrast
_TAIL = 0.35  # rows with less ink than this share of the usual are tails, such as that of a Q


def framed(picture: np.ndarray) -> np.ndarray:
    """A picture of a word, uint8 (H, W) or (H, W, 3), as uint8 (40, 40).

    One of 40 × 40 px that is as networks know it stays as it is, or is inverted. Raises
    `UserError` where nothing stands out from the ground.
    """
    grey = _grey(picture)
    for either in (grey, 255 - grey):
        if picture.shape[:2] == (SIDE, SIDE) and _is_known(either):
            return either.astype(np.uint8)
    ink = _scaled(_ink(grey))
    return np.rint(np.clip(ink * (BRIGHTEST / _bright(ink)), 0, 255)).astype(np.uint8)


def _grey(picture: np.ndarray) -> np.ndarray:
    """Grey levels, float32 (h, w), of at most `_LARGEST` px a side."""
    image = Image.fromarray(picture).convert("L")
    image = image.reduce(-(-max(image.size) // _LARGEST))
    return np.asarray(image, np.float32)


def _ink(grey: np.ndarray) -> np.ndarray:
    """How far each pixel stands out from the ground towards the letters: (h, w), 0 … 255."""
    edge = np.concatenate((grey[0], grey[-1], grey[:, 0], grey[:, -1]))
    ground = np.median(edge)
    lighter, darker = np.clip(grey - ground, 0, None), np.clip(ground - grey, 0, None)
    ink = lighter if (lighter**2).sum() >= (darker**2).sum() else darker
    if ink.max() < _FAINTEST:
        raise UserError("nothing stands out from its ground: take a picture of one word")
    return ink


def _is_known(grey: np.ndarray) -> bool:
    return np.median(grey) <= _DARK and round(_bright(grey)) in _KNOWN


def _bright(grey: np.ndarray) -> float:
    return float(np.percentile(grey, 99.5))


def _scaled(ink: np.ndarray) -> np.ndarray:
    """A square about the letters, (40, 40), their top and left on whole pixels."""
    left, top, right, bottom = _letters(ink)
    scale = min(CAPITAL / (bottom - top), _ROOM / (right - left))
    if _SAME[0] < scale < _SAME[1] and right - left <= SIDE:
        scale = 1.0
    columns, rows = (right - left) * scale, (bottom - top) * scale
    x, y = left - round((SIDE - columns) / 2) / scale, top - round((SIDE - rows) / 2) / scale
    side = SIDE / scale
    around = int(side) + 1
    box = (x + around, y + around, x + around + side, y + around + side)
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    padded = Image.fromarray(np.pad(ink, around))
    return np.asarray(padded.resize((SIDE, SIDE), method, box)).clip(0)


def _letters(ink: np.ndarray) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the letters without their tails, px."""
    image = Image.fromarray(np.rint(ink * (255 / ink.max())).astype(np.uint8))
    factor = -(-max(image.size) // _COARSE)
    image = image.reduce(factor)
    sharp, smooth = (
        np.asarray(each, np.float32) for each in (image, image.filter(ImageFilter.BoxBlur(1)))
    )
    floor = np.median(smooth)
    # Noise is strong here and there, letters are where their neighbours are strong as well.
    strong = (sharp > _bright(sharp) / 2) & (smooth > floor + _COMPANY * (smooth.max() - floor))
    strength = strong.sum(1)
    rows = np.flatnonzero(strength > _TAIL * np.median(strength[strength > 0]))
    columns = np.flatnonzero(strong.any(0))
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)
    return tuple(factor * box)
