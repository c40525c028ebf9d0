"""Quality of a layout: faithfulness to the activations, and stability between snapshots."""

from __future__ import annotations

import numpy as np
from numba import njit

from epochreel.projection import procrustes
from epochreel.projection.neighbor_graph import Points

NEIGHBOURS = 15
"""Number of neighbours that the metrics use; smaller for fewer than 32 points."""
STILL = 0.25
"""A point is still if it moved at most this share of the distance to its last neighbour."""
_MIN_STILL = 0.01  # share of still points below which jitter is undefined


def faithfulness(points: Points, layout: np.ndarray) -> tuple[float, float]:
    """Return trustworthiness and the share of neighbours kept, of a layout (N, 2); 1 is best.

    Trustworthiness (Venna and Kaski 2001) is reduced by points that are neighbours in the layout
    but not in the activations, in proportion to their rank among the true neighbours.
    """
    count = _neighbour_count(len(points))
    neighbours, _ = Points(layout).nearest(count)
    ranks = _ranks(points.square_distances, neighbours)
    total = len(points)
    worst = total * count * (2 * total - 3 * count - 1)  # defined for count < N / 2
    excess = np.maximum(ranks - count, 0).sum()
    return float(1 - 2 * excess / worst), float((ranks <= count).mean())


def changes(before: np.ndarray, points: Points) -> np.ndarray:
    """Return how far each point's activations moved since `before` (N, D), relative to scale: (N,).

    The unit is the distance to the point's 15th neighbour. A shift and a scaling of all
    activations are removed first, as they change nothing between the points.
    """
    _, distances = points.nearest(_neighbour_count(len(points)))
    old, new = procrustes.centred(before), procrustes.centred(points.values)
    energy = (old**2).sum()
    # Least-squares scale from `old` to `new`.
    scale = (old * new).sum() / energy if energy else 1.0
    distance = np.sqrt(((new - scale * old) ** 2).sum(1))
    # If all neighbours coincide, a point that stays there must have a change of 0, not NaN.
    reach = np.maximum(distances[:, -1], np.finfo(np.float32).tiny)
    # The quotient may overflow for a tiny reach.
    return np.minimum(distance / reach, np.finfo(np.float32).max)


def jitter(before: np.ndarray, layout: np.ndarray, changed: np.ndarray) -> tuple[float, float]:
    """Return the median of the `displacements` of the still points, and the share of still points.

    The median is NaN if fewer than 1 % of the points, or fewer than three, are still.
    """
    still = changed <= STILL
    share = float(still.mean())
    if still.sum() < max(3, _MIN_STILL * len(still)) or not procrustes.size(layout):
        return float("nan"), share
    return float(np.median(displacements(before, layout, still))), share


def displacements(before: np.ndarray, layout: np.ndarray, still: np.ndarray) -> np.ndarray:
    """Return how far each of the `still` points, bool (N,), is displaced between two layouts.

    `before` is rotated, reflected and shifted first, to fit these points best. The unit is the size
    of `layout`.
    """
    fitted = procrustes.align(before[still], layout[still])
    return np.sqrt(((fitted - layout[still]) ** 2).sum(1)) / procrustes.size(layout)


def _neighbour_count(points: int) -> int:
    """Limit the neighbours to fewer than half of the points, as trustworthiness requires."""
    return max(min(NEIGHBOURS, (points - 1) // 2), 1)


@njit
def _ranks(squares: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the rank of each chosen point among the neighbours of its row, from 1."""
    # Each row needs `count` of N ranks: counting nearer points is cheaper than sorting.
    ranks = np.empty(chosen.shape, np.int64)
    for i in range(chosen.shape[0]):
        for k in range(chosen.shape[1]):
            limit, nearer = squares[i, chosen[i, k]], 0
            for j in range(squares.shape[0]):
                nearer += squares[i, j] < limit
            ranks[i, k] = nearer + 1
    return ranks
