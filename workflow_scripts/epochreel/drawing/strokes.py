"""Coverage masks of lines, anti-aliased, by arrays."""

from __future__ import annotations

import numpy as np

_PIECE = 12.0
"""Segments are cut to about this many px, so that the boxes around them stay small."""


def quantise(coverage: np.ndarray) -> np.ndarray:
    """Coverage 0 … 1 as uint8."""
    return np.rint(coverage * 255).astype(np.uint8)


def polyline(points: np.ndarray, weight: float) -> tuple[np.ndarray, int, int]:
    """Coverage of a line `weight` px wide through `points`, (n, 2) px, joined and ended round.

    Returns the mask, uint8 (H, W), and the px of its left and top edge. A line thinner than one
    pixel is drawn one pixel wide and fainter.
    """
    radius, strength = max(weight, 1.0) / 2, min(weight, 1.0)
    reach = radius + 1  # the soft edge ends half a pixel beyond the radius
    left, top = np.floor(points.min(0) - reach).astype(int)
    right, bottom = np.ceil(points.max(0) + reach).astype(int) + 1
    starts, ends = _pieces(points - (left, top))
    piece, x, y = _pixels_near(starts, ends, reach)
    # Pixels are judged at their middles; the edge fades linearly over one pixel's width.
    distance = _distance(x + 0.5, y + 0.5, starts[piece], ends[piece])
    coverage = np.clip(radius + 0.5 - distance, 0, 1) * strength
    mask = np.zeros((bottom - top, right - left), np.uint8)
    # Pieces overlap where they meet: the maximum, as a sum would darken the joints.
    np.maximum.at(mask.reshape(-1), y * mask.shape[1] + x, quantise(coverage))
    return mask, int(left), int(top)


def _pieces(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends, (m, 2) each, of short pieces of the line; a single point is one piece."""
    if len(points) == 1:
        return points, points
    steps = np.diff(points, axis=0)
    counts = np.maximum(np.ceil(np.abs(steps).max(1) / _PIECE), 1).astype(np.intp)
    segment = np.repeat(np.arange(len(steps)), counts)
    # 0, 1, 2 … within each segment, without a loop.
    number = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts)
    step = steps[segment] / counts[segment, None]
    starts = points[segment] + step * number[:, None]
    return starts, starts + step


def _pixels_near(
    starts: np.ndarray, ends: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For all pixels in the boxes around the pieces: piece, x and y, (k,) each."""
    low = np.floor(np.minimum(starts, ends) - reach).astype(np.intp).clip(0)
    size = np.ceil(np.maximum(starts, ends) + reach).astype(np.intp) - low
    counts = size.prod(1)
    piece = np.repeat(np.arange(len(starts)), counts)
    number = np.arange(len(piece)) - np.repeat(np.cumsum(counts) - counts, counts)
    # `number` counts within each box, row by row.
    down, across = np.divmod(number, size[piece, 0])
    return piece, low[piece, 0] + across, low[piece, 1] + down


def _distance(x: np.ndarray, y: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """From each point to its segment."""
    along = end - start
    square = np.maximum((along**2).sum(1), 1e-12)  # a single point has no direction
    dx, dy = x - start[:, 0], y - start[:, 1]
    share = np.clip((dx * along[:, 0] + dy * along[:, 1]) / square, 0, 1)
    return np.hypot(dx - share * along[:, 0], dy - share * along[:, 1])
