"""Checksums of the user's files, remembered so that an unchanged file is not read again."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from epochreel.core.errors import UserError, first_line
from epochreel.core.files import atomic_write_bytes, sha256
from epochreel.provenance.keys import digest

REMEMBERED = Path(".snakemake/epochreel/checksums.json")
"""The remembered checksums, relative to the working folder."""

# A file may change twice within the resolution of its times, which is 2 s at worst (FAT).
_RESOLUTION = 2.0


def content_digest(files: Mapping[str, Path], remembers: bool = True) -> str:
    """Return a digest of the names and contents of files; `files` maps names to paths.

    A file is read only if its size, inode or times have changed since it was last read. If
    `remembers` is true, the checksums of new files are saved. Raises `UserError` for a file that
    cannot be read.
    """
    known = _load()
    new: dict[str, list] = {}
    checksums = {name: _checksum(os.path.abspath(path), known, new) for name, path in files.items()}
    if new and remembers:
        _save(known | new, {os.path.abspath(path) for path in files.values()})
    return digest(checksums)


def _checksum(path: str, known: Mapping[str, list], new: dict[str, list]) -> str:
    try:
        state = _state(path)
        *old, checksum = known.get(path, [None])
        if old == state:
            return checksum
        checksum = sha256(path)
        # The time of the last change of the file's data or times, which no user can set.
        if state == _state(path) and time.time_ns() - state[2] > _RESOLUTION * 1e9:
            new[path] = [*state, checksum]
        return checksum
    except OSError as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error


def _state(path: str) -> list[int]:
    found = os.stat(path)
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _load() -> dict[str, list]:
    try:
        found = json.loads(REMEMBERED.read_bytes())
    except (OSError, ValueError):  # Lost or damaged: the files are read again.
        return {}
    return found if isinstance(found, dict) else {}


def _save(checksums: Mapping[str, list], used: set[str]) -> None:
    kept = {path: checksums[path] for path in checksums if path in used or os.path.exists(path)}
    # Without this file, the next command only takes longer: a read-only folder is no error.
    with contextlib.suppress(OSError):
        atomic_write_bytes(REMEMBERED, json.dumps(kept).encode("utf-8", "surrogateescape"))
