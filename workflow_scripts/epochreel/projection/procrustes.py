"""Layouts as shapes: how large they are, and how one is moved onto another."""

from __future__ import annotations

import numpy as np


def centred(points: np.ndarray) -> np.ndarray:
    """Points (N, D) about their mean, float64."""
    return points - points.mean(0, dtype=np.float64)


def size(points: np.ndarray) -> float:
    """The root mean square distance of points (N, D) from their mean."""
    return float(np.sqrt((centred(points) ** 2).sum(1).mean()))


def unit(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Points about their mean, float32, of size 1; and the size that they had.

    Points that are all in one place stay in one place.
    """
    was = size(points)
    return (centred(points) / (was or 1.0)).astype(np.float32), was


def moved_onto(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Points (N, D) turned, mirrored and shifted, so that they lie nearest to `target` (N, D).

    Nearest by least squares, as Procrustes' problem is solved (Schönemann 1966); sizes stay as they
    are. float64.
    """
    points = centred(points)
    # The orthogonal factor of the cross-covariance. The sign of its determinant is left alone: a
    # mirrored layout shows the same.
    left, _, right = np.linalg.svd(points.T @ centred(target))
    return points @ (left @ right) + target.mean(0, dtype=np.float64)


def principal_plane(points: np.ndarray) -> np.ndarray:
    """Points (N, D) projected onto their first two principal components: float64 (N, 2)."""
    points = centred(points)
    return points @ axes(points.T @ points)


def axes(scatter: np.ndarray) -> np.ndarray:
    """The two directions in which a scatter matrix (D, D) is largest, (D, 2).

    Each points to where its largest entry is positive, so that signs follow from the data.
    """
    _, vectors = np.linalg.eigh(scatter)
    first = vectors[:, :-3:-1]  # eigh sorts upwards: the last two, the largest first
    return first * np.sign(first[np.abs(first).argmax(0), [0, 1]])
