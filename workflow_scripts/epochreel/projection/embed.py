"""Projection of snapshots, block by block or as a whole film, and its quality metrics.

A method places one snapshot after the other, or fits all snapshots of a film at once (see
`methods`). A block continues from the last snapshot of the block before (`Previous`), so the
layouts do not depend on the block size.
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
    """The layout of one snapshot and its quality metrics."""

    layout: np.ndarray
    """(N, 2) float32, centred on the origin, with a root mean square radius of 1."""
    size: float
    """Root mean square radius of the layout before it was scaled to 1."""
    trustworthiness: float
    neighbours_kept: float
    jitter: float
    """In radii; NaN for a film's first snapshot and if too few points are still."""
    still: float
    """Share of points whose activations barely changed; NaN for a film's first snapshot."""


def project(
    snapshots: Sequence[np.ndarray],
    settings: Mapping[str, Any],
    seed: int,
    before: Previous | None = None,
) -> Iterator[Projection]:
    """Yield the projections of consecutive snapshots, each with activations (N, D).

    Reads the snapshots one by one as they are needed. `settings` holds the method's `name` and its
    parameters. A method that fits a film needs all its snapshots and reads some of them twice;
    other methods need a block and the snapshot `before` it. Raises `UserError` for fewer than
    `FEWEST_POINTS` or more than `MOST_POINTS` points, and for activations or layouts that are not
    finite.
    """
    cached = _CachedPoints(snapshots)
    method = importlib.import_module(f"epochreel.projection.methods.{settings['name']}")
    _check_point_count(cached)
    fitted = method.fit(cached, settings, seed) if hasattr(method, "fit") else None
    for number in range(len(cached)):
        with threadpool_limits(1):  # More threads would change the order of summation.
            raw = next(fitted) if fitted else method.place(cached[number], settings, seed, before)
            layout, size = procrustes.normalize(raw)
            if not np.isfinite(layout).all():
                raise_too_large()
            points = cached[number]
            projection = Projection(layout, size, *_quality_metrics(points, layout, before))
        before = Previous(points.values, layout, size)
        yield projection


class _CachedPoints(Sequence):
    """Snapshots as points. Caches the newest, which both the method and the metrics read."""

    def __init__(self, snapshots: Sequence[np.ndarray]):
        self._snapshots = snapshots
        self._cached: tuple[int, Points] | None = None

    def __len__(self) -> int:
        return len(self._snapshots)

    def __getitem__(self, number: int) -> Points:
        if not 0 <= number < len(self):
            raise IndexError(f"snapshot {number} of {len(self)}")
        if self._cached is None or self._cached[0] != number:
            self._cached = number, Points(self._snapshots[number])
        return self._cached[1]


def _check_point_count(snapshots: _CachedPoints) -> None:
    if len(snapshots) and not FEWEST_POINTS <= len(snapshots[0]) <= MOST_POINTS:
        raise UserError(
            f"the projection has {len(snapshots[0])} points; expected {FEWEST_POINTS} to "
            f"{MOST_POINTS}: change the dataset's `test` or evaluation.train_sample"
        )


def _quality_metrics(
    points: Points, layout: np.ndarray, before: Previous | None
) -> tuple[float, ...]:
    """Return trustworthiness, neighbours kept, jitter and the share of still points."""
    faithfulness = quality.faithfulness(points, layout)
    if before is None:
        return (*faithfulness, float("nan"), float("nan"))
    changed = quality.changes(before.activations, points)
    return (*faithfulness, *quality.jitter(before.layout, layout, changed))
