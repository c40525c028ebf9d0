"""Rainfall sheets: pages with 436 random digits, drawn from fonts that come with the packages.

The published page and its four variants; see `layout` for where everything stands.

- *plain*: all pages alike but for their digits, DejaVu Sans.
- *shifted*: moved by whole pixels, up to 10 in x and 20 in y.
- *perturbed*: shifted, scaled, turned, in one of the families of `perturbed_families()` (seven of
  those that come with matplotlib: DejaVu Sans, Sans Mono and Serif, STIXGeneral, Computer Modern
  Roman, Sans and Typewriter; or a folder of one's own), every text and rule jittered.
- *cells*: one number of three digits on 48 × 36 px, in the page's own 10 pt: the number is 31 px
  wide and 10 px high and keeps the room about it that it has in the table.

Plain numbers are not drawn but printed: each of the thousand numbers 0.00 … 9.99 is rendered once,
at steps of a quarter of a pixel, and a page is 142 small pictures copied onto a background.
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
from epochreel.experiments.sheets import image_sizes, ink, layout, perturbed

Families = Mapping[str, tuple[fonts.Face, ...]]
Painter = Callable[[np.random.Generator], dict[str, np.ndarray]]

_TEXT = "".join(heading.text for heading in layout.HEADINGS) + "0123456789."
_PLAIN_FONT = "DejaVuSans.ttf"
# Pillow's own layout leaves the font's kerning out; these are its pairs in the headings.
_KERNING = {"Ye": -272 / 2048, "To": -348 / 2048, "Fe": -102 / 2048, "rc": -41 / 2048}
_PHASES = 4  # of a number within a pixel, along each axis

# A value's picture and a total's two halves, px; the middle of the number's line of text lies
# _MIDDLE (plus a phase) from the left and _ABOVE from the top. The halves of a total meet in the
# white between its point and the digit after it.
_VALUE_WIDTH, _TOTAL_LEFT, _TOTAL_RIGHT, _HEIGHT = 32, 23, 19, 12
_VALUE_MIDDLE, _TOTAL_MIDDLE, _ABOVE = 16, 21, 7


def generate(
    settings: Mapping[str, Any], seed: int, split: str, indices: range
) -> Iterator[dict[str, np.ndarray]]:
    """Examples of a split: `{"image": uint8 (H, W) grey, "digits": uint8 (P,)}` each.

    `settings` are `{"variant": one of image_sizes.VARIANTS, "fonts": None or a folder}`; the folder
    serves *perturbed* alone. Images are (1024, 768) with 436 digits, in `cells` (36, 48) with 3.
    Example i depends on (seed, split, i) alone, and on the fonts. `ValueError` for an unknown
    variant or split, `UserError` for a folder without fonts.
    """
    paint = _painter(settings)
    part = SPLITS.index(split)
    for index in indices:
        yield paint(np.random.default_rng([seed, part, index]))


def perturbed_families(folder: str | Path | None = None) -> list[str]:
    """Names of the font families that *perturbed* draws from; without a folder there are seven."""
    return list(fonts.families(_TEXT, folder))


def _painter(settings: Mapping[str, Any]) -> Painter:
    variant = settings["variant"]
    layout.places(variant)  # refuses unknown names
    if variant == "cells":
        return _paint_cell
    if variant == "perturbed":
        return partial(_paint_perturbed, fonts.families(_TEXT, settings.get("fonts")))
    return _paint_shifted if variant == "shifted" else _paint_plain


# -- What is written ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """What a sheet says, in hundredths: values (10, 12) by year and month, means (12,), totals
    (10,)."""

    values: np.ndarray
    means: np.ndarray
    totals: np.ndarray

    def threes(self) -> np.ndarray:
        """The 132 numbers of three digits, values and means, in the order of the places."""
        return np.concatenate([self.values.ravel(), self.means])

    def digits(self) -> np.ndarray:
        """The 436 digits in the order of the places, uint8."""
        return np.concatenate([_spell(self.threes(), 3), _spell(self.totals, 4)])

    def texts(self) -> list[str]:
        """The 142 numbers as printed."""
        threes = [f"{number / 100:.2f}" for number in self.threes()]
        return threes + [f"{number / 100:05.2f}" for number in self.totals]


def draw_sheet(rng: np.random.Generator) -> Sheet:
    """A sheet of random values, with the means and totals that its printed values have."""
    values = rng.integers(0, 1000, (len(layout.YEARS), len(layout.MONTHS)))
    # Totals have two digits before the point: from 100.00 on they lose their hundreds.
    return Sheet(values, _printed_means()[values.sum(0)], values.sum(1) % 10_000)


@lru_cache(1)
def _printed_means() -> np.ndarray:
    """The mean as `%04.2f` prints it, in hundredths, for each sum of ten values in hundredths.

    A mean that ends in half a hundredth is rounded as its nearest binary number says.
    """
    # Ten values of at most 999: sums of 0 … 9990.
    return np.array([int(("%04.2f" % (total / 1000)).replace(".", "")) for total in range(9991)])


def _spell(numbers: np.ndarray, digits: int) -> np.ndarray:
    powers = 10 ** np.arange(digits - 1, -1, -1)
    return (numbers[:, None] // powers % 10).astype(np.uint8).ravel()


# -- Plain, shifted, cells ---------------------------------------------------------------------


def _paint_plain(rng: np.random.Generator) -> dict[str, np.ndarray]:
    sheet = draw_sheet(rng)
    return {"image": _print(sheet, 0, 0), "digits": sheet.digits()}


def _paint_shifted(rng: np.random.Generator) -> dict[str, np.ndarray]:
    sheet = draw_sheet(rng)
    across, down = (int(rng.integers(-most, most + 1)) for most in layout.MAX_SHIFT)
    return {"image": _print(sheet, across, down), "digits": sheet.digits()}


def _paint_cell(rng: np.random.Generator) -> dict[str, np.ndarray]:
    number = rng.integers(0, 1000, 1)
    image = np.full(layout.CELL[::-1], 255, np.uint8)
    x, y = int(layout.CELL_ANCHOR[0]) - _VALUE_MIDDLE, int(layout.CELL_ANCHOR[1]) - _ABOVE
    picture = _values()[number[0]].view(np.uint8).reshape(_HEIGHT, _VALUE_WIDTH)
    image[y : y + _HEIGHT, x : x + _VALUE_WIDTH] = picture
    return {"image": image, "digits": _spell(number, 3)}


def _paint_perturbed(families: Families, rng: np.random.Generator) -> dict[str, np.ndarray]:
    sheet = draw_sheet(rng)
    look = perturbed.draw_look(rng, families)
    return {"image": perturbed.draw_page(rng, sheet.texts(), look), "digits": sheet.digits()}


def _print(sheet: Sheet, across: int, down: int) -> np.ndarray:
    """The page, everything `across` px to the right and `down` px below its plain place."""
    width, height = image_sizes.PAGE
    # The background is larger than a page: a shift is another window of it.
    left, top = layout.MAX_SHIFT[0] - across, layout.MAX_SHIFT[1] - down
    page = _background()[top : top + height, left : left + width].copy()
    shift = down * width + across
    plan = _plan()
    _put(page, plan.threes + shift, _values()[plan.phases + sheet.threes()])
    # Two pictures a total: 200 in a table instead of 10,000.
    first, last = np.divmod(sheet.totals, 100)
    _put(page, plan.totals + shift, _totals(0)[plan.total_phases + first])
    _put(page, plan.totals + shift + _TOTAL_LEFT, _totals(1)[plan.total_phases + last])
    return page


def _put(page: np.ndarray, starts: np.ndarray, lines: np.ndarray) -> None:
    """Copy lines of pixels, one item of `lines` (void) each, to where they start on the page."""
    anywhere = (page.size - lines.itemsize + 1,)
    # A view whose item i is the line that starts at pixel i; items overlap, to be assigned only.
    np.ndarray(anywhere, lines.dtype, buffer=page, strides=(1,))[starts] = lines


@dataclass(frozen=True)
class _Plan:
    """Where each line of each number's picture starts on the page, and which phase it has."""

    threes: np.ndarray  # (132, _HEIGHT) index into the flat page
    phases: np.ndarray  # (132,) row of the number 0.00 in _values()
    totals: np.ndarray  # (10, _HEIGHT)
    total_phases: np.ndarray  # (10,) row of 00 in _totals()


@lru_cache(1)
def _plan() -> _Plan:
    anchors = np.array([(x, y) for x, y, _ in layout.numbers()])
    steps = np.round(anchors * _PHASES).astype(np.int64)
    whole, phase = steps // _PHASES, steps % _PHASES
    middles = np.where(np.arange(len(anchors)) < 132, _VALUE_MIDDLE, _TOTAL_MIDDLE)
    rows = whole[:, 1, None] - _ABOVE + np.arange(_HEIGHT)
    starts = rows * image_sizes.PAGE[0] + (whole[:, 0] - middles)[:, None]
    index = phase[:, 1] * _PHASES + phase[:, 0]  # the order of `_pictures`: down, then across
    return _Plan(starts[:132], index[:132] * 1000, starts[132:], index[132:] * 100)


@lru_cache(1)
def _values() -> np.ndarray:
    """Pictures of 0.00 … 9.99 in all phases, upright phases outermost: (16000, _HEIGHT) void."""
    parts = [
        _pictures("0.00", place, _VALUE_WIDTH, _VALUE_MIDDLE) for place in (0, 2, 3)
    ]  # each (16, 10, H, W)
    first, second, third = (
        np.expand_dims(part, tuple({1, 2, 3} - {axis})) for axis, part in enumerate(parts, start=1)
    )
    # (16, 10, 10, 10, H, W): black on white, so the darkest is the least.
    pictures = np.minimum(np.minimum(first, second), third)
    return _lines(pictures.reshape(-1, _HEIGHT, _VALUE_WIDTH))


@lru_cache(2)
def _totals(half: int) -> np.ndarray:
    """Pictures of "00." … "99." (half 0) or "00" … "99" (half 1) in all phases: (1600, H) void."""
    tens, ones = (
        _pictures("00.00", place, _TOTAL_LEFT + _TOTAL_RIGHT, _TOTAL_MIDDLE)
        for place in ((0, 1), (3, 4))[half]
    )
    pictures = np.minimum(tens[:, :, None], ones[:, None])
    pictures = pictures.reshape(-1, *pictures.shape[-2:])
    return _lines(pictures[..., :_TOTAL_LEFT] if half == 0 else pictures[..., _TOTAL_LEFT:])


def _lines(pictures: np.ndarray) -> np.ndarray:
    """(N, H, W) uint8 as (N, H) items of W bytes, which are copied whole."""
    return np.ascontiguousarray(pictures).view(f"V{pictures.shape[-1]}")[..., 0]


def _pictures(pattern: str, place: int, width: int, middle: int) -> np.ndarray:
    """The ten digits at one place of a number, black on white: (16, 10, _HEIGHT, width).

    Each brings the number's point with it, so that the darkest of a number's digits is the number.
    """
    size = layout.TEXT_SIZE * layout.POINT
    steps = np.arange(_PHASES) / _PHASES
    *pens, length = ink.pens(pattern, _plain_font(), size)
    left = middle - length / 2

    def picture(digit: int, dx: float, dy: float) -> np.ndarray:
        dark = np.zeros((_HEIGHT, width), np.uint8)
        for sign, spot in ((str(digit), place), (".", pattern.index("."))):
            start = (left + dx + pens[spot], _ABOVE + layout.BASE_LINE + dy)
            ink.stamp(dark, sign, _plain_font(), size, start)
        return 255 - dark

    phases = [[picture(digit, dx, dy) for digit in range(10)] for dy in steps for dx in steps]
    return np.array(phases)


def _plain_font() -> str:
    return str(bundled_fonts.bundled(_PLAIN_FONT))


@lru_cache(1)
def _background() -> np.ndarray:
    """The page without its numbers, wider by `layout.MAX_SHIFT` on all sides."""
    across, down = layout.MAX_SHIFT
    width, height = image_sizes.PAGE
    dark = np.zeros((height, width), np.uint8)
    for segment in layout.RULES:
        # Between pixels, a rule of 1 pt would be a grey band of two: it is moved onto one.
        snapped = np.floor(segment + 0.5) + 0.5
        ink.rule(dark, snapped, layout.RULE_WIDTH * layout.POINT)
    for heading in layout.HEADINGS:
        _write(dark, heading)
    return np.pad(255 - dark, ((down, down), (across, across)), constant_values=255)


def _write(dark: np.ndarray, heading: layout.Heading) -> None:
    line, font, size = heading.text, _plain_font(), heading.size * layout.POINT
    start = heading.x - heading.centred * ink.pens(line, font, size, _KERNING)[-1] / 2
    above, below = ink.extent(line, font, size)
    above, below = max(above, layout.ASCENT * size), max(below, layout.DESCENT * size)
    ink.stamp(dark, line, font, size, (start, heading.y + (above - below) / 2), _KERNING)
