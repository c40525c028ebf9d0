"""What the evaluation of a snapshot says about each word, and which words a film shows."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import pyarrow as pa

from epochreel.artifacts import evaluations
from epochreel.core.errors import UserError
from epochreel.experiments.words.alphabet import END, SIDE, SIGNS, STEPS, lengths, spelled
from epochreel.experiments.words.masked_words import MASKED

_CAST = 5  # words of a film whose run names none


def examples(words: np.ndarray) -> list[int]:
    """Return the numbers of the test words, (n, 5), that a film shows whose run names none.

    These are the first words of different lengths, and the first others, five in all, short ones
    first.
    """
    length = lengths(words[:MASKED])
    first = np.unique(length, return_index=True)[1]
    others = np.setdiff1d(np.arange(len(length)), first)
    chosen = np.concatenate((first, others))[:_CAST]
    return chosen[np.lexsort((chosen, length[chosen]))].tolist()


def named_words(sentence: str, words: list[str]) -> list[bool]:
    """Return which of the words a sentence of the film is about."""
    names = set(re.findall(r"\b(?:read|of|in) ([A-Z]+)\b(?! as)", sentence))
    return [word in names for word in words]


def named_letters(sentence: str) -> list[int]:
    """Return the letters, 0 … 25, that a sentence of the film says are mixed up."""
    found = re.search(r"\bmixes up ([A-Z]) and ([A-Z])\b", sentence)
    return [ord(name) - ord("A") for name in found.groups()] if found else []


def steps(table: pa.Table, name: str) -> np.ndarray:
    """Return a column of five values per word, (words, 5): a view if the column is contiguous."""
    return evaluations.indices(table[name])


def masks(table: pa.Table, numbers: list[int]) -> np.ndarray:
    """Return the masks of these words, uint8 (words, 5, 40, 40), or raise `UserError`."""
    column = table["mask"].take(pa.array(numbers)).combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False)
    if flat.size != len(numbers) * STEPS * SIDE * SIDE:
        missing = [number for number in numbers if not table["mask"][number].is_valid]
        raise UserError(
            f"an evaluation of {table.num_rows} words lacks the masks of word {missing[0]}: choose "
            f"figure.examples below {MASKED}, or delete the evaluation and evaluate again"
        )
    return flat.reshape(len(numbers), STEPS, SIDE, SIDE)


def reading_counts(words: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Return how often each letter (row) is read as each sign (column): integers (26, 27).

    `words` and `read` are (n, 5); only the letters of true words count.
    """
    rows, places = _rows(words.tobytes())
    return np.bincount(rows + read.ravel()[places], minlength=END * SIGNS).reshape(END, SIGNS)


@lru_cache(2)
def _rows(words: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return 27 times each letter, and its index in the flat array, (k,) each.

    Cached, since all frames show the same test set.
    """
    signs = np.frombuffer(words, np.uint8).reshape(-1, STEPS)
    places = np.flatnonzero(spelled(signs))
    return signs.ravel()[places].astype(np.intp) * SIGNS, places
