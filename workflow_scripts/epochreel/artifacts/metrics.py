"""Metric tables: the metrics of all snapshots so far, one small Parquet file per block.

Columns: `snapshot` and `step` (int64), and one float64 column per metric, ordered by snapshot from
0. `step` is the training step. A metric is null where it is undefined: where `evaluate` returned
None or NaN, or did not return it.

The last columns are the narration of the film, see `epochreel.narration`: `sentence` (string) and,
for runs with a cast that the experiment grades, `cast` (list of float32), the grades of the cast.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from epochreel.core.errors import UserError
from epochreel.formats import parquet
from epochreel.provenance import lineage

_POSITION = ("snapshot", "step")
_SENTENCE, _CAST = "sentence", "cast"


def extend(before: pa.Table | None, rows: Iterable[Mapping[str, float | None]]) -> pa.Table:
    """Append rows of further snapshots to the table `before`, which is None for the first block.

    The result has no sentences and no grades: `with_narration` adds them.
    Columns are in the order in which snapshots first have them, so they do not depend on blocks.
    Raises `UserError` if a snapshot is missing.
    """
    rows = list(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    schema = pa.schema(
        [(name, pa.int64() if name in _POSITION else pa.float64()) for name in names]
    )
    tables = [] if before is None else [_numbers(before)]
    tables.append(pa.Table.from_pylist(rows, schema))
    extended = pa.concat_tables(tables, promote_options="default")  # adds columns of nulls
    numbers = extended["snapshot"].to_pylist()
    if numbers != list(range(len(numbers))):
        raise UserError(
            f"the metrics skip a snapshot: row {len(numbers)} is snapshot {numbers[-1]}; expected "
            f"snapshot {len(numbers) - 1}"
        )
    return extended


def with_narration(
    metrics: pa.Table, sentences: Sequence[str], grades: np.ndarray | None
) -> pa.Table:
    """Add the sentence of each snapshot and, unless None, the grades of the cast, (n, cast)."""
    narrated = metrics.append_column(_SENTENCE, pa.array(sentences, pa.string()))
    if grades is None:
        return narrated
    flat = pa.array(grades.astype(np.float32).ravel())
    ends = pa.array(np.arange(len(grades) + 1, dtype=np.int32) * grades.shape[1])
    return narrated.append_column(_CAST, pa.ListArray.from_arrays(ends, flat))


def sentences(metrics: pa.Table) -> list[str]:
    """Return the sentence of each snapshot; they are empty in a table without narration."""
    if _SENTENCE not in metrics.column_names:
        return [""] * metrics.num_rows
    return metrics[_SENTENCE].to_pylist()


def grades(metrics: pa.Table, cast: Sequence[int]) -> np.ndarray:
    """Return the grades of the cast at each snapshot, (n, len(cast)); NaN where unknown."""
    if _CAST not in metrics.column_names:
        return np.full((metrics.num_rows, len(cast)), np.nan)
    return np.array(metrics[_CAST].to_pylist(), float).reshape(metrics.num_rows, len(cast))


def _numbers(metrics: pa.Table) -> pa.Table:
    """Return the table without the columns of the narration."""
    return metrics.select([*_POSITION, *names(metrics)])


def write(path: str | Path, metrics: pa.Table, key: str) -> None:
    """Write a metric table, and its cache key as metadata."""
    table = metrics.replace_schema_metadata({"epochreel": key})
    parquet.write(path, table)


def read(
    path: str | Path, count: int, key_digest: str, steps: Sequence[int] | None = None
) -> pa.Table:
    """Read the metrics of the first `count` snapshots; `steps` are those of the last of them.

    Raises `UserError` if the file is damaged, has a different number of snapshots or other steps,
    or has a cache key whose digest is not `key_digest`.
    """
    table = parquet.read(path)
    lineage.check_key(path, parquet.metadata(table.schema), key_digest)
    lineage.check_position(path, table.num_rows - 1, count - 1, "the snapshots up to")
    if steps:
        found = table["step"].slice(count - len(steps)).to_pylist()
        lineage.check_position(path, found, list(steps), "the steps")
    return table.replace_schema_metadata(None)


def names(metrics: pa.Table) -> list[str]:
    """Return the names of the metrics, without the columns that say when they were computed."""
    return [field.name for field in metrics.schema if pa.types.is_floating(field.type)]


def rows(metrics: pa.Table) -> list[dict[str, Any]]:
    """Return the metrics of each snapshot; NaN where they are undefined."""
    columns = {name: metrics[name].to_numpy().tolist() for name in _numbers(metrics).column_names}
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def history(
    metrics: pa.Table, snapshot: int, steps_per_epoch: int, batch_size: int
) -> dict[str, np.ndarray]:
    """Return the metrics of snapshots 0 … `snapshot` as arrays, with `step`, `epoch`, `examples`.

    Undefined values are NaN. A metric without any value so far is not listed, but can be read.
    """
    part = _numbers(metrics).slice(0, snapshot + 1)
    arrays = {name: part[name].to_numpy() for name in part.column_names}
    return History(arrays | times(arrays["step"], steps_per_epoch, batch_size))


def frozen(history: History) -> History:
    """Make all arrays of a history read-only: functions of an experiment share them."""
    for array in (*history.values(), *history.undefined.values()):
        array.setflags(write=False)
    return history


def times(step: Any, steps_per_epoch: int, batch_size: int) -> dict[str, Any]:
    """Return the times of snapshots at `step`, a number or an array: step, epoch, examples seen."""
    return {"step": step, "epoch": step / steps_per_epoch, "examples": step * batch_size}


class History(dict[str, np.ndarray]):
    """Arrays by name. Those that are NaN throughout can be read, but are not listed.

    Whether a table has a metric that only later snapshots define depends on where its block ends.
    What a frame shows must not, so a metric is not listed before its first value.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]):
        self.undefined = {n: values for n, values in arrays.items() if np.isnan(values).all()}
        super().__init__({n: arrays[n] for n in arrays if n not in self.undefined})

    def __missing__(self, name: str) -> np.ndarray:
        return self.undefined[name]
