"""A lock on a folder: one process at a time; the operating system drops it with the process."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from epochreel.core.errors import UserError

log = logging.getLogger("epochreel")


@contextlib.contextmanager
def hold(path: Path, patience: float = 1.0) -> Iterator[None]:
    """Hold the lock file `path`; wait for as long as another process holds it.

    A POSIX record lock: the kernel drops it with the process, however that ends, and an NFS
    server (version 4) drops it when it no longer hears from the client. Ask again every
    `patience` seconds. Raises `UserError` where the file system keeps no locks.
    """
    with _locked(path, patience) as file:
        file.truncate(0)
        # Only those who wait read who holds it: a full disk does not stop the lock.
        with contextlib.suppress(OSError):
            os.write(file.fileno(), f"{socket.gethostname()} process {os.getpid()}".encode())
        yield


@contextlib.contextmanager
def try_hold(path: Path) -> Iterator[bool]:
    """Yield True where nobody else holds the lock file `path`, and hold it meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8", errors="replace") as file:
        yield _try(file, path)


def _locked(path: Path, patience: float) -> TextIO:
    """The lock file, opened and locked."""
    told = False
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Closing any descriptor of the file drops a POSIX lock, so it is opened nowhere else. "a+"
        # creates the file and keeps the holder's name in it.
        file = open(path, "a+", encoding="utf-8", errors="replace")  # noqa: SIM115
        while not _try(file, path):
            if not told:
                log.warning("another process trains this run (%s): waiting for it", _holder(file))
            told = True
            time.sleep(patience)
        if _is_there(file, path):
            return file
        # Who held it has deleted the folder: another file there has a lock of its own.
        file.close()


def _is_there(file: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _try(file: TextIO, path: Path) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    # POSIX leaves it to the system which of EAGAIN and EACCES says that another holds the lock.
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        raise UserError(
            f"{path}: this file system keeps no locks ({error.strerror}); "
            "run in a folder on one that does"
        ) from error


def _holder(file: TextIO) -> str:
    file.seek(0)
    return file.read() or "unknown"
