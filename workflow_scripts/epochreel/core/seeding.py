"""Seeds for the random generators of Python, NumPy and torch.

A user's code may draw from these global generators. They are seeded before each unit of work, so
its results depend only on the seed and its position, not on what the process did before.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np


def derive_seed(*origin: int, what: str = "") -> int:
    """Derive a 63-bit seed from non-negative integers.

    `what` names the kind of work. Different kinds get different seeds from the same integers.
    """
    # SeedSequence accepts integers of any size, so the name is encoded as one.
    kind = [int.from_bytes(what.encode())] if what else []
    return int(np.random.SeedSequence([*origin, *kind]).generate_state(1, np.uint64)[0] >> 1)


def seed_all(seed: int) -> None:
    """Seed the generators of Python, NumPy and, if it is loaded, torch.

    `seed` has at most 63 bits.
    """
    random.seed(seed)
    # NumPy accepts 32 bits, so combine both halves of the seed.
    np.random.seed((seed ^ seed >> 32) & 0xFFFFFFFF)
    if torch := sys.modules.get("torch"):
        # Equivalent to `torch.manual_seed`, which formats a traceback on every call until CUDA is
        # initialized and is a hundred times slower.
        torch.default_generator.manual_seed(seed)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(seed)


def seed_each(values: Iterable[Any], *origin: int, what: str) -> Iterator[Any]:
    """Yield `values` and seed all generators before each one.

    The seed is derived from `origin`, whose last number increases by one with each value, so what
    is drawn for a value does not depend on earlier values. `what` is as for `derive_seed`.
    """
    *common, first = origin
    iterator, position = iter(values), first
    while True:
        # Seed before `next`: a generator may draw while it produces the value.
        seed_all(derive_seed(*common, position, what=what))
        try:
            value = next(iterator)
        except StopIteration:
            return
        yield value
        position += 1
