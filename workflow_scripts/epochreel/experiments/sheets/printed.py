"""Panels of test examples: what is printed, and below each digit what the network reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from epochreel.core.errors import UserError
from epochreel.drawing import text
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.palette import Colour, Palette
from epochreel.drawing.panels.heading import heading
from epochreel.experiments.sheets import layout
from epochreel.experiments.sheets.readings import (
    SHOWN_MONTHS,
    SHOWN_YEARS,
    mean_places,
    named_numbers,
    names_first_digits,
    number_texts,
    readings,
    shown_places,
)
from epochreel.experiments.sheets.rectify import straighten

_NOTE = "Below each printed digit: the digit that the network reads. Boxed: wrong"
_DROP, _TALL = 14.6, 10.6
"""Distance of a reading below the digit printed, and its height, px of the page."""
_SIZE = 9.2 / text.CAPITAL  # of the text of a reading, px of the page
_PITCH = 35  # of lines, px: the lines of a page are 26 px apart, too close for readings between
_GAP = 8  # px for the years between the first ones and the means
_NUMBERS = 16  # shown by default


class PrintedPage:
    """Some numbers of a test page, enlarged, with a reading below each digit.

    A page is cut between its lines, to make room for the readings, and between the first years and
    the means. A moved page is redrawn in the geometry of a plain one, so that readings are below
    its digits. Without `run_info.examples`, the page is the first on which the table is found. If
    it is not found, the digits printed are drawn in plain type.
    """

    def __init__(self, run_info: RunInfo):
        # The text of perturbed pages is larger.
        self._drop = _DROP + 1.8 * (run_info.data["variant"] == "perturbed")
        is_moved = run_info.data["variant"] != "plain"
        candidates = run_info.examples[:1] if run_info.examples else range(len(run_info.test))
        pages = ((page, _straight(run_info.test[page]["image"], is_moved)) for page in candidates)
        found = ((page, image) for page, image in pages if image is not None)
        self._page, self._image = next(found, (candidates[0], None))
        self._printed = run_info.test[self._page]["digits"]

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading and the page, and find the places of the readings."""
        body = heading(canvas, "Part of a page it never practised on", _NOTE)
        rows, columns = _lines(), _columns_shown()
        zoom = min(body.width / len(columns), body.height / len(rows))
        places, self._shown = layout.places("plain"), shown_places()
        is_kept = np.flatnonzero(columns >= 0)
        x = np.interp(places.x[self._shown], columns[is_kept], is_kept) * zoom
        y = np.interp(places.y[self._shown], rows, np.arange(len(rows))) * zoom
        if self._image is None:
            plain = digit_tiles(body, zoom, [(body.palette.ink, "regular", body.palette.paper)])
            body.put_stamps(body.stamps(x, y, plain), self._printed[self._shown])
        else:
            picture = self._image[np.ix_(rows, columns)]
            picture[:, columns < 0] = 255
            wide, high = len(columns) * zoom, len(rows) * zoom
            body.image(0, 0, wide, high, enlarged(picture, body.palette))
        self._digits = body.stamps(x, y + self._drop * zoom, digit_tiles(body, zoom))
        self._named = _Named(body, zoom, x, y, self._drop, self._printed[self._shown])

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the digits that the network reads, and outline what the sentence names."""
        pages = shown(frame_data, len(layout.places("plain")), np.array([self._page]))
        self._named.canvas.put_stamps(self._digits, pages[0, self._shown])
        are_means = np.isin(self._shown, mean_places())
        self._named.draw(frame_data.sentence, are_means)


@dataclass(frozen=True)
class _Named:
    """Outlines of the numbers shown, or of their first digits, that a sentence names.

    x, y     the middle of each digit printed, (3 n,) units
    drop     distance of its reading below it, px
    printed  the digits, (3 n,)
    """

    canvas: Canvas
    zoom: float
    x: np.ndarray
    y: np.ndarray
    drop: float
    printed: np.ndarray

    def draw(self, sentence: str, are_firsts: np.ndarray) -> None:
        """Outline them; `are_firsts` (3 n,) are the first digits that sentences are about."""
        texts, named = number_texts(self.printed.reshape(-1, 3)), named_numbers(sentence)
        firsts = 3 * np.flatnonzero([text in named for text in texts])
        self._outline(firsts, 2)
        if names_first_digits(sentence):
            self._outline(np.flatnonzero(are_firsts), 0)

    def _outline(self, firsts: np.ndarray, more: int) -> None:
        """Outline digits and, with each, the `more` digits after it."""
        side, above = layout.DIGIT_PITCH / 2 + 1.4, layout.DIGIT_HEIGHT / 2 + 2.6
        for first in firsts:
            left, top = self.x[first] - side * self.zoom, self.y[first] - above * self.zoom
            right = self.x[first + more] + side * self.zoom
            high = (above + self.drop + _TALL / 2 + 2) * self.zoom
            self.canvas.frame(left, top, right - left, high, self.canvas.palette.ink, 5)


class PrintedNumbers:
    """Test cells, enlarged, with a reading below each digit."""

    _part = (40.0, 18.0)
    """Size of the part of a cell that is shown, px."""

    def __init__(self, run_info: RunInfo):
        self._test = run_info.test
        first = range(min(_NUMBERS, len(run_info.test)))
        self._numbers = np.array(run_info.examples or first, int)

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading and the cells, and find the places of the readings."""
        body = heading(canvas, "Numbers it never practised on, and what it reads", _NOTE)
        wide, high = self._part
        whole = (wide, high + _DROP)
        columns, zoom = _columns(len(self._numbers), (body.width, body.height), whole)
        rows = -(-len(self._numbers) // columns)
        row, column = np.divmod(np.arange(len(self._numbers)), columns)
        left = (column + 0.5) * body.width / columns - wide * zoom / 2
        top = (row + 0.5) * body.height / rows - whole[1] * zoom / 2
        places = layout.places("cells")
        corner = layout.CELL_ANCHOR[0] - wide / 2, places.y[0] - high / 2
        for number, x, y in zip(self._numbers, left, top, strict=True):
            picture = self._test[number]["image"][_part(corner[1], high), _part(corner[0], wide)]
            body.image(x, y, wide * zoom, high * zoom, enlarged(picture, body.palette))
            body.frame(x, y, wide * zoom, high * zoom, body.palette.hairline)
        x = left[:, None] + (places.x - corner[0]) * zoom
        y = np.broadcast_to(top[:, None] + (high + _DROP / 2) * zoom, x.shape)
        self._digits = body.stamps(x.ravel(), y.ravel(), digit_tiles(body, zoom))
        printed = np.array([self._test[number]["digits"] for number in self._numbers])
        middle = np.broadcast_to(top[:, None] + (places.y - corner[1]) * zoom, x.shape)
        drop = high + _DROP / 2 - (places.y[0] - corner[1])
        self._named = _Named(body, zoom, x.ravel(), middle.ravel(), drop, printed.ravel())

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the digits that the network reads, and outline what the sentence names."""
        digits = shown(frame_data, len(layout.places("cells")), self._numbers)
        self._named.canvas.put_stamps(self._digits, digits.ravel())
        self._named.draw(frame_data.sentence, np.tile([True, False, False], len(digits)))


def shown(frame_data: FrameData, places: int, numbers: np.ndarray) -> np.ndarray:
    """Return the index in `digit_tiles` of each digit of the examples `numbers`, (n, places).

    Raises `UserError` if the evaluation has fewer examples.
    """
    truth, prediction = readings(frame_data.predictions, places)
    if numbers.max(initial=0) >= len(truth):
        raise UserError(
            f"the figure shows test example {numbers.max()}, but an evaluation has {len(truth)}: "
            "delete it and evaluate the snapshot again"
        )
    truth, prediction = truth[numbers], prediction[numbers]
    return prediction + np.where(truth == prediction, 0, 10)


def digit_tiles(
    canvas: Canvas, zoom: float, styles: Sequence[tuple[Colour, str, Colour]] | None = None
) -> list[Canvas]:
    """Return tiles of the digits 0 … 9 in each style: colour, weight and ground.

    By default, these are the digits if correct, then the digits if wrong (light on a box).
    """
    palette, size = canvas.palette, _SIZE * zoom
    wide, high = (layout.DIGIT_PITCH - 0.4) * zoom, _TALL * zoom
    styles = styles or (
        (palette.right, "bold", palette.paper),
        (palette.paper, "bold", palette.wrong),
    )
    tiles = []
    for colour, weight, ground in styles:
        for digit in range(10):
            tile = canvas.tile(wide, high, ground)
            tile.text(wide / 2, high / 2, str(digit), size, colour, weight, "centre", middle=True)
            tiles.append(tile)
    return tiles


def enlarged(image: np.ndarray, palette: Palette) -> np.ndarray:
    """Enlarge a grey picture (h, w), with sharp edges, in the colours of ink and paper.

    Returns uint8 (h · 6, w · 6, 3). Enlarged smoothly, strokes of one pixel would be blurred.
    """
    high, wide = (6 * side for side in image.shape)
    smooth = Image.fromarray(image).resize((wide, high), Image.Resampling.BICUBIC)
    dark = np.clip(0.5 + 3 * (0.55 - np.asarray(smooth) / 255), 0, 1)[..., None]
    return np.rint(dark * palette.ink + (1 - dark) * palette.paper).astype(np.uint8)


def _straight(image: np.ndarray, is_moved: bool) -> np.ndarray | None:
    """Redraw a moved page in the geometry of a plain one; None if its table is not found."""
    try:
        return straighten(image) if is_moved else image
    except UserError:
        return None


def _part(start: float, length: float) -> slice:
    return slice(round(start), round(start) + round(length))


def _lines() -> np.ndarray:
    """Return the rows of pixels of a page that are shown: its head, and lines `_PITCH` px apart."""
    top, middles = round(layout.TABLE.top) - 2, np.rint(layout.ROW_Y[:SHOWN_MONTHS]).astype(int)
    head = np.arange(top, round(layout.RULES[1][1]) + 4)
    # The space between two lines has only rules, which are made longer.
    return np.concatenate([head, *(np.clip(np.arange(_PITCH), 0, 24) + y - 11 for y in middles)])


def _columns_shown() -> np.ndarray:
    """Return the columns of pixels of a page that are shown, -1 for those between its two parts."""
    uprights = np.rint(layout.RULES[4:, 0]).astype(int)  # The first one is left of the months.
    years = np.arange(uprights[0] - 2, uprights[1 + SHOWN_YEARS] + 2)
    means = np.arange(uprights[-2] - 2, uprights[-1] + 3)
    return np.concatenate([years, np.full(_GAP, -1), means])


def _columns(count: int, room: tuple[float, float], part: tuple[float, float]) -> tuple[int, float]:
    """Return the number of columns with which `count` parts are largest in `room`, and the zoom."""

    def zoom(columns: int) -> float:
        rows = -(-count // columns)
        return 0.9 * min(room[0] / columns / part[0], room[1] / rows / part[1])

    # Large parts, but few gaps in the last row.
    best = max(range(1, count + 1), key=lambda n: zoom(n) * count / (-(-count // n) * n))
    return best, zoom(best)
