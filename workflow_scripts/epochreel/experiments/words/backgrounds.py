"""Backgrounds behind the words, which make letters harder to tell from other shapes.

They are either generated `clutter`, drawn for each example, or crops of the user's images.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from epochreel.core.errors import UserError
from epochreel.core.user_files import check_all
from epochreel.experiments.words import clutter, counter_rng, inputs
from epochreel.experiments.words.alphabet import SIDE
from epochreel.experiments.words.array_backend import Array, Device, device_of, placed
from epochreel.formats.user_images import open_image

KINDS = ("none", "generated", "folder")
"""Kinds of backgrounds."""
LARGEST = 3 * SIDE
"""Limit of an image's shorter side, px; larger images are scaled, so that a crop shows content."""

_MAX_ASPECT_RATIO = 32  # narrower strips are cropped to this ratio


def draw(settings: Mapping[str, Any], states: Array, first: int) -> Array:
    """Draw backgrounds (B, 40, 40) of integer grey levels 0 … `background_strength`.

    They depend on the examples' states (B,), from purpose `first` on. `settings` are
    `{"background": "generated" or "folder", "backgrounds": None or a folder, "background_strength":
    0…255}`. Raises `UserError` if the folder is missing, has no image, or has one that cannot be
    read.
    """
    strength = settings["background_strength"]
    if settings["background"] == "generated":
        levels = clutter.draw(states, first)
        levels *= strength
        levels //= 255
        return levels
    folder = settings["backgrounds"]
    if folder is None:
        raise UserError(inputs.NO_FOLDER)
    images = _scale_levels(str(folder), strength, device_of(states))
    return _crop(images, counter_rng.numbers(states, first, 3))


class _Images(NamedTuple):
    """Grey images of at least SIDE × SIDE px, concatenated."""

    pixels: Array  # pixels of all images, uint8
    start: Array  # (N,) index of each image's first pixel
    height: Array  # (N,)
    width: Array  # (N,)
    across: Array  # (SIDE,) 0 … SIDE - 1


def _crop(images: _Images, bits: Array) -> Array:
    """Return random crops (B, SIDE, SIDE) of random images, from random bits (B, 3)."""
    chosen = counter_rng.below(len(images.start), bits[:, 0])
    width = images.width.take(chosen)
    left = counter_rng.below(width - SIDE + 1, bits[:, 1])
    top = counter_rng.below(images.height.take(chosen) - SIDE + 1, bits[:, 2])
    # Images of all sizes share one flat array; the next row of an image is `width` further on.
    corner = images.start.take(chosen) + top * width + left
    lines = corner[:, None] + width[:, None] * images.across
    return images.pixels.take(lines[:, :, None] + images.across)


@lru_cache(4)
def _scale_levels(folder: str, strength: int, device: Device) -> _Images:
    images = _read_images(folder)
    pixels = (images.pixels.astype(np.uint16) * strength // 255).astype(np.uint8)
    return _Images(*(placed(field, device) for field in images._replace(pixels=pixels)))


@lru_cache(4)
def _read_images(folder: str) -> _Images:
    paths = inputs.files({"background": "folder", "backgrounds": folder}).checked()
    try:
        images = [_resize(open_image(path)) for path in paths]
    except UserError:
        check_all(paths, open_image)  # One error names all images that cannot be read.
        raise
    height, width = np.array([image.shape for image in images]).T
    sizes = height * width
    pixels = np.concatenate([image.ravel() for image in images])
    # Each image starts where the previous ones end.
    return _Images(pixels, sizes.cumsum() - sizes, height, width, np.arange(SIDE))


def _resize(pixels: np.ndarray) -> np.ndarray:
    """Return an image in grey, its shorter side SIDE … LARGEST px."""
    longest = _MAX_ASPECT_RATIO * min(pixels.shape[:2])
    # Not `Image.crop`, which refuses large images.
    image = Image.fromarray(np.ascontiguousarray(pixels[:longest, :longest])).convert("L")
    short = min(image.size)
    target = min(max(short, SIDE), LARGEST)
    if target != short:
        size = [max(target, round(side * target / short)) for side in image.size]
        image = image.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(image)
