"""Panels of test examples: what is printed, and below each digit what the network reads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from PIL import Image

from epochreel.core.errors import UserError
from epochreel.drawing import text
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.palette import Colour, Palette
from epochreel.drawing.panels.heading import heading
from epochreel.experiments.sheets import layout
from epochreel.experiments.sheets.readings import readings
from epochreel.experiments.sheets.rectify import straighten

_NOTE = "Below each printed digit: the digit that the network reads. Boxed: wrong"
_DROP, _TALL = 11.2, 9.6
"""Distance of a reading below the digit printed, and its height, px of the page."""
_SIZE = 8.4 / text.CAPITAL  # of the text of a reading, px of the page
_NUMBERS = 16  # shown by default
_LEAST_ZOOM = 2.6  # at which the digits of a page are legible in a film 640 px wide


class PrintedPage:
    """The upper left part of a test page, enlarged, with a reading below each digit.

    A moved page is redrawn in the geometry of a plain one, so that readings are below its digits.
    Without `run_info.examples`, the page is the first on which the table is found. If it is not
    found, the digits printed are drawn in plain type.
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
        body = heading(canvas, "A page it never practised on, and what it reads there", _NOTE)
        left, top = round(layout.TABLE.left) - 2, round(layout.TABLE.top) - 2
        right = layout.COLUMN_X + np.diff(layout.COLUMN_X)[0] / 2 + 1 - left
        bottom = layout.ROW_Y + self._drop + _TALL / 2 - top
        columns, rows, zoom = _legible(right, bottom, body.width, body.height)
        places = layout.places("plain")
        year, month = np.divmod(places.number, len(layout.MONTHS))
        self._shown, self._body = np.flatnonzero((year < columns) & (month < rows)), body
        x = (places.x[self._shown] - left) * zoom
        y = (places.y[self._shown] - top) * zoom
        if self._image is None:
            plain = digit_tiles(body, zoom, [(body.palette.ink, "regular", body.palette.paper)])
            body.put_stamps(body.stamps(x, y, plain), self._printed[self._shown])
        else:
            wide, high = right[columns - 1], bottom[rows - 1]
            picture = self._image[_part(top, high), _part(left, wide)]
            body.image(0, 0, wide * zoom, high * zoom, enlarged(picture, body.palette))
        self._digits = body.stamps(x, y + self._drop * zoom, digit_tiles(body, zoom))

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the digits that the network reads."""
        pages = shown(frame_data, len(layout.places("plain")), np.array([self._page]))
        self._body.put_stamps(self._digits, pages[0, self._shown])


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
        self._digits, self._body = body.stamps(x.ravel(), y.ravel(), digit_tiles(body, zoom)), body

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the digits that the network reads."""
        digits = shown(frame_data, len(layout.places("cells")), self._numbers)
        self._body.put_stamps(self._digits, digits.ravel())


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

    By default, these are the digits if correct (bold), then the digits if wrong (boxed).
    """
    palette, size = canvas.palette, _SIZE * zoom
    wide, high = (layout.DIGIT_PITCH - 0.4) * zoom, _TALL * zoom
    styles = styles or (
        (palette.right, "bold", palette.paper),
        (palette.wrong, "regular", palette.wrong_tint),
    )
    tiles = []
    for colour, weight, ground in styles:
        for digit in range(10):
            tile = canvas.tile(wide, high, ground)
            if ground != palette.paper:
                tile.frame(0, 0, wide, high, colour, 2)
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


def _legible(
    right: np.ndarray, bottom: np.ndarray, width: float, height: float
) -> tuple[int, int, float]:
    """Return how many columns and rows, which end at these px, are legible in an area; the zoom."""

    def zoom(columns: int, rows: int) -> float:
        return min(width / right[columns - 1], height / bottom[rows - 1])

    def worth(size: tuple[int, int]) -> tuple:
        is_legible = zoom(*size) >= _LEAST_ZOOM
        return is_legible, size[0] * size[1] if is_legible else 0, zoom(*size)

    sizes = product(range(1, len(right) + 1), range(1, len(bottom) + 1))
    columns, rows = max(sizes, key=worth)
    return columns, rows, zoom(columns, rows)


def _columns(count: int, room: tuple[float, float], part: tuple[float, float]) -> tuple[int, float]:
    """Return the number of columns with which `count` parts are largest in `room`, and the zoom."""

    def zoom(columns: int) -> float:
        rows = -(-count // columns)
        return 0.9 * min(room[0] / columns / part[0], room[1] / rows / part[1])

    # Large parts, but few gaps in the last row.
    best = max(range(1, count + 1), key=lambda n: zoom(n) * count / (-(-count // n) * n))
    return best, zoom(best)
