"""Class names drawn on their point clouds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from epochreel.core.drawable_text import drawable
from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.experiments.activations import colours

_SIZES = (22.0, 30.0)  # of text: by default, and when the sentence names the class
_MOST_FULL_SIZE = 40  # classes; the names of more are smaller, and cover the same area together
_WIDEST = 8.0  # multiple of the text size; longer names are drawn smaller
_SMALLEST = 0.65  # of the text size; still longer names are cut
_NEAR = 80.0  # units; bandwidth of the density estimate
_CANDIDATES = 300  # images considered as the start of the search
_STEPS, _AT_REST = 100, 0.05  # iterations at most; units moved when converged
_MOVES = 40
_MOST_RELAXED = 12  # names; of more, some get stuck, and are then placed one by one
_PLACES = (45, 61)  # places across and down that are tried for these
_GAP = 6.0


def cut(canvas: Canvas, name: str, size: float, weight: str, room: float) -> str:
    """Shorten a name in its middle if it must be much smaller than `size` to fit into `room`.

    `size` and `room` are in units of the layout. Long names often share their beginning or their
    end, so a part of both is kept.
    """
    shortened = name = drawable(name)  # In normal form, so that no letter loses its accent.
    kept = len(name)
    while kept > 1 and canvas.measure(shortened, size * _SMALLEST, weight) > room:
        kept -= 1
        end = kept // 3
        shortened = f"{name[: kept - end].rstrip()}…{name[len(name) - end :].lstrip()}"
    return shortened


def centre(places: np.ndarray) -> np.ndarray:
    """Return the densest point (2,) of a cloud (n, 2), found by mean shift.

    The search starts at the image with the most neighbours and moves towards higher density, so the
    centre of a cloud of several parts is in one of them.
    """
    middle = places[_nearness(places[:_CANDIDATES], places).sum(1).argmax()]
    for _ in range(_STEPS):
        weight = _nearness(middle[None], places)[0]
        previous, middle = middle, weight @ places / weight.sum()
        if np.abs(middle - previous).max() < _AT_REST:
            break
    return middle


def _nearness(origins: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the Gaussian weight of each of `places` (n, 2) at each of `origins` (m, 2)."""
    squares = ((origins[:, None] - places) ** 2).sum(-1)
    return np.exp(-squares / (2 * _NEAR**2))


def apart(
    centres: np.ndarray, sizes: np.ndarray, area: tuple[float, float, float, float]
) -> np.ndarray:
    """Move the centres (n, 2) of boxes of `sizes` (n, 2) within `area` until none overlaps.

    `area` is (x, y, width, height). Each overlapping pair separates along the axis with the smaller
    overlap, for a fixed number of iterations. If many still overlap, each moves to a free place.
    """
    low = np.array(area[:2]) + sizes / 2
    high = np.array(area[:2]) + area[2:] - sizes / 2
    # A tiny offset makes coinciding names separate downwards, in their order.
    positions = centres + np.arange(len(centres))[:, None] * (0.0, 1e-3)
    for _ in range(_MOVES):
        offset = positions[:, None] - positions[None]  # (n, n, 2)
        overlap = (sizes[:, None] + sizes[None]) / 2 + _GAP - np.abs(offset)
        overlap[np.arange(len(positions)), np.arange(len(positions))] = 0
        touching = (overlap > 0).all(-1)
        if not touching.any():
            break
        shorter = np.arange(2) == overlap.argmin(-1)[..., None]
        push = np.where(touching[..., None] & shorter, np.copysign(overlap, offset), 0).sum(1)
        positions = np.clip(positions + push * 0.4, low, high)
    positions = np.clip(positions, low, high)
    return positions if len(positions) <= _MOST_RELAXED else _placed(positions, sizes, low, high)


def _placed(
    positions: np.ndarray, sizes: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Move each box that overlaps another one to the nearest free place, if there is one."""
    positions = positions.copy()
    for box in range(len(positions)):
        distance = (sizes + sizes[box]) / 2 + 1
        distance[box] = 0
        if not (np.abs(positions[box] - positions) < distance).all(-1).any():
            continue
        x, y = (
            low[box, axis] + np.linspace(0, 1, count) * (high[box, axis] - low[box, axis])
            for axis, count in enumerate(_PLACES)
        )
        taken_x = np.abs(x[:, None] - positions[:, 0]) < distance[:, 0]  # (X, n)
        taken_y = np.abs(y[:, None] - positions[:, 1]) < distance[:, 1]  # (Y, n)
        taken = taken_x.astype(np.float32) @ taken_y.T.astype(np.float32) > 0  # (X, Y)
        squares = (x[:, None] - positions[box, 0]) ** 2 + (y - positions[box, 1]) ** 2
        column, row = np.unravel_index(np.where(taken, np.inf, squares).argmin(), taken.shape)
        if not taken[column, row]:
            positions[box] = x[column], y[row]
    return positions


@dataclass(frozen=True)
class Boxes:
    """Positions and sizes of the names."""

    centres: np.ndarray  # (n, 2)
    sizes: np.ndarray  # (n, 2)
    classes: np.ndarray  # (n,): the class of each name
    large: np.ndarray  # bool (n,)

    def gaps(self, places: np.ndarray) -> np.ndarray:
        """Return the distance of each of `places` (N, 2) to the nearest box: (N,).

        The distance is the larger of those along x and y, since a square thumbnail must not overlap
        a box; it is negative within a box.
        """
        distance = np.abs(places[:, None] - self.centres) - self.sizes / 2
        return distance.max(-1).min(-1)


class Plates:
    """Names in white on their class colours, larger if the sentence names the class."""

    def __init__(self, canvas: Canvas, names: Sequence[str]):
        shades = colours.of_classes(len(names)).tolist()
        share = min(1.0, (_MOST_FULL_SIZE / len(names)) ** 0.5)
        self._plates = [
            [self._plate(canvas, name, tuple(shade), size * share) for size in _SIZES]
            for name, shade in zip(names, shades, strict=True)
        ]
        shapes = [[plate.pixels.shape[1::-1] for plate in plates] for plates in self._plates]
        self._sizes = np.array(shapes) / canvas.scale

    def boxes(
        self,
        places: np.ndarray,
        labels: np.ndarray,
        named: Sequence[int],
        area: tuple[float, float, float, float],
    ) -> Boxes:
        """Place the name of each class that has images on its cloud.

        `places` (N, 2) are the image positions and `labels` (N,) their classes; the names in
        `named` are large. Boxes lie within `area` and do not overlap.
        """
        present = np.unique(labels)
        large = np.isin(present, named)
        sizes = self._sizes[present, large.astype(int)]
        centres = np.stack([centre(places[labels == label]) for label in present])
        return Boxes(apart(centres, sizes, area), sizes, present, large)

    def draw(self, canvas: Canvas, boxes: Boxes) -> None:
        """Draw the names."""
        for (x, y), label, large in zip(boxes.centres, boxes.classes, boxes.large, strict=True):
            plate = self._plates[label][int(large)]
            canvas.put_stamps(canvas.stamps([x], [y], [plate]), np.zeros(1, int))

    def _plate(self, canvas: Canvas, name: str, colour: tuple, size: float) -> Canvas:
        max_width = _WIDEST * size
        name = cut(canvas, name, size, "bold", max_width)
        width, height = min(canvas.measure(name, size, "bold"), max_width) + 0.8 * size, 1.5 * size
        tile = canvas.tile(width, height, colour)
        tile.frame(0, 0, width, height, palette.PAPER, 2)
        style = (palette.PAPER, "bold", "centre")
        tile.text(width / 2, height / 2, name, size, *style, middle=True, fit=max_width)
        return tile
