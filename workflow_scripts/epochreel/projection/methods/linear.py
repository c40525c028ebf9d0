"""One linear projection for a whole film: the two principal components of all its snapshots.

All snapshots have the same weight, regardless of the size of their activations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from epochreel.projection import procrustes
from epochreel.projection.neighbor_graph import Points


def fit(
    snapshots: Sequence[Points], settings: Mapping[str, Any], seed: int
) -> Iterator[np.ndarray]:
    """Yield the layouts of all snapshots of a film. `settings` and `seed` have no effect."""
    scatter = 0.0
    for points in snapshots:
        values, _ = procrustes.normalize(points.values)
        scatter = scatter + values.T.astype(np.float64) @ values
    plane = procrustes.axes(scatter)
    for points in snapshots:
        yield procrustes.centred(points.values) @ plane
