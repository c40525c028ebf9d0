"""Generated backgrounds: patches of light, and strokes that could be a letter's.

The patches are value noise at two scales: random levels on a grid, blended between its points. Up
to eight strokes, straight or bent, as thick and as long as those of the letters, are lighter or
darker than what they cross. The mixture of the scales, the brightness and the number of strokes
differ from example to example. All is reckoned in integers.
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

_STEPS = (16, 6)  # px between the points of a grid, coarse and fine
# The last pixel at the largest shift lies before point (SIDE + step - 2) // step + 1.
_POINTS = tuple((SIDE + step - 2) // step + 2 for step in _STEPS)  # along each axis
_WEIGHT_BITS = 6  # weights 0 … 64: products stay far within int32, and a shift divides
_STROKES = 8  # at most
_BOX = 9  # px, a stroke's picture
_FINE = 8  # times larger it is drawn, then averaged: Pillow draws no soft edges


class _Grid(NamedTuple):
    """For each of a grid's shifts (shifts, SIDE): where a pixel lies in it."""

    point: Array  # the one before the pixel
    weight: Array  # of the one after, int32 0 … 2 ** _WEIGHT_BITS


class _Tables(NamedTuple):
    level: Array  # (256,) int32 0 … 255
    strokes: Array  # (shapes, _BOX²) int32 coverage 0 … 256
    rows: Array  # (SIDE, _BOX²) where the pixels of a stroke lie in the image, for each place
    columns: Array  # … what the rows and the columns add
    numbers: Array  # (_STROKES,) 0 … _STROKES - 1


def draw(states: Array, first: int) -> Array:
    """Backgrounds (B, 40, 40), int32 0 … 255, from the examples' states (B,).

    `first` is the first of the purposes that their random numbers are for.
    """
    tables = _tables(device_of(states))
    fields = []
    for step, points in zip(_STEPS, _POINTS, strict=True):
        bits = counter_rng.numbers(states, first, points * points + 2)
        # The lowest byte; `below` uses the upper half. The table turns int64 into int32, with numpy
        # and torch alike.
        levels = tables.level.take(bits[:, 2:] & 255).reshape(-1, points, points)
        fields.append(blended(levels, step, bits[:, :2]))
        first += points * points + 2
    bits = counter_rng.numbers(states, first, 3 + 4 * _STROKES)
    share, most = (tables.level.take(bits[:, k] & 255)[:, None, None] for k in (0, 1))
    # In place, to need no further arrays of the whole batch.
    field, fine = fields
    field *= share
    fine *= 255 - share
    field += fine
    field //= 255
    field = _apart(field)
    field *= 64 + 3 * most // 4  # brightness: 64 … 255 of 255
    field //= 255
    return _crossed(field, counter_rng.below(_STROKES + 1, bits[:, 2]), bits[:, 3:], tables)


def blended(levels: Array, step: int, bits: Array) -> Array:
    """The levels of a grid's points (B, n, n), `step` px apart, over images (B, SIDE, SIDE).

    Random bits (B, 2) shift the grid by up to a step along each axis.
    """
    grid = _grid(step, device_of(levels))
    # Along one axis after the other; each pass ends with the axes swapped, so two restore them.
    for axis in (0, 1):
        shift = counter_rng.below(step, bits[:, axis])
        points, others = levels.shape[1:]
        # All grids under each other: one index finds a line of any of them.
        lines = levels.reshape(-1, others)
        before = points * counted(shift)[:, None] + grid.point[shift]
        low, high = lines[before], lines[before + 1]  # (B, SIDE, others)
        high -= low
        high *= grid.weight[shift][:, :, None]
        high >>= _WEIGHT_BITS
        high += low
        levels = high.swapaxes(1, 2)
    return levels


def _apart(level: Array) -> Array:
    """Levels 0 … 255 twice as far from the middle, as far as there are such.

    Blending draws them to the middle.
    """
    return (2 * level - 128).clip(0, 255)


def _crossed(field: Array, count: Array, bits: Array, tables: _Tables) -> Array:
    """The images with the first `count` (B,) of their strokes, each over those before it."""
    # A view: strokes are written into `field`.
    flat = field.reshape(-1)
    shape = counter_rng.below(len(tables.strokes), bits[:, :_STROKES])
    level = _apart(tables.level.take(bits[:, _STROKES : 2 * _STROKES] & 255))[:, :, None]
    row, column = (
        counter_rng.below(SIDE, bits[:, k * _STROKES : (k + 1) * _STROKES]) for k in (2, 3)
    )
    start = SIDE * SIDE * counted(count)[:, None, None]
    places = start + tables.rows[row] + tables.columns[column]  # (B, _STROKES, _BOX²)
    cover = tables.strokes[shape] * (tables.numbers < count[:, None])[:, :, None]
    # One after the other, since a stroke covers those before it. Unused ones cover nothing, so
    # that all examples take the same steps.
    for k in range(_STROKES):
        under = flat[places[:, k]]
        flat[places[:, k]] = under + (((level[:, k] - under) * cover[:, k]) >> 8)
    return flat.reshape(-1, SIDE, SIDE)


@lru_cache(8)
def _grid(step: int, device: Device) -> _Grid:
    place = np.arange(step)[:, None] + np.arange(SIDE)
    # The smooth step 3t² - 2t³ at a pixel's middle, t = part / whole between two points.
    part, whole = 2 * (place % step) + 1, 2 * step
    weight = ((3 * whole - 2 * part) * part**2 << _WEIGHT_BITS) // whole**3
    return _Grid(placed(place // step, device), placed(weight.astype(np.int32), device))


@lru_cache(8)
def _tables(device: Device) -> _Tables:
    row, column = np.divmod(np.arange(_BOX * _BOX), _BOX)
    # What reaches over an edge comes in at the opposite one, so that edges are as full as middles.
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
    """Pictures of straight and of bent strokes, 0 … 256 where covered."""
    lines = [(length, turn) for length in (5, 8) for turn in range(8)]
    bends = [(size, turn, part) for size in (5, 8) for turn in range(8) for part in (90, 180)]
    return [_line(*line) for line in lines] + [_bend(*bend) for bend in bends]


def _line(length: int, turn: int) -> np.ndarray:
    angle, middle = math.pi * turn / 8, _BOX * _FINE / 2
    along = length * _FINE / 2 * math.cos(angle), length * _FINE / 2 * math.sin(angle)
    ends = [tuple(round(middle + sign * way) for way in along) for sign in (-1, 1)]
    image, pen = _sheet()
    pen.line(ends, 255, width=_FINE)
    return _covered(image)


def _bend(size: int, turn: int, part: int) -> np.ndarray:
    edge = (_BOX - size) * _FINE // 2
    image, pen = _sheet()
    box = (edge, edge, _BOX * _FINE - edge - 1, _BOX * _FINE - edge - 1)
    pen.arc(box, 45 * turn, 45 * turn + part, 255, width=_FINE)
    return _covered(image)


def _sheet() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("L", (_BOX * _FINE, _BOX * _FINE))
    return image, ImageDraw.Draw(image)


def _covered(image: Image.Image) -> np.ndarray:
    cover = np.asarray(image.reduce(_FINE)).astype(np.int32)
    # 0 … 255 becomes 0 … 256, so that full coverage is exact where products are shifted by 8.
    return cover + (cover >> 7)
