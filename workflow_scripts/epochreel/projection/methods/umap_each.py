"""UMAP fitted anew to each snapshot: the published way, and the reference for the others."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from epochreel.projection import procrustes
from epochreel.projection.neighbor_graph import Points
from epochreel.projection.previous import Before

FILM_WIDE = False


def layouts(
    snapshots: Sequence[Points],
    settings: Mapping[str, Any],
    seed: int,
    before: Before | None = None,
) -> Iterator[tuple[np.ndarray, float]]:
    """The layouts of snapshots, (N, 2) float32 of size 1, and their sizes before.

    `settings` are `{"neighbours", "min_dist"}`. What was before does not matter.
    """
    from umap import UMAP  # takes seconds, which other projections need not wait for

    for points in snapshots:
        fit = UMAP(
            n_neighbors=min(settings["neighbours"], len(points) - 1),
            min_dist=settings["min_dist"],
            random_state=seed,
            n_jobs=1,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield procrustes.unit(fit.fit_transform(points.values.astype(np.float32)))
