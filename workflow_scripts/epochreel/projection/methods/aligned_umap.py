"""UMAP fitted to all snapshots at once, each point held near itself in the neighbouring ones."""

from __future__ import annotations

import warnings
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

    `settings` are `{"neighbours", "min_dist", "alignment"}`. A film of one snapshot is refused by
    UMAP (`ValueError`).
    """
    from umap import AlignedUMAP  # takes seconds, which other projections need not wait for

    values = [points.values.astype(np.float32) for points in snapshots]
    same = {number: number for number in range(len(values[0]))}
    fit = AlignedUMAP(
        n_neighbors=min(settings["neighbours"], len(values[0]) - 1),
        min_dist=settings["min_dist"],
        alignment_regularisation=settings["alignment"],
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit.fit(values, relations=[same] * (len(values) - 1))
    yield from map(procrustes.unit, fit.embeddings_)
