"""Loops: a few pictures that repeat endlessly, as GIF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from epochreel.core.errors import UserError, shown
from epochreel.core.files import atomic_write

SECONDS = 0.7
"""Display time of each picture, in seconds."""


def named(loops: Mapping[str, Sequence[np.ndarray]], name: str) -> Sequence[np.ndarray]:
    """Return the loop called `name`. Raises `UserError` if the experiment draws none."""
    if name not in loops:
        raise UserError(f"there is no loop {shown(name)}; expected one of {', '.join(loops)}")
    return loops[name]


def write(path: str | Path, pictures: Sequence[np.ndarray]) -> None:
    """Write pictures, uint8 (H, W, 3) of equal size, as an endless GIF with one palette."""
    palette = Image.fromarray(np.concatenate(pictures)).quantize(
        256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    first, *rest = (
        Image.fromarray(picture).quantize(palette=palette, dither=Image.Dither.NONE)
        for picture in pictures
    )
    options = {"append_images": rest, "duration": round(1000 * SECONDS), "loop": 0}
    with atomic_write(path) as tmp_path:
        first.save(tmp_path, "GIF", save_all=True, optimize=False, **options)
