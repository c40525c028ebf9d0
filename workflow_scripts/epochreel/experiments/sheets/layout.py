"""Geometry of a rainfall sheet, in pixels.

Pixels are counted from the top left corner of the page; pixel (0, 0) covers 0…1 in x and in y, so
the middle of the page is at (384, 512). The numbers are those of the published sheets: one table of
ten years by twelve months on a page of 768 × 1024 px at 100 dpi, with a mean for each month and a
total for each year, 436 digits in all.

All positions are those of a *plain* page. On a *shifted* page everything is moved by up to
`MAX_SHIFT`; on a *perturbed* page these are the positions before its shift, scale, rotation and
jitter.

    spots = places("plain")
    spots.x, spots.y            # (436,) centres of the digits
    spots.number                # (436,) index of the number of each digit
    TABLE.left, TABLE.width     # the table's outer box
    RULES                       # (17, 4) line segments
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from epochreel.experiments.sheets.image_sizes import CELL, PAGE, VARIANTS

DPI = 100
POINT = DPI / 72
"""Pixels per point."""
MAX_SHIFT = (10, 20)
"""Largest shift of a `shifted` page in x and in y, in either direction, whole px."""

YEARS = tuple(range(1941, 1951))
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

TEXT_SIZE = 10.0
"""Size of all text except month names, pt."""
MONTH_SIZE = 9.0
"""Size of month names, pt."""
RULE_WIDTH = 1.0
"""Width of the rules, pt."""


class Box(NamedTuple):
    """A rectangle, px from the top left of the page."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """The width, px."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """The height, px."""
        return self.bottom - self.top

    def x(self, share: float) -> float:
        """Return the x of a share (0…1) of the width, counted from the left."""
        return self.left + share * self.width

    def y(self, share: float) -> float:
        """Return the y of a share (0…1) of the height, counted *upwards* from the bottom."""
        return self.bottom - share * self.height


TABLE = Box(0.07 * PAGE[0], (1 - 0.725) * PAGE[1], 0.93 * PAGE[0], (1 - 0.325) * PAGE[1])
"""Outer box of the table: 660 × 410 px."""

# Shares of the table's width and height.
_YEAR_ROW, _TOTALS_ROW = 0.066, 0.105
_MONTH_COLUMN, _MEANS_COLUMN = 0.137, 0.107
_YEAR_COLUMN = (1 - _MONTH_COLUMN - _MEANS_COLUMN) / len(YEARS)
# Twelve rows in thirteen parts of the rest, which leaves an extra half row above and below.
_MONTH_ROW = (1 - _YEAR_ROW - _TOTALS_ROW) / (len(MONTHS) + 1)

COLUMN_X = np.array([TABLE.x(_MONTH_COLUMN + (i + 0.5) * _YEAR_COLUMN) for i in range(len(YEARS))])
"""(10,) x of the middle of each year column."""
MEANS_X = TABLE.x(1 - _MEANS_COLUMN / 2)
"""x of the middle of the means column."""
NAMES_X = TABLE.x(_MONTH_COLUMN / 2)
"""x of the middle of the month column, which is that of "Year" and "Totals"."""
MONTH_NAMES_X = TABLE.x(_MONTH_COLUMN / 10)
"""x of the left edge of the month names."""

ROW_Y = np.array([TABLE.y(1 - _YEAR_ROW - (m + 1) * _MONTH_ROW) for m in range(len(MONTHS))])
"""(12,) y of the middle of each month's line of text."""
YEARS_Y = TABLE.y(1 - _YEAR_ROW / 2)
"""y of the middle of the years' line of text."""
TOTALS_Y = TABLE.y(_TOTALS_ROW / 2)
"""y of the middle of the totals' line of text."""

# Metrics of DejaVu Sans, in units of 1/2048 of the text size.
_EM = TEXT_SIZE * POINT
DIGIT_PITCH = 9.0
"""Distance between the middles of neighbouring digits of a number, px.

Unhinted it is 8.84; the font's hinting rounds it to whole pixels at this size.
"""
POINT_WIDTH = 4.0
"""Extra distance at the decimal point, px."""
DIGIT_HEIGHT = 1493 / 2048 * _EM
"""Height of a digit, px: 10.1."""
ASCENT, DESCENT = 0.76, 0.24
"""Minimum extent of a line of text above and below its baseline, as shares of its size."""
BASE_LINE = (ASCENT - DESCENT) / 2 * _EM
"""Distance of a number's baseline below the middle of its line of text, px: 3.61."""
INK_RISE = DIGIT_HEIGHT / 2 - BASE_LINE
"""Distance of the middle of the digits above the middle of their line of text, px: 1.45."""
CELL_ANCHOR = (CELL[0] / 2, CELL[1] / 2 + 1)
"""Middle of the number's line of text in an image of the variant `cells`, px."""


@dataclass(frozen=True)
class Heading:
    """A word of the table that is the same on every sheet.

    `x` is the middle of the word, or its left edge if `centred` is false; `y` is the middle of its
    line of text, px; `size` is in pt.
    """

    text: str
    x: float
    y: float
    size: float = TEXT_SIZE
    centred: bool = True


HEADINGS: tuple[Heading, ...] = (
    Heading("Year", NAMES_X, YEARS_Y),
    *(Heading(str(year), x, YEARS_Y) for year, x in zip(YEARS, COLUMN_X, strict=True)),
    Heading("Means", MEANS_X, YEARS_Y),
    *(
        Heading(name, MONTH_NAMES_X, y, MONTH_SIZE, centred=False)
        for name, y in zip(MONTHS, ROW_Y, strict=True)
    ),
    Heading("Totals", NAMES_X, TOTALS_Y),
)
"""The 25 headings of the table: "Year", the years, "Means", the months, "Totals"."""


def _rules() -> np.ndarray:
    left, top, right, bottom = TABLE
    columns = [TABLE.x(_MONTH_COLUMN + i * _YEAR_COLUMN) for i in range(len(YEARS) + 1)]
    rows = [TABLE.y(1 - _YEAR_ROW), TABLE.y(_TOTALS_ROW)]
    horizontal = [(left, y, right, y) for y in (top, *rows, bottom)]
    vertical = [(x, top, x, bottom) for x in (left, *columns, right)]
    return np.array(horizontal + vertical)


RULES = _rules()
"""(17, 4) the rules as segments (x0, y0, x1, y1), px.

First the four horizontal rules from the top (box, below the years, above the totals, box), then the
thirteen vertical ones from the left (box, eleven columns, box).
"""


@dataclass(frozen=True, eq=False)
class Places:
    """Digit positions of an image, in the published order; every field has the shape (P,).

    P is 436 for sheets: 360 digits of the values, three each, year by year and by month within a
    year; 36 of the means, three each, by month; 40 of the totals, four each, by year. P is 3 for
    `cells`.
    """

    x: np.ndarray
    """Middle of the digit, px from the left of the image, float64."""
    y: np.ndarray
    """Middle of the digit's ink, px from the top of the image, float64."""
    number: np.ndarray
    """Index of the digit's number, int64: 0…119 values, 120…131 means, 132…141 totals."""

    def __len__(self) -> int:
        return len(self.x)


def places(variant: str) -> Places:
    """Return the digit positions of a plain image of the variant.

    `variant` is one of `VARIANTS`; all except `cells` have the same 436 positions. Raises
    `ValueError` for any other name. The arrays are shared and read-only.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant is {variant!r}; expected one of {', '.join(VARIANTS)}")
    return _cell_places() if variant == "cells" else _sheet_places()


def digit_offsets(digits: int) -> np.ndarray:
    """Return the x of a number's digits from its middle, px: (digits,), two after the point."""
    index = np.arange(digits)
    # The last two digits are after the point.
    starts = index * DIGIT_PITCH + (index >= digits - 2) * POINT_WIDTH
    return starts + (DIGIT_PITCH - number_width(digits)) / 2


def number_width(digits: int) -> float:
    """Return the width, px, of a number with this many digits and a point: 31 for 3, 40 for 4."""
    return digits * DIGIT_PITCH + POINT_WIDTH


def numbers() -> list[tuple[float, float, int]]:
    """Return the 142 numbers in order: (x of the middle, y of the line of text, digits)."""
    values = [(x, y, 3) for x in COLUMN_X for y in ROW_Y]
    means = [(MEANS_X, y, 3) for y in ROW_Y]
    totals = [(x, TOTALS_Y, 4) for x in COLUMN_X]
    return values + means + totals


@lru_cache(1)
def _sheet_places() -> Places:
    return _digit_places(numbers())


@lru_cache(1)
def _cell_places() -> Places:
    return _digit_places([(*CELL_ANCHOR, 3)])


def _digit_places(anchors: list[tuple[float, float, int]]) -> Places:
    """Return one row per digit from one row per number."""
    number = np.repeat(np.arange(len(anchors)), [digits for *_, digits in anchors])
    fields = {
        "x": np.concatenate([x + digit_offsets(digits) for x, _, digits in anchors]),
        "y": np.array([y - INK_RISE for _, y, _ in anchors])[number],
        "number": number,
    }
    for field in fields.values():
        field.setflags(write=False)
    return Places(**fields)
