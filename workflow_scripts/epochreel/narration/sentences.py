"""Sentences about mistakes, and lists in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def listed(words: Sequence[object], last: str = "and") -> str:
    """List words in a sentence: "1, 2 and 4"."""
    *others, final = map(str, words)
    return f"{', '.join(others)} {last} {final}" if others else final


def wrong_of(wrong: int, total: int, things: str) -> str:
    """Say how many of all `things`, a plural noun, are wrong."""
    return f"It gets {wrong:,} of {total:,} {things} wrong."


def confusions(
    truth: np.ndarray, prediction: np.ndarray, names: Sequence[str], things: str
) -> list[str]:
    """Say how many of `things` are wrong, and which class is most often mistaken for another.

    `truth` and `prediction` (n,) are indices of `names`. Returns no sentence if none is wrong.
    """
    wrong = truth != prediction
    if not wrong.any():
        return []
    pairs, counts = np.unique(np.stack((truth, prediction), 1)[wrong], axis=0, return_counts=True)
    (correct, read), count = pairs[counts.argmax()], counts.max()
    # If several confusions are equally frequent, the first one is an example.
    lead = "Most often it" if (counts == count).sum() == 1 else "For example, it"
    times = f"{count:,} of {(truth == correct).sum():,} times"
    return [
        wrong_of(int(wrong.sum()), len(truth), things),
        f"{lead} mistakes {names[correct]} for {names[read]}: {times}.",
    ]
