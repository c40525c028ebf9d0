"""Evaluations: every prediction on the test set at one snapshot, one Parquet file each.

The columns are the experiment's. The file's metadata hold, under `epochreel`, a JSON object:

    snapshot  the snapshot's number
    metrics   name → number, the experiment's measures of this snapshot
    key       what the file follows from: see `provenance.keys.key`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from epochreel.formats import parquet
from epochreel.provenance import lineage


def write(
    path: str | Path, columns: Mapping[str, Any], metrics: Mapping[str, float], about: Mapping
) -> None:
    """Write one evaluation; `about` holds `snapshot` and `key`."""
    noted = {**about, "metrics": {name: float(value) for name, value in metrics.items()}}
    table = pa.table(dict(columns)).replace_schema_metadata(
        {"epochreel": json.dumps(noted, sort_keys=True)}
    )
    parquet.write(path, table, **_packing(table.schema))


def _packing(schema: pa.Schema) -> dict[str, list[str]]:
    """How columns are packed: repeated labels by dictionary, numbers like no other by their bytes.

    A dictionary of probabilities would be longer than they are, and slow to make and to read.
    """
    leaves = {field.name: _leaf(field.name, field.type) for field in schema}
    numbers = [path for path, kind in leaves.values() if pa.types.is_floating(kind)]
    labels = [path for path, kind in leaves.values() if not pa.types.is_floating(kind)]
    return {"use_dictionary": labels, "use_byte_stream_split": numbers}


def _leaf(path: str, kind: pa.DataType) -> tuple[str, pa.DataType]:
    """The path in Parquet, and the type, of what a column of (nested) lists holds."""
    while pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        path, kind = f"{path}.list.element", kind.value_type
    return path, kind


def read(path: str | Path) -> pa.Table:
    """The predictions of any evaluation. Raises `UserError` where the file is damaged."""
    return parquet.read(path)


def of(path: str | Path, snapshot: int, key_digest: str) -> pa.Table:
    """The predictions of the evaluation of `snapshot`.

    Raises `UserError` where the file is damaged, another snapshot's, or follows from another key
    than the one of digest `key_digest`.
    """
    table = read(path)
    _check_key(path, parquet.metadata(table.schema), snapshot, key_digest)
    return table


def about(path: str | Path) -> dict[str, Any]:
    """The metadata of one evaluation: `snapshot`, `metrics`, `key`; the columns are not read."""
    return parquet.read_metadata(path)


def metrics(path: str | Path, snapshot: int, key_digest: str) -> dict[str, float]:
    """The metrics of the evaluation of `snapshot`. Raises as `of` does."""
    noted = about(path)
    _check_key(path, noted, snapshot, key_digest)
    return noted["metrics"]


def _check_key(path: str | Path, noted: Mapping, snapshot: int, key_digest: str) -> None:
    lineage.check_position(path, noted.get("snapshot"), snapshot)
    lineage.check_key(path, noted.get("key"), key_digest)
