"""Rainfall sheets: pages with 436 random digits, set in fonts bundled with the packages.

The published page has four variants; see `layout` for the geometry.

- *plain*: pages that differ only in their digits, in DejaVu Sans.
- *shifted*: moved by whole pixels, up to 10 in x and 20 in y.
- *perturbed*: shifted, scaled and rotated, in one of the families of `perturbed_families()` (seven
  bundled with matplotlib: DejaVu Sans, Sans Mono and Serif, STIXGeneral, Computer Modern Roman,
  Sans and Typewriter; or those of the user's folder), with jitter on every text and rule.
- *cells*: a single three-digit number on 48 × 36 px, at the page's 10 pt: it is 31 px wide and
  10 px high, with the same white space around it as in the table.

Plain numbers are copied rather than drawn: each of the thousand numbers 0.00 … 9.99 is rendered
once per quarter-pixel offset, and a page is 142 small images copied onto a background.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from epochreel.artifacts.dataset_shards import SPLITS
from epochreel.core import bundled_fonts
from epochreel.drawing import fonts
from epochreel.experiments.sheets import image_sizes, ink, inputs, layout, perturbed

Families = Mapping[str, tuple[fonts.Face, ...]]
Painter = Callable[[np.random.Generator], dict[str, np.ndarray]]

_TEXT = "".join(heading.text for heading in layout.HEADINGS) + "0123456789."
_PLAIN_FONT = "DejaVuSans.ttf"
# Pillow's basic layout ignores the font's kerning; these are the kerned pairs in the headings.
_KERNING = {"Ye": -272 / 2048, "To": -348 / 2048, "Fe": -102 / 2048, "rc": -41 / 2048}
_PHASES = 4  # subpixel offsets of a number along each axis

# Sizes of a value's image and of a total's two halves, px. The middle of the number's line of text
# is _MIDDLE (plus a phase) from the left and _ABOVE from the top. The halves of a total meet in the
# white space between the decimal point and the digit after it.
_VALUE_WIDTH, _TOTAL_LEFT, _TOTAL_RIGHT, _HEIGHT = 32, 23, 19, 12
_VALUE_MIDDLE, _TOTAL_MIDDLE, _ABOVE = 16, 21, 7


def generate(
    settings: Mapping[str, Any], seed: int, split: str, indices: range
) -> Iterator[dict[str, np.ndarray]]:
    """Yield examples of a split: `{"image": uint8 (H, W) grey, "digits": uint8 (P,)}`.

    `settings` are `{"variant": one of image_sizes.VARIANTS, "fonts": None or a folder}`; only
    *perturbed* uses the folder. Images are (1024, 768) with 436 digits, in `cells` (36, 48) with 3.
    Example i depends only on (seed, split, i) and on the fonts. Raises `ValueError` for an unknown
    variant or split, and `UserError` for a folder without fonts.
    """
    paint = _painter(settings)
    split_index = SPLITS.index(split)
    for index in indices:
        yield paint(np.random.default_rng([seed, split_index, index]))


def perturbed_families(folder: str | Path | None = None) -> list[str]:
    """Return the names of the font families of *perturbed*; seven without a folder."""
    return list(_families({"variant": "perturbed", "fonts": folder}))


def _families(settings: Mapping[str, Any]) -> Families:
    paths = inputs.files(settings).checked()
    return fonts.families_of(_TEXT, paths) if paths else fonts.families(_TEXT)


def _painter(settings: Mapping[str, Any]) -> Painter:
    variant = settings["variant"]
    layout.places(variant)  # raises ValueError for unknown names
    if variant == "cells":
        return _paint_cell
    if variant == "perturbed":
        return partial(_paint_perturbed, _families(settings))
    return _paint_shifted if variant == "shifted" else _paint_plain


# -- Contents of a sheet ------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """Numbers of a sheet, in hundredths.

    Values (10, 12) by year and month, means (12,) by month, totals (10,) by year.
    """

    values: np.ndarray
    means: np.ndarray
    totals: np.ndarray

    def threes(self) -> np.ndarray:
        """Return the 132 three-digit numbers, values then means, ordered as `layout.places`."""
        return np.concatenate([self.values.ravel(), self.means])

    def digits(self) -> np.ndarray:
        """Return the 436 digits in the order of `layout.places`, uint8."""
        return np.concatenate([_spell(self.threes(), 3), _spell(self.totals, 4)])

    def texts(self) -> list[str]:
        """Return the 142 numbers as printed."""
        threes = [f"{number / 100:.2f}" for number in self.threes()]
        return threes + [f"{number / 100:05.2f}" for number in self.totals]


def draw_sheet(rng: np.random.Generator) -> Sheet:
    """Draw a sheet of random values, with the means and totals of the printed values."""
    values = rng.integers(0, 1000, (len(layout.YEARS), len(layout.MONTHS)))
    # Totals are printed with two digits before the point, so totals above 99.99 lose the hundreds.
    return Sheet(values, _printed_means()[values.sum(0)], values.sum(1) % 10_000)


@lru_cache(1)
def _printed_means() -> np.ndarray:
    """Return the mean as `%04.2f` prints it, in hundredths, for each possible sum of ten values.

    Sums are in hundredths. A mean that ends in half a hundredth is rounded according to its nearest
    binary number.
    """
    # Ten values of at most 999 sum to 0 … 9990.
    return np.array([int(("%04.2f" % (total / 1000)).replace(".", "")) for total in range(9991)])


def _spell(numbers: np.ndarray, digits: int) -> np.ndarray:
    powers = 10 ** np.arange(digits - 1, -1, -1)
    return (numbers[:, None] // powers % 10).astype(np.uint8).ravel()


# -- Plain, shifted, cells ---------------------------------------------------------------------


def _paint_plain(rng: np.random.Generator) -> dict[str, np.ndarray]:
    sheet = draw_sheet(rng)
    return {"image": _compose_page(sheet, 0, 0), "digits": sheet.digits()}


def _paint_shifted(rng: np.random.Generator) -> dict[str, np.ndarray]:
    sheet = draw_sheet(rng)
    right, down = (int(rng.integers(-most, most + 1)) for most in layout.MAX_SHIFT)
    return {"image": _compose_page(sheet, right, down), "digits": sheet.digits()}


def _paint_cell(rng: np.random.Generator) -> dict[str, np.ndarray]:
    number = rng.integers(0, 1000, 1)
    image = np.full(layout.CELL[::-1], 255, np.uint8)
    x, y = int(layout.CELL_ANCHOR[0]) - _VALUE_MIDDLE, int(layout.CELL_ANCHOR[1]) - _ABOVE
    digit_image = _values()[number[0]].view(np.uint8).reshape(_HEIGHT, _VALUE_WIDTH)
    image[y : y + _HEIGHT, x : x + _VALUE_WIDTH] = digit_image
    return {"image": image, "digits": _spell(number, 3)}


def _paint_perturbed(families: Families, rng: np.random.Generator) -> dict[str, np.ndarray]:
    sheet = draw_sheet(rng)
    style = perturbed.draw_style(rng, families)
    return {"image": perturbed.draw_page(rng, sheet.texts(), style), "digits": sheet.digits()}


def _compose_page(sheet: Sheet, right: int, down: int) -> np.ndarray:
    """Return the page, moved `right` px to the right and `down` px down."""
    width, height = image_sizes.PAGE
    # The background is larger than a page; a shift selects a different window of it.
    left, top = layout.MAX_SHIFT[0] - right, layout.MAX_SHIFT[1] - down
    page = _background()[top : top + height, left : left + width].copy()
    shift = down * width + right
    plan = _plan()
    _copy_lines(page, plan.threes + shift, _values()[plan.phases + sheet.threes()])
    # Two images per total require a table of 200 instead of 10,000.
    first, last = np.divmod(sheet.totals, 100)
    _copy_lines(page, plan.totals + shift, _totals(0)[plan.total_phases + first])
    _copy_lines(page, plan.totals + shift + _TOTAL_LEFT, _totals(1)[plan.total_phases + last])
    return page


def _copy_lines(page: np.ndarray, starts: np.ndarray, lines: np.ndarray) -> None:
    """Copy lines of pixels, one item of `lines` (void) each, to their start on the page."""
    anywhere = (page.size - lines.itemsize + 1,)
    # Item i of this view is the line that starts at pixel i. Items overlap, so only assign to them.
    np.ndarray(anywhere, lines.dtype, buffer=page, strides=(1,))[starts] = lines


@dataclass(frozen=True)
class _Plan:
    """Start of each line of each number's image on the page, and the number's phase."""

    threes: np.ndarray  # (132, _HEIGHT) index into the flat page
    phases: np.ndarray  # (132,) row of the number 0.00 in _values()
    totals: np.ndarray  # (10, _HEIGHT)
    total_phases: np.ndarray  # (10,) row of the number 00 in _totals()


@lru_cache(1)
def _plan() -> _Plan:
    anchors = np.array([(x, y) for x, y, _ in layout.numbers()])
    steps = np.round(anchors * _PHASES).astype(np.int64)
    pixels, phase = steps // _PHASES, steps % _PHASES
    middles = np.where(np.arange(len(anchors)) < 132, _VALUE_MIDDLE, _TOTAL_MIDDLE)
    rows = pixels[:, 1, None] - _ABOVE + np.arange(_HEIGHT)
    starts = rows * image_sizes.PAGE[0] + (pixels[:, 0] - middles)[:, None]
    # In the order of `_digit_images`: down, then across.
    index = phase[:, 1] * _PHASES + phase[:, 0]
    return _Plan(starts[:132], index[:132] * 1000, starts[132:], index[132:] * 100)


@lru_cache(1)
def _values() -> np.ndarray:
    """Return images of 0.00 … 9.99 in all phases, vertical phase first: (16000, _HEIGHT) void."""
    parts = [
        _digit_images("0.00", position, _VALUE_WIDTH, _VALUE_MIDDLE) for position in (0, 2, 3)
    ]  # each (16, 10, H, W)
    first, second, third = (
        np.expand_dims(part, tuple({1, 2, 3} - {axis})) for axis, part in enumerate(parts, start=1)
    )
    # (16, 10, 10, 10, H, W): black on white, so the minimum overlays the digits.
    images = np.minimum(np.minimum(first, second), third)
    return _as_lines(images.reshape(-1, _HEIGHT, _VALUE_WIDTH))


@lru_cache(2)
def _totals(half: int) -> np.ndarray:
    """Return images of one half of the totals in all phases: (1600, _HEIGHT) void.

    Half 0 is "00." … "99.", half 1 is "00" … "99".
    """
    tens, ones = (
        _digit_images("00.00", position, _TOTAL_LEFT + _TOTAL_RIGHT, _TOTAL_MIDDLE)
        for position in ((0, 1), (3, 4))[half]
    )
    images = np.minimum(tens[:, :, None], ones[:, None])
    images = images.reshape(-1, *images.shape[-2:])
    return _as_lines(images[..., :_TOTAL_LEFT] if half == 0 else images[..., _TOTAL_LEFT:])


def _as_lines(images: np.ndarray) -> np.ndarray:
    """View (N, H, W) uint8 as (N, H) items of W bytes, each copied in one operation."""
    return np.ascontiguousarray(images).view(f"V{images.shape[-1]}")[..., 0]


def _digit_images(pattern: str, position: int, width: int, middle: int) -> np.ndarray:
    """Return images of the ten digits at one position of a number: (16, 10, _HEIGHT, width).

    They are black on white and include the decimal point, so the minimum over a number's digits is
    the image of the number.
    """
    size = layout.TEXT_SIZE * layout.POINT
    steps = np.arange(_PHASES) / _PHASES
    *pens, length = ink.pens(pattern, _plain_font(), size)
    left = middle - length / 2

    def digit_image(digit: int, dx: float, dy: float) -> np.ndarray:
        dark = np.zeros((_HEIGHT, width), np.uint8)
        for sign, index in ((str(digit), position), (".", pattern.index("."))):
            start = (left + dx + pens[index], _ABOVE + layout.BASE_LINE + dy)
            ink.stamp(dark, sign, _plain_font(), size, start)
        return 255 - dark

    phases = [[digit_image(digit, dx, dy) for digit in range(10)] for dy in steps for dx in steps]
    return np.array(phases)


def _plain_font() -> str:
    return str(bundled_fonts.bundled(_PLAIN_FONT))


@lru_cache(1)
def _background() -> np.ndarray:
    """Return the page without numbers, with `layout.MAX_SHIFT` of margin on all sides."""
    right, down = layout.MAX_SHIFT
    width, height = image_sizes.PAGE
    dark = np.zeros((height, width), np.uint8)
    for segment in layout.RULES:
        # Snap to a pixel: a 1 pt rule between two pixels would be a grey band of both.
        snapped = np.floor(segment + 0.5) + 0.5
        ink.rule(dark, snapped, layout.RULE_WIDTH * layout.POINT)
    for heading in layout.HEADINGS:
        _write(dark, heading)
    return np.pad(255 - dark, ((down, down), (right, right)), constant_values=255)


def _write(dark: np.ndarray, heading: layout.Heading) -> None:
    line, font, size = heading.text, _plain_font(), heading.size * layout.POINT
    start = heading.x - heading.centred * ink.pens(line, font, size, _KERNING)[-1] / 2
    above, below = ink.extent(line, font, size)
    above, below = max(above, layout.ASCENT * size), max(below, layout.DESCENT * size)
    ink.stamp(dark, line, font, size, (start, heading.y + (above - below) / 2), _KERNING)
