"""What a projection goes on from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Previous:
    """The snapshot before: its activations (N, D), its layout (N, 2) of size 1, and the size that
    the layout had before it was made so."""

    activations: np.ndarray
    layout: np.ndarray
    size: float
