"""Checksum and key digest in an MP4 file.

Both are in its last box, a `free` box of ISO base media, which players ignore:

    epochreel_seal <digest of the film's cache key> <SHA-256 of all bytes before it>
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import BinaryIO

from epochreel.core.errors import UserError
from epochreel.provenance import lineage

_NAME = b"epochreel_seal "
_DIGEST = 64  # hexadecimal digits
_LENGTH = 8 + len(_NAME) + _DIGEST + 1 + _DIGEST
_HEAD = struct.pack(">I", _LENGTH) + b"free" + _NAME
_CHUNK = 1 << 20


def embed_checksum(path: str | Path, key_digest: str) -> None:
    """Append a box with `key_digest`, the digest of the film's cache key, and a checksum."""
    with open(path, "ab") as file:
        file.write(_HEAD + key_digest.encode() + b" ")
    checksum = _checksum(path, Path(path).stat().st_size)
    with open(path, "ab") as file:
        file.write(checksum)


def check(path: str | Path, key_digest: str) -> None:
    """Raise `UserError` unless a film is intact and has this key digest."""
    size = Path(path).stat().st_size
    with open(path, "rb") as file:
        file.seek(max(size - _LENGTH, 0))
        box = file.read()
    if not box.startswith(_HEAD) or box[-_DIGEST:] != _checksum(path, size - _DIGEST):
        raise UserError(f"{path} is damaged: {lineage.FIX}")
    lineage.check_key_digest(path, box[len(_HEAD) :][:_DIGEST].decode("latin-1"), key_digest)


def duration(path: str | Path) -> float:
    """Return the length of a film in seconds. Raises `UserError` if it has none."""
    with open(path, "rb") as file:
        end = _enter(file, b"moov", Path(path).stat().st_size)
        end = _enter(file, b"mvhd", end) if end else None
        data = file.read(32) if end else b""
    is_long = data[:1] == b"\1"  # the version of the box
    form = ">4xQQIQ" if is_long else ">4xIIII"
    try:
        _, _, timescale, length = struct.unpack_from(form, data)
        return length / timescale
    except (struct.error, ZeroDivisionError):
        raise UserError(f"{path} is damaged: {lineage.FIX}") from None


def _enter(file: BinaryIO, kind: bytes, end: int) -> int | None:
    """Move to the content of the next box of a kind before `end`; return where it ends, if any."""
    while (start := file.tell()) + 8 <= end:
        size, name = struct.unpack(">I4s", file.read(8))
        size = struct.unpack(">Q", file.read(8))[0] if size == 1 else size or end - start
        if name == kind:
            return start + size
        file.seek(start + max(size, 8))
    return None


def _checksum(path: str | Path, length: int) -> bytes:
    """Return the SHA-256 of the first `length` bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while length > 0 and (data := file.read(min(length, _CHUNK))):
            digest.update(data)
            length -= len(data)
    return digest.hexdigest().encode()
