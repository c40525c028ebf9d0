"""Parquet files with an embedded checksum.

The metadata entry `epochreel_checksum` is the SHA-256 of the whole file with zeros in its place,
so that a reader notices any byte that was changed or lost.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from epochreel.core.errors import UserError, first_line
from epochreel.core.files import atomic_write_bytes

# Level 9 would make evaluations a tenth smaller; they are small beside the checkpoints.
_COMPRESSION = {"compression": "zstd", "compression_level": 1}
_NAME = "epochreel_checksum"
_ZEROS = b"0" * 64
# Thrift writes a key, two bytes or so of type and length, and the value.
_ENTRY = re.compile(rb"%b\W{1,6}([0-9a-f]{64})" % _NAME.encode())


def write(
    path: str | Path, table: pa.Table, row_group_size: int | None = None, **options: Any
) -> None:
    """Write a table; `options` go to Arrow's writer. The same table gives the same bytes."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, **(_COMPRESSION | options)) as writer:
        writer.write_table(table, row_group_size)
        writer.add_key_value_metadata({_NAME: _ZEROS})
    data = sink.getvalue().to_pybytes()
    place = _checksum_place(data)
    atomic_write_bytes(
        path, b"".join([data[: place.start], _checksum(data, place), data[place.stop :]])
    )


def read(path: str | Path) -> pa.Table:
    """Read a table. Raises `UserError` where a byte of the file is not as it was written."""
    return _read(path, pq.read_table)


def read_with_digest(path: str | Path) -> tuple[pa.Table, str]:
    """A table and the checksum that its file carries. Raises as `predict` does."""
    try:
        data, digest = _checked(path)
        return pq.read_table(pa.BufferReader(data)), digest
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def note(path: str | Path) -> dict[str, Any]:
    """What a table's note `epochreel` says; the columns are not read. Raises as `predict` does."""
    return _read(path, lambda data: noted(pq.read_schema(data)))


def noted(schema: pa.Schema) -> dict[str, Any]:
    """The same of a table that is read, by its schema. `KeyError` where it has no note."""
    return json.loads(schema.metadata[b"epochreel"])


def _read(path: str | Path, by: Callable[[pa.BufferReader], Any]) -> Any:
    try:
        return by(pa.BufferReader(_checked(path)[0]))
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _damaged(path, error) from error


def _checked(path: str | Path) -> tuple[bytes, str]:
    """Return the bytes of a file and its checksum, or raise `ValueError`."""
    data = Path(path).read_bytes()
    place = _checksum_place(data)
    if data[place] != _checksum(data, place):
        raise ValueError("its bytes are not those that were written")
    return data, data[place].decode()


def _checksum_place(data: bytes) -> slice:
    # Parquet's metadata are at its end; the table itself may hold the same words.
    start = data.rfind(_NAME.encode())
    entry = _ENTRY.match(data, start) if start >= 0 else None
    if entry is None:
        raise ValueError("it is not a whole file of Epochreel's")
    return slice(*entry.span(1))


def _checksum(data: bytes, place: slice) -> bytes:
    view = memoryview(data)
    digest = hashlib.sha256(view[: place.start])
    digest.update(_ZEROS)
    digest.update(view[place.stop :])
    return digest.hexdigest().encode()


def _damaged(path: str | Path, error: Exception) -> UserError:
    return UserError(
        f"{path} is damaged: delete it and run: snakemake {path} ({first_line(error)})"
    )
