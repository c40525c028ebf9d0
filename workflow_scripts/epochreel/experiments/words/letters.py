"""Words of capital letters: DejaVu Sans at 9 px, grey on black, composed from pieces.

Hinting spaces the letters by whole pixels at this size, and some extend a pixel into their
neighbour. A word is therefore composed of pieces: a piece spans from the second column of a letter
to that of the next, and is precomputed for each pair of letters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import ImageFont

from epochreel.core import bundled_fonts
from epochreel.experiments.words import counter_rng
from epochreel.experiments.words.alphabet import END, LONGEST, SIDE, SIGNS, STEPS
from epochreel.experiments.words.array_backend import Array, Device, counted, device_of, placed

MARGIN = 1
"""Width of the image's empty border, px."""
GREY = 128
"""Grey level of full ink."""
PURPOSES = STEPS + 3
"""Number of random numbers of a word: its length, a sign for each step, its position."""
ROWS = 9
"""Rows from the top of a capital letter to the lowest ink of any letter."""

_FONT, _SIZE = "DejaVuSans.ttf", 9
_CAPITAL = 7  # rows above the baseline
_START = SIGNS  # pseudo-sign before the first letter
_LEAD = 2  # its width: ink before the first letter's pen, and that letter's first column


class Word(NamedTuple):
    """Words, the positions of their ink, and indices of their pieces in the tables."""

    letters: Array  # (B, 5) 0…26
    left: Array  # (B,) the first column with ink
    top: Array  # (B,) the first row
    pairs: Array  # (B, 5) each pair of neighbouring signs


class _Tables(NamedTuple):
    """Properties of each pair of signs (28 × 27, flat), and the pieces' pixels."""

    advance: Array  # from the first sign's pen to the second's, px
    span: Array  # the pair's contribution to the width of the word's ink, px
    first: Array  # the first column of the pair's piece
    depth: Array  # (27,) rows from the top of a letter to its lowest ink
    columns: Array  # (ROWS, all columns) int16 grey levels; the first SIDE columns are black
    across: Array  # (SIDE,) 0 … SIDE - 1
    down: Array  # (ROWS,) 0 … ROWS - 1
    steps: Array  # (5,) 0 … 4


def draw(bits: Array) -> Word:
    """Draw words and positions from random bits (B, PURPOSES), uniformly, within the margin."""
    tables = _tables(device_of(bits))
    length = 1 + counter_rng.below(LONGEST, bits[:, 0])
    letters = counter_rng.below(END, bits[:, 1 : 1 + STEPS])
    # Set END from index `length` onwards, without `where`, which differs between numpy and torch.
    letters = letters + (END - letters) * (tables.steps >= length[:, None])
    pairs = letters + 0  # a copy, in both numpy and torch
    pairs[:, 0] += _START * SIGNS
    pairs[:, 1:] += letters[:, :-1] * SIGNS
    room = SIDE - 2 * MARGIN + 1
    width = tables.span.take(pairs).sum(1)
    # Rows down to the lowest ink of any letter; J and Q extend below the baseline.
    height = (tables.depth.take(letters)[:, :, None] > tables.down).any(1).sum(1)
    left = MARGIN + counter_rng.below(room - width, bits[:, 1 + STEPS])
    top = MARGIN + counter_rng.below(room - height, bits[:, 2 + STEPS])
    return Word(letters, left, top, pairs)


def light(word: Word) -> tuple[Array, Array]:
    """Return the rows that words touch, and their grey levels: (ROWS, B), (ROWS, B, SIDE) int16.

    Row r of image b has the number SIDE · b + r.
    """
    tables = _tables(device_of(word.letters))
    advance = tables.advance.take(word.pairs)
    # The first pair's span is minus its letter's first column of ink.
    pen = word.left + tables.span.take(word.pairs[:, 0])
    ends = (pen + 1 - _LEAD)[:, None] + advance.cumsum(1)
    starts = ends - advance
    is_inside = (tables.across >= starts[:, :, None]) & (tables.across < ends[:, :, None])
    # At most one piece covers a column. If none does, the sum is 0 and the column's own number is
    # its index in the table, which begins with black.
    step = tables.first.take(word.pairs) - starts
    columns = tables.across + (is_inside * step[:, :, None]).sum(1)
    # Rows below the image are black and wrap to its first rows, where they add nothing.
    rows = (word.top + tables.down[:, None]) % SIDE
    return rows + SIDE * counted(word.top), tables.columns[:, columns]


class _Letter(NamedTuple):
    ink: np.ndarray  # (ROWS, _BOX) 0…255; the pen is at column 1
    advance: int
    left: int  # first column of ink and the one after the last, from the pen
    right: int


_BOX = 11
_NOTHING = _Letter(np.zeros((ROWS, _BOX), np.int64), 0, 0, 0)


@lru_cache(8)
def _tables(device: Device) -> _Tables:
    # The last two are END and _START; no pair ends with _START.
    signs = [*_letters(), _NOTHING, _NOTHING._replace(advance=_LEAD)]
    pairs = [(first_sign, second_sign) for first_sign in signs for second_sign in signs[:SIGNS]]
    advance = np.array([first_sign.advance for first_sign, _ in pairs])
    columns = np.concatenate(
        [
            np.zeros((ROWS, SIDE), np.int64),
            *(_piece(first_sign, second_sign) for first_sign, second_sign in pairs),
        ],
        axis=1,
    )
    depth = [np.flatnonzero(sign.ink.any(1)).max(initial=-1) + 1 for sign in signs[:SIGNS]]
    tables = _Tables(
        advance=advance,
        span=np.array([_span(first_sign, second_sign) for first_sign, second_sign in pairs]),
        first=SIDE + advance.cumsum() - advance,
        depth=np.array(depth),
        columns=((columns * GREY + 127) // 255).astype(np.int16),  # rounded
        across=np.arange(SIDE),
        down=np.arange(ROWS),
        steps=np.arange(STEPS),
    )
    return _Tables(*(placed(table, device) for table in tables))


def _letters() -> list[_Letter]:
    path = str(bundled_fonts.bundled(_FONT))
    font = ImageFont.truetype(path, _SIZE, layout_engine=ImageFont.Layout.BASIC)
    return [_letter(font, chr(ord("A") + number)) for number in range(END)]


def _letter(font: ImageFont.FreeTypeFont, sign: str) -> _Letter:
    mask, (x, y) = font.getmask2(sign, "L", anchor="ls")
    width, height = mask.size
    ink = _NOTHING.ink.copy()
    top = y + _CAPITAL
    ink[top : top + height, 1 + x : 1 + x + width] = np.array(mask).reshape(height, width)
    used = np.flatnonzero(ink.any(0)) - 1
    return _Letter(ink, round(font.getlength(sign)), int(used[0]), int(used[-1]) + 1)


def _piece(first_sign: _Letter, second_sign: _Letter) -> np.ndarray:
    """Return the columns from the one after a sign's pen to that of the next: (ROWS, advance)."""
    # Pad to fit both letters, and roll the second to its pen position.
    under = np.pad(first_sign.ink, ((0, 0), (0, _BOX)))
    over = np.roll(np.pad(second_sign.ink, ((0, 0), (0, _BOX))), first_sign.advance, axis=1)
    # Composite the second letter over the first, by its coverage.
    both = under + over - (under * over + 127) // 255
    return both[:, 2 : 2 + first_sign.advance]


def _span(first_sign: _Letter, second_sign: _Letter) -> int:
    # Within the word, from pen to pen; at its end, to the last ink; at its start, minus the empty
    # columns before the first ink.
    if first_sign.ink is _NOTHING.ink:
        return -second_sign.left
    return first_sign.right if second_sign.ink is _NOTHING.ink else first_sign.advance
