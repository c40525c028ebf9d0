"""Parquet files with an embedded checksum.

The metadata entry `epochreel_checksum` is the SHA-256 of the whole file, computed with zeros in its
place, so that a reader detects any changed or missing byte.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from epochreel.core.errors import UserError, first_line
from epochreel.core.files import atomic_write_bytes

# Level 9 would make evaluations 10 % smaller, which matters little next to the checkpoints.
_COMPRESSION = {"compression": "zstd", "compression_level": 1}
_NAME = "epochreel_checksum"
_ZEROS = b"0" * 64
# Thrift writes a key, about two bytes for type and length, and the value.
_ENTRY = re.compile(rb"%b\W{1,6}([0-9a-f]{64})" % _NAME.encode())


def write(
    path: str | Path, table: pa.Table, row_group_size: int | None = None, **options: Any
) -> None:
    """Write a table. The same table always produces the same bytes.

    `options` are passed to `pyarrow.parquet.ParquetWriter`.
    """
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, **(_COMPRESSION | options)) as writer:
        writer.write_table(table, row_group_size)
        writer.add_key_value_metadata({_NAME: _ZEROS})
    data = sink.getvalue().to_pybytes()
    span = _checksum_span(data)
    atomic_write_bytes(
        path, b"".join([data[: span.start], _checksum(data, span), data[span.stop :]])
    )


def read(path: str | Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table, or only those of `columns` that it has.

    Raises `UserError` if the file is missing or damaged.
    """
    return _read(path, partial(_table, columns=columns))


def read_with_digest(path: str | Path) -> tuple[pa.Table, str]:
    """Return a table and its file's checksum. Raises as `read` does."""
    try:
        data, digest = _checked(path)
        return _table(pa.BufferReader(data)), digest
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _table(data: pa.BufferReader, columns: Sequence[str] | None = None) -> pa.Table:
    # `pq.read_table` scans with a pool of threads, which takes ten times as long for one small
    # file, and whose threads may outlive the interpreter: then the job ends with SIGABRT.
    table = pq.ParquetFile(data).read(columns, use_threads=False)
    entries = table.schema.metadata or {}
    entries.pop(_NAME.encode(), None)  # It belongs to the file, not to the table.
    return table.replace_schema_metadata(entries)


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Return a file's metadata entry `epochreel` without reading the columns.

    Raises as `read` does.
    """
    return _read(path, lambda data: metadata(pq.read_schema(data)))


def metadata(schema: pa.Schema) -> dict[str, Any]:
    """Return the metadata entry `epochreel` of a schema. Raises `KeyError` if there is none."""
    return json.loads(schema.metadata[b"epochreel"])


def _read(path: str | Path, reader: Callable[[pa.BufferReader], Any]) -> Any:
    try:
        return reader(pa.BufferReader(_checked(path)[0]))
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _damaged(path, error) from error


def _checked(path: str | Path) -> tuple[bytes, str]:
    """Return the bytes of a file and its checksum. Raises `ValueError` if they do not match."""
    data = Path(path).read_bytes()
    span = _checksum_span(data)
    if data[span] != _checksum(data, span):
        raise ValueError("its bytes do not match its checksum")
    return data, data[span].decode()


def _checksum_span(data: bytes) -> slice:
    """Return where the checksum is. Raises `ValueError` if there is none."""
    # Parquet's metadata are at the end of a file; the table may contain the same text.
    start = data.rfind(_NAME.encode())
    entry = _ENTRY.match(data, start) if start >= 0 else None
    if entry is None:
        raise ValueError("it is not a complete Parquet file written by Epochreel")
    return slice(*entry.span(1))


def _checksum(data: bytes, span: slice) -> bytes:
    view = memoryview(data)
    digest = hashlib.sha256(view[: span.start])
    digest.update(_ZEROS)
    digest.update(view[span.stop :])
    return digest.hexdigest().encode()


def _damaged(path: str | Path, error: Exception) -> UserError:
    return UserError(
        f"{path} is damaged: delete it and run: snakemake {path} ({first_line(error)})"
    )
