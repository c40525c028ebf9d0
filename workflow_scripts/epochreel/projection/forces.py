"""The forces that points move by in the plane, exact and without chance.

UMAP draws pairs at random; here are the expected values of what its draws add up to (worked out by
Damrich and Hamprecht 2021): neighbours attract each other by the graph's weights, and all pairs
repel each other as often as they would be drawn as negative samples. The curve of nearness is
1 / (1 + d²), UMAP's with a = b = 1.

Two things differ. UMAP's repulsion has a factor 1 / (0.001 + d²), which keeps even the nearest
apart; ours is softer where points meet, on the way to t-SNE's 1 / (1 + d²) (van der Maaten and
Hinton 2008), so that neighbours are shown more truly. And to the neighbours' graph comes one of far
more neighbours, whose attraction reaches farther: it brings together what belongs together on
opposite sides of the layout, which UMAP's own forces cannot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

_NEGATIVES = 5.0  # samples per pair of neighbours: UMAP's default negative_sample_rate
_SOFTNESS = 0.3  # of the repulsion where points meet: UMAP 0.001, t-SNE 1 (benchmarks/README.md)
_MOMENTUM = 0.8
_LONGEST = 1.0  # step of a point, in the layout's units
_REACH = 5.0  # distance at which the far graph's attraction has halved; 1 for the near graph's
_LAST = 0.1  # the size of the last step, where the first is 1


@dataclass(frozen=True)
class Graph:
    """Who attracts whom: row i's neighbours are `columns[starts[i] : starts[i + 1]]`."""

    starts: np.ndarray  # (N + 1,)
    columns: np.ndarray  # (E,)
    near: np.ndarray  # (E,) float32
    far: np.ndarray  # (E,) float32
    repulsion: np.ndarray  # (N,) float32: a pair repels by the sum of its two


def graph(near: np.ndarray, far: np.ndarray, share: float) -> Graph:
    """From two fuzzy graphs (N, N), the far one weighing this share of the near one."""
    total = far.sum(dtype=np.float64)
    scale = np.float32(share * near.sum(dtype=np.float64) / total if total else 0.0)
    # Compressed sparse rows, the edges of both graphs together.
    rows, columns = np.nonzero((near > 0) | (far > 0))
    starts = np.searchsorted(rows, np.arange(len(near) + 1))
    # A pair is expected to be drawn (d_i + d_j) · m / 2N times, d being degrees and m the number of
    # negative samples (Damrich and Hamprecht 2021); here is one point's share of it.
    repulsion = near.sum(1, dtype=np.float64) * (_NEGATIVES / (2 * len(near)))
    weights = (near[rows, columns], far[rows, columns] * scale)
    return Graph(starts, columns, *weights, repulsion.astype(np.float32))


def relax(
    start: np.ndarray, graph: Graph, steps: int, hold: np.ndarray | float = 0.0
) -> np.ndarray:
    """Where points come to lie that begin at `start` (N, 2), after so many steps: float32.

    Each is held to its start as by friction, (N,) or one for all: what pulls it no harder than
    `hold` leaves it where it is, and what does is weakened by so much. This is proximal gradient
    descent, `hold` being the weight of the way gone; a step goes where attraction alone would put a
    point, with momentum and ever shorter.
    """
    at = np.array(start, np.float32)
    home, speed, force = at.copy(), np.zeros_like(at), np.empty_like(at)
    hold = np.broadcast_to(np.asarray(hold, np.float32), len(at))
    stiffness = np.empty(len(at), np.float32)
    for step in range(steps):
        _forces(
            at,
            graph.starts,
            graph.columns,
            graph.near,
            graph.far,
            graph.repulsion,
            force,
            stiffness,
        )
        # force / stiffness leads to the weighted mean of the neighbours, whatever the size of the
        # weights; 1e-6 is for points without any.
        pace = np.float32(1 - (1 - _LAST) * step / steps) / (stiffness + np.float32(1e-6))
        speed = np.float32(_MOMENTUM) * speed + pace[:, None] * force
        # The proximal step of hold · |at - home|: soft thresholding of the way from home.
        speed = home + _shortened(at + speed - home, pace * hold) - at
        # No step is longer than _LONGEST.
        speed = _shortened(speed, np.maximum(_lengths(speed) - np.float32(_LONGEST), 0))
        at += speed
    return at


def _lengths(ways: np.ndarray) -> np.ndarray:
    """The lengths (N,) of ways (N, 2)."""
    return np.sqrt((ways**2).sum(1))


def _shortened(ways: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Ways (N, 2), each shorter by this much, (N,), and nothing where it is no longer than that."""
    lengths = _lengths(ways)
    left = np.maximum(lengths - by, 0) / np.maximum(lengths, np.finfo(np.float32).tiny)
    return ways * left[:, None]


# The flags let LLVM vectorise the sums. "nnan" and "ninf" are left out, so that a layout which
# overflows remains visible to the check for finite numbers.
@njit(error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"})
def _forces(at, starts, columns, near, far, repulsion, force, stiffness):
    """Forces (N, 2), and how stiff each point's attractions are together, (N,)."""
    one, least = np.float32(1), np.float32(_SOFTNESS)
    shrink = np.float32(1 / _REACH**2)
    x, y = at[:, 0].copy(), at[:, 1].copy()  # contiguous, for SIMD
    for i in range(len(x)):
        push_x = push_y = pull_x = pull_y = stiff = np.float32(0)
        # The point itself is at distance zero and adds nothing: no branch is needed.
        for j in range(len(x)):
            dx, dy = x[i] - x[j], y[i] - y[j]
            square = dx * dx + dy * dy
            # UMAP's gradients for a = b = 1, without the factor 2 that attraction has as well.
            push = (repulsion[i] + repulsion[j]) / ((least + square) * (one + square))
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
