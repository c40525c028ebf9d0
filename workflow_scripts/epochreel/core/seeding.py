"""Seeds for the random generators of Python, NumPy and torch.

User code may draw from these global generators, or from generators that it creates. All are seeded
before each unit of work, so its results depend only on the seed and its position, not on what the
process did before.
"""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from epochreel.core.errors import USER_PACKAGE_PREFIX


def derive_seed(*origin: int, what: str = "") -> int:
    """Derive a 63-bit seed from non-negative integers.

    `what` names the kind of work. Different kinds get different seeds from the same integers.
    """
    # SeedSequence accepts integers of any size, so the name is encoded as one.
    kind = [int.from_bytes(what.encode())] if what else []
    return int(np.random.SeedSequence([*origin, *kind]).generate_state(1, np.uint64)[0] >> 1)


def seed_all(seed: int) -> None:
    """Seed the generators of Python, NumPy and torch (if loaded), and those that `hold` found.

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
    for name, reseed in _held:
        reseed(derive_seed(seed, what=name))


_roots: dict[str, Any] = {}
_held: list[tuple[str, Callable[[int], object]]] = []
_ATOMS = (int, float, str, bytes, bool, type(None), np.ndarray, ModuleType)
_MOST = 100_000  # objects to look at: a user's table of a million words holds no generators


def hold(**roots: Any) -> None:
    """Find the random generators that user code holds; `seed_all` seeds them too from now on.

    Searches the modules of user-defined experiments and all `roots` given so far, such as a
    network: their attributes and elements, default arguments, closures and suspended generators.
    """
    _roots.update(roots)
    modules = {name: vars(module) for name, module in list(sys.modules.items()) if _is_user(name)}
    _held.clear()
    for root, value in sorted(modules.items()) + sorted(_roots.items()):
        # The folder's path is part of a module's name. No seed may depend on it.
        name = root.partition(".")[2] if _is_user(root) else root
        for number, reseed in enumerate(_generators_in(value)):
            _held.append((f"{name} {number}", reseed))


def _is_user(name: Any) -> bool:
    return isinstance(name, str) and name.startswith(USER_PACKAGE_PREFIX)


def _generators_in(root: Any) -> Iterator[Callable[[int], object]]:
    """Yield the functions that seed each generator reachable from `root`, breadth first."""
    torch = sys.modules.get("torch")
    atoms = (*_ATOMS, torch.Tensor) if torch else _ATOMS
    # `seed_all` seeds these itself.
    seen = {id(random._inst), id(np.random.mtrand._rand)} | {id(torch and torch.default_generator)}
    queue = [root]
    for value in queue:
        if id(value) in seen or isinstance(value, atoms):
            continue
        seen.add(id(value))
        if reseed := _seeder(value, torch):
            yield reseed
        # Functions and classes of libraries refer to almost every object: do not follow them.
        elif not isinstance(value, FunctionType | type) or _is_user(value.__module__):
            queue.extend(gc.get_referents(value))
        if len(queue) > _MOST:
            return


def _seeder(value: Any, torch: ModuleType | None) -> Callable[[int], object] | None:
    """Return the function that seeds a generator; None for any other value."""
    if isinstance(value, np.random.Generator):
        value = value.bit_generator
    if isinstance(value, np.random.BitGenerator):
        return lambda seed: setattr(value, "state", type(value)(seed).state)
    if isinstance(value, np.random.RandomState):
        return lambda seed: value.seed((seed ^ seed >> 32) & 0xFFFFFFFF)
    if isinstance(value, random.Random):
        return value.seed
    return value.manual_seed if torch and isinstance(value, torch.Generator) else None


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
