"""Projections: the 2-D position of each row of an evaluation, one file per snapshot.

Columns `x` and `y`, float32, centred on the origin with a root mean square radius of 1. The
metadata has the form of an evaluation's. The metrics are the layout's quality (see
`projection.quality`), without values that are undefined, and `size`, the radius before scaling.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from epochreel.artifacts import evaluations


def write(
    path: str | Path, layout: np.ndarray, values: Mapping[str, float], snapshot: int, key: str
) -> None:
    """Write a layout (N, 2) with those of its metrics that are finite."""
    metrics = {name: value for name, value in values.items() if math.isfinite(value)}
    columns = {"x": pa.array(layout[:, 0]), "y": pa.array(layout[:, 1])}
    evaluations.write(path, columns, metrics, {"snapshot": snapshot, "key": json.loads(key)})


def read(path: str | Path, snapshot: int, key_digest: str) -> np.ndarray:
    """Read the layout of a snapshot, (N, 2) float32. Raises as `evaluations.read_snapshot` does."""
    table = evaluations.read_snapshot(path, snapshot, key_digest)
    return np.column_stack((table["x"].to_numpy(), table["y"].to_numpy()))
