"""The causal projection: each layout follows from its snapshot and those before it alone.

The first begins as the plane of the two principal components; each further one begins at the
layout before it. All come to rest under UMAP's forces (see `forces`), each point held to its place
before by a spring that is the stiffer the less its activations moved: what moves in the film is
the network. At last the layout is turned and shifted back onto the one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from epochreel.projecting import forces, measures, shapes
from epochreel.projecting.before import Before
from epochreel.projecting.neighbours import Points, fuzzy_graph

FILM_WIDE = False
_FIRST_STEPS = 500
_FIRST_SIZE = 7.0  # about the size that layouts come to have
_FAR = 20  # the far graph joins each point to one in so many
_SOFT = 0.1  # the change at which the spring is half as stiff as for a point at rest


def layouts(
    snapshots: Sequence[Points],
    settings: Mapping[str, Any],
    seed: int,
    before: Before | None = None,
) -> Iterator[tuple[np.ndarray, float]]:
    """The layouts of consecutive snapshots, (N, 2) float32 of size 1, and their sizes before.

    `settings` are `{"neighbours", "far", "hold", "steps"}`. Nothing is left to chance: the seed
    changes nothing.
    """
    for points in snapshots:
        if before is None:
            layout, size = shapes.unit(_first(points, settings))
        else:
            layout, size = shapes.unit(_next(points, settings, before))
        before = Before(points.values, layout, size)
        yield layout, size


def _first(points: Points, settings: Mapping[str, Any]) -> np.ndarray:
    plane, _ = shapes.unit(shapes.principal_plane(points.values))
    return forces.settle(_FIRST_SIZE * plane, _graph(points, settings), _FIRST_STEPS)


def _next(points: Points, settings: Mapping[str, Any], before: Before) -> np.ndarray:
    changed = measures.changes(before.activations, points)
    firmness = 1 / (changed + _SOFT)
    start = before.layout * np.float32(before.size)
    graph = _graph(points, settings)
    layout = forces.settle(start, graph, settings["steps"], settings["hold"] * firmness)
    return shapes.moved_onto(layout, start, firmness**2)


def _graph(points: Points, settings: Mapping[str, Any]) -> forces.Graph:
    most = len(points) - 1
    near = min(settings["neighbours"], most)
    far = min(max(len(points) // _FAR, near), most)
    return forces.graph(fuzzy_graph(points, near), fuzzy_graph(points, far), settings["far"])
