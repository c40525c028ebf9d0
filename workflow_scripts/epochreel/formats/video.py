"""Checksum, key digest and note at the end of an MP4 or WebM file.

They are in an element that players skip, the last one of the file: in MP4 a `free` box of ISO base
media, in WebM a `Void` element of EBML. Its text has a fixed length:

    epochreel_seal <key digest> <note, padded with spaces> <SHA-256 of all bytes before it>
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
_NOTE = 128
_TEXT = len(_NAME) + _DIGEST + 1 + _NOTE + 1 + _DIGEST
_FREE = struct.pack(">I", 8 + _TEXT) + b"free"
_VOID = b"\xec" + struct.pack(">H", 0x4000 | _TEXT)  # 0x4000: the length takes two bytes
_EBML = b"\x1a\x45\xdf\xa3"  # the first bytes of a WebM file
_CHUNK = 1 << 20


def embed_checksum(path: str | Path, key_digest: str, note: str = "") -> None:
    """Append the digest of a film's cache key, a note in ASCII, and a checksum."""
    if len(note) > _NOTE:
        raise ValueError(f"the note has {len(note)} characters; expected at most {_NOTE}")
    with open(path, "ab") as file:
        file.write(_head(path) + f"{key_digest} {note:{_NOTE}} ".encode("ascii"))
    checksum = _checksum(path, Path(path).stat().st_size)
    with open(path, "ab") as file:
        file.write(checksum)


def check(path: str | Path, key_digest: str) -> str:
    """Return a film's note. Raises `UserError` unless it is intact and has this key digest."""
    head, size = _head(path), Path(path).stat().st_size
    with open(path, "rb") as file:
        file.seek(max(size - len(head) - _TEXT + len(_NAME), 0))
        element = file.read()
    if not element.startswith(head) or element[-_DIGEST:] != _checksum(path, size - _DIGEST):
        raise UserError(f"{path} is damaged: {lineage.FIX}")
    text = element[len(head) :].decode("latin-1")
    lineage.check_key_digest(path, text[:_DIGEST], key_digest)
    return text[_DIGEST + 1 :][:_NOTE].rstrip()


def copy_without(path: str | Path, target: str | Path) -> None:
    """Copy a file to `target` without the element at its end, which it must have."""
    remaining = Path(path).stat().st_size - len(_head(path)) + len(_NAME) - _TEXT
    with open(path, "rb") as source, open(target, "wb") as copy:
        while remaining > 0 and (data := source.read(min(remaining, _CHUNK))):
            copy.write(data)
            remaining -= len(data)


def duration(path: str | Path) -> float:
    """Return the length of an MP4 file in seconds. Raises `UserError` if it has none."""
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


def _head(path: str | Path) -> bytes:
    """Return the first bytes of the element, which depend on the container."""
    with open(path, "rb") as file:
        return (_VOID if file.read(len(_EBML)) == _EBML else _FREE) + _NAME


def _enter(file: BinaryIO, kind: bytes, end: int) -> int | None:
    """Move to the content of the next box of a kind before `end`; return its end, or None."""
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
