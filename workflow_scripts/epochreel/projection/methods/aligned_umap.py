"""AlignedUMAP: fits all snapshots at once and limits the motion of points between them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from epochreel.projection.neighbor_graph import Points


def fit(
    snapshots: Sequence[Points], settings: Mapping[str, Any], seed: int
) -> Iterator[np.ndarray]:
    """Yield the layouts of all snapshots of a film.

    `settings` holds `neighbours`, `min_dist` and `alignment`. UMAP raises `ValueError` for a film
    of one snapshot.
    """
    from umap import AlignedUMAP  # slow to import: only for this method

    values = [points.values.astype(np.float32) for points in snapshots]
    identity = {number: number for number in range(len(values[0]))}
    umap = AlignedUMAP(
        n_neighbors=min(settings["neighbours"], len(values[0]) - 1),
        min_dist=settings["min_dist"],
        alignment_regularisation=settings["alignment"],
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        umap.fit(values, relations=[identity] * (len(values) - 1))
    yield from umap.embeddings_
