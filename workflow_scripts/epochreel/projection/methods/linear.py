"""One linear projection for a whole film: the two principal components of all its snapshots.

A snapshot counts as much as any other, whatever the size of its activations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from epochreel.projection import procrustes
from epochreel.projection.neighbor_graph import Points
from epochreel.projection.previous import Before

FILM_WIDE = True


def layouts(
    snapshots: Sequence[Points],
    settings: Mapping[str, Any],
    seed: int,
    before: Before | None = None,
) -> Iterator[tuple[np.ndarray, float]]:
    """The layouts of all snapshots of a film, (N, 2) float32 of size 1, and their sizes before.

    Neither settings nor seed change anything.
    """
    scatter = 0.0
    for points in snapshots:
        values, _ = procrustes.unit(points.values)
        scatter = scatter + values.T.astype(np.float64) @ values
    plane = procrustes.axes(scatter)
    for points in snapshots:
        yield procrustes.unit(procrustes.centred(points.values) @ plane)
