"""Size, alignment and principal axes of point sets."""

from __future__ import annotations

import numpy as np


def centred(points: np.ndarray) -> np.ndarray:
    """Return points (N, D) minus their mean, float64."""
    return points - points.mean(0, dtype=np.float64)


def size(points: np.ndarray) -> float:
    """Return the root mean square distance of points (N, D) from their mean."""
    return float(np.sqrt((centred(points) ** 2).sum(1).mean()))


def normalize(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre points, scale them to size 1, and return them as float32 with their former size.

    Points that all coincide stay at one position.
    """
    former_size = size(points)
    return (centred(points) / (former_size or 1.0)).astype(np.float32), former_size


def align(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rotate, reflect and shift points (N, D) to lie nearest to `target` (N, D); float64.

    Solves the orthogonal Procrustes problem by least squares (Schönemann 1966). The size does not
    change.
    """
    points = centred(points)
    # The orthogonal factor of the cross-covariance. Its determinant may be negative: a mirrored
    # layout is equivalent.
    left, _, right = np.linalg.svd(points.T @ centred(target))
    return points @ (left @ right) + target.mean(0, dtype=np.float64)


def principal_plane(points: np.ndarray) -> np.ndarray:
    """Project points (N, D) onto their first two principal components: float64 (N, 2)."""
    points = centred(points)
    return points @ axes(points.T @ points)


def axes(scatter: np.ndarray) -> np.ndarray:
    """Return the two principal axes of a scatter matrix (D, D), as (D, 2).

    The entry of largest magnitude in each axis is positive, so that signs depend only on the data.
    """
    _, vectors = np.linalg.eigh(scatter)
    largest = vectors[:, :-3:-1]  # eigh sorts in ascending order: the last two, largest first
    return largest * np.sign(largest[np.abs(largest).argmax(0), [0, 1]])
