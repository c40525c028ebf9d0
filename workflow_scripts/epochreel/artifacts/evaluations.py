"""Evaluations: all predictions on the test set at one snapshot, one Parquet file each.

The experiment defines the columns. The file's metadata holds a JSON object under `epochreel`:

    snapshot  number of the snapshot
    metrics   name → number, or null if undefined: the experiment's metrics at this snapshot
    key       the cache key (see `provenance.keys.key`)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from epochreel.formats import parquet
from epochreel.provenance import lineage


def write(
    path: str | Path,
    columns: Mapping[str, Any],
    metrics: Mapping[str, float | None],
    metadata: Mapping,
) -> None:
    """Write one evaluation. `metadata` holds `snapshot` and `key`; undefined metrics are None."""
    numbers = {name: None if value is None else float(value) for name, value in metrics.items()}
    content = {**metadata, "metrics": numbers}
    table = pa.table(dict(columns)).replace_schema_metadata(
        {"epochreel": json.dumps(content, sort_keys=True)}
    )
    parquet.write(path, table, **_encodings(table.schema))


def _encodings(schema: pa.Schema) -> dict[str, list[str]]:
    """Return the Parquet encodings: dictionaries for labels, byte stream split for floats.

    A dictionary of probabilities would be larger than the values, and slow to write and to read.
    Half floats are stored with the encoding PLAIN: DuckDB 2.0 rejects BYTE_STREAM_SPLIT for them.
    """
    leaves = [_leaf(field.name, field.type) for field in schema]
    labels = [path for path, dtype in leaves if not pa.types.is_floating(dtype)]
    split = [path for path, dtype in leaves if pa.types.is_float32(dtype) or dtype == pa.float64()]
    return {"use_dictionary": labels, "use_byte_stream_split": split}


def _leaf(path: str, dtype: pa.DataType) -> tuple[str, pa.DataType]:
    """Return the Parquet path and the type of the values in a column of (nested) lists."""
    while pa.types.is_list(dtype) or pa.types.is_fixed_size_list(dtype):
        path, dtype = f"{path}.list.element", dtype.value_type
    return path, dtype


def named(indices: np.ndarray, names: Sequence[str]) -> pa.Array:
    """Return class indices as a dictionary column of the classes' names.

    Readers show the names; `indices` returns the numbers. `indices` is (N,), or (N, K) for K
    classes per row; `names` are distinct and in the order of the classes.
    """
    smallest = np.min_scalar_type(-len(names))  # signed: Parquet readers expect it
    flat = pa.array(np.ascontiguousarray(indices, smallest).ravel())
    column = pa.DictionaryArray.from_arrays(flat, pa.array(names, pa.string()))
    if indices.ndim == 1:
        return column
    return pa.FixedSizeListArray.from_arrays(column, indices.shape[1])


def indices(column: pa.ChunkedArray) -> np.ndarray:
    """Return the class indices of a column made by `named`, or the numbers of any other column.

    (N,), or (N, K) for lists of K: a view if the column is contiguous.
    """
    column = column.combine_chunks()
    flat = column.flatten() if pa.types.is_fixed_size_list(column.type) else column
    values = flat.indices if pa.types.is_dictionary(flat.type) else flat
    shape = (len(column),) if flat is column else (len(column), -1)
    return values.to_numpy(zero_copy_only=False).reshape(shape)


def read(path: str | Path) -> pa.Table:
    """Read the predictions of an evaluation. Raises `UserError` if the file is damaged."""
    return parquet.read(path)


def read_snapshot(path: str | Path, snapshot: int, key_digest: str) -> pa.Table:
    """Read the predictions of the evaluation of `snapshot`.

    Raises `UserError` if the file is damaged, belongs to another snapshot, or depends on a cache
    key whose digest is not `key_digest`.
    """
    table = read(path)
    _check_key(path, parquet.metadata(table.schema), snapshot, key_digest)
    return table


class Predictions:
    """The predictions of a snapshot: an Arrow table whose columns are read when they are needed.

    `predictions["label"]` and `predictions.select([…])` read only these columns; any other
    attribute of a `pa.Table` reads the whole table. Raises errors as `read_snapshot` does.
    """

    def __init__(self, path: str | Path, snapshot: int, key_digest: str):
        self._origin = path, snapshot, key_digest

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        return self.select([name])[name]

    def select(self, names: Sequence[str]) -> pa.Table:
        """Return a table of these columns. Raises `KeyError` if it has no such column."""
        path, snapshot, key_digest = self._origin
        table = parquet.read(path, list(names))
        _check_key(path, parquet.metadata(table.schema), snapshot, key_digest)
        if missing := [name for name in names if name not in table.column_names]:
            raise KeyError(missing[0])
        return table

    @cached_property
    def table(self) -> pa.Table:
        """The whole table."""
        return read_snapshot(*self._origin)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Read the metadata of an evaluation (`snapshot`, `metrics`, `key`) without its columns."""
    return parquet.read_metadata(path)


def metrics(path: str | Path, snapshot: int, key_digest: str) -> dict[str, float | None]:
    """Read the metrics of the evaluation of `snapshot`; None where undefined.

    Raises as `read_snapshot` does.
    """
    metadata = read_metadata(path)
    _check_key(path, metadata, snapshot, key_digest)
    return metadata["metrics"]


def _check_key(path: str | Path, metadata: Mapping, snapshot: int, key_digest: str) -> None:
    lineage.check_position(path, metadata.get("snapshot"), snapshot)
    lineage.check_key(path, metadata.get("key"), key_digest)
