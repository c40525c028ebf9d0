"""The film of the sheet transcriber: confusion matrix, accuracy, and what it reads."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa

from epochreel.core.errors import UserError
from epochreel.drawing import palette, text
from epochreel.drawing.canvas import WIDTH, Canvas
from epochreel.drawing.frame import FrameData, Panel, RunInfo
from epochreel.drawing.panels import BOTTOM, MARGIN, TOP, Curve, TitleLine, caption
from epochreel.experiments.sheets import layout

_LEFT_WIDTH = 724.0
_SECOND = MARGIN + _LEFT_WIDTH + 72
"""Left edge of the right column."""
_SECOND_WIDTH = WIDTH - MARGIN - _SECOND


def panels(run_info: RunInfo) -> list[Panel]:
    """Return the panels of a frame, for whole pages or, with the variant "cells", single cells."""
    examples = "cells" if run_info.data["variant"] == "cells" else "pages"
    shared = [
        TitleLine(run_info, f"{examples} seen"),
        ConfusionMatrix(),
        Curve(run_info, (MARGIN, 900, _LEFT_WIDTH, 104)),
    ]
    if examples == "cells":
        return [*shared, CellWall(run_info)]
    return [*shared, PositionSheet(run_info), PageSheet(run_info)]


# Values that the panels show


def answers(table: pa.Table, places: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return truth and prediction, uint8 (pages, places), and probabilities, float16 (…, 10).

    They are views of the table's columns if these are contiguous. Raises `UserError` if the rows
    are not a whole number of pages of `places` digits.
    """
    if table.num_rows == 0 or table.num_rows % places:
        raise UserError(
            f"an evaluation has {table.num_rows} rows; expected a multiple of {places}, the digits "
            "of a page: delete it and evaluate the snapshot again"
        )
    whole = table.combine_chunks()
    truth, prediction = (whole[name].chunk(0).to_numpy() for name in ("truth", "prediction"))
    flat = whole["probabilities"].chunk(0).flatten().to_numpy()
    shape = (-1, places)
    return truth.reshape(shape), prediction.reshape(shape), flat.reshape(*shape, 10)


def reading_rates(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the mean probability of each digit (column) given the true digit (row), (10, 10).

    Half floats are multiples of 2^-24, so their sums in double precision are exact and do not
    depend on the order. The row of a digit that does not occur is 0.
    """
    pairs, _ = _indices(truth.tobytes())
    sums = np.bincount(pairs, _doubles(probabilities).ravel(), 100)
    counts = np.bincount(truth.ravel(), minlength=10)
    return sums.reshape(10, 10) / np.maximum(counts, 1)[:, None]


def place_rates(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the mean probability of the correct digit at each position of the page, (places,)."""
    _, right = _indices(truth.tobytes())
    return _doubles(probabilities.reshape(-1)[right]).reshape(truth.shape).mean(0)


@lru_cache(2)
def _indices(truth: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return 10 · truth + digit per probability, (10 n,), and the correct digits' indices, (n,).

    Cached, since all frames show the same test set.
    """
    digits = np.frombuffer(truth, np.uint8).astype(np.intp)
    pairs = digits[:, None] * 10 + np.arange(10)
    return pairs.ravel(), np.arange(len(digits)) * 10 + digits


_DOUBLES = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float64)


def _doubles(halves: np.ndarray) -> np.ndarray:
    """Convert half floats by a look-up table: several times faster for subnormal numbers."""
    return _DOUBLES[halves.view(np.uint16)]


# Panels


class ConfusionMatrix:
    """A row per true digit, 0 at the bottom, with a bar per predicted digit."""

    _wide, _high = 52.0, 48.0
    _row = 58.0
    _x = MARGIN + 80.0
    _column = (_LEFT_WIDTH - 80.0 - _wide) / 9

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the labels and the empty bars."""
        note = "Row: the digit printed. Column: the digit read. Bar: mean probability"
        caption(canvas, MARGIN, "Confusion matrix", note, _LEFT_WIDTH)
        self._label(canvas)
        truth, reading = (grid.ravel() for grid in np.indices((10, 10)))
        x, y = self._left(reading), self._top(truth)
        self._right = truth == reading
        self._solid = canvas.bars(
            x[self._right],
            y[self._right],
            self._wide,
            self._high,
            palette.RIGHT,
            palette.RIGHT_TINT,
        )
        self._striped = canvas.bars(
            x[~self._right],
            y[~self._right],
            self._wide,
            self._high,
            palette.WRONG,
            stripe=palette.SLOT,
        )

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Fill the hundred bars."""
        truth, _, probabilities = answers(frame_data.predictions, 1)
        rates = reading_rates(truth, probabilities).ravel()
        canvas.fill_bars(self._solid, rates[self._right])
        canvas.fill_bars(self._striped, rates[~self._right])

    def _left(self, reading: np.ndarray) -> np.ndarray:
        return self._x + reading * self._column

    def _top(self, truth: np.ndarray) -> np.ndarray:
        return TOP + (9 - truth) * self._row

    def _label(self, canvas: Canvas) -> None:
        foot = TOP + 9 * self._row + self._high + 32
        for digit in range(10):
            level = self._top(digit) + self._high / 2
            name, middle = str(digit), self._left(digit) + self._wide / 2
            canvas.text(self._x - 26, level, name, 26, weight="bold", align="right", middle=True)
            canvas.text(middle, foot, name, 24, palette.QUIET, align="centre")
        canvas.text(self._x - 26, foot, "read", 20, palette.QUIET, align="right")


class _Sheet:
    """The table of a page, in light grey, as wide as the right column."""

    _high = 376.0

    def __init__(self, run_info: RunInfo, y: float):
        self._y = y
        self._places = layout.places(run_info.data["variant"])

    def _at(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Convert px of the page to units of the frame."""
        across = (np.asarray(x) - layout.TABLE.left) / layout.TABLE.width
        down = (np.asarray(y) - layout.TABLE.top) / layout.TABLE.height
        return _SECOND + across * _SECOND_WIDTH, self._y + down * self._high

    def _table(self, canvas: Canvas) -> None:
        """Draw the rules and headings."""
        for x0, y0, x1, y1 in layout.RULES:
            (left, right), (top, bottom) = self._at([x0, x1], [y0, y1])
            canvas.rule(left, top, right, bottom, palette.HAIRLINE)
        for heading in layout.HEADINGS:
            x, y = self._at(heading.x, heading.y - layout.INK_RISE)
            align = "centre" if heading.centred else "left"
            canvas.text(x, y, heading.text, 16, palette.QUIET, align=align, middle=True)


class PositionSheet(_Sheet):
    """A small bar at each position of the page: mean probability of the correct digit."""

    _wide, _tall = 10.0, 18.0

    def __init__(self, run_info: RunInfo):
        super().__init__(run_info, TOP)

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the table and the empty bars."""
        note = "Bar: probability of the correct digit at this position, mean over all test pages"
        caption(canvas, _SECOND, "How sure the network is", note, _SECOND_WIDTH)
        self._table(canvas)
        x, y = self._at(self._places.x, self._places.y)
        left, top = x - self._wide / 2, y - self._tall / 2
        self._bars = canvas.bars(left, top, self._wide, self._tall, palette.RIGHT)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Fill all bars."""
        truth, _, probabilities = answers(frame_data.predictions, len(self._places))
        canvas.fill_bars(self._bars, place_rates(truth, probabilities))


class PageSheet(_Sheet):
    """The digits that the network reads on one test page."""

    def __init__(self, run_info: RunInfo):
        super().__init__(run_info, BOTTOM - self._high)
        self._page = int(run_info.figure.get("example", 0))

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the table and the decimal points."""
        note = "Bold: correct. Light and boxed: wrong"
        caption(
            canvas, _SECOND, "A test page as the network reads it", note, _SECOND_WIDTH, self._y
        )
        self._table(canvas)
        places = self._places
        x, y = self._at(places.x, places.y)
        self._digits = canvas.stamps(x, y, digit_tiles(canvas, 13.6, 22, 19))
        last = np.flatnonzero(np.diff(places.number, append=-1))
        step = layout.DIGIT_PITCH + (layout.DIGIT_PITCH + layout.POINT_WIDTH) / 2
        x, y = self._at(places.x[last] - step, places.y[last])
        put_points(canvas, x, y, 22, 19)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw all digits."""
        truth, prediction, _ = answers(frame_data.predictions, len(self._places))
        if not 0 <= self._page < len(truth):
            raise UserError(
                f"figure.settings.example is {self._page}; expected a test page, "
                f"0 … {len(truth) - 1}"
            )
        canvas.put_stamps(self._digits, tile_numbers(truth[self._page], prediction[self._page]))


class CellWall:
    """Test cells, each above the digits that the network reads."""

    _columns, _rows, _zoom = 6, 5, 3.0

    def __init__(self, run_info: RunInfo):
        self._test = run_info.test
        self._shown = min(self._columns * self._rows, len(run_info.test))

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading, the cells and the decimal points."""
        note = "Below each cell: the digits that the network reads. Bold: correct. Boxed: wrong"
        caption(canvas, _SECOND, "Test cells as the network reads them", note, _SECOND_WIDTH)
        wide, high = (self._zoom * length for length in layout.CELL)
        row, column = np.divmod(np.arange(self._shown), self._columns)
        left = _SECOND + column * (_SECOND_WIDTH - wide) / (self._columns - 1)
        top = TOP + row * (BOTTOM - TOP - high - 44) / (self._rows - 1)
        for i, (x, y) in enumerate(zip(left, top, strict=True)):
            canvas.image(x, y, wide, high, self._test[i]["image"])
            canvas.frame(x, y, wide, high, palette.HAIRLINE)
        across = left[:, None] + self._zoom * layout.places("cells").x  # (shown, 3)
        down = np.broadcast_to(top[:, None] + high + 26, across.shape)
        put_points(canvas, across[:, :2].mean(1), down[:, 0], 38, 33)
        tiles = digit_tiles(canvas, 26, 38, 33)
        self._digits = canvas.stamps(across.ravel(), down.ravel(), tiles)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the digits that the network reads."""
        truth, prediction, _ = answers(frame_data.predictions, len(layout.places("cells")))
        if len(truth) < self._shown:
            raise UserError(
                f"an evaluation has {len(truth)} cells, but the test set {len(self._test)}: "
                "delete it and evaluate the snapshot again"
            )
        shown = tile_numbers(truth[: self._shown], prediction[: self._shown])
        canvas.put_stamps(self._digits, shown.ravel())


def put_points(canvas: Canvas, x: np.ndarray, y: np.ndarray, high: float, size: float) -> None:
    """Draw decimal points at x, (n,), for digits of `size` in tiles `high` high at y, (n,)."""
    radius = size / 12
    tile = canvas.tile(4 * radius, high, palette.PAPER)
    foot = high / 2 + text.CAPITAL * size / 2
    tile.disc(2 * radius, foot - radius, radius, palette.QUIET)
    canvas.put_stamps(canvas.stamps(x, y, [tile]), np.zeros(len(x), int))


def digit_tiles(canvas: Canvas, wide: float, high: float, size: float) -> list[Canvas]:
    """Return tiles of the digits 0 … 9 if correct (bold), then of the digits if wrong (boxed)."""
    styles = (
        (palette.RIGHT, "bold", palette.PAPER),
        (palette.WRONG, "regular", palette.WRONG_TINT),
    )
    tiles = []
    for colour, weight, ground in styles:
        for digit in range(10):
            tile = canvas.tile(wide, high, ground)
            tile.text(wide / 2, high / 2, str(digit), size, colour, weight, "centre", middle=True)
            tiles.append(tile)
    return tiles


def tile_numbers(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return the index in `digit_tiles` of each prediction."""
    return prediction + np.where(truth == prediction, 0, 10)
