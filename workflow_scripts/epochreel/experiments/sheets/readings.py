"""What the network reads: values of an evaluation that the film shows and tells."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from epochreel.core.errors import UserError


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
    """Return the pairs (digit printed, digit read) that a sentence of `narration` names."""
    pairs = [tuple(map(int, pair)) for pair in re.findall(r"(\d)s for (\d)s", sentence)]
    for one, other in re.findall(r"mixes up (\d)s and (\d)s", sentence):
        pairs += [(int(one), int(other)), (int(other), int(one))]
    return pairs
