"""The names of the classes on their clouds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.experiments.activations import colours

_SIZES = (22.0, 30.0)  # of letters: as a rule, and where the sentence names the class
_WIDEST = 8.0  # of a letter's size: longer names are set smaller
_NEAR = 80.0  # units; how far from a cloud's centre images count
_CANDIDATES = 300  # images among which the one with most about it is looked for
_STEPS, _AT_REST = 100, 0.05  # units; which step is the last
_MOVES = 40
_GAP = 6.0


def centre(places: np.ndarray) -> np.ndarray:
    """Where a cloud (n, 2) is dense, (2,): from the image with most others about it uphill to the
    top of their density (mean shift). A cloud in parts has its centre in one of them."""
    middle = places[_nearness(places[:_CANDIDATES], places).sum(1).argmax()]
    for _ in range(_STEPS):
        weight = _nearness(middle[None], places)[0]
        before, middle = middle, weight @ places / weight.sum()
        if np.abs(middle - before).max() < _AT_REST:
            break
    return middle


def _nearness(some: np.ndarray, places: np.ndarray) -> np.ndarray:
    """How much each of `places`, (n, 2), counts at each of `some`, (m, 2): (m, n), 0 … 1."""
    squares = ((some[:, None] - places) ** 2).sum(-1)
    return np.exp(-squares / (2 * _NEAR**2))


def apart(
    centres: np.ndarray, sizes: np.ndarray, area: tuple[float, float, float, float]
) -> np.ndarray:
    """Centres (n, 2) of boxes of `sizes` (n, 2), moved until none overlaps, within `area`.

    `area` is (x, y, width, height). Each two that overlap leave each other the shorter way.
    """
    low = np.array(area[:2]) + sizes / 2
    high = np.array(area[:2]) + area[2:] - sizes / 2
    # Names that are in one place leave it downwards in their order.
    at = centres + np.arange(len(centres))[:, None] * (0.0, 1e-3)
    for _ in range(_MOVES):
        way = at[:, None] - at[None]  # (n, n, 2)
        over = (sizes[:, None] + sizes[None]) / 2 + _GAP - np.abs(way)
        over[np.arange(len(at)), np.arange(len(at))] = 0
        touching = (over > 0).all(-1)
        if not touching.any():
            break
        shorter = np.arange(2) == over.argmin(-1)[..., None]
        push = np.where(touching[..., None] & shorter, np.copysign(over, way), 0).sum(1)
        at = np.clip(at + push * 0.4, low, high)
    return np.clip(at, low, high)


@dataclass(frozen=True)
class Boxes:
    """Where names stand."""

    centres: np.ndarray  # (n, 2)
    sizes: np.ndarray  # (n, 2)
    classes: np.ndarray  # (n,): whose names they are
    large: np.ndarray  # bool (n,)

    def gaps(self, places: np.ndarray) -> np.ndarray:
        """How far each of `places`, (N, 2), is from the nearest box, (N,): along x or y, whichever
        is more, as of two squares that must not overlap; negative within a box."""
        away = np.abs(places[:, None] - self.centres) - self.sizes / 2
        return away.max(-1).min(-1)


class Plates:
    """Names in white on their colours, larger for classes that the sentence names."""

    def __init__(self, canvas: Canvas, names: Sequence[str]):
        shades = colours.of_classes(len(names)).tolist()
        self._plates = [
            [self._plate(canvas, name, tuple(shade), size) for size in _SIZES]
            for name, shade in zip(names, shades, strict=True)
        ]
        shapes = [[plate.pixels.shape[1::-1] for plate in pair] for pair in self._plates]
        self._sizes = np.array(shapes) / canvas.scale

    def boxes(
        self,
        places: np.ndarray,
        labels: np.ndarray,
        named: Sequence[int],
        area: tuple[float, float, float, float],
    ) -> Boxes:
        """Where the names of all classes that have images stand: at the clouds of `places`, (N, 2),
        none over another, within `area`."""
        there = np.unique(labels)
        large = np.isin(there, named)
        sizes = self._sizes[there, large.astype(int)]
        centres = np.stack([centre(places[labels == label]) for label in there])
        return Boxes(apart(centres, sizes, area), sizes, there, large)

    def draw(self, canvas: Canvas, boxes: Boxes) -> None:
        """The names."""
        for (x, y), label, large in zip(boxes.centres, boxes.classes, boxes.large, strict=True):
            plate = self._plates[label][int(large)]
            canvas.put_stamps(canvas.stamps([x], [y], [plate]), np.zeros(1, int))

    def _plate(self, canvas: Canvas, name: str, colour: tuple, size: float) -> Canvas:
        room = _WIDEST * size
        wide, high = min(canvas.measure(name, size, "bold"), room) + 0.8 * size, 1.5 * size
        tile = canvas.tile(wide, high, colour)
        tile.frame(0, 0, wide, high, palette.PAPER, 2)
        looks = (palette.PAPER, "bold", "centre")
        tile.text(wide / 2, high / 2, name, size, *looks, middle=True, fit=room)
        return tile
