"""The projection of snapshots, block by block or of a whole film, and the numbers that judge it.

Each kind is a module of `methods` with `FILM_WIDE`, whether it is one fit over all snapshots,
and `layouts`. A kind that is not film-wide is called for one block after the other; what it goes
on from is the last snapshot of the block before (`Before`), so blocks of any length give the same.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from epochreel.core.errors import UserError
from epochreel.projection import quality
from epochreel.projection.neighbor_graph import Points, refuse_too_large
from epochreel.projection.previous import Before

KINDS = ("causal", "umap_each", "aligned_umap", "linear")
FEWEST, MOST = 20, 10_000
"""Fewer points are not projected, nor more: all distances between them are kept in memory."""


@dataclass(frozen=True)
class Projection:
    """One snapshot in the plane, and what can be said of it."""

    layout: np.ndarray
    """(N, 2) float32: about the origin, of root mean square radius 1."""
    size: float
    """The radius that the layout had before it was made 1."""
    trustworthiness: float
    neighbours_kept: float
    jitter: float
    """In radii; NaN for a film's first snapshot, and where too few points are still."""
    still: float
    """The share of points whose activations barely moved; NaN for a film's first snapshot."""


def is_film_wide(kind: str) -> bool:
    """Whether this kind is one fit over all snapshots, which moves when the film is extended."""
    return _module(kind).FILM_WIDE


def project(
    snapshots: Sequence[np.ndarray],
    settings: Mapping[str, Any],
    seed: int,
    before: Before | None = None,
) -> Iterator[Projection]:
    """Project consecutive snapshots, activations (N, D) each, read one by one as they are needed.

    Film-wide kinds are given all of a film, and read some snapshots twice; the others a block, and
    what was `before` it. `settings` are `{"name": one of KINDS, …}` and what the kind's `layouts`
    take. The result depends on no thread's and no block's number. Raises `UserError` for fewer than
    `FEWEST` or more than `MOST` points, and for activations or layouts that are not finite.
    """
    held, kind = _Held(snapshots), _module(settings["name"])
    _refuse_few_or_many(held)
    laid = kind.layouts(held, settings, seed, before)
    for number in range(len(held)):
        with threadpool_limits(1):
            layout, size = next(laid)
            if not np.isfinite(layout).all():
                refuse_too_large()
            points = held[number]
            made = Projection(layout, size, *_numbers(points, layout, before))
        before = Before(points.values, layout, size)
        yield made


class _Held(Sequence):
    """Snapshots as points; the newest are kept, since layout and numbers ask for the same."""

    def __init__(self, snapshots: Sequence[np.ndarray]):
        self._snapshots = snapshots
        self._newest: tuple[int, Points] | None = None

    def __len__(self) -> int:
        return len(self._snapshots)

    def __getitem__(self, number: int) -> Points:
        if not 0 <= number < len(self):
            raise IndexError(f"snapshot {number} of {len(self)}")
        if self._newest is None or self._newest[0] != number:
            self._newest = number, Points(self._snapshots[number])
        return self._newest[1]


def _module(kind: str) -> ModuleType:
    if kind not in KINDS:
        raise ValueError(f"projections are {', '.join(KINDS)}, not {kind}")
    return importlib.import_module(f"epochreel.projection.methods.{kind}")


def _refuse_few_or_many(held: _Held) -> None:
    if len(held) and not FEWEST <= len(held[0]) <= MOST:
        raise UserError(
            f"a projection takes {FEWEST} to {MOST} points, and there are {len(held[0])}: "
            "change the dataset's `test` or evaluation.train_sample"
        )


def _numbers(points: Points, layout: np.ndarray, before: Before | None) -> tuple[float, ...]:
    faithful = quality.faithfulness(points, layout)
    if before is None:
        return (*faithful, float("nan"), float("nan"))
    changed = quality.changes(before.activations, points)
    return (*faithful, *quality.jitter(before.layout, layout, changed))
