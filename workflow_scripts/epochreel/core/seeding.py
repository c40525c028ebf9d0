"""Chance: where the random generators that a process shares begin.

Code of one's own may draw from them as it likes. So that its results follow from the seed and the
place alone, and not from what the process did before, each piece of work begins them anew.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np


def derive_seed(*origin: int, what: str = "") -> int:
    """A seed of 63 bits that follows from these numbers, none of them negative.

    `what` names the kind of work, so that others which begin at the same numbers draw others.
    """
    # SeedSequence takes integers of any size, so the name is one.
    kind = [int.from_bytes(what.encode())] if what else []
    return int(np.random.SeedSequence([*origin, *kind]).generate_state(1, np.uint64)[0] >> 1)


def seed_all(seed: int) -> None:
    """Let Python's, NumPy's and, where it is loaded, torch's generators begin at `seed`.

    `seed` is of at most 63 bits.
    """
    random.seed(seed)
    # NumPy's takes 32 bits: the two halves of the seed are folded into them.
    np.random.seed((seed ^ seed >> 32) & 0xFFFFFFFF)
    if torch := sys.modules.get("torch"):
        # `torch.manual_seed` does the same, and for a GPU that nobody has used yet it formats a
        # traceback each time, which takes a hundred times as long.
        torch.default_generator.manual_seed(seed)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(seed)


def seed_each(values: Iterable[Any], *origin: int, what: str) -> Iterator[Any]:
    """`values`, all generators begun anew before each, from `origin`, whose last number goes up.

    So what is drawn for a value does not depend on those before it. `what` is as for `number`.
    """
    *common, first = origin
    waiting, place = iter(values), first
    while True:
        # Before `next`, in which a generator draws for the value.
        seed_all(derive_seed(*common, place, what=what))
        try:
            value = next(waiting)
        except StopIteration:
            return
        yield value
        place += 1
