"""Seals of films: an MP4 that says what it follows from and carries the digest of its bytes.

Both stand in its last box, a `free` one of ISO base media, which players pass over:

    epochreel_seal <digest of the key that the film follows from> <SHA-256 of all bytes before it>
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from epochreel.core.errors import UserError
from epochreel.provenance import lineage

_NAME = b"epochreel_seal "
_DIGEST = 64  # hexadecimal digits
_LENGTH = 8 + len(_NAME) + _DIGEST + 1 + _DIGEST
_HEAD = struct.pack(">I", _LENGTH) + b"free" + _NAME
_CHUNK = 1 << 20


def embed_checksum(path: str | Path, made: str) -> None:
    """Add the last box to a film; `made` is the digest of the key that it follows from."""
    with open(path, "ab") as file:
        file.write(_HEAD + made.encode() + b" ")
    digest = _digest(path, Path(path).stat().st_size)
    with open(path, "ab") as file:
        file.write(digest)


def check(path: str | Path, made: str) -> None:
    """Raise `UserError` unless a film is as it was sealed, and follows from that key."""
    size = Path(path).stat().st_size
    with open(path, "rb") as file:
        file.seek(max(size - _LENGTH, 0))
        box = file.read()
    if not box.startswith(_HEAD) or box[-_DIGEST:] != _digest(path, size - _DIGEST):
        raise UserError(f"{path} is damaged: {lineage.MEND}")
    lineage.check_key_digest(path, box[len(_HEAD) :][:_DIGEST].decode("latin-1"), made)


def _digest(path: str | Path, length: int) -> bytes:
    """The SHA-256 of the first `length` bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while length > 0 and (data := file.read(min(length, _CHUNK))):
            digest.update(data)
            length -= len(data)
    return digest.hexdigest().encode()
