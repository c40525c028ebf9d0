"""Causal projection: each layout depends only on its snapshot and the ones before it.

The first layout starts from the plane of the two principal components, each later one from the
layout before it. All relax under forces like UMAP's (see `forces`). Each point is held at its
previous position as if by friction, the more strongly the less its activations changed, so that
motion in the film is motion in the network. A point stays until its neighbours pull hard enough.
The pull depends only on the current snapshot. Small changes are therefore not lost: they add up and
eventually move the point.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from epochreel.projection import forces, procrustes, quality
from epochreel.projection.neighbor_graph import Points, fuzzy_graph
from epochreel.projection.previous import Previous

_FIRST_STEPS = 500
_FIRST_SIZE = 7.0  # about the size of a relaxed layout
_FAR = 20  # the far graph connects each point to 1 in 20 points
_SOFT = 0.4  # change of a point at which its hold is half that of an unchanged point


def place(
    points: Points, settings: Mapping[str, Any], seed: int, before: Previous | None
) -> np.ndarray:
    """Return the layout of a snapshot.

    `settings` holds `neighbours`, `far`, `hold` and `steps`. `seed` has no effect: nothing is
    random.
    """
    return _first(points, settings) if before is None else _next(points, settings, before)


def _first(points: Points, settings: Mapping[str, Any]) -> np.ndarray:
    plane, _ = procrustes.normalize(procrustes.principal_plane(points.values))
    return forces.relax(_FIRST_SIZE * plane, _graph(points, settings), _FIRST_STEPS)


def _next(points: Points, settings: Mapping[str, Any], before: Previous) -> np.ndarray:
    changed = quality.changes(before.activations, points)
    hold = settings["hold"] / (1 + (changed / _SOFT) ** 2)
    start = before.layout * np.float32(before.size)
    return forces.relax(start, _graph(points, settings), settings["steps"], hold)


def _graph(points: Points, settings: Mapping[str, Any]) -> forces.Graph:
    max_count = len(points) - 1
    near_count = min(settings["neighbours"], max_count)
    far_count = min(max(len(points) // _FAR, near_count), max_count)
    return forces.build_graph(
        fuzzy_graph(points, near_count), fuzzy_graph(points, far_count), settings["far"]
    )
