"""Tables on disk: Parquet files that appear whole and are sealed against damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from epochreel.core.errors import UserError, first_line
from epochreel.core.files import write_whole
from epochreel.formats import checksum

# Level 9 would make evaluations a tenth smaller; they are small beside the checkpoints.
_COMPRESSION = {"compression": "zstd", "compression_level": 1}


def write(
    path: str | Path, table: pa.Table, row_group_size: int | None = None, **options: Any
) -> None:
    """Write a table; `options` go to Arrow's writer. The same table gives the same bytes."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, **(_COMPRESSION | options)) as writer:
        writer.write_table(table, row_group_size)
        writer.add_key_value_metadata({checksum.NAME: checksum.OPEN})
    write_whole(path, checksum.seal(sink.getvalue().to_pybytes()))


def read(path: str | Path) -> pa.Table:
    """Read a table. Raises `UserError` where a byte of the file is not as it was written."""
    return _read(path, pq.read_table)


def read_with_digest(path: str | Path) -> tuple[pa.Table, str]:
    """A table and the checksum that its file carries. Raises as `read` does."""
    try:
        data, digest = checksum.read_with_digest(path)
        return pq.read_table(pa.BufferReader(data)), digest
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def note(path: str | Path) -> dict[str, Any]:
    """What a table's note `epochreel` says; the columns are not read. Raises as `read` does."""
    return _read(path, lambda data: noted(pq.read_schema(data)))


def noted(schema: pa.Schema) -> dict[str, Any]:
    """The same of a table that is read, by its schema. `KeyError` where it has no note."""
    return json.loads(schema.metadata[b"epochreel"])


def _read(path: str | Path, by: Callable[[pa.BufferReader], Any]) -> Any:
    try:
        return by(pa.BufferReader(checksum.read(path)))
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _damaged(path, error) from error


def _damaged(path: str | Path, error: Exception) -> UserError:
    return UserError(
        f"{path} is damaged: delete it and run: snakemake {path} ({first_line(error)})"
    )
