"""Columns of evaluations and of test examples, as panels show them.

A column is named in the config or in figure.py; without a name, it is guessed from the names and
the types of all columns. Columns of the evaluation come before those of the test examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochreel.core.errors import UserError, shown
from epochreel.drawing.frame import FrameData, RunInfo

TRUTH = ("truth", "label", "labels", "target", "targets", "letters", "digits", "text", "class")
PREDICTION = ("prediction", "predictions", "predicted", "output", "guess")
IMAGE = ("image", "photo", "picture", "page")
"""Names by which columns are guessed; those that begin with one of them come next."""


def find(
    run_info: RunInfo,
    role: str,
    name: str | None,
    guesses: Sequence[str] = (),
    suits: Callable[[Any], bool] = lambda _type: True,
    is_strict: bool = False,
) -> str:
    """Return the name of the column for a role, such as `truth`.

    Without a `name`, returns the first that `suits`: a function of a column's type, or of the shape
    of an image. Raises `UserError` if there is none, or, if `is_strict`, if the one named does not
    suit.
    """
    types = _types(run_info)
    if name is not None:
        if name not in types:
            raise UserError(f"there is no column {shown(name)} for '{role}'; {_listed(types)}")
        if is_strict and not suits(types[name]):
            fitting = [column for column, kind in types.items() if suits(kind)]
            raise UserError(f"column {shown(name)} does not suit '{role}'; {_listed(fitting)}")
        return name
    suited = [column for column, kind in types.items() if suits(kind)]
    named = [column for column in guesses if column in suited]
    named += [column for column in suited if column.startswith(tuple(guesses))]
    if not named:
        raise UserError(f"there is no obvious column for '{role}': name it; {_listed(types)}")
    return named[0]


def guess(*arguments: Any, **options: Any) -> str | None:
    """Return the same as `find`, but None if there is no such column."""
    try:
        return find(*arguments, **options)
    except UserError:
        return None


def _listed(types: Iterable[str]) -> str:
    return f"expected one of {', '.join(types) or 'none: there are no columns'}"


def _types(run_info: RunInfo) -> dict[str, Any]:
    """Return the type of each column: an Arrow type, or the shape of an image."""
    found = {}
    if run_info.untrained is not None:
        schema = run_info.untrained.predictions.schema
        found = dict(zip(schema.names, schema.types, strict=True))
    if len(run_info.test):
        for name, value in run_info.test[0].items():
            is_image = isinstance(value, np.ndarray) and value.ndim > 1
            found.setdefault(name, value.shape if is_image else pa.array([value]).type)
    return found


# Types


def is_image(kind: Any) -> bool:
    """Check that a column of test examples holds images."""
    return isinstance(kind, tuple)


def is_class(kind: Any) -> bool:
    """Check that a column holds classes or lists of classes: text, integers or truth values."""
    if is_image(kind):
        return False
    while _is_list(kind):
        kind = kind.value_type
    checks = (pa.types.is_dictionary, pa.types.is_integer, pa.types.is_boolean)
    return any(is_kind(kind) for is_kind in (*checks, _is_text))


def is_text(kind: Any) -> bool:
    """Check that a column holds text, or lists of classes that can be written as text."""
    return not is_image(kind) and (_is_text(kind) or (_is_list(kind) and is_class(kind)))


def is_number(kind: Any) -> bool:
    """Check that a column holds one number per row."""
    return not is_image(kind) and (pa.types.is_floating(kind) or pa.types.is_integer(kind))


def is_numbers(kind: Any) -> bool:
    """Check that a column holds a list of numbers per row."""
    if is_image(kind) or not _is_list(kind):
        return False
    while _is_list(kind):
        kind = kind.value_type
    return pa.types.is_floating(kind) or pa.types.is_integer(kind)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


# Values


def is_of_test(run_info: RunInfo, name: str) -> bool:
    """Check that a column is one of the test examples, the same in all frames."""
    found = run_info.untrained
    return found is None or name not in found.predictions.column_names


def values(run_info: RunInfo, frame_data: FrameData, name: str) -> pa.Array:
    """Return the column of all test examples, without those of a training sample."""
    if not is_of_test(run_info, name):
        column = frame_data.predictions[name].slice(0, rows(run_info))
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    test = run_info.test
    if hasattr(test, "column"):
        return test.column(name)
    return pa.array([example[name] for example in test])


def rows(run_info: RunInfo) -> int:
    """Return the number of rows of the test examples; those of a training sample come after."""
    return run_info.rows_per_example * len(run_info.test)


def of_example(run_info: RunInfo, frame_data: FrameData, name: str, example: int) -> list:
    """Return the values of a test example: those of its rows, a list each if they are lists."""
    if is_of_test(run_info, name):
        value = run_info.test[example][name]
        return list(value) if isinstance(value, np.ndarray) else [value]
    count = run_info.rows_per_example
    return frame_data.predictions[name].slice(example * count, count).to_pylist()


def answer(run_info: RunInfo, frame_data: FrameData, name: str, example: int) -> list[str]:
    """Return what is true or predicted for a test example, as text: one item for each class."""
    found = of_example(run_info, frame_data, name, example)
    while found and isinstance(found[0], list):
        found = [value for part in found for value in part]
    return [in_words(value) for value in found]


def in_words(value: Any) -> str:
    """Write a value of a class: 3.0 as 3, a missing one as –."""
    if value is None or value != value:
        return "–"
    if isinstance(value, float | np.floating):
        return f"{value:.3g}"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool | np.bool_) else str(value)


def joined(tokens: Sequence[str]) -> str:
    """Write the answers of an example in a line: "637", but "dog cat"."""
    return ("" if all(len(token) == 1 for token in tokens) else " ").join(tokens)


def flat(column: pa.Array, name: str) -> pa.Array:
    """Return the classes in a column as int64 or text, those in lists one after the other.

    Raises `UserError` for fractions.
    """
    while _is_list(column.type):
        column = column.flatten()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, "yes", "no")
    if pa.types.is_floating(column.type):
        numbers = column.to_numpy(zero_copy_only=False).astype(float)
        known = numbers[~np.isnan(numbers)]
        if (known % 1 != 0).any():
            raise UserError(f"the column '{name}' holds fractions; expected classes")
        return pa.array(numbers, from_pandas=True).cast(pa.int64())
    return column.cast(pa.string() if _is_text(column.type) else pa.int64())


def numbers(run_info: RunInfo, frame_data: FrameData, name: str) -> np.ndarray:
    """Return a column of numbers as floats, (N,) or (N, …); NaN where it is null."""
    column = values(run_info, frame_data, name)
    lengths = [len(column)]
    while _is_list(column.type):
        column = column.flatten()
        lengths.append(len(column))
    sizes = [inner // max(outer, 1) for outer, inner in pairwise(lengths)]
    return column.to_numpy(zero_copy_only=False).astype(float).reshape(lengths[0], *sizes)


class Answers:
    """The classes of all test examples, and what the network predicts."""

    def __init__(self, run_info: RunInfo, truth: str | None, prediction: str | None):
        self._info = run_info
        self.truth = find(run_info, "truth", truth, TRUTH, is_class)
        self.prediction = find(run_info, "prediction", prediction, PREDICTION, is_class)
        self._classes = self._known()
        self.names = [in_words(value) for value in self._classes.to_pylist()]

    def _known(self) -> pa.Array:
        """Return all classes: those of a column of names in their order, others sorted."""
        columns = [
            values(self._info, self._info.untrained, name) for name in (self.truth, self.prediction)
        ]
        for column in columns:
            while _is_list(column.type):
                column = column.flatten()
            if pa.types.is_dictionary(column.type):
                return column.dictionary
        found = [
            flat(column, name)
            for column, name in zip(columns, (self.truth, self.prediction), strict=True)
        ]
        if found[0].type != found[1].type:
            found = [column.cast(pa.string()) for column in found]
        classes = pa.concat_arrays(found).unique().drop_null()
        return classes.take(pc.sort_indices(classes))

    def truths(self, frame_data: FrameData) -> np.ndarray:
        """Return the index of each true class, (N,); -1 where it is missing."""
        return self._indices(frame_data, self.truth)

    def predictions(self, frame_data: FrameData) -> np.ndarray:
        """Return the index of each predicted class, (N,); -1 where it is none of the classes."""
        return self._indices(frame_data, self.prediction)

    def _indices(self, frame_data: FrameData, name: str) -> np.ndarray:
        found = flat(values(self._info, frame_data, name), name)
        if found.type != self._classes.type:
            found = found.cast(self._classes.type)
        indices = pc.index_in(found, self._classes, skip_nulls=True)
        return indices.fill_null(-1).to_numpy(zero_copy_only=False)


# Pictures


def examples(run_info: RunInfo, most: int) -> list[int]:
    """Return the numbers of the test examples to show: the run's, or the first ones."""
    chosen = run_info.examples if run_info.examples else range(len(run_info.test))
    return list(chosen)[:most]


def picture(
    run_info: RunInfo,
    frame_data: FrameData,
    name: str,
    example: int,
    like: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Return the image or the label map of a test example, (h, w) or (h, w, 3).

    A flat list has the shape `like`, that of the photo, if it fits; otherwise it is a square or a
    row. Several rows of an example are one below the other.
    """
    if is_of_test(run_info, name):
        array = np.asarray(run_info.test[example][name])
    else:
        array = np.array(of_example(run_info, frame_data, name, example))
        array = array[0] if len(array) == 1 else array
    if array.ndim >= 2:
        return array
    return np.atleast_2d(_shaped(array, like))


def _shaped(array: np.ndarray, like: tuple[int, ...] | None) -> np.ndarray:
    if like is not None:
        for shape in (like, like[:2], (*like[:2], 3)):
            if array.size == np.prod(shape):
                return array.reshape(shape)
    side = round(array.size**0.5)
    return array.reshape(side, side) if side * side == array.size and side > 1 else array
