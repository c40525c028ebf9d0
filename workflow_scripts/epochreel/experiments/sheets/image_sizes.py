"""Sizes of images and patches, without numpy, since the plan checks settings against them."""

from __future__ import annotations

VARIANTS = ("plain", "shifted", "perturbed", "cells")
# Width and height, px, of a page and of the image of a single number.
PAGE = (768, 1024)
CELL = (48, 36)
_LARGEST_PATCH = {"cells": 26}
_LARGEST_PATCH_OF_PAGES = 157


def image_size(variant: str) -> tuple[int, int]:
    """Return the width and height of the variant's images, px."""
    return CELL if variant == "cells" else PAGE


def largest_patch(variant: str) -> int:
    """Return the side, px, of the largest patch that fits in the image at every digit."""
    return _LARGEST_PATCH.get(variant, _LARGEST_PATCH_OF_PAGES)


def convolved(size: tuple[int, int], layers: int) -> tuple[int, int]:
    """Return the width and height, px, after `layers` unpadded 3 × 3 convolutions of stride 2.

    A size below 1 means that no output is left.
    """
    width, height = size
    for _ in range(layers):
        width, height = (width - 1) // 2, (height - 1) // 2
    return width, height
