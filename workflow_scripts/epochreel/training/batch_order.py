"""Which examples a batch holds: a function of the seed and the batch's number alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def indices(seed: int, step: int, batch: int, examples: int) -> np.ndarray:
    """The examples of batch `step`: int64 (batch,), values 0 … examples - 1.

    The examples are gone through in passes, each in an order drawn from (seed, pass), whatever
    the length of an epoch.
    """
    positions = np.arange(step * batch, (step + 1) * batch)
    passes, places = np.divmod(positions, examples)
    chosen = np.empty(batch, np.int64)
    for number in np.unique(passes):
        within = passes == number
        chosen[within] = _order(seed, int(number), examples)[places[within]]
    return chosen


@lru_cache(maxsize=2)
def _order(seed: int, number: int, examples: int) -> np.ndarray:
    return np.random.default_rng([seed, number]).permutation(examples)
