"""The sizes of images and patches, without numpy: the plan checks settings against them."""

from __future__ import annotations

VARIANTS = ("plain", "shifted", "perturbed", "cells")
# Width and height of a page, and of the image of a single number, px.
PAGE = (768, 1024)
CELL = (48, 36)
_LARGEST_PATCH = {"cells": 26}
_LARGEST_PATCH_OF_PAGES = 157


def image_size(variant: str) -> tuple[int, int]:
    """Return width and height of an image of the variant, px."""
    return CELL if variant == "cells" else PAGE


def largest_patch(variant: str) -> int:
    """Return the side of the largest patch that lies within the image around every place, px."""
    return _LARGEST_PATCH.get(variant, _LARGEST_PATCH_OF_PAGES)


def convolved(size: tuple[int, int], layers: int) -> tuple[int, int]:
    """Return width and height after `layers` unpadded 3 × 3 convolutions of stride 2, px.

    Below 1 where there is nothing left to compute on.
    """
    width, height = size
    for _ in range(layers):
        width, height = (width - 1) // 2, (height - 1) // 2
    return width, height
