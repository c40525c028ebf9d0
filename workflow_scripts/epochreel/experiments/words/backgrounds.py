"""Pictures behind the words, which make it harder to tell letters from what is no letter.

Either `clutter`, drawn for each example, or cuts from images of the user's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from epochreel.core.errors import UserError, first_line
from epochreel.core.files import walk_files
from epochreel.experiments.words import clutter, counter_rng
from epochreel.experiments.words.alphabet import SIDE
from epochreel.experiments.words.array_backend import Array, Device, device_of, placed
from epochreel.formats.user_images import open_image

KINDS = ("none", "generated", "folder")
"""What may lie behind the words."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
"""How the names of a folder's images end."""
LARGEST = 3 * SIDE
"""Larger images are scaled until their shorter side has so many px, so that a cut shows things."""

_MOST_SHORT_SIDES = 32  # in the long side of an image; the rest of a narrow strip is left out


def draw(settings: Mapping[str, Any], states: Array, first: int) -> Array:
    """Backgrounds (B, 40, 40) of whole grey levels 0 … `background_strength`.

    They follow from the examples' states (B,), from purpose `first` on. `settings` are
    `{"background": "generated" or "folder", "backgrounds": None or a folder,
    "background_strength": 0…255}`. Raises `UserError` where the folder is missing, holds no image
    or one that cannot be read.
    """
    strength = settings["background_strength"]
    if settings["background"] == "generated":
        levels = clutter.draw(states, first)
        levels *= strength
        levels //= 255
        return levels
    folder = settings["backgrounds"]
    if folder is None:
        raise UserError("background is folder, but backgrounds names none: name a folder of images")
    images = _scaled(str(folder), strength, device_of(states))
    return _cut(images, counter_rng.numbers(states, first, 3))


class _Images(NamedTuple):
    """Grey images of at least SIDE × SIDE px, one after the other."""

    pixels: Array  # all of them, uint8
    start: Array  # (N,) where each begins
    height: Array  # (N,)
    width: Array  # (N,)
    across: Array  # (SIDE,) 0 … SIDE - 1


def _cut(images: _Images, bits: Array) -> Array:
    """A cut (B, SIDE, SIDE), anywhere in any image, from random bits (B, 3)."""
    chosen = counter_rng.below(len(images.start), bits[:, 0])
    width = images.width.take(chosen)
    left = counter_rng.below(width - SIDE + 1, bits[:, 1])
    top = counter_rng.below(images.height.take(chosen) - SIDE + 1, bits[:, 2])
    # Images of all sizes lie in one array: a row is `width` further on, whatever the image.
    corner = images.start.take(chosen) + top * width + left
    lines = corner[:, None] + width[:, None] * images.across
    return images.pixels.take(lines[:, :, None] + images.across)


@lru_cache(4)
def _scaled(folder: str, strength: int, device: Device) -> _Images:
    images = _read(folder)
    pixels = (images.pixels.astype(np.uint16) * strength // 255).astype(np.uint8)
    return _Images(*(placed(part, device) for part in images._replace(pixels=pixels)))


@lru_cache(4)
def _read(folder: str) -> _Images:
    images = [_fitted(open_image(path)) for path in _image_files(Path(folder))]
    height, width = np.array([image.shape for image in images]).T
    sizes = height * width
    pixels = np.concatenate([image.ravel() for image in images])
    # An image starts after the sizes of all before it.
    return _Images(pixels, sizes.cumsum() - sizes, height, width, np.arange(SIDE))


def _image_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"the folder of backgrounds {folder} is not there: create it")
    try:
        files = [path for path in walk_files(folder) if path.suffix.lower() in SUFFIXES]
    except OSError as error:
        raise UserError(
            f"the folder of backgrounds {folder} cannot be read: {first_line(error)}"
        ) from error
    files = [path for path in files if path.is_file()]
    if not files:
        raise UserError(
            f"the folder of backgrounds {folder} holds no image ({', '.join(SUFFIXES)}): add some"
        )
    # The same order on every system: an image is chosen by its number.
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def _fitted(pixels: np.ndarray) -> np.ndarray:
    """An image in grey, its shorter side SIDE … LARGEST px."""
    image = Image.fromarray(pixels).convert("L")
    longest = _MOST_SHORT_SIDES * min(image.size)
    image = image.crop((0, 0, *(min(side, longest) for side in image.size)))
    short = min(image.size)
    goal = min(max(short, SIDE), LARGEST)
    if goal != short:
        size = [max(goal, round(side * goal / short)) for side in image.size]
        image = image.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(image)
