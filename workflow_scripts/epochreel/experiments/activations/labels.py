"""Class names drawn on their point clouds, and boxes that move apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from epochreel.core.drawable_text import drawable
from epochreel.drawing.canvas import Canvas

_SIZES = (30.0, 40.0)  # of text: by default, and when the sentence names the class
_WIDEST = 8.0  # multiple of the text size; longer names are drawn smaller
_SMALLEST = 0.65  # of the text size; still longer names are cut
_NEAR = 0.08  # bandwidth of the density estimate, relative to the area's width
_CONSIDERED, _STARTS = 300, 100  # images of a class in the density, and as the start of the search
_STEPS = 12
_MOVES = 60
_PLACES = (45, 61)  # places across and down that are tried for boxes that still overlap
_GAP = 6.0


def named(sentence: str, names: Sequence[str]) -> list[int]:
    """Return the classes that a sentence names, in the singular or a regular plural."""
    # A hyphen is part of a name: "T-shirts" does not name the class "shirt".
    parts = (rf"(?<![\w-]){re.escape(name)}(s|es)?(?![\w-])" for name in names)
    return [label for label, part in enumerate(parts) if re.search(part, sentence)]


def cut(
    canvas: Canvas, name: str, size: float, weight: str, room: float, least: float = _SMALLEST
) -> str:
    """Shorten a name in its middle if it must be smaller than `least` · `size` to fit into `room`.

    `size` and `room` are in units of the layout. Long names often share their beginning or their
    end, so a part of both is kept.
    """
    shortened = name = drawable(name)  # In normal form, so that no letter loses its accent.
    kept = len(name)
    while kept > 1 and canvas.measure(shortened, size * least, weight) > room:
        kept -= 1
        end = kept // 3
        shortened = f"{name[: kept - end].rstrip()}…{name[len(name) - end :].lstrip()}"
    return shortened


def distinct(names: Sequence[str]) -> list[str]:
    """Leave out the first and the last words that all names share, but at least one word each."""
    words = [name.split() for name in names]
    for end in (0, -1):
        while min(map(len, words)) > 1 and len({each[end] for each in words}) == 1:
            for each in words:
                del each[end]
    return [" ".join(each) for each in words]


def centre(places: np.ndarray, near: float) -> np.ndarray:
    """Return the densest point (2,) of a cloud (n, 2), found by mean shift of bandwidth `near`.

    The search starts at the image with the most neighbours and moves towards higher density, so the
    centre of a cloud of several parts is in one of them.
    """
    places = places[:_CONSIDERED].astype(np.float32)
    middle = places[_nearness(places[:_STARTS], places, near).sum(1).argmax()]
    for _ in range(_STEPS):
        weight = _nearness(middle[None], places, near)[0]
        middle = weight @ places / weight.sum()
    return middle


def _nearness(origins: np.ndarray, places: np.ndarray, near: float) -> np.ndarray:
    """Return the Gaussian weight of each of `places` (n, 2) at each of `origins` (m, 2)."""
    squares = ((origins[:, None] - places) ** 2).sum(-1)
    return np.exp(-squares / np.float32(2 * near**2))


def apart(centres: np.ndarray, sizes: np.ndarray, area: tuple[float, float]) -> np.ndarray:
    """Move the centres (n, 2) of boxes of `sizes` (n, 2) within `area` until none overlaps.

    `area` is (width, height). Each overlapping pair separates along the axis with the smaller
    overlap, for a fixed number of iterations. A box that still overlaps others moves to the nearest
    free place, if there is one.
    """
    low, high = sizes / 2, np.array(area) - sizes / 2
    # A tiny offset makes coinciding boxes separate downwards, in their order.
    positions = centres + np.arange(len(centres))[:, None] * (0.0, 1e-3)
    reach = (sizes[:, None] + sizes[None]) / 2 + _GAP
    reach[np.arange(len(sizes)), np.arange(len(sizes))] = 0
    for _ in range(_MOVES):
        offset = positions[:, None] - positions[None]  # (n, n, 2)
        overlap = reach - np.abs(offset)
        touching = (overlap > 0).all(-1)
        if not touching.any():
            break
        shorter = np.arange(2) == overlap.argmin(-1)[..., None]
        push = np.where(touching[..., None] & shorter, np.copysign(overlap, offset), 0).sum(1)
        positions = np.clip(positions + push * 0.4, low, high)
    return _placed(np.clip(positions, low, high), sizes, low, high)


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


class Plates:
    """Names on their class colours, larger and in a frame of ink if the sentence names them."""

    def __init__(self, canvas: Canvas, names: Sequence[str], shades: np.ndarray):
        self._canvas, self._near = canvas, _NEAR * canvas.width
        self._plates = [
            [self._plate(name, tuple(shade), number) for number in range(2)]
            for name, shade in zip(names, shades.tolist(), strict=True)
        ]
        shapes = [[plate.pixels.shape[1::-1] for plate in plates] for plates in self._plates]
        self._sizes = np.array(shapes) / canvas.scale

    def boxes(
        self, places: np.ndarray, labels: np.ndarray, classes: np.ndarray, large: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return where the names of `classes`, (n,), belong, and their sizes: (n, 2) each.

        `places` (N, 2) are the image positions and `labels` (N,) their classes; every one of
        `classes` has images. `large`, bool (n,), marks those that the sentence names.
        """
        centres = [centre(places[labels == label], self._near) for label in classes]
        return np.array(centres).reshape(-1, 2), self._sizes[classes, large.astype(int)]

    def draw(self, centres: np.ndarray, classes: np.ndarray, large: np.ndarray) -> None:
        """Draw the names."""
        for (x, y), label, number in zip(centres, classes, large.astype(int), strict=True):
            stamp = self._canvas.stamps([x], [y], [self._plates[label][number]])
            self._canvas.put_stamps(stamp, np.zeros(1, int))

    def _plate(self, name: str, colour: tuple, number: int) -> Canvas:
        canvas, size = self._canvas, min(_SIZES[number], self._canvas.height / 3)
        most = min(_WIDEST * size, canvas.width - size)
        name = cut(canvas, name, size, "bold", most)
        width, height = min(canvas.measure(name, size, "bold"), most) + 0.8 * size, 1.5 * size
        tile = canvas.tile(width, height, colour)
        tile.frame(0, 0, width, height, (canvas.palette.paper, canvas.palette.ink)[number], 3)
        style = (canvas.palette.paper, "bold", "centre")
        tile.text(width / 2, height / 2, name, size, *style, middle=True, fit=most)
        return tile
