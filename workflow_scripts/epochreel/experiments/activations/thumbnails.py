"""Test images as thumbnails in the layout, each as large as the space around it allows.

Images have a rank, which is the same throughout the film. In order of rank, each takes the space
that higher ranks and the names of classes leave free; an image without space is a dot. The first
wrong predictions lie on top of the others and take space only from each other, so that the name of
the predicted class is legible.

The layout determines the sizes at each snapshot. As points move, a small step can give one image's
space to another. Between two snapshots, sizes are therefore interpolated linearly instead of being
derived from the layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from PIL import Image

from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.experiments.activations import colours
from epochreel.experiments.activations.labels import cut

CANDIDATES = 1000
"""Number of test examples from which the pictures are chosen."""
MOST = 420
"""Maximum number of pictures."""
DOT = 9.0
"""Side of a dot, which is the smallest size of an image."""
NAMED, MOST_NAMED = 42.0, 48
"""Side of the first wrong predictions, which lie on top of the others, and their maximum number."""
_STEP = 3.0  # units between two sizes of pictures
_STRIP, _LETTERS = 0.28, 0.22  # of a picture's side: height of the strip, size of its letters
_RAISED = 0.04  # of a letter's size: how far letters are raised to make room for descenders
_EDGED = 5  # px; a light edge would cover a smaller dot
_LEGIBLE = 6.0  # px; smaller letters are left out


def ranked(labels: np.ndarray, most: int = MOST) -> np.ndarray:
    """Return at most `most` examples in order of rank: one of each of `labels` (N,) in turn."""
    turn = np.zeros(len(labels), np.intp)
    for label in np.unique(labels):
        mine = labels == label
        turn[mine] = np.arange(mine.sum())
    return np.lexsort((labels, turn))[:most]


def sides(places: np.ndarray, largest: float, gaps: np.ndarray) -> np.ndarray:
    """Return the sizes, 0 … `largest`, of pictures at `places`, (n, 2) in order of rank.

    Pictures of size `largest` overlap neither each other nor objects at a distance of `gaps`, (n,).
    """
    x, y = np.asarray(places, np.float32).T
    # The Chebyshev distance, since pictures are squares, (n, n).
    across = np.maximum(np.abs(x[:, None] - x), np.abs(y[:, None] - y))
    # Half sides, rank by rank: each takes the space that higher ranks leave.
    room = np.minimum(gaps, largest / 2).astype(np.float32)
    for rank in range(len(places)):
        half = room[rank]
        if half <= 0:
            continue
        # A picture of full size leaves others their distance minus its half side. A smaller one
        # leaves more, continuously, so that small movements hardly change sizes.
        left = across[rank, rank + 1 :] + (largest / 2 - 2 * half)
        np.minimum(room[rank + 1 :], left, out=room[rank + 1 :])
    return 2 * np.clip(room, 0, None)


class Thumbnails:
    """Pictures of the first test examples, tinted in the colour of the predicted class."""

    def __init__(self, test: Sequence[Mapping], names: Sequence[str], largest: float):
        self._names, self._largest = names, largest
        candidates = [test[i] for i in range(min(CANDIDATES, len(test)))]
        self.shown = ranked(np.array([example["label"] for example in candidates]))
        self._images = [candidates[i]["image"] for i in self.shown]
        self._colours = colours.of_classes(len(names))
        self._tints = colours.tints(self._colours)

    def draw_static(self, canvas: Canvas) -> None:
        """Scale all pictures to all sizes, and draw the strips and dots."""
        # Steps down from the largest size, rounded to whole px and sorted from the smallest.
        steps = np.arange(self._largest, DOT, -_STEP)[::-1]
        whole = np.unique(np.maximum(np.rint(steps * canvas.scale), 1).astype(int))
        self._whole = whole
        self._scaled = [self._all_at(side) for side in whole]
        self._strips = [self._strips_at(canvas, side) for side in whole]
        self._dots = dots(canvas, self._colours)

    def can_be_named(self) -> bool:
        """Return whether the strips of the largest pictures have letters."""
        return bool(self._whole[-1] * _LETTERS >= _LEGIBLE)

    def draw(
        self,
        canvas: Canvas,
        places: np.ndarray,
        labels: np.ndarray,
        predictions: np.ndarray,
        side: np.ndarray,
    ) -> None:
        """Draw the test examples at `places`, (N, 2), as pictures and dots.

        `side`, (n,), is the size of the pictures, in order of rank (see `grown`). Wrong predictions
        lie on top of correct ones, and the named ones on top of all. A picture also covers the name
        on the picture below it, so no name lies on another picture.
        """
        level = self._levels(canvas, side)
        left = np.ones(len(places), bool)
        left[self.shown[level >= 0]] = False
        tile = predictions + np.where(predictions == labels, 0, len(self._names))
        canvas.put_stamps(canvas.stamps(*places[left].T, self._dots), tile[left])
        wrong = (labels != predictions)[self.shown]
        layer = wrong.astype(int)
        layer[_named(wrong)] = 2
        for depth, number in product(range(3), range(len(self._whole))):
            which = np.flatnonzero((level == number) & (layer == depth))
            if not len(which):
                continue
            rows = self.shown[which]
            pictures = self._tinted(number, which, predictions[rows])
            self._mark(pictures, number, predictions[rows], wrong[which])
            size = self._whole[number] / canvas.scale
            at = canvas.places(*(places[rows].T - size / 2), size, size, pictures.shape[1:3])
            canvas.put_pictures(at, pictures)

    def grown(
        self, places: np.ndarray, labels: np.ndarray, predictions: np.ndarray, gaps: np.ndarray
    ) -> np.ndarray:
        """Return the sizes of pictures at a snapshot, in order of rank, (n,), at least a dot's.

        Pictures fill the space between each other and the names of the classes, which are at a
        distance of `gaps`, (N,). The first wrong predictions share space only with each other and
        with these names, up to the size at which the name on the strip is legible.
        """
        side = sides(places[self.shown], self._largest, gaps[self.shown])
        named = _named((labels != predictions)[self.shown])
        which = self.shown[named]
        room = sides(places[which], min(NAMED, self._largest), gaps[which])
        side[named] = np.maximum(side[named], room)
        return np.maximum(side, DOT)

    def _levels(self, canvas: Canvas, side: np.ndarray) -> np.ndarray:
        """Return the index of each picture's size, (n,); -1 for a dot."""
        # The largest that fits; 1e-3 px allows for rounding.
        level = np.searchsorted(self._whole, side * canvas.scale + 1e-3, "right") - 1
        level[side <= DOT] = -1
        return level

    def _all_at(self, side: int) -> np.ndarray:
        """Return all pictures at `side` px, uint8 (n, side, side) or (n, side, side, 3)."""
        method = (
            Image.Resampling.BOX if side < self._images[0].shape[0] else Image.Resampling.BICUBIC
        )
        return np.stack(
            [
                np.asarray(Image.fromarray(image).resize((side, side), method))
                for image in self._images
            ]
        )

    def _strips_at(self, canvas: Canvas, side: int) -> np.ndarray:
        """Return a strip with the name of each class, uint8 (C, h, side, 3).

        The frame of the picture covers its lowest pixels.
        """
        wide, size = side / canvas.scale, side / canvas.scale * _LETTERS
        seen = wide * _STRIP
        middle = seen / 2 - _RAISED * size
        tiles = []
        for name, colour in zip(self._names, self._colours.tolist(), strict=True):
            tile = canvas.tile(wide, seen + _weight(side) / canvas.scale, colour)
            if size * canvas.scale >= _LEGIBLE:
                style = (palette.PAPER, "bold", "centre")
                room = wide * 0.88
                short = cut(canvas, name, size, "bold", room)
                tile.text(wide / 2, middle, short, size, *style, middle=True, fit=room)
            tiles.append(tile.pixels[:, :side])
        return np.stack(tiles)

    def _tinted(self, number: int, which: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        """Return pictures of one size in the colours of their classes, uint8 (n, side, side, 3)."""
        pictures = self._scaled[number][which]
        row = predictions.reshape(-1, 1, 1).astype(np.intp) * 256
        if pictures.ndim == 3:
            # Grey: one look-up returns all three bytes as one item.
            table = self._tints.reshape(-1, 3).view("V3")[:, 0]
            tinted = table.take(row + pictures)
            return tinted.view(np.uint8).reshape(*pictures.shape, 3)
        channels = self._tints.reshape(-1, 3).T
        parts = [channels[c].take(row + pictures[..., c]) for c in range(3)]
        return np.stack(parts, -1)

    def _mark(
        self, pictures: np.ndarray, number: int, predictions: np.ndarray, wrong: np.ndarray
    ) -> None:
        """Draw a thin edge around correct predictions, a thick one and a name on wrong ones."""
        edge = self._colours[predictions][:, None, None]
        _frame(pictures, edge, 1)
        named = pictures[wrong]
        strips = self._strips[number][predictions[wrong]]
        named[:, -strips.shape[1] :] = strips
        _frame(named, np.array(palette.INK), _weight(pictures.shape[1]))
        pictures[wrong] = named


def dots(canvas: Canvas, shades: np.ndarray) -> list[Canvas]:
    """Return a dot per class for correct predictions (light edge), then for wrong ones (dark)."""
    tiles = []
    for edge, weight in ((palette.PAPER, 1.0), (palette.INK, 2.0)):
        for colour in shades.tolist():
            tile = canvas.tile(DOT, DOT, colour)
            if len(tile.pixels) >= _EDGED or edge == palette.INK:
                tile.frame(0, 0, DOT, DOT, edge, weight)
            tiles.append(tile)
    return tiles


def _named(wrong: np.ndarray) -> np.ndarray:
    """Return the ranks of the wrong predictions that are named; `wrong`, (n,), marks all."""
    return np.flatnonzero(wrong)[:MOST_NAMED]


def _weight(side: int) -> int:
    """Return the width of the frame around a wrong prediction of this size, in px."""
    return max(round(side / 20), 1)


def _frame(pictures: np.ndarray, colour: np.ndarray, weight: int) -> None:
    pictures[:, :weight] = pictures[:, -weight:] = colour
    pictures[:, :, :weight] = pictures[:, :, -weight:] = colour
