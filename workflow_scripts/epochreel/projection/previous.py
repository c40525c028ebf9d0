"""The snapshot that a projection continues from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Previous:
    """The previous snapshot: activations (N, D), layout (N, 2), and the layout's size.

    The layout has size 1; `size` is its root mean square radius before scaling.
    """

    activations: np.ndarray
    layout: np.ndarray
    size: float
