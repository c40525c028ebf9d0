"""UMAP, fitted to each snapshot separately: the usual practice, and a baseline for the others."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from epochreel.projection.neighbor_graph import Points
from epochreel.projection.previous import Previous


def place(
    points: Points, settings: Mapping[str, Any], seed: int, before: Previous | None
) -> np.ndarray:
    """Return the layout of a snapshot.

    `settings` holds `neighbours` and `min_dist`. `before` has no effect.
    """
    from umap import UMAP  # slow to import: only for this method

    umap = UMAP(
        n_neighbors=min(settings["neighbours"], len(points) - 1),
        min_dist=settings["min_dist"],
        random_state=seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return umap.fit_transform(points.values.astype(np.float32))
