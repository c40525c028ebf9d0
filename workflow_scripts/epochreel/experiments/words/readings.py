"""What the evaluation of a snapshot says about each word, and which words a film shows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa

from epochreel.artifacts import evaluations
from epochreel.core.errors import UserError
from epochreel.drawing.frame import RunInfo
from epochreel.experiments.words.alphabet import END, SIDE, SIGNS, STEPS, lengths, spelled
from epochreel.experiments.words.masked_words import MASKED

_CAST = 5  # words in a film without `figure.examples`


def cast(run_info: RunInfo) -> list[int]:
    """Return the numbers of the test words that the film shows.

    Without `figure.examples`, these are the first word of each length and the first others, five in
    all, short ones first.
    """
    if run_info.examples is not None:
        return list(run_info.examples)
    words = np.stack([run_info.test[i]["letters"] for i in range(min(MASKED, len(run_info.test)))])
    length = lengths(words)
    first = np.unique(length, return_index=True)[1]
    others = np.setdiff1d(np.arange(len(words)), first)
    chosen = np.concatenate((first, others))[:_CAST]
    return chosen[np.lexsort((chosen, length[chosen]))].tolist()


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
