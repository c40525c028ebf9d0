"""Evaluations: every prediction on the test set at one snapshot, one Parquet file each.

The columns are the experiment's. The file's metadata hold, under `epochreel`, a JSON object:

    snapshot  the snapshot's number
    metrics   name → number, the experiment's measures of this snapshot
    key       the settings, code digest and package versions that the file follows from
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from epochreel import tables


def write(
    path: str | Path, columns: Mapping[str, Any], metrics: Mapping[str, float], about: Mapping
) -> None:
    """Write one evaluation; `about` holds `snapshot` and `key`."""
    noted = {**about, "metrics": {name: float(value) for name, value in metrics.items()}}
    table = pa.table(dict(columns)).replace_schema_metadata(
        {"epochreel": json.dumps(noted, sort_keys=True)}
    )
    tables.write(path, table, compression="zstd", compression_level=1)


def read(path: str | Path) -> pa.Table:
    """The predictions of one evaluation. Raises `UserError` where the file is damaged."""
    return tables.read(path)


def about(path: str | Path) -> dict[str, Any]:
    """The metadata of one evaluation: `snapshot`, `metrics`, `key`; the columns are not read."""
    return tables.note(path)


def batches(columns: Mapping[str, Any], size: int) -> Iterator[dict[str, Any]]:
    """A split's columns in batches of `size`, in order; the last may be shorter."""
    count = len(next(iter(columns.values())))
    for start in range(0, count, size):
        yield {name: column[start : start + size] for name, column in columns.items()}
