"""Class names drawn on their point clouds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.experiments.activations import colours

_SIZES = (22.0, 30.0)  # of text: by default, and when the sentence names the class
_WIDEST = 8.0  # multiple of the text size; longer names are drawn smaller
_NEAR = 80.0  # units; bandwidth of the density estimate
_CANDIDATES = 300  # images considered as the start of the search
_STEPS, _AT_REST = 100, 0.05  # iterations at most; units moved when converged
_MOVES = 40
_GAP = 6.0


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
    overlap. Stops after a fixed number of iterations, even if some still overlap.
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
    return np.clip(positions, low, high)


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
        self._plates = [
            [self._plate(canvas, name, tuple(shade), size) for size in _SIZES]
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
        width, height = min(canvas.measure(name, size, "bold"), max_width) + 0.8 * size, 1.5 * size
        tile = canvas.tile(width, height, colour)
        tile.frame(0, 0, width, height, palette.PAPER, 2)
        style = (palette.PAPER, "bold", "centre")
        tile.text(width / 2, height / 2, name, size, *style, middle=True, fit=max_width)
        return tile
