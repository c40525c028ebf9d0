"""Exact nearest neighbours, and UMAP's fuzzy graph of them."""

from __future__ import annotations

from functools import cached_property
from typing import NoReturn

import numpy as np

from epochreel.core.errors import UserError
from epochreel.projection import procrustes

_HALVINGS = 40  # of the interval, in logarithms: well below the rounding of float32
_MIN_WIDTH = 1e-3  # of the mean distance; umap-learn's MIN_K_DIST_SCALE


def raise_too_large() -> NoReturn:
    """Raise `UserError`: the activations are too large to compute their distances."""
    raise UserError(
        "the activations from projection.py are too large to project: scale them in its function "
        "activations, or lower the learning rate if the training has diverged"
    )


class Points:
    """The activations of one snapshot, (N, D), and their pairwise distances."""

    def __init__(self, activations: np.ndarray):
        self.values = np.asarray(activations, np.float64)
        if not np.isfinite(self.values).all():
            raise UserError(
                "the activations from projection.py contain NaN or infinity: "
                "make them finite, or lower the learning rate if the training has diverged"
            )
        # No two points are farther apart than the sum of their norms.
        with np.errstate(over="ignore"):
            squares = 4 * np.square(self.values).sum(1).max(initial=0)
        if squares > np.finfo(np.float32).max:  # UMAP squares distances in float32.
            raise_too_large()

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def square_distances(self) -> np.ndarray:
        """Squared distances (N, N), infinite on the diagonal."""
        # |a|² + |b|² - 2ab needs one matrix product and no (N, N, D) array. Far from the origin it
        # suffers from cancellation: points are centred first, and negative results become zero.
        points = procrustes.centred(self.values)
        norms = (points**2).sum(1)
        squares = norms[:, None] + norms - 2 * (points @ points.T)
        np.maximum(squares, 0, out=squares)
        np.fill_diagonal(squares, np.inf)
        return squares

    def nearest(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return indices and distances of the nearest points, (N, count) each, nearest first."""
        squares = self.square_distances
        # argpartition does not sort. Sorting by index first makes ties deterministic.
        indices = np.sort(np.argpartition(squares, count - 1, axis=1)[:, :count], axis=1)
        squared = np.take_along_axis(squares, indices, 1)
        order = np.argsort(squared, axis=1, kind="stable")
        return np.take_along_axis(indices, order, 1), np.sqrt(np.take_along_axis(squared, order, 1))


def fuzzy_graph(points: Points, count: int) -> np.ndarray:
    """Return UMAP's fuzzy graph of `count` neighbours: symmetric float32 (N, N), 0 … 1.

    As in UMAP (McInnes, Healy and Melville 2018, algorithms 2 and 3): the nearest neighbour has
    weight 1, and the weights decrease with distance so that those of `count` neighbours sum to
    log2(count + 1). Two points share an edge if either is a neighbour of the other.
    """
    neighbours, distances = points.nearest(count)
    # UMAP's rho: distances start at the nearest neighbour.
    beyond = distances - distances[:, :1]
    min_width = _MIN_WIDTH * max(distances.mean(), np.finfo(np.float32).tiny)
    # UMAP's k includes the point itself, hence + 1.
    width = _widths(beyond, np.log2(count + 1), min_width)
    directed = np.zeros((len(points), len(points)), np.float32)
    np.put_along_axis(directed, neighbours, np.exp(-beyond / width).astype(np.float32), 1)
    return directed + directed.T - directed * directed.T  # probabilistic sum: the fuzzy union


def _widths(beyond: np.ndarray, total: float, min_width: float) -> np.ndarray:
    """Find widths (N, 1) ≥ `min_width` at which the rows of exp(-beyond / width) sum to `total`."""
    low = np.full((len(beyond), 1), min_width)
    # At this width even the farthest neighbour weighs exp(-1 / count): the sum exceeds the total.
    high = np.maximum(beyond.max(1, keepdims=True) * len(beyond[0]), 2 * min_width)
    for _ in range(_HALVINGS):
        mid = np.sqrt(low * high)  # geometric: widths span orders of magnitude
        too_wide = np.exp(-beyond / mid).sum(1, keepdims=True) > total
        high, low = np.where(too_wide, mid, high), np.where(too_wide, low, mid)
    return (low + high) / 2
