"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

_HOST = socket.gethostname()


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; on success it takes the place of `path`.

    The data are synced before the rename and the folder after it, so that a crash at any
    moment leaves either the old file or the new one. On an error nothing is left behind.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp_path = _beside(path)
    try:
        yield tmp_path
        _sync(tmp_path)
        os.replace(tmp_path, path)
    except OSError as error:
        _name(error, tmp_path, path)
        raise
    finally:
        tmp_path.unlink(missing_ok=True)
    _sync(path.parent)


def atomic_write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with atomic_write(path) as tmp_path:
        tmp_path.write_bytes(data)


def atomic_copy(source: str | Path, target: str | Path) -> None:
    """Copy a file, whole or not at all."""
    with atomic_write(target) as copy:
        shutil.copyfile(source, copy)


def atomic_link(source: str | Path, target: str | Path) -> None:
    """Give `source` the second name `target`: a hard link, or a copy where links cannot be made."""
    atomic_link_all({target: source})


def atomic_link_all(names: Mapping[str | Path, str | Path]) -> None:
    """Give files second names, target → source, as `atomic_link` does; folders are synced once."""
    for target, source in names.items():
        _link(Path(source), Path(target))
    for folder in {Path(target).parent for target in names}:
        _sync(folder)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    tmp_path = _beside(target)
    try:
        # A link cannot replace a file: make it under another name, then rename that.
        os.link(source, tmp_path)
    except OSError:
        atomic_copy(source, target)
        return
    os.replace(tmp_path, target)
    # A rename onto another name of the same file does nothing.
    tmp_path.unlink(missing_ok=True)


def _name(error: OSError, tmp_path: Path, path: Path) -> None:
    """Let an error name `path`: a full disk names no file, and others the one beside."""
    if error.errno and (error.filename is None or str(error.filename) == str(tmp_path)):
        error.filename, error.strerror = str(path), os.strerror(error.errno)


def _beside(path: Path) -> Path:
    """A free path beside `path`: a killed process of this number may have left one there."""
    tmp_path = path.with_name(f".{path.name}@{_HOST}-{os.getpid()}.part")
    tmp_path.unlink(missing_ok=True)
    return tmp_path


def below(folder: str | Path, inside: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """All files below a folder, in the order of their names; links to folders are followed.

    A folder that lies in itself, by a link, is not gone into again. Raises `OSError` where a folder
    is none or cannot be read.
    """
    folder = Path(folder)
    real = folder.resolve()
    if real in inside:
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from below(path, inside | {real})
        else:
            yield path


def remove_leftovers(folder: str | Path) -> None:
    """Delete what killed processes of this machine were writing below `folder`."""
    for path in Path(folder).rglob(".*.part"):
        host, _, number = path.name.removesuffix(".part").rpartition("@")[2].rpartition("-")
        if host == _HOST and number.isdigit() and not psutil.pid_exists(int(number)):
            path.unlink(missing_ok=True)


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
