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
    named_confusions,
    named_numbers,
    names_first_digits,
    number_texts,
    readings,
    shown_places,
)
from epochreel.experiments.sheets.rectify import straighten

_NOTE = (
    "Below each printed digit: what the network reads. Blue: right, orange: wrong.\n"
    "Ringed: what the sentence is about."
)
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
        _draw_points(body, zoom, x, y + self._drop * zoom)
        self._named = _Named(body, zoom, x, y, self._drop, self._printed[self._shown])

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the digits that the network reads, and outline what the sentence names."""
        pages = shown(frame_data, len(layout.places("plain")), np.array([self._page]))
        digits = pages[0, self._shown]
        self._named.canvas.put_stamps(self._digits, digits)
        draw_count(canvas, digits)
        are_means = np.isin(self._shown, mean_places())
        self._named.draw(frame_data.sentence, digits, are_means)


@dataclass(frozen=True)
class _Named:
    """Rings around the numbers shown, or the digits, that a sentence names.

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

    def draw(self, sentence: str, tiles: np.ndarray, are_firsts: np.ndarray) -> None:
        """Draw them; `are_firsts` (3 n,) are the first digits that sentences are about.

        `tiles` (3 n,) are the indices of the readings in `digit_tiles`.
        """
        texts, named = number_texts(self.printed.reshape(-1, 3)), named_numbers(sentence)
        numbers = 3 * np.flatnonzero([text in named for text in texts])
        self._ring(numbers, 2)
        is_named = are_firsts & names_first_digits(sentence)
        if not len(numbers):
            for printed, read in named_confusions(sentence):
                is_named = is_named | ((self.printed == printed) & (tiles % 10 == read))
        self._ring(np.flatnonzero(is_named), 0)

    def _ring(self, firsts: np.ndarray, more: int) -> None:
        """Draw a ring around digits and, with each, the `more` digits after it."""
        side, above = layout.DIGIT_PITCH / 2 + 1, layout.DIGIT_HEIGHT / 2 + 2.6
        for first in firsts:
            left, top = self.x[first] - side * self.zoom, self.y[first] - above * self.zoom
            right = self.x[first + more] + side * self.zoom
            high = (above + self.drop + _TALL / 2 + 2) * self.zoom
            ring(self.canvas, left, top, right - left, high)


def ring(canvas: Canvas, x: float, y: float, wide: float, high: float) -> None:
    """Draw a ring in a rectangle: unlike the boxes of wrong digits, it is round."""
    angles = np.linspace(0, 2 * np.pi, 97)
    # Between an ellipse, which would cut the corners of a number, and a rectangle.
    across, down = (np.sign(each) * abs(each) ** 0.55 for each in (np.cos(angles), np.sin(angles)))
    middle, half = np.array((x + wide / 2, y + high / 2)), np.array((wide / 2, high / 2))
    weight = min(4.5, high / 12)
    canvas.line(middle + half * np.column_stack((across, down)), canvas.palette.ink, weight)


def draw_count(canvas: Canvas, tiles: np.ndarray) -> None:
    """Write on the right of the note how many numbers shown are right; `tiles` as in `_Named`."""
    is_right = (tiles.reshape(-1, 3) < 10).all(1)
    words = f"Numbers completely right: {is_right.sum()} of {len(is_right)}"
    if canvas.width > 760:  # Beside the second line of the note.
        canvas.text(canvas.width, _COUNT, words, 27, weight="bold", align="right")


_COUNT = 89.0  # y of the base line of the second line of a panel's note


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
        _draw_points(body, zoom, x.ravel(), y.ravel())
        printed = np.array([self._test[number]["digits"] for number in self._numbers])
        middle = np.broadcast_to(top[:, None] + (places.y - corner[1]) * zoom, x.shape)
        drop = high + _DROP / 2 - (places.y[0] - corner[1])
        self._named = _Named(body, zoom, x.ravel(), middle.ravel(), drop, printed.ravel())

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the digits that the network reads, and outline what the sentence names."""
        digits = shown(frame_data, len(layout.places("cells")), self._numbers)
        self._named.canvas.put_stamps(self._digits, digits.ravel())
        draw_count(canvas, digits)
        are_firsts = np.tile([True, False, False], len(digits))
        self._named.draw(frame_data.sentence, digits.ravel(), are_firsts)


class Misread:
    """The closing picture's panel: test numbers that are misread to the end, enlarged.

    Those of the example that the film shows come first. If none is misread, it has numbers that the
    film shows.
    """

    def __init__(self, run_info: RunInfo):
        self._run_info, self._variant = run_info, run_info.data["variant"]

    def draw_static(self, canvas: Canvas) -> None:
        """Draw nothing: all of it depends on the predictions."""

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw up to six numbers: printed, read and meant."""
        places = layout.places(self._variant)
        truth, read = readings(frame_data.predictions, len(places))
        starts = np.flatnonzero(np.diff(places.number, prepend=-1))
        examples, numbers = self._chosen(np.add.reduceat(truth != read, starts, axis=1) > 0)
        is_wrong = bool(len(examples))
        if not is_wrong:
            first = self._run_info.examples or range(len(truth))
            examples = np.array([each for each in first if each < len(truth)][:_CROPS])
            numbers = np.zeros(len(examples), int)
        title = "Numbers that it still misreads" if is_wrong else "Numbers that it reads now"
        body = heading(canvas, title)
        columns = 2 if body.width < 1.8 * body.height else 3
        rows = min(_CROPS // columns, max(int(body.height / _LOWEST), 1))
        examples, numbers = examples[: rows * columns], numbers[: rows * columns]
        wide, high = body.width / columns, body.height / rows
        for k, (example, number) in enumerate(zip(examples, numbers, strict=True)):
            row, column = divmod(k, columns)
            cell = body.region(column * wide, row * high, wide - 24, high - 12)
            at = np.flatnonzero(places.number == number)
            self._draw_number(cell, int(example), at, truth[example, at], read[example, at])

    def _chosen(self, is_wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the examples and the numbers in them to show, (n,) each."""
        is_wrong = is_wrong & (np.arange(len(is_wrong)) < len(self._run_info.test))[:, None]
        examples, numbers = np.nonzero(is_wrong)
        cast = self._run_info.examples or ()
        places = layout.places("plain").number[shown_places()]
        is_shown = np.isin(examples, cast) & (np.isin(numbers, places) | (self._variant == "cells"))
        # One number of each other page, if there are enough pages.
        is_repeated = np.r_[False, np.diff(examples) == 0][: len(examples)]
        order = np.lexsort((is_repeated, ~is_shown))[:_CROPS]
        return examples[order], numbers[order]

    def _draw_number(
        self,
        canvas: Canvas,
        example: int,
        at: np.ndarray,
        truth: np.ndarray,
        read: np.ndarray,
    ) -> None:
        """Draw a number as it is printed, and below it what is read and what it says."""
        places = layout.places("cells" if self._variant == "cells" else "plain")
        x, y = places.x[at], places.y[at[0]]
        half = ((x[-1] - x[0]) / 2 + layout.DIGIT_PITCH, layout.DIGIT_HEIGHT / 2 + 3)
        zoom = min(canvas.width / (2 * half[0]), (canvas.height - 2.6 * _LINE) / (2 * half[1]))
        zoom = max(min(zoom, 8.0), 1.0)
        corner = (x[0] + x[-1]) / 2 - half[0], y - half[1]
        image = self._run_info.test[example]["image"]
        if self._variant != "cells":
            image = _straight(image, self._variant != "plain")
        wide, high = 2 * half[0] * zoom, 2 * half[1] * zoom
        if image is not None:
            rows, columns = (_part(corner[k], 2 * half[k]) for k in (1, 0))
            canvas.image(0, 0, wide, high, enlarged(image[rows, columns], canvas.palette))
        canvas.frame(0, 0, wide, high, canvas.palette.hairline)
        printed, now = _as_number(truth), _as_number(read)
        colour = canvas.palette.right if printed == now else canvas.palette.wrong
        style = {"weight": "bold", "fit": canvas.width}
        canvas.text(0, high + 1.1 * _LINE, f"it reads {now}", _LINE, colour, **style)
        if printed != now:
            canvas.text(0, high + 2.2 * _LINE, f"printed: {printed}", _LINE, fit=canvas.width)


_CROPS, _LINE = 6, 32.0
"""Numbers of a closing picture, and the size of the text below them."""
_LOWEST = 4.2 * _LINE  # height of a number with its text


def _as_number(digits: np.ndarray) -> str:
    """Return digits as they are printed, two of them after the point."""
    whole = "".join(map(str, digits.tolist()))
    return f"{whole[:-2]}.{whole[-2:]}"


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


def _draw_points(canvas: Canvas, zoom: float, x: np.ndarray, y: np.ndarray) -> None:
    """Draw the decimal points of readings: after the first digit of each number of three."""
    size = _SIZE * zoom
    for left, right, level in zip(x[::3], x[1::3], y[::3], strict=True):
        base = level + text.CAPITAL * size / 2
        canvas.disc((left + right) / 2, base - 0.05 * size, 0.085 * size, canvas.palette.ink)


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
