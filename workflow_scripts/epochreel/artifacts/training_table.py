"""Training table of a block: losses, learning rate, gradient norm and histograms.

One row per snapshot. Nothing in it depends on the clock or the machine, so figures may read it.

snapshot, step, examples  int64: the snapshot, and the steps and examples before it
epoch                     float64
loss                      float64, mean loss of the steps since the previous snapshot; null at 0
validation_loss           float64; null without validation examples
learning_rate             float64, of the last step; at snapshot 0 that of the first step
gradient_norm             float64, norm of all gradients at the last step, after clipping; null at 0
layers                    one struct per parameter: histograms of weights and gradients
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from epochreel.formats import parquet
from epochreel.provenance import lineage

_HISTOGRAMS = [
    (f"{kind}_{part}", dtype)
    for kind in ("weight", "gradient")
    for part, dtype in (
        ("minimum", pa.float64()),
        ("maximum", pa.float64()),
        ("counts", pa.list_(pa.int64())),
    )
]
_SCHEMA = pa.schema(
    [
        ("snapshot", pa.int64()),
        ("step", pa.int64()),
        ("epoch", pa.float64()),
        ("examples", pa.int64()),
        ("loss", pa.float64()),
        ("validation_loss", pa.float64()),
        ("learning_rate", pa.float64()),
        ("gradient_norm", pa.float64()),
        ("layers", pa.list_(pa.struct([("name", pa.string()), *_HISTOGRAMS]))),
    ]
)


def write(path: str | Path, rows: Sequence[Mapping[str, Any]], key: str) -> None:
    """Write the rows of a block, and the cache key of the training as metadata."""
    table = pa.Table.from_pylist(list(rows), _SCHEMA)
    table = table.replace_schema_metadata({"epochreel": key})
    parquet.write(path, table)


def read(path: str | Path, first: int, steps: Sequence[int], key_digest: str) -> pa.Table:
    """Read the table of the block of snapshots at `steps` that starts with snapshot `first`.

    Raises `UserError` if the file is damaged, belongs to another block, has other steps, or has a
    cache key whose digest is not `key_digest`.
    """
    return _checked(path, parquet.read(path), first, steps, key_digest)


def read_all(paths: Sequence[str | Path], steps: Sequence[int], key_digest: str) -> pa.Table:
    """Read the tables of all blocks from the first one on; `steps` are those of all snapshots.

    Raises `UserError` as `read` does.
    """
    tables, first = [], 0
    for path in paths:
        table = parquet.read(path)
        is_last = path == paths[-1]
        part = steps[first:] if is_last else steps[first : first + table.num_rows]
        tables.append(_checked(path, table, first, part, key_digest))
        first += table.num_rows
    return pa.concat_tables(tables)


def _checked(
    path: str | Path, table: pa.Table, first: int, steps: Sequence[int], key_digest: str
) -> pa.Table:
    lineage.check_key(path, parquet.metadata(table.schema), key_digest)
    found, expected = table["snapshot"].to_pylist(), list(range(first, first + len(steps)))
    lineage.check_position(path, found, expected, "the snapshots")
    lineage.check_position(path, table["step"].to_pylist(), list(steps), "the steps")
    return table.replace_schema_metadata(None)
