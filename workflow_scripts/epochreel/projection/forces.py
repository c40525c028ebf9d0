"""Forces between points in the plane, computed exactly and without random sampling.

UMAP draws pairs at random; this module uses the expected values of its sampled forces (derived by
Damrich and Hamprecht 2021). Neighbours attract each other by the weights of the graph, and each
pair repels as often as it would be drawn as a negative sample. The similarity of two points is
1 / (1 + d²), UMAP's curve with a = b = 1.

There are two differences from UMAP. UMAP's repulsion has a factor 1 / (0.001 + d²), which keeps
even the nearest points apart. Here it is softer at short distances, closer to t-SNE's 1 / (1 + d²)
(van der Maaten and Hinton 2008), so that the layout preserves more neighbours. And a second graph,
of far more neighbours and with a longer reach, is added to the neighbour graph: it brings together
similar points on opposite sides of the layout, which UMAP's own forces cannot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

_NEGATIVES = 5.0  # samples per pair of neighbours: UMAP's default negative_sample_rate
_SOFTNESS = 0.3  # of the repulsion at distance 0: UMAP has 0.001, t-SNE 1 (benchmarks/README.md)
_MOMENTUM = 0.8
_MAX_STEP = 1.0  # of a point, in units of the layout
_REACH = 5.0  # distance at which the far graph's attraction is halved; 1 for the near graph
_LAST_STEP = 0.1  # size of the last step, relative to the first


@dataclass(frozen=True)
class Graph:
    """Attractions as sparse rows: the neighbours of i are `columns[starts[i] : starts[i + 1]]`."""

    starts: np.ndarray  # (N + 1,)
    columns: np.ndarray  # (E,)
    near: np.ndarray  # (E,) float32
    far: np.ndarray  # (E,) float32
    repulsion: np.ndarray  # (N,) float32: a pair repels by the sum of its two values


def build_graph(near: np.ndarray, far: np.ndarray, share: float) -> Graph:
    """Build the graph of attractions and repulsions from two fuzzy graphs (N, N).

    The total weight of `far` is scaled to `share` times that of `near`.
    """
    total = far.sum(dtype=np.float64)
    scale = np.float32(share * near.sum(dtype=np.float64) / total if total else 0.0)
    # Compressed sparse rows with the edges of both graphs.
    rows, columns = np.nonzero((near > 0) | (far > 0))
    starts = np.searchsorted(rows, np.arange(len(near) + 1))
    # The expected number of draws of a pair is (d_i + d_j) · m / 2N, with the degrees d and m
    # negative samples (Damrich and Hamprecht 2021); this is the term of one point.
    repulsion = near.sum(1, dtype=np.float64) * (_NEGATIVES / (2 * len(near)))
    weights = (near[rows, columns], far[rows, columns] * scale)
    return Graph(starts, columns, *weights, repulsion.astype(np.float32))


def relax(
    start: np.ndarray, graph: Graph, steps: int, hold: np.ndarray | float = 0.0
) -> np.ndarray:
    """Move points from `start` (N, 2) under the forces for `steps` steps; return them as float32.

    `hold`, a number or (N,), holds points at their start like friction: a pull of at most `hold`
    does not move a point, and a stronger pull is reduced by `hold`. This is proximal gradient
    descent with the penalty `hold` · distance from the start. Each step goes towards the position
    that attraction would give by itself, with momentum and a decreasing step size.
    """
    points = np.array(start, np.float32)
    origin, velocity, force = points.copy(), np.zeros_like(points), np.empty_like(points)
    hold = np.broadcast_to(np.asarray(hold, np.float32), len(points))
    stiffness = np.empty(len(points), np.float32)
    for step in range(steps):
        _forces(
            points,
            graph.starts,
            graph.columns,
            graph.near,
            graph.far,
            graph.repulsion,
            force,
            stiffness,
        )
        # force / stiffness leads to the weighted mean of the neighbours, regardless of the scale of
        # the weights. 1e-6 avoids a division by zero for points without neighbours.
        step_size = np.float32(1 - (1 - _LAST_STEP) * step / steps) / (stiffness + np.float32(1e-6))
        velocity = np.float32(_MOMENTUM) * velocity + step_size[:, None] * force
        # Proximal step of hold · |position - start|: soft thresholding of the displacement.
        velocity = origin + _shortened(points + velocity - origin, step_size * hold) - points
        # Limit each step to _MAX_STEP.
        velocity = _shortened(velocity, np.maximum(_lengths(velocity) - np.float32(_MAX_STEP), 0))
        points += velocity
    return points


def _lengths(vectors: np.ndarray) -> np.ndarray:
    """Return the lengths (N,) of vectors (N, 2)."""
    return np.sqrt((vectors**2).sum(1))


def _shortened(vectors: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Shorten vectors (N, 2) by the lengths `by` (N,), down to zero."""
    lengths = _lengths(vectors)
    factor = np.maximum(lengths - by, 0) / np.maximum(lengths, np.finfo(np.float32).tiny)
    return vectors * factor[:, None]


# These flags let LLVM vectorize the sums. "nnan" and "ninf" are left out, so that the check for
# finite numbers still sees an overflow.
@njit(error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"})
def _forces(points, starts, columns, near, far, repulsion, force, stiffness):
    """Fill `force` (N, 2), and `stiffness` (N,), the sum of each point's attractions."""
    one, softness = np.float32(1), np.float32(_SOFTNESS)
    shrink = np.float32(1 / _REACH**2)
    x, y = points[:, 0].copy(), points[:, 1].copy()  # contiguous, for SIMD
    for i in range(len(x)):
        push_x = push_y = pull_x = pull_y = stiff = np.float32(0)
        # j = i is at distance zero and adds nothing, so no branch is needed.
        for j in range(len(x)):
            dx, dy = x[i] - x[j], y[i] - y[j]
            square = dx * dx + dy * dy
            # UMAP's gradients for a = b = 1, without the factor 2 that attraction has as well.
            push = (repulsion[i] + repulsion[j]) / ((softness + square) * (one + square))
            push_x += push * dx
            push_y += push * dy
        for edge in range(starts[i], starts[i + 1]):
            j = columns[edge]
            dx, dy = x[i] - x[j], y[i] - y[j]
            square = dx * dx + dy * dy
            pull = near[edge] / (one + square) + far[edge] / (one + square * shrink)
            pull_x += pull * dx
            pull_y += pull * dy
            stiff += pull
        force[i, 0] = push_x - pull_x
        force[i, 1] = push_y - pull_y
        stiffness[i] = stiff
