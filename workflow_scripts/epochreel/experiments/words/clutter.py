"""Generated backgrounds: patches of light, and strokes that resemble parts of letters.

The patches are value noise at two scales: random levels on a grid, interpolated between its points.
Up to eight strokes, straight or bent and as thick and long as those of letters, are lighter or
darker than what they cross. The mixture of scales, the brightness and the number of strokes are
random for each example. All arithmetic is in integers.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from epochreel.experiments.words import counter_rng
from epochreel.experiments.words.alphabet import SIDE
from epochreel.experiments.words.array_backend import Array, Device, counted, device_of, placed

_STEPS = (16, 6)  # px between grid points, coarse and fine
# At the largest shift, the last pixel is before point (SIDE + step - 2) // step + 1.
_POINTS = tuple((SIDE + step - 2) // step + 2 for step in _STEPS)  # along each axis
_WEIGHT_BITS = 6  # weights 0 … 64: products fit in int32, and a shift divides
_STROKES = 8  # at most, per image
_BOX = 9  # px, side of a stroke's image
_SUPERSAMPLING = 8  # Pillow draws without anti-aliasing


class _Grid(NamedTuple):
    """Position of each pixel in a grid, for each shift of the grid: (shifts, SIDE)."""

    point: Array  # grid point before the pixel
    weight: Array  # weight of the next grid point, int32 0 … 2 ** _WEIGHT_BITS


class _Tables(NamedTuple):
    level: Array  # (256,) int32 0 … 255
    strokes: Array  # (shapes, _BOX²) int32 coverage 0 … 256
    rows: Array  # (SIDE, _BOX²) row offsets of a stroke's pixels, by its position
    columns: Array  # … column offsets; a pixel's index is the sum of both
    numbers: Array  # (_STROKES,) 0 … _STROKES - 1


def draw(states: Array, first: int) -> Array:
    """Draw backgrounds (B, 40, 40), int32 0 … 255, from the examples' states (B,).

    `first` is the first purpose of their random numbers.
    """
    tables = _tables(device_of(states))
    fields = []
    for step, points in zip(_STEPS, _POINTS, strict=True):
        bits = counter_rng.numbers(states, first, points * points + 2)
        # Take the lowest byte. The table converts int64 to int32 in both numpy and torch.
        levels = tables.level.take(bits[:, 2:] & 255).reshape(-1, points, points)
        fields.append(interpolate(levels, step, bits[:, :2]))
        first += points * points + 2
    bits = counter_rng.numbers(states, first, 3 + 4 * _STROKES)
    share, peak = (tables.level.take(bits[:, k] & 255)[:, None, None] for k in (0, 1))
    # Computed in place, to avoid more batch-sized arrays.
    field, fine = fields
    field *= share
    fine *= 255 - share
    field += fine
    field //= 255
    field = _stretch_contrast(field)
    field *= 64 + 3 * peak // 4  # brightness: 64 … 255 of 255
    field //= 255
    return _draw_strokes(field, counter_rng.below(_STROKES + 1, bits[:, 2]), bits[:, 3:], tables)


def interpolate(levels: Array, step: int, bits: Array) -> Array:
    """Interpolate the levels of grid points (B, n, n), `step` px apart, to images (B, SIDE, SIDE).

    Random bits (B, 2) shift the grid by less than a step along each axis.
    """
    grid = _grid(step, device_of(levels))
    # One axis after the other; each pass swaps the axes, so two passes restore them.
    for axis in (0, 1):
        shift = counter_rng.below(step, bits[:, axis])
        points, others = levels.shape[1:]
        # Stack all grids, so that one index selects a line of any of them.
        lines = levels.reshape(-1, others)
        before = points * counted(shift)[:, None] + grid.point[shift]
        low, high = lines[before], lines[before + 1]  # (B, SIDE, others)
        high -= low
        high *= grid.weight[shift][:, :, None]
        high >>= _WEIGHT_BITS
        high += low
        levels = high.swapaxes(1, 2)
    return levels


def _stretch_contrast(level: Array) -> Array:
    """Double the contrast of levels 0 … 255, which interpolation has reduced, and clip them."""
    return (2 * level - 128).clip(0, 255)


def _draw_strokes(field: Array, count: Array, bits: Array, tables: _Tables) -> Array:
    """Draw the first `count` (B,) strokes of each image, each over the previous ones."""
    # A view, so strokes are written into `field`.
    flat = field.reshape(-1)
    shape = counter_rng.below(len(tables.strokes), bits[:, :_STROKES])
    level = _stretch_contrast(tables.level.take(bits[:, _STROKES : 2 * _STROKES] & 255))[:, :, None]
    row, column = (
        counter_rng.below(SIDE, bits[:, k * _STROKES : (k + 1) * _STROKES]) for k in (2, 3)
    )
    start = SIDE * SIDE * counted(count)[:, None, None]
    pixels = start + tables.rows[row] + tables.columns[column]  # (B, _STROKES, _BOX²)
    cover = tables.strokes[shape] * (tables.numbers < count[:, None])[:, :, None]
    # One after the other, since a stroke covers the previous ones. Unused strokes cover nothing, so
    # that all examples take the same steps.
    for k in range(_STROKES):
        under = flat[pixels[:, k]]
        flat[pixels[:, k]] = under + (((level[:, k] - under) * cover[:, k]) >> 8)
    return flat.reshape(-1, SIDE, SIDE)


@lru_cache(8)
def _grid(step: int, device: Device) -> _Grid:
    position = np.arange(step)[:, None] + np.arange(SIDE)
    # Smoothstep 3t² - 2t³ at a pixel's middle, with t = part / whole between two grid points.
    part, whole = 2 * (position % step) + 1, 2 * step
    weight = ((3 * whole - 2 * part) * part**2 << _WEIGHT_BITS) // whole**3
    return _Grid(placed(position // step, device), placed(weight.astype(np.int32), device))


@lru_cache(8)
def _tables(device: Device) -> _Tables:
    row, column = np.divmod(np.arange(_BOX * _BOX), _BOX)
    # Strokes wrap around at the edges, so that they are as dense there as in the middle.
    starts = np.arange(SIDE)[:, None]
    tables = _Tables(
        level=np.arange(256, dtype=np.int32),
        strokes=np.array(_strokes(), np.int32).reshape(-1, _BOX * _BOX),
        rows=(starts + row) % SIDE * SIDE,
        columns=(starts + column) % SIDE,
        numbers=np.arange(_STROKES),
    )
    return _Tables(*(placed(table, device) for table in tables))


def _strokes() -> list[np.ndarray]:
    """Return images of straight and of bent strokes, coverage 0 … 256."""
    lines = [(length, turn) for length in (5, 8) for turn in range(8)]
    bends = [(size, turn, part) for size in (5, 8) for turn in range(8) for part in (90, 180)]
    return [_line(*line) for line in lines] + [_bend(*bend) for bend in bends]


def _line(length: int, turn: int) -> np.ndarray:
    angle, middle = math.pi * turn / 8, _BOX * _SUPERSAMPLING / 2
    along = (
        length * _SUPERSAMPLING / 2 * math.cos(angle),
        length * _SUPERSAMPLING / 2 * math.sin(angle),
    )
    ends = [tuple(round(middle + sign * component) for component in along) for sign in (-1, 1)]
    image, pen = _canvas()
    pen.line(ends, 255, width=_SUPERSAMPLING)
    return _coverage(image)


def _bend(size: int, turn: int, part: int) -> np.ndarray:
    edge = (_BOX - size) * _SUPERSAMPLING // 2
    image, pen = _canvas()
    box = (edge, edge, _BOX * _SUPERSAMPLING - edge - 1, _BOX * _SUPERSAMPLING - edge - 1)
    pen.arc(box, 45 * turn, 45 * turn + part, 255, width=_SUPERSAMPLING)
    return _coverage(image)


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("L", (_BOX * _SUPERSAMPLING, _BOX * _SUPERSAMPLING))
    return image, ImageDraw.Draw(image)


def _coverage(image: Image.Image) -> np.ndarray:
    cover = np.asarray(image.reduce(_SUPERSAMPLING)).astype(np.int32)
    # Map 0 … 255 to 0 … 256, so that full coverage is exact when products are shifted by 8.
    return cover + (cover >> 7)
