"""What the network reads: values of an evaluation that the film shows and names."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from epochreel.core.errors import UserError
from epochreel.experiments.sheets import layout


def readings(table: pa.Table, places: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the digits printed and the digits read, uint8 (pages, places) each.

    Raises `UserError` if the rows are not a whole number of pages of `places` digits.
    """
    if table.num_rows == 0 or table.num_rows % places:
        raise UserError(
            f"an evaluation has {table.num_rows} rows; expected a multiple of {places}, the digits "
            "of a page: delete it and evaluate the snapshot again"
        )
    truth, prediction = (table[name].to_numpy() for name in ("truth", "prediction"))
    return truth.reshape(-1, places), prediction.reshape(-1, places)


def confusion(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return the share of each printed digit (row) that is read as each digit (column), (10, 10).

    The row of a digit that is not printed anywhere is 0.
    """
    pairs = truth.ravel().astype(np.intp) * 10 + prediction.ravel()
    counts = np.bincount(pairs, minlength=100).reshape(10, 10)
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


def place_shares(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return the share of pages on which each place is read correctly, (places,)."""
    return (truth == prediction).mean(0)


def named_confusions(sentence: str) -> list[tuple[int, int]]:
    """Return the pairs (digit printed, digit read) that a sentence of `sentences` names."""
    named = re.search(r"(\d)s (?:are the hardest: .* )?as (\d)s(?: and (\d)s)?", sentence)
    if named is None:
        return []
    printed, *reads = (int(digit) for digit in named.groups() if digit)
    return [(printed, read) for read in reads]


def named_tiles(sentence: str) -> list[tuple[int, int]]:
    """Return the pairs that a sentence names: confusions, or digits read as themselves."""
    about = r"\ds are the easiest|finds [\d, and]+ easier|some \ds wrong|ever answers [\d, or]+"
    known = re.search(about, sentence)
    digits = map(int, re.findall(r"\d", known[0])) if known else ()
    return named_confusions(sentence) + [(digit, digit) for digit in digits]


def named_numbers(sentence: str) -> list[str]:
    """Return the numbers that a sentence names, as printed."""
    return re.findall(r"\d+\.\d\d", sentence)


def names_first_digits(sentence: str) -> bool:
    """Return whether a sentence is about the first digit of numbers: of means, on a page."""
    return FIRST_DIGIT in sentence or MEANS in sentence


FIRST_DIGIT, MEANS = "first digit", "\u201cMeans\u201d"
"""Words of a sentence about first digits: in single cells, on a page."""


def shown_places() -> np.ndarray:
    """Return the places of a page that a film shows: of its first years and of the means, (n,)."""
    number = layout.places("plain").number
    column, month = np.divmod(number, len(layout.MONTHS))
    is_shown = (column < SHOWN_YEARS) | (column == len(layout.YEARS))
    is_total = number >= (len(layout.YEARS) + 1) * len(layout.MONTHS)
    return np.flatnonzero(is_shown & ~is_total & (month < SHOWN_MONTHS))


SHOWN_YEARS, SHOWN_MONTHS = 3, 5
"""Columns and rows of a page that a film shows, besides the means."""


def mean_places() -> np.ndarray:
    """Return the places of the first digits of the means, (12,)."""
    first = len(layout.YEARS) * len(layout.MONTHS)
    means = first + np.arange(len(layout.MONTHS))
    return np.searchsorted(layout.places("plain").number, means)


def number_texts(digits: np.ndarray) -> list[str]:
    """Return three-digit numbers (n, 3) as they are printed."""
    return [f"{one}.{two}{three}" for one, two, three in digits.tolist()]
