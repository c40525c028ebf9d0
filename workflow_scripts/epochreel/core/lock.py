"""An exclusive lock on a file, which the operating system releases when its holder ends."""

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
def hold(path: Path, poll_interval: float = 1.0) -> Iterator[None]:
    """Hold the lock file `path`; wait while another process holds it.

    A POSIX record lock: the kernel releases it when the process ends in any way, and an NFS server
    (version 4) when it loses contact with the client. Retries every `poll_interval` seconds.
    Raises `UserError` if the file system does not support locks.
    """
    with _locked(path, poll_interval) as file:
        file.truncate(0)
        # The holder's name is only for the log of a waiting process, so the lock also works on a
        # full disk.
        with contextlib.suppress(OSError):
            os.write(file.fileno(), f"{socket.gethostname()} process {os.getpid()}".encode())
        yield


@contextlib.contextmanager
def try_hold(path: Path) -> Iterator[bool]:
    """Try to hold the lock file `path` without waiting; yield whether this process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8", errors="replace") as file:
        yield _try(file, path)


def _locked(path: Path, poll_interval: float) -> TextIO:
    """Open the lock file and wait until it is locked."""
    is_logged = False
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Closing any descriptor of a file releases its POSIX locks, so nothing else opens it. "a+"
        # creates the file without erasing the holder's name in it.
        file = open(path, "a+", encoding="utf-8", errors="replace")  # noqa: SIM115
        while not _try(file, path):
            if not is_logged:
                log.warning("run is locked by %s; waiting", _holder(file))
            is_logged = True
            time.sleep(poll_interval)
        if _is_current(file, path):
            return file
        # The last holder deleted the folder. A new file at this path has a separate lock.
        file.close()


def _is_current(file: TextIO, path: Path) -> bool:
    """Return whether an open file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _try(file: TextIO, path: Path) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    # POSIX allows either EAGAIN or EACCES when another process holds the lock.
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        raise UserError(
            f"{path}: this file system does not support locks ({error.strerror}); "
            "run in a folder on another file system"
        ) from error


def _holder(file: TextIO) -> str:
    file.seek(0)
    return file.read() or "unknown"
