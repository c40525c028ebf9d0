"""Who is near whom: exact nearest neighbours, and UMAP's graph of them."""

from __future__ import annotations

from functools import cached_property
from typing import NoReturn

import numpy as np

from epochreel.core.errors import UserError
from epochreel.projection import procrustes

_HALVINGS = 40  # of the interval of logarithms: far below the rounding of float32
_SMALLEST = 1e-3  # of the mean distance: the least width; umap-learn's MIN_K_DIST_SCALE


def raise_too_large() -> NoReturn:
    """Raise `UserError`: the distances between activations are beyond what can be computed."""
    raise UserError(
        "the activations that projection.py gives are too large to be laid out in the plane: let "
        "activations scale them, or, if the training diverged, lower optimizer.learning_rate"
    )


class Points:
    """The activations of one snapshot, (N, D), and the distances between them."""

    def __init__(self, activations: np.ndarray):
        self.values = np.asarray(activations, np.float64)
        if not np.isfinite(self.values).all():
            raise UserError("activations are to be finite numbers: the training may have diverged")
        # No two points are farther apart than the sum of their norms.
        with np.errstate(over="ignore"):
            squares = 4 * np.square(self.values).sum(1).max(initial=0)
        if squares > np.finfo(np.float32).max:  # UMAP squares distances in float32.
            raise_too_large()

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def square_distances(self) -> np.ndarray:
        """(N, N); from a point to itself it is infinite."""
        # |a|² + |b|² - 2ab takes one matrix product and no (N, N, D) array. Far from the origin it
        # cancels badly: points are centred first, and what rounding makes negative becomes zero.
        points = procrustes.centred(self.values)
        norms = (points**2).sum(1)
        squares = norms[:, None] + norms - 2 * (points @ points.T)
        np.maximum(squares, 0, out=squares)
        np.fill_diagonal(squares, np.inf)
        return squares

    def nearest(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The nearest others of each point and their distances, (N, count) each, nearest first."""
        squares = self.square_distances
        # argpartition leaves no order: sorted by index first, equals keep the order of points.
        chosen = np.sort(np.argpartition(squares, count - 1, axis=1)[:, :count], axis=1)
        near = np.take_along_axis(squares, chosen, 1)
        order = np.argsort(near, axis=1, kind="stable")
        return np.take_along_axis(chosen, order, 1), np.sqrt(np.take_along_axis(near, order, 1))


def fuzzy_graph(points: Points, count: int) -> np.ndarray:
    """How much each two points are neighbours, 0 … 1: symmetric, float32 (N, N).

    As in UMAP (McInnes, Healy and Melville 2018, algorithms 2 and 3): the nearest neighbour counts
    fully, farther ones less, so fast that `count` neighbours count together as log2(count + 1); of
    the two views of a pair, what at least one of them holds.
    """
    chosen, distances = points.nearest(count)
    # UMAP's rho: distances count from the nearest neighbour on.
    beyond = distances - distances[:, :1]
    least = _SMALLEST * max(distances.mean(), np.finfo(np.float32).tiny)
    # UMAP's k counts the point itself, hence + 1.
    width = _widths(beyond, np.log2(count + 1), least)
    view = np.zeros((len(points), len(points)), np.float32)
    np.put_along_axis(view, chosen, np.exp(-beyond / width).astype(np.float32), 1)
    return view + view.T - view * view.T  # the probabilistic sum, a fuzzy union


def _widths(beyond: np.ndarray, total: float, least: float) -> np.ndarray:
    """The widths (N, 1), at least `least`, for which each row's exp(-beyond / width) sum so."""
    low = np.full((len(beyond), 1), least)
    # At this width even the farthest neighbour counts exp(-1 / count), which exceeds the total.
    high = np.maximum(beyond.max(1, keepdims=True) * len(beyond[0]), 2 * least)
    for _ in range(_HALVINGS):
        middle = np.sqrt(low * high)  # geometric: widths span orders of magnitude
        wide = np.exp(-beyond / middle).sum(1, keepdims=True) > total
        high, low = np.where(wide, middle, high), np.where(wide, low, middle)
    return (low + high) / 2
