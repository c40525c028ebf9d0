"""The order of training examples, a function of the seed and the step."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def indices(seed: int, step: int, batch_size: int, examples: int) -> np.ndarray:
    """Return the examples of batch `step`: int64 (batch_size,), values 0 … examples - 1.

    Each pass over the examples has an order drawn from (seed, pass). Passes do not depend on the
    length of an epoch.
    """
    positions = np.arange(step * batch_size, (step + 1) * batch_size)
    passes, places = np.divmod(positions, examples)
    chosen = np.empty(batch_size, np.int64)
    for number in np.unique(passes):
        within = passes == number
        chosen[within] = _order(seed, int(number), examples)[places[within]]
    return chosen


@lru_cache(maxsize=2)
def _order(seed: int, number: int, examples: int) -> np.ndarray:
    return np.random.default_rng([seed, number]).permutation(examples)
