"""Crop and scale a user's image of a word to the training geometry: 7 px letters on black.

The background level is the median grey level of the image's border; letters are what differs most
from it, darker or lighter. They are found by their contrast after fine noise is smoothed, and the
rows and columns that they cover determine the scale. Surroundings are included if they fit.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from epochreel.core.errors import UserError
from epochreel.experiments.words.alphabet import SIDE

CAPITAL = 7
"""Height of a capital letter in rows."""
BRIGHTEST = 140
"""Grey level that only eight pixels of an image exceed: letters, 128, with noise, on 0."""

_ROOM = SIDE - 2  # columns available for a word
_LARGEST = 1024  # px of the longer side; larger images are reduced first
_COARSE = 160  # px of the longer side at which letters are located
_FAINTEST = 16  # smallest difference between letters and background
_BRIGHT_LEVELS = range(80, 201)  # bright level of images in training geometry
_DARK = 96  # largest median grey level of such images, with a background
_UNSCALED = (0.85, 1.2)  # scales at which the letters are not resampled
_SMOOTH_CONTRAST = 0.35  # share of the strongest smoothed contrast
_TAIL = 0.35  # rows with less ink than this share of the median are tails, such as that of a Q


def frame_word(pixels: np.ndarray) -> np.ndarray:
    """Return an image of a word, uint8 (H, W) or (H, W, 3), as uint8 (40, 40).

    An image of 40 × 40 px in the training geometry is returned unchanged, or inverted. Raises
    `UserError` if nothing stands out from the background.
    """
    grey = _grey(pixels)
    for candidate in (grey, 255 - grey):
        if pixels.shape[:2] == (SIDE, SIDE) and _is_training_image(candidate):
            return candidate.astype(np.uint8)
    ink = _scale(_ink(grey))
    return np.rint(np.clip(ink * (BRIGHTEST / _bright_level(ink)), 0, 255)).astype(np.uint8)


def _grey(pixels: np.ndarray) -> np.ndarray:
    """Return grey levels, float32 (h, w), of at most `_LARGEST` px a side."""
    image = Image.fromarray(pixels).convert("L")
    image = image.reduce(-(-max(image.size) // _LARGEST))
    return np.asarray(image, np.float32)


def _ink(grey: np.ndarray) -> np.ndarray:
    """Return the contrast of each pixel, positive for letters: (h, w), 0 … 255."""
    edge = np.concatenate((grey[0], grey[-1], grey[:, 0], grey[:, -1]))
    ground = np.median(edge)
    lighter, darker = np.clip(grey - ground, 0, None), np.clip(ground - grey, 0, None)
    ink = lighter if (lighter**2).sum() >= (darker**2).sum() else darker
    if ink.max() < _FAINTEST:
        raise UserError("nothing stands out from the background: use an image of one word")
    return ink


def _is_training_image(grey: np.ndarray) -> bool:
    return np.median(grey) <= _DARK and round(_bright_level(grey)) in _BRIGHT_LEVELS


def _bright_level(grey: np.ndarray) -> float:
    return float(np.percentile(grey, 99.5))


def _scale(ink: np.ndarray) -> np.ndarray:
    """Return a square around the letters, (40, 40), with their top and left on whole pixels."""
    left, top, right, bottom = _letters(ink)
    scale = min(CAPITAL / (bottom - top), _ROOM / (right - left))
    if _UNSCALED[0] < scale < _UNSCALED[1] and right - left <= SIDE:
        scale = 1.0
    columns, rows = (right - left) * scale, (bottom - top) * scale
    x, y = left - round((SIDE - columns) / 2) / scale, top - round((SIDE - rows) / 2) / scale
    side = SIDE / scale
    margin = int(side) + 1
    box = (x + margin, y + margin, x + margin + side, y + margin + side)
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    padded = Image.fromarray(np.pad(ink, margin))
    return np.asarray(padded.resize((SIDE, SIDE), method, box)).clip(0)


def _letters(ink: np.ndarray) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the letters without their tails, px."""
    image = Image.fromarray(np.rint(ink * (255 / ink.max())).astype(np.uint8))
    factor = -(-max(image.size) // _COARSE)
    image = image.reduce(factor)
    sharp, smooth = (
        np.asarray(each, np.float32) for each in (image, image.filter(ImageFilter.BoxBlur(1)))
    )
    floor = np.median(smooth)
    # Noise is strong at single pixels; at letters, the neighbourhood is strong as well.
    strong = (sharp > _bright_level(sharp) / 2) & (
        smooth > floor + _SMOOTH_CONTRAST * (smooth.max() - floor)
    )
    strength = strong.sum(1)
    rows = np.flatnonzero(strength > _TAIL * np.median(strength[strength > 0]))
    columns = np.flatnonzero(strong.any(0))
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)
    return tuple(factor * box)
