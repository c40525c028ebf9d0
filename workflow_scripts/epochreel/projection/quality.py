"""How faithful a layout is, and how still it holds from one snapshot to the next."""

from __future__ import annotations

import numpy as np
from numba import njit

from epochreel.projection import procrustes
from epochreel.projection.neighbor_graph import Points

NEIGHBOURS = 15
"""How many neighbours are looked at, fewer where there are fewer than 32 points."""
STILL = 0.25
"""A point has barely moved if it went at most this share of the way to its last neighbour."""
_FEWEST = 0.01  # of the points are to be still, for jitter to be told


def faithfulness(points: Points, layout: np.ndarray) -> tuple[float, float]:
    """Trustworthiness, and the share of neighbours kept, of a layout (N, 2); 1 is best.

    Trustworthiness (Venna and Kaski 2001) is lowered by points that are near in the layout and
    not near in truth, by how far down they are among the true neighbours.
    """
    count = _looked_at(len(points))
    shown, _ = Points(layout).nearest(count)
    ranks = _ranks(points.square_distances, shown)
    total = len(points)
    worst = total * count * (2 * total - 3 * count - 1)  # as defined for count < N / 2
    excess = np.maximum(ranks - count, 0).sum()
    return float(1 - 2 * excess / worst), float((ranks <= count).mean())


def changes(before: np.ndarray, points: Points) -> np.ndarray:
    """How far each point's activations moved since `before` (N, D), free of scale: (N,).

    The unit is the distance to the point's 15th neighbour. What all activations do together, a
    shift and a change of size, is taken out first: it changes nothing between them.
    """
    _, distances = points.nearest(_looked_at(len(points)))
    was, now = procrustes.centred(before), procrustes.centred(points.values)
    energy = (was**2).sum()
    # The factor that brings `was` nearest to `now`, by least squares.
    scale = (was * now).sum() / energy if energy else 1.0
    way = np.sqrt(((now - scale * was) ** 2).sum(1))
    # Where all neighbours are in one place, the way of a point that stays there is none.
    reach = np.maximum(distances[:, -1], np.finfo(np.float32).tiny)
    # Over a tiny reach the quotient may overflow.
    return np.minimum(way / reach, np.finfo(np.float32).max)


def jitter(before: np.ndarray, layout: np.ndarray, changed: np.ndarray) -> tuple[float, float]:
    """The median of the `displacements` of the points that barely moved, and these points' share.

    NaN where fewer than 1 % of the points, or fewer than three, are such.
    """
    still = changed <= STILL
    share = float(still.mean())
    if still.sum() < max(3, _FEWEST * len(still)) or not procrustes.size(layout):
        return float("nan"), share
    return float(np.median(displacements(before, layout, still))), share


def displacements(before: np.ndarray, layout: np.ndarray, still: np.ndarray) -> np.ndarray:
    """How far each of the points that are `still`, bool (N,), is displaced from layout to layout.

    `before` is turned, mirrored and shifted first, so that just these points lie best; the unit is
    the size of `layout`.
    """
    fitted = procrustes.moved_onto(before[still], layout[still])
    return np.sqrt(((fitted - layout[still]) ** 2).sum(1)) / procrustes.size(layout)


def _looked_at(points: int) -> int:
    """Trustworthiness is defined for fewer neighbours than half of the points."""
    return max(min(NEIGHBOURS, (points - 1) // 2), 1)


@njit
def _ranks(squares: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The place of each chosen point among the neighbours of its row, from 1 on."""
    # Only count ranks of N are needed in each row: to count nearer points is cheaper than to sort.
    ranks = np.empty(chosen.shape, np.int64)
    for i in range(chosen.shape[0]):
        for k in range(chosen.shape[1]):
            limit, nearer = squares[i, chosen[i, k]], 0
            for j in range(squares.shape[0]):
                nearer += squares[i, j] < limit
            ranks[i, k] = nearer + 1
    return ranks
