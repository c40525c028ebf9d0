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
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; on success it takes the place of `path`.

    The data are synced before the rename and the folder after it, so that a crash at any
    moment leaves either the old file or the new one. On an error nothing is left behind.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    try:
        yield beside
        _sync(beside)
        os.replace(beside, path)
    except OSError as error:
        _name(error, beside, path)
        raise
    finally:
        beside.unlink(missing_ok=True)
    _sync(path.parent)


def write_whole(path: str | Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with whole_file(path) as beside:
        beside.write_bytes(data)


def copy_whole(source: str | Path, target: str | Path) -> None:
    """Copy a file, whole or not at all."""
    with whole_file(target) as copy:
        shutil.copyfile(source, copy)


def link_whole(source: str | Path, target: str | Path) -> None:
    """Give `source` the second name `target`: a hard link, or a copy where links cannot be made."""
    link_all({target: source})


def link_all(names: Mapping[str | Path, str | Path]) -> None:
    """Give files second names, target → source, as `link_whole` does; folders are synced once."""
    for target, source in names.items():
        _link(Path(source), Path(target))
    for folder in {Path(target).parent for target in names}:
        _sync(folder)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(target)
    try:
        # A link cannot replace a file: make it under another name, then rename that.
        os.link(source, beside)
    except OSError:
        copy_whole(source, target)
        return
    os.replace(beside, target)
    # A rename onto another name of the same file does nothing.
    beside.unlink(missing_ok=True)


def _name(error: OSError, beside: Path, path: Path) -> None:
    """Let an error name `path`: a full disk names no file, and others the one beside."""
    if error.errno and (error.filename is None or str(error.filename) == str(beside)):
        error.filename, error.strerror = str(path), os.strerror(error.errno)


def _beside(path: Path) -> Path:
    """A free path beside `path`: a killed process of this number may have left one there."""
    beside = path.with_name(f".{path.name}@{_HOST}-{os.getpid()}.part")
    beside.unlink(missing_ok=True)
    return beside


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


def sweep(folder: str | Path) -> None:
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
