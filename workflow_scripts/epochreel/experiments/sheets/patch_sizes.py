"""How large the images are that the networks compute on: those of convolutions, and patches."""

from __future__ import annotations

import numpy as np

from epochreel.experiments.sheets import layout


def convolved(size: tuple[int, int], layers: int) -> tuple[int, int]:
    """Width and height that so many 3 × 3 convolutions of stride 2, unpadded, make of `size`, px.

    Below 1 where there is nothing left to compute on.
    """
    width, height = size
    for _ in range(layers):
        width, height = (width - 1) // 2, (height - 1) // 2
    return width, height


def corners(variant: str, patch: int) -> tuple[np.ndarray, np.ndarray]:
    """Left and top pixel of the patch of `patch` px around each place, int64, (P,) and (P,)."""
    places = layout.places(variant)
    left, top = (np.rint(middle - patch / 2).astype(np.int64) for middle in (places.x, places.y))
    return left, top


def fits(variant: str, patch: int) -> bool:
    """Whether the patches around all places lie within the image."""
    return all(
        corner.min() >= 0 and corner.max() + patch <= length
        for corner, length in zip(corners(variant, patch), layout.image_size(variant), strict=True)
    )
