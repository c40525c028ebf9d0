"""Thousands of dots or crosses in a few milliseconds."""

from __future__ import annotations

import numpy as np

from epochreel.drawing import strokes
from epochreel.drawing.canvas import Canvas


def draw_marks(
    canvas: Canvas, points: np.ndarray, colours: np.ndarray, radius: float, is_cross: bool
) -> None:
    """Draw dots or crosses at points, (N, 2) in units; `colours` is uint8 (N, 3).

    All have the same shape, on whole pixels, so that thousands take milliseconds.
    """
    size = radius * canvas.scale
    arms = np.array([[(-1, -1), (1, 1)], [(-1, 1), (1, -1)]]) * size
    lines = arms if is_cross else np.zeros((1, 1, 2))
    weight = max(0.55 * size, 1.5) if is_cross else 2 * size
    reach = int(np.ceil(size + weight)) + 1
    coverage = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    for line in lines:
        mask, left, top = strokes.polyline(line + reach + 0.5, weight)
        part = coverage[top : top + mask.shape[0], left : left + mask.shape[1]]
        np.maximum(part, mask[: part.shape[0], : part.shape[1]], out=part)
    down, across = np.nonzero(coverage)
    shares = coverage[down, across].astype(np.uint16)
    high, wide = canvas.pixels.shape[:2]
    places = np.rint(points * canvas.scale).astype(int) - reach
    for start in range(0, len(places), 64):  # Later marks cover earlier ones, in batches.
        part = places[start : start + 64]
        rows, cols = part[:, 1, None] + down, part[:, 0, None] + across
        is_inside = (rows >= 0) & (rows < high) & (cols >= 0) & (cols < wide)
        rows, cols = rows[is_inside], cols[is_inside]
        share = np.broadcast_to(shares, is_inside.shape)[is_inside][:, None]
        colour = np.repeat(colours[start : start + 64].astype(np.uint16), is_inside.sum(1), axis=0)
        ground = canvas.pixels[rows, cols].astype(np.uint16)
        canvas.pixels[rows, cols] = (ground * (255 - share) + colour * share + 127) // 255
