"""Timeline of a run: when each snapshot appears in the film, and for how long.

One row per snapshot, in order, and a last one for the closing picture, if the film has one:

snapshot     int32; null for the closing picture
first_frame  int32, the film frame at which the snapshot's own frame appears
frames       int32, the number of film frames until that of the next row
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

from epochreel.core.errors import UserError
from epochreel.formats import parquet
from epochreel.provenance import lineage

_SCHEMA = pa.schema([("snapshot", pa.int32()), ("first_frame", pa.int32()), ("frames", pa.int32())])


def write(path: str | Path, frames: Sequence[int], closing: int, key: str) -> None:
    """Write the film frames of each snapshot and of the closing picture (0: there is none).

    The cache key is written as metadata.
    """
    rows = [*frames, closing] if closing else list(frames)
    numbers = [*range(len(frames)), None][: len(rows)]
    firsts = list(accumulate(rows, initial=0))[:-1]
    table = pa.table([numbers, firsts, rows], schema=_SCHEMA)
    parquet.write(path, table.replace_schema_metadata({"epochreel": key}))


def read(path: str | Path, count: int, key_digest: str) -> tuple[list[int], int]:
    """Read the film frames of each of `count` snapshots, and of the closing picture (0: none).

    Raises `UserError` if the file is damaged, has other snapshots or inconsistent times, or has a
    cache key whose digest is not `key_digest`.
    """
    table = parquet.read(path)
    lineage.check_key(path, parquet.metadata(table.schema), key_digest)
    numbers, firsts, rows = (table[name].to_pylist() for name in _SCHEMA.names)
    last = max((number for number in numbers if number is not None), default=None)
    lineage.check_position(path, last, count - 1, "the snapshots up to")
    is_ordered = numbers in ([*range(count)], [*range(count), None])
    is_seamless = firsts == list(accumulate(rows, initial=0))[:-1] and min(rows) >= 1
    if not (is_ordered and is_seamless):
        raise UserError(f"{path} does not show every snapshot in turn: {lineage.FIX}")
    return rows[:count], sum(rows[count:])
