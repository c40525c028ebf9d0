"""Test images as marks in the layout: a cast of pictures of one size, and dots for all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from epochreel.drawing.canvas import Canvas
from epochreel.experiments.activations.labels import cut, distinct

CANDIDATES = 1000
"""Number of test examples from which the cast is chosen by default."""
MOST = 24
"""Number of pictures in a cast that is chosen by default, and of classes in the legend."""
_AREA = 0.34  # of the panel, taken by all pictures and their strips
_SIDES = (80.0, 116.0)  # of pictures, in units; if they were smaller, fewer are shown
_STRIP, _LETTERS = 34.0, 27.0  # height of a strip, size of its letters
_EDGE = 5.0
_TIGHT = 0.5  # of the letters' size: names are drawn smaller rather than cut
_DOTS, _DOT_SIDES = 0.1, (8.0, 20.0)  # of the panel: area of all dots; in units: their sides


def cast(test: Sequence[Mapping], most: int = MOST) -> np.ndarray:
    """Return the first test examples of each class, the same number of each, (n,): at most `most`.

    Classes take turns. Of more than `most` classes, those with the smallest labels have one each.
    """
    labels = np.array([test[i]["label"] for i in range(min(CANDIDATES, len(test)))])
    classes = np.unique(labels)[:most]
    each = max(most // len(classes), 1)
    of_classes = [np.flatnonzero(labels == label)[:each] for label in classes]
    turns = np.concatenate([np.arange(len(numbers)) for numbers in of_classes])
    return np.concatenate(of_classes)[np.argsort(turns, kind="stable")]


class Pictures:
    """The pictures of the cast, with the network's answer, and the truth below a wrong one.

    A picture is framed in the colour of the answer, which its strip names. A wrong answer is
    crossed out. As many of `numbers`, the test examples, are shown as there is room for.

    shown  the numbers of those that are shown, (n,)
    side   of a picture in units, without its strips
    """

    def __init__(
        self,
        canvas: Canvas,
        test: Sequence[Mapping],
        numbers: np.ndarray,
        names: Sequence[str],
        shades: np.ndarray,
    ):
        self._canvas, self._shades = canvas, [tuple(shade) for shade in shades.tolist()]
        room = _AREA * canvas.width * canvas.height
        self.shown = numbers[: max(int(room / (_SIDES[0] * (_SIDES[0] + 2 * _STRIP))), 1)]
        # side · (side + 2 strips) = room / count
        side = (room / max(len(self.shown), 1) + _STRIP**2) ** 0.5 - _STRIP
        self._strip = min(_STRIP, canvas.height / 6)
        self.side = min(side, _SIDES[1], canvas.width, canvas.height)
        room = self._room()
        if any(cut(canvas, name, *room) != name for name in names):
            names = distinct(names)
        self._pictures = [self._picture(test[number]["image"]) for number in self.shown.tolist()]
        self._answers = [self._answer(*of) for of in zip(names, self._shades, strict=True)]
        self._crossed = [self._answer(*of, True) for of in zip(names, self._shades, strict=True)]
        paper, ink = canvas.palette.paper, canvas.palette.ink
        self._truths = [self._named(name, paper, ink) for name in names]

    def below(self, wrong: np.ndarray) -> np.ndarray:
        """Return the width, 0, and the height of the strips below each picture, (n, 2)."""
        return self._strip * (1 + wrong[:, None]) * (0, 1)

    def draw(self, centres: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> None:
        """Draw the pictures with their centres at `centres`, (n, 2)."""
        for number, (label, answer) in enumerate(zip(labels, predictions, strict=True)):
            x, y = centres[number] - self.side / 2
            wrong = label != answer
            edge = self._canvas.palette.ink if wrong else self._shades[answer]
            high = self.side + self._strip * (1 + wrong)
            self._canvas.fill(x, y, self.side, high, edge)
            x += self.side / 2
            self._put(self._pictures[number], x, y + self.side / 2)
            y += self.side + self._strip / 2 - _EDGE / 2
            self._put((self._crossed if wrong else self._answers)[answer], x, y)
            if wrong:
                self._put(self._truths[label], x, y + self._strip)

    def _put(self, tile: Canvas, x: float, y: float) -> None:
        self._canvas.put_stamps(self._canvas.stamps([x], [y], [tile]), np.zeros(1, int))

    def _picture(self, image: np.ndarray) -> Canvas:
        side = self.side - 2 * _EDGE
        tile = self._canvas.tile(side, side)
        tile.image(0, 0, side, side, image)
        return tile

    def _answer(self, name: str, colour: tuple, is_wrong: bool = False) -> Canvas:
        tile = self._named(name, colour, self._canvas.palette.paper)
        if is_wrong:
            middle = self._strip / 2
            wide = min(self._canvas.measure(name, _LETTERS, "bold") + 16, tile.width) / 2
            x = tile.width / 2
            tile.rule(x - wide, middle, x + wide, middle, self._canvas.palette.paper, 4)
        return tile

    def _named(self, words: str, ground: tuple, colour: tuple) -> Canvas:
        tile = self._canvas.tile(self.side - 4, self._strip, ground)
        size, weight, room, _ = self._room()
        words = cut(self._canvas, words, *self._room())
        style = (colour, weight, "centre")
        tile.text(tile.width / 2, self._strip / 2, words, size, *style, middle=True, fit=room)
        return tile

    def _room(self) -> tuple[float, str, float, float]:
        """Return the size and the weight of a strip's letters, their room, and how tight it is."""
        return min(_LETTERS, 0.8 * self._strip), "bold", self.side - 8, _TIGHT


class Dots:
    """The other test images, in the colour of the network's answer; wrong ones have a dark edge."""

    def __init__(self, canvas: Canvas, count: int, shades: np.ndarray):
        self._canvas, self._classes = canvas, len(shades)
        area = _DOTS * canvas.width * canvas.height
        self.side = float(np.clip((area / max(count, 1)) ** 0.5, *_DOT_SIDES))
        self._tiles = [
            self._tile(tuple(shade), edge, weight)
            for edge, weight in ((canvas.palette.paper, 1.0), (canvas.palette.ink, 2.0))
            for shade in shades.tolist()
        ]

    def draw(self, places: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> None:
        """Draw dots at `places`, (n, 2), wrong ones on top."""
        wrong = labels != predictions
        order = np.argsort(wrong, kind="stable")
        tile = (predictions + self._classes * wrong)[order]
        self._canvas.put_stamps(self._canvas.stamps(*places[order].T, self._tiles), tile)

    def _tile(self, colour: tuple, edge: tuple, weight: float) -> Canvas:
        tile = self._canvas.tile(self.side, self.side, colour)
        if len(tile.pixels) >= 5 or weight > 1:  # a light edge would cover a smaller dot
            tile.frame(0, 0, tile.width, tile.height, edge, weight)
        return tile
