"""A lease on a folder: one process at a time, given back by the operating system at its end."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from epochreel.errors import UserError

log = logging.getLogger("epochreel")


@contextlib.contextmanager
def held(path: Path, patience: float = 1.0) -> Iterator[None]:
    """Hold the lease file `path`; wait for as long as another process holds it.

    A POSIX record lock: the kernel drops it with the process, however that ends, and an NFS
    server (version 4) drops it when it no longer hears from the client. Ask again every
    `patience` seconds. Raises `UserError` where the file system keeps no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Closing any descriptor of the file would drop the lock: it is opened nowhere else.
    with open(path, "a+", errors="replace") as file:
        while not _try(file, path):
            log.warning("another process trains this run (%s): waiting for it", _holder(file))
            while not _try(file, path):
                time.sleep(patience)
        file.truncate(0)
        # Who holds it is only told to those who wait: a full disk is none of the lease's matter.
        with contextlib.suppress(OSError):
            os.write(file.fileno(), f"{socket.gethostname()} process {os.getpid()}".encode())
        yield


@contextlib.contextmanager
def free(path: Path) -> Iterator[bool]:
    """Whether nobody else holds the lease file `path`; if so, hold it meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", errors="replace") as file:
        yield _try(file, path)


def _try(file, path: Path) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        raise UserError(
            f"{path}: this file system keeps no locks ({error.strerror}); "
            "run in a folder on one that does"
        ) from error


def _holder(file) -> str:
    file.seek(0)
    return file.read() or "unknown"
