"""Datasets on disk: Parquet shards that the Hugging Face libraries read as they are.

An image column is a struct of `bytes` (PNG) and `path` (null), as their `Image` feature stores
it; labels are plain columns. Splits are folders: `train/`, `validation/`, `test/`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from epochreel import origins, png, tables
from epochreel.errors import UserError, first_line, shown

_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}  # Arrow's names
SPLITS = ("train", "validation", "test")
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def write(path: str | Path, examples: Iterable[Mapping[str, Any]], metadata: Mapping) -> int:
    """Write examples to one shard and count them; uint8 arrays of two or three axes are images.

    Raises `UserError` for values that no column holds.
    """
    columns: dict[str, list] = {}
    for example in examples:
        for name, value in example.items():
            columns.setdefault(name, []).append(_or_refused(_stored, value, name, path))
    arrays = {name: _or_refused(_column, values, name, path) for name, values in columns.items()}
    table = pa.table(arrays).replace_schema_metadata(
        {"huggingface": _features(arrays), "epochreel": json.dumps(metadata, sort_keys=True)}
    )
    # The PNG are packed already.
    tables.write(path, table, row_group_size=100, compression="none")
    return table.num_rows


def alike(examples: Any, count: int, source: str) -> Iterator[Mapping[str, Any]]:
    """The examples one by one, which must be `count` dicts of the same columns and shapes.

    Raises `UserError` where `source` gives others.
    """
    if not isinstance(examples, Iterable):
        raise UserError(f"{source} gives {shown(examples)}; it yields one dict for each example")
    number, first = 0, {}
    for number, example in enumerate(examples, start=1):
        if number > count:
            raise UserError(f"{source} gives more than the {count} examples asked for")
        form = _form(example, f"{source} gives an example ({number}. of {count})")
        first = first or form
        if form != first:
            differing = [name for name in {**first, **form} if form.get(name) != first.get(name)]
            is_now, was = (forms.get(differing[0], "missing") for forms in (form, first))
            raise UserError(
                f"{source} gives examples that are not alike: '{differing[0]}' is {was} in the "
                f"first and {is_now} in the {number}. of {count}"
            )
        yield example
    if number < count:
        raise UserError(f"{source} gives {number} examples where {count} are asked for")


def _form(example: Any, what: str) -> dict[str, str]:
    """What the examples of a dataset have in common: columns, and of arrays dtype and shape."""
    if not isinstance(example, Mapping) or not example:
        raise UserError(f"{what} that is {shown(example)}; it is a dict of columns")
    for name in example:
        if not isinstance(name, str):
            raise UserError(f"{what} with the key {shown(name)}; columns are named by text")
    return {
        name: f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else "no array"
        for name, value in example.items()
    }


class Split(Sequence):
    """The examples of one split, decoded when asked for: dicts of column name → value."""

    def __init__(self, paths: Sequence[str | Path]):
        self._shards = {path: tables.read(path) for path in paths}
        self._table = pa.concat_tables(list(self._shards.values()) or [pa.table({})])

    @classmethod
    def of(cls, stage: Mapping[str, Any], name: str, paths: Sequence[str | Path]) -> Split:
        """The split of that name that a stage reads, whole, from its shards in order.

        The stage's settings say how many examples it has. Raises `UserError` for the first shard
        that is damaged, of another place, or follows from anything else than the stage knows.
        """
        split, count = cls._of(stage, name, paths), stage["settings"]["examples"][name]
        if len(split) != count:
            _refuse_end(paths[-1], name, len(split), count)
        return split

    @classmethod
    def sample(
        cls, stage: Mapping[str, Any], name: str, paths: Sequence[str | Path], count: int
    ) -> Split:
        """The first shards of a split, which hold `count` examples or more. Raises as `of` does."""
        split = cls._of(stage, name, paths)
        if len(split) < count:
            _refuse_end(paths[-1], name, len(split), count)
        return split

    @classmethod
    def _of(cls, stage: Mapping[str, Any], name: str, paths: Sequence[str | Path]) -> Split:
        split = cls(paths)
        _check(stage, name, split._shards.items())
        return split

    def __len__(self) -> int:
        return self._table.num_rows

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < len(self):
            raise IndexError(f"example {index} of {len(self)}")
        row = self._table.slice(index, 1)
        return {name: _decoded(row[name])[0] for name in self._table.column_names}

    def arrays(self, workers: int = 1) -> dict[str, np.ndarray]:
        """All examples, stacked: images as uint8 (N, H, W) or (N, H, W, 3), labels as they are.

        `workers` threads decode; the result does not depend on their number.
        """
        with ThreadPoolExecutor(workers) as pool:
            return {name: self._stack(name, pool) for name in self._table.column_names}

    def _stack(self, name: str, pool: ThreadPoolExecutor) -> np.ndarray:
        column = self._table[name]
        if column.type != IMAGE:
            return np.stack(_decoded(column))
        first = _decoded(column.slice(0, 1))[0]
        stack = np.empty((len(column), *first.shape), np.uint8)

        def fill(index: int) -> None:
            stack[index] = png.decode(column[index]["bytes"].as_py())

        list(pool.map(fill, range(len(column)), chunksize=16))
        return stack


def check(stage: Mapping[str, Any], name: str, paths: Sequence[str | Path]) -> None:
    """Raise what `Split.of` raises. One shard at a time is in memory, and nothing is decoded."""
    found = _check(stage, name, ((path, tables.read(path)) for path in paths))
    count = stage["settings"]["examples"][name]
    if found != count:
        _refuse_end(paths[-1], name, found, count)


def _check(
    stage: Mapping[str, Any], name: str, tables_of: Iterable[tuple[str | Path, pa.Table]]
) -> int:
    """Refuse the first shard that another key or place is noted in; how many examples there are."""
    first = 0
    for path, table in tables_of:
        noted = tables.noted(table.schema)
        origins.refuse_others(path, noted.get("key"), stage["reads"]["generate"])
        found = f"{noted['split']} {noted['first']}"
        origins.refuse_another(path, found, f"{name} {first}", "the examples from")
        first += table.num_rows
    return first


def _refuse_end(path: str | Path, name: str, found: int, count: int) -> None:
    place = f"{name} {count - 1}"
    origins.refuse_another(path, f"{name} {found - 1}", place, "the examples up to")


def _or_refused(make: Callable, value: Any, name: str, path: str | Path) -> Any:
    try:
        return make(value)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        reason = first_line(error)
        raise UserError(f"{path} cannot hold the column {shown(name)}: {reason}") from error


def _stored(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.ndim >= 2:
        return {"bytes": png.encode(value), "path": None}
    return value


def _column(values: list) -> pa.Array:
    if isinstance(values[0], dict):
        return pa.array(values, IMAGE)
    if isinstance(values[0], np.ndarray):
        return pa.array(list(values), pa.list_(pa.from_numpy_dtype(values[0].dtype)))
    return pa.array(values)


def _decoded(column: pa.ChunkedArray) -> list:
    if column.type == IMAGE:
        return [png.decode(value["bytes"].as_py()) for value in column]
    if pa.types.is_list(column.type):
        return [np.asarray(value.values) for value in column]
    return column.to_pylist()


def _features(arrays: Mapping[str, pa.Array]) -> str:
    """The column types as the Hugging Face `datasets` library notes them in a Parquet file."""

    def feature(kind: pa.DataType) -> dict:
        if kind == IMAGE:
            return {"_type": "Image"}
        if pa.types.is_list(kind):
            return {"feature": feature(kind.value_type), "_type": "List"}
        return {"dtype": _FLOATS.get(str(kind), str(kind)), "_type": "Value"}

    features = {name: feature(array.type) for name, array in arrays.items()}
    return json.dumps({"info": {"features": features}}, sort_keys=True)
