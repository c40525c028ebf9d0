"""Dataset shards: Parquet files that the Hugging Face libraries can read directly.

An image column is a struct of `bytes` (PNG) and `path` (null), as the `Image` feature stores it.
Labels are plain columns. Splits are folders: `train/`, `validation/`, `test/`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochreel.core.errors import UserError, first_line, shown
from epochreel.formats import parquet, png
from epochreel.provenance import lineage

_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}  # Arrow's names
SPLITS = ("train", "validation", "test")
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
# Training and evaluation read each column as one array.
_ALLOWED = (
    "numbers, equally long lists or arrays of numbers, or images (uint8, (H, W) or (H, W, 3))"
)


def write(
    path: str | Path,
    examples: Iterable[Mapping[str, Any]],
    metadata: Mapping,
    source: str | None = None,
) -> int:
    """Write examples to one shard and return their number.

    uint8 arrays of two or three axes are stored as images. Raises `UserError` for values that a
    column cannot hold; the message names `source` as their origin.
    """
    arrays = _arrays(examples, source or f"an example for {path}")
    table = pa.table(arrays).replace_schema_metadata(
        {"huggingface": _features(arrays), "epochreel": json.dumps(metadata, sort_keys=True)}
    )
    # PNG data is compressed already.
    parquet.write(path, table, row_group_size=100, compression="none", compression_level=None)
    return table.num_rows


def _arrays(examples: Iterable[Mapping[str, Any]], source: str) -> dict[str, pa.Array]:
    """Return the columns of examples in the form in which a shard stores them."""
    columns: dict[str, list] = {}
    for example in examples:
        for name, value in example.items():
            columns.setdefault(name, []).append(convert_or_raise(_stored, value, name, source))
    return {
        name: convert_or_raise(_column, values, name, source) for name, values in columns.items()
    }


def checked_examples(examples: Any, count: int, source: str) -> Iterator[Mapping[str, Any]]:
    """Yield copies of the examples, since a generator may reuse its arrays.

    Check that they are `count` dicts with the same columns and shapes. Raises `UserError`, with
    `source` as the origin of the examples, if they are not.
    """
    if not isinstance(examples, Iterable):
        raise UserError(f"{source} returns {shown(examples)}; expected an iterable of dicts")
    number, first = 0, {}
    for number, example in enumerate(examples, start=1):
        if number > count:
            raise UserError(f"{source} yields more than {count} examples; expected {count}")
        form = _column_forms(example, f"{source} yields example {number} of {count}")
        first = first or form
        if form != first:
            differing = [name for name in {**first, **form} if form.get(name) != first.get(name)]
            found, expected = (forms.get(differing[0], "missing") for forms in (form, first))
            raise UserError(
                f"{source} yields examples with different columns: '{differing[0]}' is {expected} "
                f"in example 1 and {found} in example {number} of {count}"
            )
        yield {name: _owned(value) for name, value in example.items()}
    if number < count:
        raise UserError(f"{source} yields {number} examples; expected {count}")


def check_last(path: str | Path, alone: Iterable[Mapping[str, Any]], source: str) -> None:
    """Check that the last example of a shard is the same when generated alone.

    Raises `UserError` if not: `source`, a file and its function, keeps state between examples.
    """
    table = parquet.read(path)
    last = table.slice(table.num_rows - 1)
    again = pa.table(_arrays(alone, source)).select(last.column_names)
    # As text: NaN is then equal to NaN.
    if str(again.cast(last.schema, safe=False).to_pylist()) != str(last.to_pylist()):
        raise UserError(
            f"{source} yields a different example {table.num_rows - 1} when it generates no "
            "others: make it depend only on the seed, the split and the index"
        )


def _column_forms(example: Any, what: str) -> dict[str, str]:
    """Return what all examples of a dataset share: the columns, their dtypes and shapes."""
    if not isinstance(example, Mapping) or not example:
        raise UserError(f"{what} as {shown(example)}; expected a dict of columns")
    for name in example:
        if not isinstance(name, str):
            raise UserError(f"{what} with the key {shown(name)}; expected column names as strings")
    return {name: _value_form(value) for name, value in example.items()}


def _owned(value: Any) -> Any:
    """Copy an array, a list or a tensor; return any other value."""
    copy = getattr(value, "copy", None) or getattr(value, "clone", None)
    return copy() if callable(copy) else value


def _value_form(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return f"a list of {len(value)}" if isinstance(value, list | tuple) else "a single value"


class Split(Sequence):
    """The examples of one split, decoded on access: dicts of column name → value."""

    def __init__(self, paths: Sequence[str | Path]):
        read = {path: parquet.read_with_digest(path) for path in paths}
        self._shards = {path: table for path, (table, _) in read.items()}
        self.digests = [digest for _, digest in read.values()]
        """Checksums of the shards, in order. Each file is read and hashed once."""

    @cached_property
    def _table(self) -> pa.Table:
        """All shards as one table; `UserError` for the first whose columns differ."""
        _check_same_columns(self._shards)
        return pa.concat_tables(list(self._shards.values()) or [pa.table({})])

    @classmethod
    def of(cls, stage: Mapping[str, Any], name: str, paths: Sequence[str | Path]) -> Split:
        """Read the whole split `name` of a stage from its shards, in order.

        Raises `UserError` for the first shard that is damaged, belongs elsewhere in the dataset, or
        was made with settings other than the stage expects, and if the number of examples differs
        from the stage's settings.
        """
        split, count = cls._of(stage, name, paths), stage["settings"]["examples"][name]
        if len(split) != count:
            _raise_wrong_count(paths[-1], name, len(split), count)
        return split

    @classmethod
    def sample(
        cls, stage: Mapping[str, Any], name: str, paths: Sequence[str | Path], count: int
    ) -> Split:
        """Read the first shards of a split, which hold at least `count` examples.

        Raises `UserError` as `of` does.
        """
        split = cls._of(stage, name, paths)
        if len(split) < count:
            _raise_wrong_count(paths[-1], name, len(split), count)
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

    def column(self, name: str) -> pa.Array:
        """Return one column of all examples, without decoding the others."""
        return self._table[name].combine_chunks()

    def arrays(self, workers: int = 1) -> dict[str, np.ndarray]:
        """Return all examples stacked: images as uint8 (N, H, W[, 3]), labels unchanged.

        Decodes in `workers` threads; the result does not depend on their number.
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
    """Check the shards of a split as `Split.of` does.

    Holds one shard at a time in memory and decodes no images.
    """
    found = _check(stage, name, ((path, parquet.read(path)) for path in paths))
    count = stage["settings"]["examples"][name]
    if found != count:
        _raise_wrong_count(paths[-1], name, found, count)


def _check(
    stage: Mapping[str, Any], name: str, tables: Iterable[tuple[str | Path, pa.Table]]
) -> int:
    """Check the key and the position of each shard and return the number of examples."""
    first = 0
    for path, table in tables:
        metadata = parquet.metadata(table.schema)
        lineage.check_key(path, metadata.get("key"), stage["reads"]["generate_dataset"])
        found = f"{metadata['split']} {metadata['first']}"
        lineage.check_position(path, found, f"{name} {first}", "the examples from")
        first += table.num_rows
    return first


def _check_same_columns(shards: Mapping[str | Path, pa.Table]) -> None:
    """Raise `UserError` for the first shard whose columns differ from the first's."""
    types_by_path = {path: _table_types(table) for path, table in shards.items() if len(table)}
    start, first = next(iter(types_by_path.items()), (None, {}))
    for path, types in types_by_path.items():
        for name in {**first, **types}:
            found, expected = types.get(name, "missing"), first.get(name, "missing")
            if found != expected:
                raise UserError(
                    f"{path}: column {shown(name)} is {found}, but {expected} in {start}: "
                    "generate in data.py must return the same columns for all examples"
                )


def _table_types(table: pa.Table) -> dict[str, str]:
    """Return each column's type and shape by name, from the shard's first example."""
    forms = {}
    for name in table.column_names:
        kind, value = table[name].type, table[name][0]
        if kind == IMAGE:
            forms[name] = f"an image {png.shape(value['bytes'].as_py())}"
        elif pa.types.is_list(kind):
            forms[name] = f"{kind.value_type} ({len(value)},)"
        else:
            forms[name] = str(kind)
    return forms


def _raise_wrong_count(path: str | Path, name: str, found: int, count: int) -> None:
    expected = f"{name} {count - 1}"
    lineage.check_position(path, f"{name} {found - 1}", expected, "the examples up to")


def convert_or_raise(convert: Callable, value: Any, name: str, source: str) -> Any:
    """Return `convert(value)`; raise `UserError` if the column `name` cannot hold the value.

    `source` is the file and the function that returned the value.
    """
    try:
        return convert(value)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{source} produces a value that column {shown(name)} cannot hold "
            f"({first_line(error)}); expected {_ALLOWED}"
        ) from error


def _stored(value: Any) -> Any:
    if isinstance(value, Mapping):  # Only images are stored as structs.
        raise TypeError(shown(value))
    if isinstance(value, np.ndarray) and value.ndim >= 2:
        return {"bytes": png.encode(value), "path": None}
    return value


def _column(values: list) -> pa.Array:
    if isinstance(values[0], dict):
        return pa.array(values, IMAGE)
    if isinstance(values[0], np.ndarray):
        array = pa.array(list(values), pa.list_(pa.from_numpy_dtype(values[0].dtype)))
    else:
        array = pa.array(values)
    _check_readable(array)
    return array


def _check_readable(array: pa.Array) -> None:
    """Raise if `Split.arrays` could not read the column as one array of numbers."""
    is_list = pa.types.is_list(array.type)
    values = array.flatten() if is_list else array
    if not any(is_kind(values.type) for is_kind in _NUMBERS):
        raise TypeError(f"values of type {values.type}")
    if array.null_count or values.null_count:
        raise TypeError("None among the values")
    if array.type == pa.uint64() and pc.max(array).as_py() >= 2**63:
        raise OverflowError("integers of more than 63 bits")
    if is_list and len(pc.unique(pc.list_value_length(array))) > 1:
        raise TypeError("lists of different lengths")


def _decoded(column: pa.ChunkedArray) -> list:
    if column.type == IMAGE:
        return [png.decode(value["bytes"].as_py()) for value in column]
    if pa.types.is_list(column.type):
        return [np.asarray(value.values) for value in column]
    return column.to_pylist()


def _features(arrays: Mapping[str, pa.Array]) -> str:
    """Return the column types in the form that Hugging Face `datasets` stores in Parquet."""

    def feature(kind: pa.DataType) -> dict:
        if kind == IMAGE:
            return {"_type": "Image"}
        if pa.types.is_list(kind):
            return {"feature": feature(kind.value_type), "_type": "List"}
        return {"dtype": _FLOATS.get(str(kind), str(kind)), "_type": "Value"}

    features = {name: feature(array.type) for name, array in arrays.items()}
    return json.dumps({"info": {"features": features}}, sort_keys=True)
