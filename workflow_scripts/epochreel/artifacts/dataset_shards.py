"""Datasets on disk: Parquet shards that the Hugging Face libraries read as they are.

An image column is a struct of `bytes` (PNG) and `path` (null), as their `Image` feature stores
it; labels are plain columns. Splits are folders: `train/`, `validation/`, `test/`.
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
_HELD = "numbers, lists or arrays of equally many numbers, or images (uint8, (H, W) or (H, W, 3))"
"""What a column may hold: what training and evaluation can read as one array."""


def write(
    path: str | Path,
    examples: Iterable[Mapping[str, Any]],
    metadata: Mapping,
    source: str | None = None,
) -> int:
    """Write examples to one shard and count them; uint8 arrays of two or three axes are images.

    Raises `UserError` for values that no column holds; it says that `source` gives them.
    """
    source = source or f"an example for {path}"
    columns: dict[str, list] = {}
    for example in examples:
        for name, value in example.items():
            columns.setdefault(name, []).append(or_refused(_stored, value, name, source))
    arrays = {name: or_refused(_column, values, name, source) for name, values in columns.items()}
    table = pa.table(arrays).replace_schema_metadata(
        {"huggingface": _features(arrays), "epochreel": json.dumps(metadata, sort_keys=True)}
    )
    # The PNG are packed already.
    parquet.write(path, table, row_group_size=100, compression="none", compression_level=None)
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
    return {name: _form_of(value) for name, value in example.items()}


def _form_of(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return f"a list of {len(value)}" if isinstance(value, list | tuple) else "no array"


class Split(Sequence):
    """The examples of one split, decoded when asked for: dicts of column name → value."""

    def __init__(self, paths: Sequence[str | Path]):
        read = {path: parquet.read_with_digest(path) for path in paths}
        self._shards = {path: table for path, (table, _) in read.items()}
        self.digests = [digest for _, digest in read.values()]
        """The checksums of the shards, in order: each file is read and hashed once."""

    @cached_property
    def _table(self) -> pa.Table:
        """All shards; `UserError` for the first with other columns than those before."""
        _check_same_form(self._shards)
        return pa.concat_tables(list(self._shards.values()) or [pa.table({})])

    @classmethod
    def of(cls, stage: Mapping[str, Any], name: str, paths: Sequence[str | Path]) -> Split:
        """The split of that name that a stage reads, whole, from its shards in order.

        The stage's settings say how many examples it has. Raises `UserError` for the first shard
        that is damaged, of another place, or follows from anything else than the stage knows.
        """
        split, count = cls._of(stage, name, paths), stage["settings"]["examples"][name]
        if len(split) != count:
            _raise_wrong_end(paths[-1], name, len(split), count)
        return split

    @classmethod
    def sample(
        cls, stage: Mapping[str, Any], name: str, paths: Sequence[str | Path], count: int
    ) -> Split:
        """The first shards of a split, which hold `count` examples or more. Raises as `of` does."""
        split = cls._of(stage, name, paths)
        if len(split) < count:
            _raise_wrong_end(paths[-1], name, len(split), count)
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
    found = _check(stage, name, ((path, parquet.read(path)) for path in paths))
    count = stage["settings"]["examples"][name]
    if found != count:
        _raise_wrong_end(paths[-1], name, found, count)


def _check(
    stage: Mapping[str, Any], name: str, tables_of: Iterable[tuple[str | Path, pa.Table]]
) -> int:
    """Refuse the first shard that another key or place is noted in; how many examples there are."""
    first = 0
    for path, table in tables_of:
        noted = parquet.metadata(table.schema)
        lineage.check_key(path, noted.get("key"), stage["reads"]["generate_dataset"])
        found = f"{noted['split']} {noted['first']}"
        lineage.check_position(path, found, f"{name} {first}", "the examples from")
        first += table.num_rows
    return first


def _check_same_form(shards: Mapping[str | Path, pa.Table]) -> None:
    """Refuse the first shard whose columns or their forms are not those of the very first."""
    forms = {path: _forms(table) for path, table in shards.items() if len(table)}
    start, first = next(iter(forms.items()), (None, {}))
    for path, form in forms.items():
        for name in {**first, **form}:
            is_now, was = form.get(name, "missing"), first.get(name, "missing")
            if is_now != was:
                raise UserError(
                    f"{path}: the column {shown(name)} is {is_now}, and {was} in {start}: "
                    "let generate in data.py give all examples the same columns"
                )


def _forms(table: pa.Table) -> dict[str, str]:
    """What a shard's columns hold, as its first example tells: by name, kind and shape."""
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


def _raise_wrong_end(path: str | Path, name: str, found: int, count: int) -> None:
    place = f"{name} {count - 1}"
    lineage.check_position(path, f"{name} {found - 1}", place, "the examples up to")


def or_refused(make: Callable, value: Any, name: str, source: str) -> Any:
    """What `make` makes of what `source` gives in the column `name`; `UserError` if it cannot."""
    try:
        return make(value)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{source} gives what the column {shown(name)} cannot hold ({first_line(error)}); "
            f"it may hold {_HELD}"
        ) from error


def _stored(value: Any) -> Any:
    if isinstance(value, Mapping):  # Only an image is stored as such.
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
    """Refuse a column that `Split.arrays` could not make one array of numbers from."""
    is_list = pa.types.is_list(array.type)
    values = array.flatten() if is_list else array
    if not any(is_kind(values.type) for is_kind in _NUMBERS):
        raise TypeError(f"values of type {values.type}")
    if array.null_count or values.null_count:
        raise TypeError("None among its values")
    if array.type == pa.uint64() and pc.max(array).as_py() >= 2**63:
        raise OverflowError("single numbers of more than 63 bits")
    if is_list and len(pc.unique(pc.list_value_length(array))) > 1:
        raise TypeError("lists of other lengths")


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
