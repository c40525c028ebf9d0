"""Summaries: the metrics of all snapshots so far, one small Parquet file per block.

Columns: `snapshot` (int64) and one float64 column per metric, in order of snapshots from 0.
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
    """The summary `before` (None for the first block) with further snapshots' rows."""
    rows = list(rows)
    named = before.column_names if before is not None else list(rows[0])
    for row in rows:
        _check_same_metrics(row, named)
    table = pa.Table.from_pylist(rows).select(named)
    whole = pa.concat_tables([before, table]) if before is not None else table
    numbers = whole["snapshot"].to_pylist()
    if numbers != list(range(len(numbers))):
        raise UserError(
            f"the summary does not run through all snapshots: {numbers[-1]} is no. {len(numbers)}"
        )
    return whole


def _check_same_metrics(row: Mapping[str, float], named: Sequence[str]) -> None:
    if set(row) != set(named):
        first, here = (", ".join(sorted({*names} - {"snapshot"})) for names in (named, row))
        raise UserError(
            f"evaluate returns other metrics at snapshot {row['snapshot']} ({here}) than before "
            f"({first}): return the same at all"
        )


def write(path: str | Path, summary: pa.Table, key: str) -> None:
    """Write a summary, with the key of what it follows from."""
    table = summary.replace_schema_metadata({"epochreel": key})
    parquet.write(path, table)


def read(path: str | Path, count: int, key_digest: str) -> pa.Table:
    """Read the summary of the first `count` snapshots.

    Raises `UserError` where the file is damaged, of more or fewer snapshots, or follows from
    another key than the one of digest `key_digest`.
    """
    table = parquet.read(path)
    lineage.check_key(path, parquet.metadata(table.schema), key_digest)
    lineage.check_position(path, table.num_rows - 1, count - 1, "the snapshots up to")
    return table.replace_schema_metadata(None)


def history(summary: pa.Table, snapshot: int, snapshots_per_epoch: int) -> dict[str, np.ndarray]:
    """The metrics of snapshots 0 … `snapshot` as arrays, and their times as `epoch`."""
    part = summary.slice(0, snapshot + 1)
    arrays = {name: part[name].to_numpy() for name in part.column_names}
    return arrays | {"epoch": arrays["snapshot"] / snapshots_per_epoch}
