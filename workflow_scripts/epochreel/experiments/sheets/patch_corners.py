"""Positions of the patches that the network `local` reads."""

from __future__ import annotations

import numpy as np

from epochreel.experiments.sheets import layout


def corners(variant: str, patch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the left and top pixels of the patch around each digit, int64, (P,) and (P,)."""
    places = layout.places(variant)
    left, top = (np.rint(middle - patch / 2).astype(np.int64) for middle in (places.x, places.y))
    return left, top
