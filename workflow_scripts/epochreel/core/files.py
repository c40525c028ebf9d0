"""Atomic writes, copies and links, and other file operations."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

_HOST = socket.gethostname()


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; rename it to `path` on success.

    The data are synced before the rename and the folder after it, so a crash at any moment leaves
    either the old file or the new one. The temporary file is removed on an error.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp_path = temporary_path(path)
    try:
        yield tmp_path
        _sync(tmp_path)
        os.replace(tmp_path, path)
    except OSError as error:
        _set_file_name(error, tmp_path, path)
        raise
    finally:
        tmp_path.unlink(missing_ok=True)
    _sync(path.parent)


def atomic_write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with atomic_write(path) as tmp_path:
        tmp_path.write_bytes(data)


def atomic_copy(source: str | Path, target: str | Path) -> None:
    """Copy a file atomically."""
    with atomic_write(target) as tmp_path:
        shutil.copyfile(source, tmp_path)


def atomic_link(source: str | Path, target: str | Path) -> None:
    """Hard-link `target` to `source` atomically; copy if the file system has no hard links."""
    atomic_link_all({target: source})


def atomic_link_all(sources: Mapping[str | Path, str | Path]) -> None:
    """Link several files, target → source, as `atomic_link` does, and sync each folder once."""
    for target, source in sources.items():
        _link(Path(source), Path(target))
    for folder in {Path(target).parent for target in sources}:
        _sync(folder)


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    tmp_path = temporary_path(target)
    try:
        # A link cannot replace an existing file, so create it under another name and rename it.
        os.link(source, tmp_path)
    except OSError:
        atomic_copy(source, target)
        return
    os.replace(tmp_path, target)
    # Renaming a link onto another link to the same file does nothing, so both remain.
    tmp_path.unlink(missing_ok=True)


def _set_file_name(error: OSError, tmp_path: Path, path: Path) -> None:
    """Replace an error's file name, `tmp_path` or (on a full disk) None, with `path`."""
    if error.errno and (error.filename is None or str(error.filename) == str(tmp_path)):
        error.filename, error.strerror = str(path), os.strerror(error.errno)


def temporary_path(path: Path) -> Path:
    """Return a free path in the same folder.

    An earlier process with this process's ID may have been killed and left the file there.
    """
    tmp_path = path.with_name(f".{path.name}@{_HOST}-{os.getpid()}.part")
    tmp_path.unlink(missing_ok=True)
    return tmp_path


def remove_leftovers(folder: str | Path) -> None:
    """Delete temporary files below `folder` that killed processes on this machine left behind.

    A file that cannot be deleted stays.
    """
    for path in Path(folder).rglob(".*.part"):
        host, _, pid = path.name.removesuffix(".part").rpartition("@")[2].rpartition("-")
        if host == _HOST and pid.isdigit() and not process_exists(int(pid)):
            with contextlib.suppress(OSError):
                path.unlink()


def process_exists(pid: int) -> bool:
    """Return whether a process exists, even if the system hides it because it is another user's."""
    try:
        os.kill(pid, 0)  # sends nothing
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
