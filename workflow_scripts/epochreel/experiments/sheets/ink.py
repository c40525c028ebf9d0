"""Drawing of text and rules as darkness, uint8 (H, W) with 255 for black.

There are two ways to draw text: `stamp` draws upright text, hinted as matplotlib hints it, and
`turned` draws text of any size and angle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Twice the text size of perturbed pages, at which bilinear sampling still covers every pixel.
_MASTER = 2 * 12 * 100 / 72
_MARGIN = _MASTER // 4  # px; slanted letters extend beyond their line
_NO_KERNING: Mapping[str, float] = {}


@lru_cache(256)
def font(path: str, size: float) -> ImageFont.FreeTypeFont:
    """Open a font file at a size in px; cached."""
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def pens(
    line: str, path: str, size: float, kerning: Mapping[str, float] = _NO_KERNING
) -> list[float]:
    """Return the pen position of each letter and the end of the line, px from its start.

    Advances are the hinted ones at `size` px, mostly whole pixels. `kerning` maps pairs of letters
    to an extra distance, as a share of the size.
    """
    steps = [0.0]
    for index, letter in enumerate(line):
        step = font(path, size).getlength(letter) + size * kerning.get(line[index : index + 2], 0)
        steps.append(steps[-1] + step)
    return steps


def width(line: str, path: str, size: float) -> float:
    """Return the width, px, of a line of text at `size` px as `turned` draws it."""
    return font(path, _MASTER).getlength(line) * size / _MASTER


@lru_cache(256)
def extent(line: str, path: str, size: float) -> tuple[float, float]:
    """Return the hinted extent, px, of a line of text above and below its baseline."""
    _, top, _, bottom = font(path, size).getbbox(line, anchor="ls")
    return -top, bottom


def stamp(
    page: np.ndarray,
    line: str,
    path: str,
    size: float,
    start: tuple[float, float],
    kerning: Mapping[str, float] = _NO_KERNING,
) -> None:
    """Draw a line of text at `size` px on `page`, from `start` (x, y of its baseline).

    Each pixel keeps the darker of page and text; text outside the page is clipped.
    """
    for letter, pen in zip(line, pens(line, path, size, kerning), strict=False):
        _stamp_letter(page, letter, path, size, (start[0] + pen, start[1]))


def _stamp_letter(
    page: np.ndarray, letter: str, path: str, size: float, pen: tuple[float, float]
) -> None:
    left, top = (math.floor(value) for value in pen)
    image, x, y = _letter(letter, path, size, pen[0] - left, pen[1] - top)
    _darken(page, image, left + x, top + y)


def _letter(
    letter: str, path: str, size: float, right: float, down: float
) -> tuple[np.ndarray, int, int]:
    """Draw a letter whose pen is `right` and `down` (0…1) px from a pixel's top left corner.

    Returns its darkness, and the position of its left and top edges from that corner. The outline
    is hinted vertically, so blending rows is the same as moving edges.
    """
    face = font(path, size)
    core, (x, y) = face.getmask2(letter, "L", anchor="ls")
    # Bilinear shift: blend each pixel with the one above, then with the one to the left. The
    # padding receives pixels that move beyond the edges.
    image = np.pad(np.array(core, np.float32).reshape(core.size[::-1]), 1)
    moved = (1 - down) * image[1:] + down * image[:-1]
    moved = (1 - right) * moved[:, 1:] + right * moved[:, :-1]
    return np.round(moved).astype(np.uint8), x, y


def _darken(page: np.ndarray, image: np.ndarray, left: int, top: int) -> None:
    """Overlay an image on the page, keeping the darker pixels; clip what is outside."""
    height, width = image.shape
    region = page[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    inside = image[max(-top, 0) :, max(-left, 0) :][: region.shape[0], : region.shape[1]]
    np.maximum(region, inside, out=region)


def rule(page: np.ndarray, segment: np.ndarray, width: float) -> None:
    """Draw a rule from (x0, y0) to (x1, y1), `width` px wide and extended by half of that.

    Coverage is exact for horizontal and vertical rules; for others, it is computed at the middle of
    each column or row.
    """
    x0, y0, x1, y1 = segment
    if abs(y1 - y0) > abs(x1 - x0):
        page, (x0, y0, x1, y1) = page.T, (y0, x0, y1, x1)  # steep: use a transposed view
    if x1 < x0:
        x0, y0, x1, y1 = x1, y1, x0, y0
    slope = (y1 - y0) / (x1 - x0)
    half = width / 2 * math.hypot(1, slope)  # half the vertical extent of a slanted rule
    columns = np.arange(math.floor(x0 - width / 2), math.ceil(x1 + width / 2))
    middle = (y0 + (columns + 0.5 - x0) * slope)[:, None]
    rows = np.floor(middle - half).astype(int) + np.arange(math.ceil(2 * half) + 1)
    along = _covered(x0 - width / 2, x1 + width / 2, columns)
    dark = np.round(255 * along[:, None] * _covered(middle - half, middle + half, rows))
    # Rows and columns of a slanted band, some possibly outside the page.
    columns = np.broadcast_to(columns[:, None], rows.shape)
    inside = (rows >= 0) & (rows < page.shape[0]) & (columns >= 0) & (columns < page.shape[1])
    pixels_inside = rows[inside], columns[inside]
    page[pixels_inside] = np.maximum(page[pixels_inside], dark[inside].astype(np.uint8))


def _covered(start: float, end: float, pixels: np.ndarray) -> np.ndarray:
    """Return the share of each pixel that is between two coordinates."""
    return np.clip(np.minimum(end, pixels + 1) - np.maximum(start, pixels), 0, 1)


def turned(
    page: np.ndarray, line: str, path: str, size: float, middle: tuple[float, float], angle: float
) -> None:
    """Draw a line of text centred at `middle`, rotated clockwise by `angle` degrees.

    The letters are rendered once at `_MASTER` px and resampled, so any size is cheap.
    """
    image, (x, y) = _master(line, path)
    turn, scale = math.radians(angle), _MASTER / size
    along, aside = math.cos(turn) * scale, math.sin(turn) * scale
    text_width, text_height = image.width / scale, image.height / scale
    cosine, sine = abs(math.cos(turn)), abs(math.sin(turn))
    half_size = [
        math.ceil(across / 2) + 2
        for across in (
            text_width * cosine + text_height * sine,
            text_width * sine + text_height * cosine,
        )
    ]
    left, top = (math.floor(value) - half for value, half in zip(middle, half_size, strict=True))
    right, down = middle[0] - left, middle[1] - top
    # Pillow expects the inverse map, from the new image to the source: rotation and scaling about
    # (right, down), which maps to (x, y).
    matrix = (
        along, aside, x - along * right - aside * down,
        -aside, along, y + aside * right - along * down,
    )  # fmt: skip
    box = (2 * half_size[0] + 1, 2 * half_size[1] + 1)
    darkness = image.transform(box, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    _darken(page, np.asarray(darkness), left, top)


def _master(line: str, path: str) -> tuple[Image.Image, tuple[float, float]]:
    """Return a line of text rendered large, and the position of its middle in the image."""
    face = font(path, _MASTER)
    # The tallest and the deepest letter make the middle the same for every line of text.
    above, below = extent("lp", path, _MASTER)
    length = face.getlength(line)
    middle = (length / 2 + _MARGIN, above + (below - above) / 2 + _MARGIN)
    image = Image.new("L", (math.ceil(2 * middle[0]), math.ceil(2 * middle[1])))
    ImageDraw.Draw(image).text((_MARGIN, _MARGIN + above), line, 255, face, anchor="ls")
    return image, middle
