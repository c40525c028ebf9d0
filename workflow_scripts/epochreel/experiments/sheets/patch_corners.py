"""Where the patches lie that a network reads."""

from __future__ import annotations

import numpy as np

from epochreel.experiments.sheets import layout


def corners(variant: str, patch: int) -> tuple[np.ndarray, np.ndarray]:
    """Left and top pixel of the patch of `patch` px around each place, int64, (P,) and (P,)."""
    places = layout.places(variant)
    left, top = (np.rint(middle - patch / 2).astype(np.int64) for middle in (places.x, places.y))
    return left, top
