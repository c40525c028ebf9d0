"""The causal projection: each layout follows from its snapshot and those before it alone.

The first begins as the plane of the two principal components; each further one begins at the
layout before it. All come to rest under forces like UMAP's (see `forces`), each point held to its
place before as by friction, the more the less its activations moved: what moves in the film is the
network. A point stays where it is until its neighbours pull it hard enough. The pull is that of the
snapshot alone, so what many small changes add up to is not lost: it moves the point in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from epochreel.projection import forces, procrustes, quality
from epochreel.projection.neighbor_graph import Points, fuzzy_graph
from epochreel.projection.previous import Previous

_FIRST_STEPS = 500
_FIRST_SIZE = 7.0  # about the size that layouts come to have
_FAR = 20  # the far graph joins each point to one in so many
_SOFT = 0.4  # the change at which a point is held half as much as at rest


def place(
    points: Points, settings: Mapping[str, Any], seed: int, before: Previous | None
) -> np.ndarray:
    """Return the layout of a snapshot.

    `settings` holds `neighbours`, `far`, `hold` and `steps`. Nothing is random: the seed has no
    effect.
    """
    return _first(points, settings) if before is None else _next(points, settings, before)


def _first(points: Points, settings: Mapping[str, Any]) -> np.ndarray:
    plane, _ = procrustes.unit(procrustes.principal_plane(points.values))
    return forces.relax(_FIRST_SIZE * plane, _graph(points, settings), _FIRST_STEPS)


def _next(points: Points, settings: Mapping[str, Any], before: Previous) -> np.ndarray:
    changed = quality.changes(before.activations, points)
    hold = settings["hold"] / (1 + (changed / _SOFT) ** 2)
    start = before.layout * np.float32(before.size)
    return forces.relax(start, _graph(points, settings), settings["steps"], hold)


def _graph(points: Points, settings: Mapping[str, Any]) -> forces.Graph:
    most = len(points) - 1
    near = min(settings["neighbours"], most)
    far = min(max(len(points) // _FAR, near), most)
    return forces.graph(fuzzy_graph(points, near), fuzzy_graph(points, far), settings["far"])
