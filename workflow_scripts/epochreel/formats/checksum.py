"""Seals: a file that carries the digest of its own bytes, so that no damage goes unseen.

Parquet, safetensors and JSON files hold free notes. One note, `epochreel_seal`, is the SHA-256 of
the whole file with zeros in the note's place: any byte that is altered or lost breaks it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from epochreel.core.errors import UserError

NAME = "epochreel_seal"
OPEN = "0" * 64
_NOTE = re.compile(rb"%b\W{1,6}([0-9a-f]{64})" % NAME.encode())


def seal(data: bytes) -> bytes:
    """`data`, whose note `NAME` holds `OPEN`, with that note filled in."""
    place = _place(data)
    return b"".join([data[: place.start], _digest(data, place), data[place.stop :]])


def read(path: str | Path) -> bytes:
    """The bytes of a sealed file. Raises `ValueError` where they are not those that were sealed."""
    data = Path(path).read_bytes()
    place = _place(data)
    if data[place] != _digest(data, place):
        raise ValueError("its bytes are not those that were written")
    return data


class Mismatch(Exception):
    """A file is whole, and another than the expected one."""


def read_expected(path: str | Path, digest: str) -> bytes:
    """The bytes of a file of this SHA-256. Raises `Mismatch` for any other file."""
    data = Path(path).read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise Mismatch(path)
    return data


def read_with_digest(path: str | Path) -> tuple[bytes, str]:
    """The bytes of a sealed file and the checksum that they carry. Raises as `read` does."""
    data = read(path)
    return data, data[_place(data)].decode()


def check(path: str | Path) -> None:
    """Raise `UserError` unless a sealed file is as it was written."""
    try:
        read(path)
    except ValueError as error:
        raise UserError(
            f"{path} is damaged: delete it and run the same command again ({error})"
        ) from error


def _place(data: bytes) -> slice:
    """Where the note's value lies."""
    # Parquet keeps its notes at the end, others at the beginning.
    end = data[-4:] == b"PAR1"
    start = data.rfind(NAME.encode()) if end else data.find(NAME.encode(), 0, 1 << 20)
    note = _NOTE.match(data, start) if start >= 0 else None
    if note is None:
        raise ValueError("it is not a whole file of Epochreel's")
    return slice(*note.span(1))


def _digest(data: bytes, place: slice) -> bytes:
    view = memoryview(data)
    digest = hashlib.sha256(view[: place.start])
    digest.update(OPEN.encode())
    digest.update(view[place.stop :])
    return digest.hexdigest().encode()
