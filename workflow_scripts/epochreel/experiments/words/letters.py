"""Words of capital letters: DejaVu Sans at 9 px, grey on black, from one picture per letter.

Letters stand whole pixels apart, as the font's own instructions space them at this size, and some
reach a pixel into their neighbour. So a word is put together from pieces: a piece is what lies
between the second column of a letter and that of the next, and is known for each pair of letters.
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
"""The outermost pixels, which no ink of a letter touches."""
GREY = 128
"""The grey level of full ink."""
PURPOSES = STEPS + 3
"""Random numbers that a word takes: its length, a sign for each step, its place."""
ROWS = 9
"""Rows from the top of a capital letter to the lowest ink of any."""

_FONT, _SIZE = "DejaVuSans.ttf", 9
_CAPITAL = 7  # rows above the base line
_START = SIGNS  # stands before the first letter
_LEAD = 2  # its width: ink before the first letter's pen, and that letter's first column


class Word(NamedTuple):
    """Words, the places of their ink and where in the tables their pieces begin."""

    letters: Array  # (B, 5) 0…26
    left: Array  # (B,) the first column with ink
    top: Array  # (B,) the first row
    pairs: Array  # (B, 5) each sign and the one after it


class _Tables(NamedTuple):
    """What is known of each sign's pair with the next (28 × 27, flat), and the pieces' pixels."""

    advance: Array  # from the first sign's pen to the second's, px
    span: Array  # what the pair adds to the width of the word's ink, px
    first: Array  # the first column of the pair's piece
    depth: Array  # (27,) rows from the top of a letter to its lowest ink
    columns: Array  # (ROWS, all columns) int16 grey levels; the first SIDE columns are black
    across: Array  # (SIDE,) 0 … SIDE - 1
    down: Array  # (ROWS,) 0 … ROWS - 1
    steps: Array  # (5,) 0 … 4


def draw(bits: Array) -> Word:
    """Words and places from random bits (B, PURPOSES): all uniform, the ink within the margin."""
    tables = _tables(device_of(bits))
    length = 1 + counter_rng.below(LONGEST, bits[:, 0])
    letters = counter_rng.below(END, bits[:, 1 : 1 + STEPS])
    # END from the length on; `where` differs between numpy and torch.
    letters = letters + (END - letters) * (tables.steps >= length[:, None])
    pairs = letters + 0  # a copy, in numpy and torch alike
    pairs[:, 0] += _START * SIGNS
    pairs[:, 1:] += letters[:, :-1] * SIGNS
    room = SIDE - 2 * MARGIN + 1
    width = tables.span.take(pairs).sum(1)
    # Rows down to the lowest ink of any letter: J and Q go below the base line.
    height = (tables.depth.take(letters)[:, :, None] > tables.down).any(1).sum(1)
    left = MARGIN + counter_rng.below(room - width, bits[:, 1 + STEPS])
    top = MARGIN + counter_rng.below(room - height, bits[:, 2 + STEPS])
    return Word(letters, left, top, pairs)


def light(word: Word) -> tuple[Array, Array]:
    """The rows that words touch, and the grey levels there: (ROWS, B) and (ROWS, B, SIDE) int16.

    Row r of image b is number SIDE · b + r.
    """
    tables = _tables(device_of(word.letters))
    advance = tables.advance.take(word.pairs)
    # The first pair's span is minus its letter's first column of ink.
    pen = word.left + tables.span.take(word.pairs[:, 0])
    ends = (pen + 1 - _LEAD)[:, None] + advance.cumsum(1)
    starts = ends - advance
    inside = (tables.across >= starts[:, :, None]) & (tables.across < ends[:, :, None])
    # At most one piece holds a column. Where none does, the sum is 0 and the column itself is
    # its number in the table, which begins with black.
    step = tables.first.take(word.pairs) - starts
    columns = tables.across + (inside * step[:, :, None]).sum(1)
    # What would lie below the image is black and goes where it does no harm, in its first row.
    rows = (word.top + tables.down[:, None]) % SIDE
    return rows + SIDE * counted(word.top), tables.columns[:, columns]


class _Letter(NamedTuple):
    ink: np.ndarray  # (ROWS, _BOX) 0…255; the pen stands at column 1
    advance: int
    left: int  # first column of ink and the one after the last, from the pen
    right: int


_BOX = 11
_NOTHING = _Letter(np.zeros((ROWS, _BOX), np.int64), 0, 0, 0)


@lru_cache(8)
def _tables(device: Device) -> _Tables:
    # END and _START; no pair ends with the latter.
    signs = [*_letters(), _NOTHING, _NOTHING._replace(advance=_LEAD)]
    pairs = [(one, other) for one in signs for other in signs[:SIGNS]]
    advance = np.array([one.advance for one, _ in pairs])
    columns = np.concatenate(
        [np.zeros((ROWS, SIDE), np.int64), *(_piece(one, other) for one, other in pairs)], axis=1
    )
    depth = [np.flatnonzero(sign.ink.any(1)).max(initial=-1) + 1 for sign in signs[:SIGNS]]
    tables = _Tables(
        advance=advance,
        span=np.array([_span(one, other) for one, other in pairs]),
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


def _piece(one: _Letter, other: _Letter) -> np.ndarray:
    """The columns from the one after a sign's pen to that of the next: (ROWS, advance) 0…255."""
    # Padded to hold both letters; the roll moves the second to its pen.
    under = np.pad(one.ink, ((0, 0), (0, _BOX)))
    over = np.roll(np.pad(other.ink, ((0, 0), (0, _BOX))), one.advance, axis=1)
    # Where two letters meet, the second covers the first by as much as it is there.
    both = under + over - (under * over + 127) // 255
    return both[:, 2 : 2 + one.advance]


def _span(one: _Letter, other: _Letter) -> int:
    # From pen to pen within the word, to the last ink at its end; less what lies empty before its
    # first ink.
    if one.ink is _NOTHING.ink:
        return -other.left
    return one.right if other.ink is _NOTHING.ink else one.advance
