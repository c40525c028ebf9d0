"""Test images as small pictures at their places, each as large as there is room for it.

Images have ranks, the same throughout the film. One after the other they take the room that those
before them and the names of classes leave; what is left without room is a dot. The first of those
that are taken for the wrong class lie on top of the others, and take room from each other only, so
that what they are taken for can be read.

At each snapshot the places say how large the pictures are. A small move can make one lose its room
to another, so the sizes between two snapshots are not asked of the places: pictures grow and shrink
from one snapshot's sizes to the next one's, from the size of a dot on, while they move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from PIL import Image

from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.experiments.activations import colours

LOOKED_AT = 1000
"""Test examples among which those that become pictures are chosen."""
MOST = 420
"""Pictures at most."""
DOT = 9.0
"""Side of a dot; what has no more room is one."""
NAMED, MOST_NAMED = 42.0, 48
"""Side that the first pictures of wrong guesses have on top of others, and how many they are."""
_STEP = 3.0  # units between the sides that pictures come in
_STRIP, _LETTERS = 0.28, 0.22  # of a picture's side: the strip with a name, its letters
_RAISED = 0.04  # of a letter's size: how far capitals lie above the middle, for tails below them
_EDGED = 5  # px; of smaller dots a light edge would leave nothing
_LEGIBLE = 6.0  # px; smaller letters are left out


def ranked(labels: np.ndarray, most: int = MOST) -> np.ndarray:
    """Examples in order of rank, at most `most`: the classes, (N,), take turns, so none is late."""
    turn = np.zeros(len(labels), np.intp)
    for label in np.unique(labels):
        mine = labels == label
        turn[mine] = np.arange(mine.sum())
    return np.lexsort((labels, turn))[:most]


def sides(places: np.ndarray, largest: float, gaps: np.ndarray) -> np.ndarray:
    """How large pictures at `places`, (n, 2) in order of rank, can be: (n,), 0 … `largest`.

    Full-grown pictures do not overlap each other, nor anything that is `gaps`, (n,), away.
    """
    x, y = np.asarray(places, np.float32).T
    # The distance of squares: the larger of the two along the axes, (n, n).
    across = np.maximum(np.abs(x[:, None] - x), np.abs(y[:, None] - y))
    # Half sides. Rank by rank, as each takes what those before it leave.
    room = np.minimum(gaps, largest / 2).astype(np.float32)
    for rank in range(len(places)):
        half = room[rank]
        if half <= 0:
            continue
        # A full-grown picture leaves others their distance less its half side. A smaller one leaves
        # more, without a jump, so that small moves change sizes little.
        left = across[rank, rank + 1 :] + (largest / 2 - 2 * half)
        np.minimum(room[rank + 1 :], left, out=room[rank + 1 :])
    return 2 * np.clip(room, 0, None)


class Thumbnails:
    """Pictures of the first test examples, tinted by the class that each is taken for."""

    def __init__(self, test: Sequence[Mapping], names: Sequence[str], largest: float):
        self._names, self._largest = names, largest
        looked_at = [test[i] for i in range(min(LOOKED_AT, len(test)))]
        self.shown = ranked(np.array([example["label"] for example in looked_at]))
        self._images = [looked_at[i]["image"] for i in self.shown]
        self._colours = colours.of_classes(len(names))
        self._tints = colours.tints(self._colours)

    def draw_static(self, canvas: Canvas) -> None:
        """Scales all pictures to all sizes, and draws what is put on them."""
        # From the largest down, so that one fits exactly; then smallest first, in whole px.
        steps = np.arange(self._largest, DOT, -_STEP)[::-1]
        whole = np.unique(np.maximum(np.rint(steps * canvas.scale), 1).astype(int))
        self._whole = whole
        self._scaled = [self._all_at(side) for side in whole]
        self._strips = [self._strips_at(canvas, side) for side in whole]
        self._dots = dots(canvas, self._colours)

    def can_be_named(self) -> bool:
        """Whether there are letters on the strips of the largest pictures."""
        return bool(self._whole[-1] * _LETTERS >= _LEGIBLE)

    def draw(
        self,
        canvas: Canvas,
        places: np.ndarray,
        labels: np.ndarray,
        predictions: np.ndarray,
        side: np.ndarray,
    ) -> None:
        """Pictures and dots at `places`, (N, 2), of the test examples in order.

        `side`, (n,), is how large those that are pictures are, in order of rank (see `grown`).
        Wrong guesses lie on top of right ones, and those that have room for their names on top of
        all; what covers a picture covers its name too, so no name lies on another picture.
        """
        level = self._levels(canvas, side)
        left = np.ones(len(places), bool)
        left[self.shown[level >= 0]] = False
        look = predictions + np.where(predictions == labels, 0, len(self._names))
        canvas.put_stamps(canvas.stamps(*places[left].T, self._dots), look[left])
        wrong = (labels != predictions)[self.shown]
        layer = wrong.astype(int)
        layer[_named(wrong)] = 2
        for height, number in product(range(3), range(len(self._whole))):
            which = np.flatnonzero((level == number) & (layer == height))
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
        """How large pictures are at a snapshot, in order of rank: (n,), from a dot on.

        As large as there is room between each other and up to the classes' names, which are `gaps`,
        (N,), away; for the first wrong guesses only they themselves and the classes' names take
        room, up to what a name in a picture needs.
        """
        side = sides(places[self.shown], self._largest, gaps[self.shown])
        named = _named((labels != predictions)[self.shown])
        which = self.shown[named]
        room = sides(places[which], min(NAMED, self._largest), gaps[which])
        side[named] = np.maximum(side[named], room)
        return np.maximum(side, DOT)

    def _levels(self, canvas: Canvas, side: np.ndarray) -> np.ndarray:
        """Which of the sizes there are each picture has: (n,), -1 for a dot."""
        # The largest that fits; 1e-3 px is for rounding.
        level = np.searchsorted(self._whole, side * canvas.scale + 1e-3, "right") - 1
        level[side <= DOT] = -1
        return level

    def _all_at(self, side: int) -> np.ndarray:
        """All pictures, `side` px high and wide: uint8 (n, side, side) or (n, side, side, 3)."""
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
        """For each class the strip that names it, uint8 (C, h, side, 3); its lowest pixels are
        for the picture's frame."""
        wide, size = side / canvas.scale, side / canvas.scale * _LETTERS
        seen = wide * _STRIP
        middle = seen / 2 - _RAISED * size
        tiles = []
        for name, colour in zip(self._names, self._colours.tolist(), strict=True):
            tile = canvas.tile(wide, seen + _weight(side) / canvas.scale, colour)
            if size * canvas.scale >= _LEGIBLE:
                looks = (palette.PAPER, "bold", "centre")
                tile.text(wide / 2, middle, name, size, *looks, middle=True, fit=wide * 0.88)
            tiles.append(tile.pixels[:, :side])
        return np.stack(tiles)

    def _tinted(self, number: int, which: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        """Pictures of one size in their colours: uint8 (n, side, side, 3)."""
        pictures = self._scaled[number][which]
        row = predictions.reshape(-1, 1, 1).astype(np.intp) * 256
        if pictures.ndim == 3:
            # Grey: one look-up gives all three bytes, as one item.
            table = self._tints.reshape(-1, 3).view("V3")[:, 0]
            tinted = table.take(row + pictures)
            return tinted.view(np.uint8).reshape(*pictures.shape, 3)
        channels = self._tints.reshape(-1, 3).T
        parts = [channels[c].take(row + pictures[..., c]) for c in range(3)]
        return np.stack(parts, -1)

    def _mark(
        self, pictures: np.ndarray, number: int, predictions: np.ndarray, wrong: np.ndarray
    ) -> None:
        """A thin edge about what is told right, a strong one and a name about what is not."""
        edge = self._colours[predictions][:, None, None]
        _frame(pictures, edge, 1)
        named = pictures[wrong]
        strips = self._strips[number][predictions[wrong]]
        named[:, -strips.shape[1] :] = strips
        _frame(named, np.array(palette.INK), _weight(pictures.shape[1]))
        pictures[wrong] = named


def dots(canvas: Canvas, shades: np.ndarray) -> list[Canvas]:
    """A dot for each class as told right, its edge light, then as told wrong, its edge dark."""
    tiles = []
    for edge, weight in ((palette.PAPER, 1.0), (palette.INK, 2.0)):
        for colour in shades.tolist():
            tile = canvas.tile(DOT, DOT, colour)
            if len(tile.pixels) >= _EDGED or edge == palette.INK:
                tile.frame(0, 0, DOT, DOT, edge, weight)
            tiles.append(tile)
    return tiles


def _named(wrong: np.ndarray) -> np.ndarray:
    """The ranks of the wrong guesses that get room for a name, given which, (n,), are wrong."""
    return np.flatnonzero(wrong)[:MOST_NAMED]


def _weight(side: int) -> int:
    """How strong the frame about a wrong guess of this size is, in px."""
    return max(round(side / 20), 1)


def _frame(pictures: np.ndarray, colour: np.ndarray, weight: int) -> None:
    pictures[:, :weight] = pictures[:, -weight:] = colour
    pictures[:, :, :weight] = pictures[:, :, -weight:] = colour
