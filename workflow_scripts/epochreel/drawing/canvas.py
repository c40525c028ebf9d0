"""Canvas: anti-aliased marks on an array of pixels, placed in units of the layout.

The theme sets the length of a frame's short side in units, 1080 by default, whatever its size in
pixels. A panel draws on a region of the frame, in its own coordinates. docs/drawing.md shows a
picture of each function. Many marks are drawn in one call; those that change are prepared once:

    bars = canvas.bars(x, y, 10, 40)                        # draws the empty slots
    digits = canvas.stamps(x, y, tiles)                     # predefined small pictures
    photos = canvas.picture_slots(x, y, 120, 120, (40, 40)) # positions of later pictures
    canvas.fill_bars(bars, values)                          # all bars in one call
    canvas.put_stamps(digits, which)                        # all stamps in one call
    canvas.put_pictures(photos, pictures)                   # all pictures in one call

Rotation and gradients are deliberately not supported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from epochreel.drawing import strokes, text
from epochreel.drawing.palette import LIGHT, Colour, Palette

LINE = 1.3
"""Distance of the baselines of a paragraph, relative to the text size."""
_DENSE = 40_000  # px: masks up to this size are blended as a whole, larger ones where they cover
_LEVELS = 64  # of coverage in the topmost pixel of a bar


@dataclass(frozen=True)
class Bars:
    """Vertical bars of one size, to be filled with `Canvas.fill_bars`."""

    row: np.ndarray  # (N, h) pixel rows of the slots, top to bottom
    column: np.ndarray  # (N, 1) leftmost pixel columns
    lines: np.ndarray  # (_LEVELS + 1,) one line of pixels for each coverage


@dataclass(frozen=True)
class Stamps:
    """Positions for predefined pictures of one size: see `Canvas.stamps`."""

    row: np.ndarray  # (N, h)
    column: np.ndarray  # (N, 1)
    lines: np.ndarray  # (S, h) lines of pixels of each picture


@dataclass(frozen=True)
class PictureSlots:
    """Positions for arbitrary pictures of one size: see `Canvas.picture_slots`."""

    row: np.ndarray  # (N, h)
    column: np.ndarray  # (N, 1)
    down: np.ndarray  # (h,) row of the picture that each pixel row shows
    across: np.ndarray  # (w,) column of the picture that each pixel column shows


class Canvas:
    """A rectangle of pixels, and the marks that can be drawn on it.

    All lengths are in units of the layout, with x to the right and y down from the canvas's top
    left corner. Marks are clipped at the edges of the canvas. Later marks cover earlier ones.

    width, height  its size in units
    scale          px per unit
    palette        the colours of the theme
    pixels         (H, W, 3), uint8: a view that can be drawn on
    """

    def __init__(self, width: int, height: int, palette: Palette = LIGHT, units: float = 1080.0):
        """Create an empty canvas of `width` × `height` px, whose short side has `units` units."""
        sheet = np.empty((height, width, 3), np.uint8)
        self._set(sheet, (0, 0, width, height), min(width, height) / units, palette)
        self.pixels[:] = palette.paper

    def _set(
        self,
        sheet: np.ndarray,
        place: tuple[int, int, int, int],
        scale: float,
        palette: Palette,
    ) -> None:
        left, top, wide, high = place
        self._sheet, self._corner = sheet, (left, top)
        self.scale, self.palette = scale, palette
        self.width, self.height = wide / scale, high / scale
        self.pixels = sheet[top : top + high, left : left + wide]

    def region(self, x: float, y: float, width: float, height: float) -> Canvas:
        """Return a part of this canvas, clipped at its edges; marks on it appear here."""
        left, top = self._pixel(x, y)
        right = min(left + self._whole_pixels(width), self.pixels.shape[1])
        bottom = min(top + self._whole_pixels(height), self.pixels.shape[0])
        left, top = max(left, 0), max(top, 0)
        place = (
            self._corner[0] + left,
            self._corner[1] + top,
            max(right - left, 0),
            max(bottom - top, 0),
        )
        part = Canvas.__new__(Canvas)
        part._set(self._sheet, place, self.scale, self.palette)
        return part

    def tile(self, width: float, height: float, ground: Colour | None = None) -> Canvas:
        """Create a small canvas of the same scale for a stamp, by default on paper."""
        wide, high = self._whole_pixels(width), self._whole_pixels(height)
        tile = Canvas.__new__(Canvas)
        sheet = np.empty((high, wide, 3), np.uint8)
        tile._set(sheet, (0, 0, wide, high), self.scale, self.palette)
        tile.pixels[:] = self.palette.paper if ground is None else ground
        return tile

    # Areas and lines

    def fill(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        colour: Colour,
        opacity: float = 1.0,
    ) -> None:
        """Draw a filled rectangle on whole pixels, at least one; nothing if it has no area.

        With an `opacity` below 1, what is underneath remains visible.
        """
        if width <= 0 or height <= 0:
            return
        area = self._area(*self._pixel(x, y), self._whole_pixels(width), self._whole_pixels(height))
        if opacity < 1:
            area[:] = np.rint(area + max(opacity, 0) * (np.array(colour) - area.astype(float)))
        else:
            area[:] = colour

    def frame(
        self, x: float, y: float, width: float, height: float, colour: Colour, weight: float = 1.5
    ) -> None:
        """Draw a rectangle's outline inside it, on whole pixels: crisp at any size."""
        left, top = self._pixel(x, y)
        wide, high = self._whole_pixels(width), self._whole_pixels(height)
        line = self._whole_pixels(weight)
        for edge in (
            (left, top, wide, line),
            (left, top + high - line, wide, line),
            (left, top, line, high),
            (left + wide - line, top, line, high),
        ):
            self._area(*edge)[:] = colour

    def rule(
        self, x0: float, y0: float, x1: float, y1: float, colour: Colour, weight: float = 1.5
    ) -> None:
        """Draw a horizontal or vertical line on whole pixels, extended by half its weight."""
        if x0 != x1 and y0 != y1:
            raise ValueError("a rule must be horizontal or vertical; draw other lines with `line`")
        half, line = weight / 2, self._whole_pixels(weight)
        left, top = self._pixel(min(x0, x1) - half, min(y0, y1) - half)
        right, bottom = self._pixel(max(x0, x1) - half, max(y0, y1) - half)
        self._area(left, top, right - left + line, bottom - top + line)[:] = colour

    def line(self, points: np.ndarray, colour: Colour, weight: float = 3.0) -> None:
        """Draw a line through `points`, (n, 2) x and y, with round joins and caps.

        One point is a disc; none is nothing. Raises `ValueError` if a coordinate is not finite.
        """
        pixels = np.asarray(points, float).reshape(-1, 2) * self.scale
        if not np.isfinite(pixels).all():
            raise ValueError("a point of the line is not finite; leave out undefined values")
        if not len(pixels):
            return
        mask, left, top = strokes.polyline(pixels, weight * self.scale)
        self._blend(mask, left, top, colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Draw a filled disc centred on (x, y)."""
        self.line(np.array([[x, y]]), colour, 2 * radius)

    def marks(
        self,
        x: Sequence[float] | np.ndarray,
        y: Sequence[float] | np.ndarray,
        radius: float,
        colour: Colour | np.ndarray,
        kind: str = "disc",
    ) -> None:
        """Draw marks centred on (x, y), (N,) each, in this order.

        `colour` is the colour of all, or (N, 3) colours. `kind` is "disc", "ring", "cross", "plus"
        or "square", all of about the same area; none extends further than 1.3 · `radius`.
        Positions are rounded to a quarter of a pixel. Points that are not finite are left out.
        """
        points = np.column_stack((np.asarray(x, float), np.asarray(y, float))) * self.scale
        shown = np.isfinite(points).all(1)
        colours = np.broadcast_to(np.asarray(colour, np.uint8), (len(points), 3))[shown].tolist()
        quarters = np.rint(points[shown] * 4).astype(int)
        radius *= self.scale
        for (column, row), tone in zip(quarters.tolist(), map(tuple, colours), strict=True):
            keep, add, left, top = _mark(kind, radius, column & 3, row & 3, tone)
            self._paint(keep, add, left + (column >> 2), top + (row >> 2))

    # Text and pictures

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        colour: Colour | None = None,
        weight: str = "regular",
        align: str = "left",
        middle: bool = False,
        fit: float | None = None,
    ) -> float:
        """Draw one line of text, by default in ink, and return its width.

        `weight` is "regular", "bold" or "mono". `x` is the left edge, centre or right edge
        (`align`: "left", "centre", "right"). `y` is the baseline or, with `middle`, the middle of
        the capitals. A line wider than `fit` is drawn smaller. All letters of "mono" have the same
        width. Raises `UserError` for characters that cannot be drawn.
        """
        wide = text.width(words, weight) * size
        if fit is not None and wide > fit:
            if fit <= 0:
                return 0.0
            size, wide = size * fit / wide, fit
        shift = {"left": 0.0, "centre": 0.5, "right": 1.0}[align]
        if middle:
            y += text.CAPITAL * size / 2
        pen = (x - shift * wide) * self.scale
        # Baselines are on whole pixels, so glyphs need only horizontal phases (`text._glyph`).
        base = round(y * self.scale)
        mask, left, top = text.line(words, size * self.scale, weight, pen)
        self._blend(mask, left, base + top, self.palette.ink if colour is None else colour)
        return wide

    def paragraph(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        width: float,
        colour: Colour | None = None,
        weight: str = "regular",
        lines: int | None = None,
        height: float | None = None,
    ) -> float:
        """Draw text in lines of at most `width`; return the height that they take.

        `y` is the baseline of the first line; baselines are 1.3 · `size` apart. With `lines` or
        `height`, text that needs more is drawn smaller.
        """
        size, broken = self.fit_text(words, size, width, weight, lines, height)
        for number, line in enumerate(broken):
            self.text(x, y + LINE * size * number, line, size, colour, weight, fit=width)
        return LINE * size * len(broken)

    def fit_text(
        self,
        words: str,
        size: float,
        width: float,
        weight: str = "regular",
        lines: int | None = None,
        height: float | None = None,
    ) -> tuple[float, list[str]]:
        """Return the largest size, at most `size`, at which text fits, and its lines at that size.

        It may take `lines` lines of `width` and, at 1.3 · size each, `height`.
        """
        while True:
            broken = self.wrap(words, size, width, weight)
            is_high = height is not None and LINE * size * len(broken) > height
            if size <= 1 or not (is_high or (lines and len(broken) > lines)):
                return size, broken
            size *= 0.97

    def wrap(self, words: str, size: float, width: float, weight: str = "regular") -> list[str]:
        """Break text between words into lines of at most `width`.

        A line break in the text is kept. A word that is wider than a line is broken too.
        """
        lines = []
        for part in words.split("\n"):
            lines.append("")
            for word in part.split():
                longer = f"{lines[-1]} {word}".lstrip()
                if lines[-1] and self.measure(longer, size, weight) > width:
                    lines.append(word)
                else:
                    lines[-1] = longer
                while len(lines[-1]) > 1 and self.measure(lines[-1], size, weight) > width:
                    end = self._letters_within(lines[-1], size, width, weight)
                    lines[-1:] = [lines[-1][:end], lines[-1][end:]]
        return lines

    def _letters_within(self, word: str, size: float, width: float, weight: str) -> int:
        """Return how many letters of a word fit into `width`: at least one, not all."""
        counts = range(len(word) - 1, 0, -1)
        return next((n for n in counts if self.measure(word[:n], size, weight) <= width), 1)

    def measure(self, words: str, size: float, weight: str = "regular") -> float:
        """Return the width of a line of text."""
        return text.width(words, weight) * size

    def image(self, x: float, y: float, width: float, height: float, picture: np.ndarray) -> None:
        """Draw a picture, uint8 (h, w) or (h, w, 3), scaled to `width` × `height`.

        It is shrunk by averaging areas, and enlarged by smooth interpolation.
        """
        left, top = self._pixel(x, y)
        size = (self._whole_pixels(width), self._whole_pixels(height))
        shrinks = size[0] < picture.shape[1]
        method = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
        scaled = Image.fromarray(picture).resize(size, method)
        area = self._area(left, top, *size)
        area[:] = np.asarray(scaled.convert("RGB"))[_within(left, top, area)]

    # Many marks of one size

    def bars(
        self,
        x: Sequence[float] | np.ndarray,
        y: Sequence[float] | np.ndarray,
        width: float,
        height: float,
        colour: Colour | None = None,
        slot: Colour | None = None,
        stripe: Colour | None = None,
    ) -> Bars:
        """Draw empty slots with top-left corners (x, y), (N,) each, and return their bars.

        All slots have the same width and height in whole pixels. By default, bars have the colour
        of correct predictions on the palette's slots. With `stripe`, bars are striped in
        that colour, so that they can be told from solid ones without colour.
        """
        high, wide = self._whole_pixels(height), self._whole_pixels(width)
        row, column = self._positions(x, y, wide, high)
        slot = self.palette.slot if slot is None else slot
        body = np.empty((wide, 3))
        body[:] = self.palette.right if colour is None else colour
        if stripe is not None:
            step = self._whole_pixels(3)
            body[(np.arange(wide) // step) % 2 == 1] = stripe
        share = np.arange(_LEVELS + 1)[:, None, None] / _LEVELS  # (_LEVELS + 1, 1, 1)
        # All lines that a bar can consist of; filling a bar copies them.
        lines = np.rint(share * body + (1 - share) * np.array(slot)).astype(np.uint8)
        bars = Bars(row, column, _as_lines(lines))
        self._scatter(bars.row, bars.column, np.broadcast_to(bars.lines[0], row.shape))
        return bars

    def fill_bars(self, bars: Bars, values: np.ndarray) -> None:
        """Fill the slots from the bottom to `values`, (N,), 0 … 1, to 1/64 of a pixel."""
        high = bars.row.shape[1]
        # In 1/64 px. Each row shows the part of the level above the rows below it.
        full = np.rint(np.clip(np.nan_to_num(values), 0, 1) * high * _LEVELS).astype(np.intp)
        above = np.arange(high - 1, -1, -1) * _LEVELS
        level = np.clip(full.reshape(-1, 1) - above, 0, _LEVELS)  # (N, h)
        self._scatter(bars.row, bars.column, bars.lines[level])

    def stamps(
        self,
        x: Sequence[float] | np.ndarray,
        y: Sequence[float] | np.ndarray,
        tiles: Sequence[Canvas],
    ) -> Stamps:
        """Return positions centred on (x, y), (N,) each, for `tiles`: canvases of one size."""
        pictures = np.stack([tile.pixels for tile in tiles])
        high, wide = pictures.shape[1:3]
        shift = np.array([wide, high]) / self.scale / 2
        row, column = self._positions(
            np.asarray(x) - shift[0], np.asarray(y) - shift[1], wide, high
        )
        return Stamps(row, column, _as_lines(pictures))

    def put_stamps(self, stamps: Stamps, which: np.ndarray) -> None:
        """Draw tile number `which`, (N,) integers, at each position."""
        self._scatter(stamps.row, stamps.column, stamps.lines[which])

    def picture_slots(
        self,
        x: Sequence[float] | np.ndarray,
        y: Sequence[float] | np.ndarray,
        width: float,
        height: float,
        shape: tuple[int, int],
    ) -> PictureSlots:
        """Return positions with top-left corners (x, y), (N,) each, for pictures of `shape` (h, w).

        Pictures are enlarged without smoothing, so that each pixel is a block. They are reduced by
        averaging areas if a position has fewer pixels.
        """
        high, wide = self._whole_pixels(height), self._whole_pixels(width)
        row, column = self._positions(x, y, wide, high)
        down, across = (
            (np.arange(size) * source // size).astype(np.intp)
            for size, source in zip((high, wide), shape, strict=True)
        )
        return PictureSlots(row, column, down, across)

    def put_pictures(self, slots: PictureSlots, pictures: np.ndarray) -> None:
        """Draw pictures, uint8 (N, h, w, 3), one at each position."""
        high, wide = len(slots.down), len(slots.across)
        if high < pictures.shape[1] or wide < pictures.shape[2]:
            box = Image.Resampling.BOX
            resized = [Image.fromarray(picture).resize((wide, high), box) for picture in pictures]
            self._scatter(slots.row, slots.column, _as_lines(np.stack(resized)))
            return
        # Repeat columns first: each row is then one item, which is repeated as a whole.
        lines = _as_lines(pictures.take(slots.across, axis=2))
        self._scatter(slots.row, slots.column, lines.take(slots.down, axis=1))

    # Pixels

    def _pixel(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self.scale), round(y * self.scale)

    def _whole_pixels(self, length: float) -> int:
        """Return a length in whole pixels, at least one."""
        return max(round(length * self.scale), 1)

    def _area(self, left: int, top: int, wide: int, high: int) -> np.ndarray:
        """Return a view of the part of a pixel rectangle that is on the canvas."""
        rows = slice(max(top, 0), max(top + high, 0))
        return self.pixels[rows, max(left, 0) : max(left + wide, 0)]

    def _blend(self, mask: np.ndarray, left: int, top: int, colour: Colour) -> None:
        """Blend `colour` over the pixels with the coverage `mask`, uint8 (h, w)."""
        if mask.size <= _DENSE:
            self._paint(*_blend_of(mask, colour), left, top)
            return
        area = self._area(left, top, *mask.shape[::-1])
        mask = mask[_within(left, top, area)]
        covered = np.nonzero(mask)
        keep, add = _blend_of(mask[covered], colour)
        area[covered] = (area[covered] * keep + add) >> 8

    def _paint(self, keep: np.ndarray, add: np.ndarray, left: int, top: int) -> None:
        """Replace pixels with (pixels · `keep` + `add`) / 256; see `_blend_of`."""
        high, wide, _ = keep.shape
        area = self._area(left, top, wide, high)
        if area.shape != keep.shape:
            part = _within(left, top, area)
            keep, add = keep[part], add[part]
        blended = area * keep  # In place from here on, which takes two thirds of the time.
        blended += add
        blended >>= 8
        area[:] = blended

    def _positions(self, x, y, wide: int, high: int) -> tuple[np.ndarray, np.ndarray]:
        """Return pixel rows (N, h) and left columns (N, 1), shifted to be on the canvas."""
        limit = np.array(self.pixels.shape[:2]) - (high, wide)
        if np.size(x) and limit.min() < 0:
            raise ValueError(
                f"marks of {wide} × {high} px do not fit the canvas; expected at most "
                f"{self.pixels.shape[1]} × {self.pixels.shape[0]} px"
            )
        column = np.rint(np.asarray(x, float) * self.scale).astype(np.intp)
        row = np.rint(np.asarray(y, float) * self.scale).astype(np.intp)
        row = row.clip(0, max(limit[0], 0))[:, None] + np.arange(high)
        return row, column.clip(0, max(limit[1], 0))[:, None]

    def _scatter(self, row: np.ndarray, column: np.ndarray, lines: np.ndarray) -> None:
        """Write whole lines of pixels, (N, h), each as a single memory copy."""
        if not row.size:
            return
        height, width, _ = self.pixels.shape
        wide = lines.dtype.itemsize // 3
        shape = (height, width - wide + 1)
        (left, top), down = self._corner, self._sheet.strides[0]
        # A view of the canvas whose item (r, c) is the line of `wide` pixels that starts at (r, c).
        # Its items overlap in memory, so it is only assigned to, never read.
        windows = np.ndarray(shape, lines.dtype, self._sheet, top * down + 3 * left, (down, 3))
        windows[row, column] = lines


def _within(left: int, top: int, area: np.ndarray) -> tuple[slice, slice]:
    """Return the part of something drawn at (left, top) that is on the canvas, `area`."""
    row, column = max(-top, 0), max(-left, 0)
    return slice(row, row + area.shape[0]), slice(column, column + area.shape[1])


def _blend_of(mask: np.ndarray, colour: Colour) -> tuple[np.ndarray, np.ndarray]:
    """Return factors and summands, uint16 (…, 3): pixels · factors + summands is 256 × the blend.

    `mask` has the coverage, uint8 (…).
    """
    coverage = (mask + (mask >> 7).astype(np.uint16))[..., None]  # 0 … 256: 255 is opaque
    keep = np.repeat(256 - coverage, 3, axis=-1)
    return keep, coverage * np.array(colour, np.uint16) + np.uint16(128)  # 128 rounds


@lru_cache(4096)
def _mark(kind: str, radius: float, column: int, row: int, colour: Colour) -> tuple:
    """Return what `_paint` needs for a mark at (`column`, `row`) quarters of a pixel."""
    mask, left, top = strokes.mark(kind, radius, column, row)
    return *_blend_of(mask, colour), left, top


def _as_lines(pixels: np.ndarray) -> np.ndarray:
    """View (…, w, 3) uint8 as (…) opaque items, each of one line of pixels."""
    pixels = np.ascontiguousarray(pixels)
    line = np.dtype((np.void, 3 * pixels.shape[-2]))
    return pixels.reshape(*pixels.shape[:-2], -1).view(line)[..., 0]
