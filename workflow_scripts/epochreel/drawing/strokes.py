"""Anti-aliased coverage masks of lines, computed with arrays."""

from __future__ import annotations

import math

import numpy as np

MARKS = ("disc", "ring", "cross", "plus", "square")
"""The kinds of marks."""
_PIECE = 12.0  # px: segments are split into pieces of about this length, which have small boxes


def quantize(coverage: np.ndarray) -> np.ndarray:
    """Convert coverage 0 … 1 to uint8."""
    return np.rint(coverage * 255).astype(np.uint8)


def polyline(points: np.ndarray, weight: float) -> tuple[np.ndarray, int, int]:
    """Return the coverage of a line through `points`, (n, 2) px, with round joins and caps.

    `weight` is the line's width in px. Returns the mask, uint8 (H, W), and its left and top edge.
    A line thinner than one pixel is drawn one pixel wide and fainter.
    """
    radius, opacity = max(weight, 1.0) / 2, min(weight, 1.0)
    reach = radius + 1  # the soft edge ends half a pixel beyond the radius
    left, top = np.floor(points.min(0) - reach).astype(int)
    right, bottom = np.ceil(points.max(0) + reach).astype(int) + 1
    starts, ends = _pieces(points - (left, top))
    piece, x, y = _pixels_near(starts, ends, reach)
    # Distances are from pixel centres; the edge fades linearly over one pixel.
    distance = _distance(x + 0.5, y + 0.5, starts[piece], ends[piece])
    coverage = np.clip(radius + 0.5 - distance, 0, 1) * opacity
    mask = np.zeros((bottom - top, right - left), np.uint8)
    # Pieces overlap where they meet: take the maximum, as a sum would darken the joins.
    np.maximum.at(mask.reshape(-1), y * mask.shape[1] + x, quantize(coverage))
    return mask, int(left), int(top)


# Widths of the strokes and reach of the shapes, relative to the radius of a mark.
_STROKE, _CROSS, _PLUS, _SQUARE = 0.5, 0.85, 1.1, 0.89


def mark(kind: str, radius: float, column: int, row: int) -> tuple[np.ndarray, int, int]:
    """Return the coverage of a mark at (`column`, `row`) quarters of a pixel.

    `kind` is one of `MARKS`, `radius` in px. Returns the mask, uint8 (h, w), and its left and top
    edge. Raises `ValueError` for another kind.
    """
    if kind not in MARKS:
        raise ValueError(f"unknown kind of mark {kind!r}; expected one of {', '.join(MARKS)}")
    reach = math.ceil(1.5 * radius) + 2
    x, y = (np.arange(-reach, reach + 1) + 0.5 - at / 4 for at in (column, row))
    distance = _distance_to_mark(kind, max(radius, 0.5), x, y[:, None])
    mask = quantize(np.clip(0.5 - distance, 0, 1))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    mask = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return mask, int(columns[0]) - reach, int(rows[0]) - reach


def _distance_to_mark(kind: str, radius: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the signed distance, in px, from the edge of a mark; negative inside."""
    if kind == "square":
        return np.maximum(np.abs(x), np.abs(y)) - _SQUARE * radius
    if kind in ("disc", "ring"):
        distance = np.hypot(x, y)
        if kind == "disc":
            return distance - radius
        width = max(_STROKE * radius, 1.0)
        return np.abs(distance - radius + width / 2) - width / 2
    reach = radius * (_PLUS if kind == "plus" else _CROSS * math.sqrt(2))
    if kind == "cross":
        x, y = (x + y) / math.sqrt(2), (x - y) / math.sqrt(2)
    arms = [np.hypot(np.maximum(np.abs(a) - reach, 0), b) for a, b in ((x, y), (y, x))]
    return np.minimum(*arms) - max(_STROKE * radius, 1.0) / 2


def _pieces(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and ends, (m, 2) each, of short pieces; a single point is one piece."""
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
    """Return piece, x and y, (k,) each, of all pixels in the boxes around the pieces."""
    low = np.floor(np.minimum(starts, ends) - reach).astype(np.intp).clip(0)
    size = np.ceil(np.maximum(starts, ends) + reach).astype(np.intp) - low
    counts = size.prod(1)
    piece = np.repeat(np.arange(len(starts)), counts)
    number = np.arange(len(piece)) - np.repeat(np.cumsum(counts) - counts, counts)
    # `number` counts within each box, row by row.
    down, across = np.divmod(number, size[piece, 0])
    return piece, low[piece, 0] + across, low[piece, 1] + down


def _distance(x: np.ndarray, y: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the distance of each point from its segment."""
    direction = end - start
    length_squared = np.maximum((direction**2).sum(1), 1e-12)  # a single point has no direction
    dx, dy = x - start[:, 0], y - start[:, 1]
    position = np.clip((dx * direction[:, 0] + dy * direction[:, 1]) / length_squared, 0, 1)
    return np.hypot(dx - position * direction[:, 0], dy - position * direction[:, 1])
