"""The geometry of a rainfall sheet: where everything stands, in pixels.

Pixels are counted from the top left corner of the page; pixel (0, 0) covers 0…1 in x and in y,
so that the middle of the page lies at (384, 512). The numbers are those of the published sheets:
one table of ten years by twelve months on a page of 768 × 1024 px at 100 dpi, with a mean for
each month and a total for each year, 436 digits in all.

All positions are those of a *plain* page. On a *shifted* page everything lies up to `MAX_SHIFT`
away from them; on a *perturbed* page they are what the page would be without its own shift,
scale, rotation and jitter.

    spots = places("plain")
    spots.x, spots.y            # (436,) centres of the digits
    spots.number                # (436,) which number each belongs to
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
"""Pixels a point."""
MAX_SHIFT = (10, 20)
"""The furthest that a `shifted` page moves either way in x and in y, whole px."""

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
"""Size of all text but the names of the months, pt."""
MONTH_SIZE = 9.0
"""Size of the names of the months, pt."""
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
        """Its width, px."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Its height, px."""
        return self.bottom - self.top

    def x(self, share: float) -> float:
        """The x of a share (0…1) of its width, counted from the left."""
        return self.left + share * self.width

    def y(self, share: float) -> float:
        """The y of a share (0…1) of its height, counted *upwards* from the bottom."""
        return self.bottom - share * self.height


TABLE = Box(0.07 * PAGE[0], (1 - 0.725) * PAGE[1], 0.93 * PAGE[0], (1 - 0.325) * PAGE[1])
"""The table's outer box: 660 × 410 px."""

# Shares of the table.
_YEAR_ROW, _TOTALS_ROW = 0.066, 0.105
_MONTH_COLUMN, _MEANS_COLUMN = 0.137, 0.107
_YEAR_COLUMN = (1 - _MONTH_COLUMN - _MEANS_COLUMN) / len(YEARS)
# Twelve lines at the thirteenths of what is left: half a row more above and below.
_MONTH_ROW = (1 - _YEAR_ROW - _TOTALS_ROW) / (len(MONTHS) + 1)

COLUMN_X = np.array([TABLE.x(_MONTH_COLUMN + (i + 0.5) * _YEAR_COLUMN) for i in range(len(YEARS))])
"""(10,) x of the middles of the year columns."""
MEANS_X = TABLE.x(1 - _MEANS_COLUMN / 2)
"""x of the middle of the means column."""
NAMES_X = TABLE.x(_MONTH_COLUMN / 2)
"""x of the middle of the month column, where "Year" and "Totals" stand."""
MONTH_NAMES_X = TABLE.x(_MONTH_COLUMN / 10)
"""x where the names of the months begin."""

ROW_Y = np.array([TABLE.y(1 - _YEAR_ROW - (m + 1) * _MONTH_ROW) for m in range(len(MONTHS))])
"""(12,) y of the months' lines of text."""
YEARS_Y = TABLE.y(1 - _YEAR_ROW / 2)
"""y of the line of text of the years."""
TOTALS_Y = TABLE.y(_TOTALS_ROW / 2)
"""y of the line of text of the totals."""

# DejaVu Sans, in its units of 1/2048 of the text size.
_EM = TEXT_SIZE * POINT
DIGIT_PITCH = 9.0
"""Distance between the middles of neighbouring digits of a number, px.

The outlines have 8.84; at the size of the page, the font's own instructions make it a whole pixel.
"""
POINT_WIDTH = 4.0
"""What the decimal point adds to that distance, px."""
DIGIT_HEIGHT = 1493 / 2048 * _EM
"""Height of a digit, px: 10.1."""
ASCENT, DESCENT = 0.76, 0.24
"""The room that a line of text keeps above and below its base line at least, shares of its size.
"""
BASE_LINE = (ASCENT - DESCENT) / 2 * _EM
"""How far a number's base line lies below the middle of its line of text, px: 3.61."""
INK_RISE = DIGIT_HEIGHT / 2 - BASE_LINE
"""How far the middle of the digits lies above the middle of their line of text, px: 1.45."""
CELL_ANCHOR = (CELL[0] / 2, CELL[1] / 2 + 1)
"""Middle of the number, and of its line of text, in an image of the variant `cells`, px."""


@dataclass(frozen=True)
class Heading:
    """A word of the table that is the same on every sheet.

    `x` is the word's middle, or its left end where `centred` is false; `y` the middle of its line
    of text, px; `size` in pt.
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
"""The 25 words of the table: "Year", the years, "Means", the months, "Totals"."""


def _rules() -> np.ndarray:
    left, top, right, bottom = TABLE
    columns = [TABLE.x(_MONTH_COLUMN + i * _YEAR_COLUMN) for i in range(len(YEARS) + 1)]
    rows = [TABLE.y(1 - _YEAR_ROW), TABLE.y(_TOTALS_ROW)]
    across = [(left, y, right, y) for y in (top, *rows, bottom)]
    upright = [(x, top, x, bottom) for x in (left, *columns, right)]
    return np.array(across + upright)


RULES = _rules()
"""(17, 4) the rules as segments (x0, y0, x1, y1), px: the four level ones from the top (box, under
the years, over the totals, box), then the thirteen upright ones from the left (box, eleven
columns, box)."""


@dataclass(frozen=True, eq=False)
class Places:
    """The digits of an image, in the published order; every field is an array of shape (P,).

    P is 436 for sheets: 360 of the values, year by year and in it month by month, three each;
    36 of the means, month by month, three each; 40 of the totals, year by year, four each.
    P is 3 for `cells`.
    """

    x: np.ndarray
    """Middle of the digit, px from the left of the image, float64."""
    y: np.ndarray
    """Middle of the digit's ink, px from the top of the image, float64."""
    number: np.ndarray
    """Which number it belongs to, int64: 0…119 values, 120…131 means, 132…141 totals."""

    def __len__(self) -> int:
        return len(self.x)


def places(variant: str) -> Places:
    """Where the digits of a plain image stand, and what they belong to.

    `variant` is one of `VARIANTS`; all but `cells` have the same 436 places. `ValueError` for
    another name. The arrays are shared and read-only.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant {variant!r} of the sheets: take one of {', '.join(VARIANTS)}")
    return _cell_places() if variant == "cells" else _sheet_places()


def digit_offsets(digits: int) -> np.ndarray:
    """x of the digits of a number from the number's middle, px: (digits,), two after the point."""
    index = np.arange(digits)
    # The last two digits stand after the point.
    starts = index * DIGIT_PITCH + (index >= digits - 2) * POINT_WIDTH
    return starts + (DIGIT_PITCH - number_width(digits)) / 2


def number_width(digits: int) -> float:
    """Width of a number of so many digits and a point, px: 31 for three, 40 for four."""
    return digits * DIGIT_PITCH + POINT_WIDTH


def numbers() -> list[tuple[float, float, int]]:
    """The 142 numbers of a sheet in order: (x of the middle, y of the line of text, digits)."""
    values = [(x, y, 3) for x in COLUMN_X for y in ROW_Y]
    means = [(MEANS_X, y, 3) for y in ROW_Y]
    totals = [(x, TOTALS_Y, 4) for x in COLUMN_X]
    return values + means + totals


@lru_cache(1)
def _sheet_places() -> Places:
    return _spread(numbers())


@lru_cache(1)
def _cell_places() -> Places:
    return _spread([(*CELL_ANCHOR, 3)])


def _spread(anchors: list[tuple[float, float, int]]) -> Places:
    """One row a digit, from one row a number."""
    number = np.repeat(np.arange(len(anchors)), [digits for *_, digits in anchors])
    fields = {
        "x": np.concatenate([x + digit_offsets(digits) for x, _, digits in anchors]),
        "y": np.array([y - INK_RISE for _, y, _ in anchors])[number],
        "number": number,
    }
    for field in fields.values():
        field.setflags(write=False)
    return Places(**fields)
