"""The projection of snapshots, block by block or of a whole film, and the numbers that judge it.

A method places one snapshot after the other, or fits all of a film at once (see `methods`). What
a block of snapshots continues from is the last snapshot of the block before (`Previous`), so blocks
of any length give the same layouts.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from epochreel.core.errors import UserError
from epochreel.projection import FEWEST_POINTS, MOST_POINTS, procrustes, quality
from epochreel.projection.neighbor_graph import Points, raise_too_large
from epochreel.projection.previous import Previous


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


def project(
    snapshots: Sequence[np.ndarray],
    settings: Mapping[str, Any],
    seed: int,
    before: Previous | None = None,
) -> Iterator[Projection]:
    """Project consecutive snapshots, activations (N, D) each, read one by one as they are needed.

    `settings` holds the method's `name` and its parameters. A method that fits a film needs all
    snapshots of it, and reads some of them twice; the others need a block, and the snapshot
    `before` it. Raises `UserError` for fewer than `FEWEST_POINTS` or more than `MOST_POINTS`
    points, and for activations or layouts that are not finite.
    """
    held = _Held(snapshots)
    method = importlib.import_module(f"epochreel.projection.methods.{settings['name']}")
    _check_point_count(held)
    fitted = method.fit(held, settings, seed) if hasattr(method, "fit") else None
    for number in range(len(held)):
        with threadpool_limits(1):  # More threads would change the order of sums.
            raw = next(fitted) if fitted else method.place(held[number], settings, seed, before)
            layout, size = procrustes.unit(raw)
            if not np.isfinite(layout).all():
                raise_too_large()
            points = held[number]
            made = Projection(layout, size, *_numbers(points, layout, before))
        before = Previous(points.values, layout, size)
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


def _check_point_count(held: _Held) -> None:
    if len(held) and not FEWEST_POINTS <= len(held[0]) <= MOST_POINTS:
        raise UserError(
            f"a projection takes {FEWEST_POINTS} to {MOST_POINTS} points, and there are "
            f"{len(held[0])}: change the dataset's `test` or evaluation.train_sample"
        )


def _numbers(points: Points, layout: np.ndarray, before: Previous | None) -> tuple[float, ...]:
    faithful = quality.faithfulness(points, layout)
    if before is None:
        return (*faithful, float("nan"), float("nan"))
    changed = quality.changes(before.activations, points)
    return (*faithful, *quality.jitter(before.layout, layout, changed))
