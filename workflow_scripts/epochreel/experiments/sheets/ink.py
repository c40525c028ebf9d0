"""Ink on paper: text and rules, as darkness, uint8 (H, W) with 255 for black.

Two ways to write: `stamp` for upright text, fitted to the grid as matplotlib has it, and `turned`
for text of any size and angle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Twice the size of the perturbed pages' text: bilinear sampling then takes in every pixel.
_MASTER = 2 * 12 * 100 / 72
_MARGIN = _MASTER // 4  # px: what slanted letters reach beyond their line
_NONE: Mapping[str, float] = {}


@lru_cache(256)
def font(path: str, size: float) -> ImageFont.FreeTypeFont:
    """A font file opened at a size in px, kept."""
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def pens(line: str, path: str, size: float, kerning: Mapping[str, float] = _NONE) -> list[float]:
    """Where the pen of each letter stands, and where the line ends, px from its start.

    These are the steps that the font's own instructions give at `size` px, mostly whole pixels.
    `kerning` says by how much some pairs of letters stand apart, in shares of the size.
    """
    steps = [0.0]
    for index, letter in enumerate(line):
        step = font(path, size).getlength(letter) + size * kerning.get(line[index : index + 2], 0)
        steps.append(steps[-1] + step)
    return steps


def width(line: str, path: str, size: float) -> float:
    """Width of a line of text at `size` px, px, as `turned` writes it."""
    return font(path, _MASTER).getlength(line) * size / _MASTER


@lru_cache(256)
def extent(line: str, path: str, size: float) -> tuple[float, float]:
    """How far a line of text reaches above and below its base line, px, as the font grids it."""
    _, top, _, bottom = font(path, size).getbbox(line, anchor="ls")
    return -top, bottom


def stamp(
    page: np.ndarray,
    line: str,
    path: str,
    size: float,
    start: tuple[float, float],
    kerning: Mapping[str, float] = _NONE,
) -> None:
    """Darken `page` by a line of text of `size` px from `start` (x, y of its base line).

    The page keeps the darker of what it has and the text; what lies outside is cut off.
    """
    for letter, pen in zip(line, pens(line, path, size, kerning), strict=False):
        _stamp_letter(page, letter, path, size, (start[0] + pen, start[1]))


def _stamp_letter(
    page: np.ndarray, letter: str, path: str, size: float, pen: tuple[float, float]
) -> None:
    left, top = (math.floor(value) for value in pen)
    picture, x, y = _letter(letter, path, size, pen[0] - left, pen[1] - top)
    _darken(page, picture, left + x, top + y)


def _letter(
    letter: str, path: str, size: float, right: float, down: float
) -> tuple[np.ndarray, int, int]:
    """A letter whose pen stands `right` and `down` (0…1) px from a pixel's top left corner.

    Returns its darkness and where its left and top edges lie from that corner. Its outline is
    grid-fitted upright, so that rows blend into the next exactly as moved edges would.
    """
    face = font(path, size)
    core, (x, y) = face.getmask2(letter, "L", anchor="ls")
    # Bilinear: each pixel is shared with the one below, then with the one to the right; the padding
    # takes what is moved beyond the edges.
    picture = np.pad(np.array(core, np.float32).reshape(core.size[::-1]), 1)
    moved = (1 - down) * picture[1:] + down * picture[:-1]
    moved = (1 - right) * moved[:, 1:] + right * moved[:, :-1]
    return np.round(moved).astype(np.uint8), x, y


def _darken(page: np.ndarray, picture: np.ndarray, left: int, top: int) -> None:
    """Keep the darker of the page and a picture at a place; what lies outside is cut off."""
    height, width = picture.shape
    part = page[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    inside = picture[max(-top, 0) :, max(-left, 0) :][: part.shape[0], : part.shape[1]]
    np.maximum(part, inside, out=part)


def rule(page: np.ndarray, segment: np.ndarray, width: float) -> None:
    """Darken `page` by a rule from (x0, y0) to (x1, y1), `width` px wide, ends half that further.

    Exact for level and upright rules; for others the coverage of a pixel is taken at its middle.
    """
    x0, y0, x1, y1 = segment
    if abs(y1 - y0) > abs(x1 - x0):
        page, (x0, y0, x1, y1) = page.T, (y0, x0, y1, x1)  # steep: a transposed view
    if x1 < x0:
        x0, y0, x1, y1 = x1, y1, x0, y0
    slope = (y1 - y0) / (x1 - x0)
    high = width / 2 * math.hypot(1, slope)  # half the height of a slanted rule, measured upright
    columns = np.arange(math.floor(x0 - width / 2), math.ceil(x1 + width / 2))
    middle = (y0 + (columns + 0.5 - x0) * slope)[:, None]
    rows = np.floor(middle - high).astype(int) + np.arange(math.ceil(2 * high) + 1)
    along = _covered(x0 - width / 2, x1 + width / 2, columns)
    dark = np.round(255 * along[:, None] * _covered(middle - high, middle + high, rows))
    # The rows and columns of a slanted band, of which some may lie off the page.
    columns = np.broadcast_to(columns[:, None], rows.shape)
    inside = (rows >= 0) & (rows < page.shape[0]) & (columns >= 0) & (columns < page.shape[1])
    place = rows[inside], columns[inside]
    page[place] = np.maximum(page[place], dark[inside].astype(np.uint8))


def _covered(start: float, end: float, pixels: np.ndarray) -> np.ndarray:
    """The share of each pixel that lies between two coordinates."""
    return np.clip(np.minimum(end, pixels + 1) - np.maximum(start, pixels), 0, 1)


def turned(
    page: np.ndarray, line: str, path: str, size: float, middle: tuple[float, float], angle: float
) -> None:
    """Darken `page` by a line of text about its middle, turned clockwise by `angle` degrees.

    The letters are rendered once at `_MASTER` px and resampled, so that any size is cheap.
    """
    picture, (x, y) = _master(line, path)
    turn, scale = math.radians(angle), _MASTER / size
    along, aside = math.cos(turn) * scale, math.sin(turn) * scale
    wide, high = picture.width / scale, picture.height / scale
    cosine, sine = abs(math.cos(turn)), abs(math.sin(turn))
    reach = [
        math.ceil(across / 2) + 2
        for across in (wide * cosine + high * sine, wide * sine + high * cosine)
    ]
    left, top = (math.floor(value) - far for value, far in zip(middle, reach, strict=True))
    right, down = middle[0] - left, middle[1] - top
    # Pillow asks for the way back, from the new picture to the one that is read: turned and scaled
    # about (right, down), which becomes (x, y).
    matrix = (
        along, aside, x - along * right - aside * down,
        -aside, along, y + aside * right - along * down,
    )  # fmt: skip
    box = (2 * reach[0] + 1, 2 * reach[1] + 1)
    darkness = picture.transform(box, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    _darken(page, np.asarray(darkness), left, top)


def _master(line: str, path: str) -> tuple[Image.Image, tuple[float, float]]:
    """A line of text rendered large, and where in it the middle of the line of text lies."""
    face = font(path, _MASTER)
    # The tallest and the deepest letter, so that the middle is the same for every line of text.
    above, below = extent("lp", path, _MASTER)
    length = face.getlength(line)
    middle = (length / 2 + _MARGIN, above + (below - above) / 2 + _MARGIN)
    picture = Image.new("L", (math.ceil(2 * middle[0]), math.ceil(2 * middle[1])))
    ImageDraw.Draw(picture).text((_MARGIN, _MARGIN + above), line, 255, face, anchor="ls")
    return picture, middle
