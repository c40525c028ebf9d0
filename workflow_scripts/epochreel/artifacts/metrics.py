"""Metric tables: the metrics of all snapshots so far, one small Parquet file per block.

Columns: `snapshot` (int64) and one float64 column per metric, ordered by snapshot from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from epochreel.core.errors import UserError
from epochreel.formats import parquet
from epochreel.provenance import lineage


def extend(before: pa.Table | None, rows: Iterable[Mapping[str, float]]) -> pa.Table:
    """Append rows of further snapshots to the table `before`, which is None for the first block.

    Raises `UserError` if the metrics' names change or a snapshot is missing.
    """
    rows = list(rows)
    names = before.column_names if before is not None else list(rows[0])
    for row in rows:
        _check_same_metrics(row, names)
    table = pa.Table.from_pylist(rows).select(names)
    extended = pa.concat_tables([before, table]) if before is not None else table
    numbers = extended["snapshot"].to_pylist()
    if numbers != list(range(len(numbers))):
        raise UserError(
            f"the metrics skip a snapshot: row {len(numbers)} is snapshot {numbers[-1]}; expected "
            f"snapshot {len(numbers) - 1}"
        )
    return extended


def _check_same_metrics(row: Mapping[str, float], expected: Sequence[str]) -> None:
    if set(row) != set(expected):
        before, now = (
            ", ".join(sorted({*found} - {"snapshot"})) or "none" for found in (expected, row)
        )
        raise UserError(
            f"evaluate returns the metrics {now} at snapshot {row['snapshot']}, but {before} "
            "before: return the same metrics for all snapshots"
        )


def write(path: str | Path, metrics: pa.Table, key: str) -> None:
    """Write a metric table, and its cache key as metadata."""
    table = metrics.replace_schema_metadata({"epochreel": key})
    parquet.write(path, table)


def read(path: str | Path, count: int, key_digest: str) -> pa.Table:
    """Read the metrics of the first `count` snapshots.

    Raises `UserError` if the file is damaged, has a different number of snapshots, or has a cache
    key whose digest is not `key_digest`.
    """
    table = parquet.read(path)
    lineage.check_key(path, parquet.metadata(table.schema), key_digest)
    lineage.check_position(path, table.num_rows - 1, count - 1, "the snapshots up to")
    return table.replace_schema_metadata(None)


def history(metrics: pa.Table, snapshot: int, snapshots_per_epoch: int) -> dict[str, np.ndarray]:
    """Return the metrics of snapshots 0 … `snapshot` as arrays, and their times as `epoch`."""
    part = metrics.slice(0, snapshot + 1)
    arrays = {name: part[name].to_numpy() for name in part.column_names}
    return arrays | {"epoch": arrays["snapshot"] / snapshots_per_epoch}
