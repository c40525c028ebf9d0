"""Layouts on disk: where each row of an evaluation lies in the plane, one file a snapshot.

Columns `x` and `y`, float32, about the origin and of root mean square radius 1. The file's metadata
are those of an evaluation; its metrics say how faithful the layout is and how still it holds (see
`projection.quality`), without those that cannot be told, and `size`, its radius before.
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
    path: str | Path, layout: np.ndarray, numbers: Mapping[str, float], snapshot: int, key: str
) -> None:
    """Write a layout (N, 2); of the numbers those that are finite."""
    told = {name: value for name, value in numbers.items() if math.isfinite(value)}
    columns = {"x": pa.array(layout[:, 0]), "y": pa.array(layout[:, 1])}
    evaluations.write(path, columns, told, {"snapshot": snapshot, "key": json.loads(key)})


def read(path: str | Path, snapshot: int, key_digest: str) -> np.ndarray:
    """The layout of a snapshot, (N, 2) float32. Raises `UserError` as `evaluations.of` does."""
    table = evaluations.of(path, snapshot, key_digest)
    return np.column_stack((table["x"].to_numpy(), table["y"].to_numpy()))
