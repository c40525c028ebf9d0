"""What every script of the workflow does around its work: log, fail in one line, end in time."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from epochreel.errors import UserError

log = logging.getLogger("epochreel")
NOTICE = 25  # between INFO and WARNING: what a person at the terminal wants to know
logging.addLevelName(NOTICE, "NOTICE")
_SHELLS = {"sh", "bash", "dash", "zsh"}


@contextlib.contextmanager
def job(path_to_log: str) -> Iterator[None]:
    """Run a job's work: log to a file, show notices on the terminal, end with the parent.

    A `UserError` ends the job with its one line; any other error with its traceback in the log
    as well as on the terminal.
    """
    _log_to(path_to_log)
    _end_with_parents()
    try:
        yield
    except UserError as error:
        log.error("%s", error)
        raise SystemExit(1) from None
    except Exception as error:
        if isinstance(error, OSError) and error.filename and error.strerror:
            log.debug("the operating system's answer", exc_info=True)
            log.error("%s: %s", error.filename, error.strerror)
        else:
            log.exception("the job failed in a way that was not foreseen")
        raise SystemExit(1) from None


def _log_to(path: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(path, mode="w", encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(logging.Formatter("epochreel: %(message)s"))
    terminal.setLevel(NOTICE)
    log.handlers[:] = [file, terminal]
    log.setLevel(logging.DEBUG)
    log.propagate = False


def _end_with_parents() -> None:
    """End this process when the shell or the scheduler that started it has gone.

    A scheduler that is killed cannot stop its jobs; without this they would go on writing
    beside those of the next start.
    """
    parents = []
    for process in psutil.Process().parents():
        parents.append(process)
        if process.name() not in _SHELLS:
            break
    threading.Thread(target=_watch, args=(parents,), daemon=True).start()


def _watch(parents: list[psutil.Process]) -> None:
    while all(_lives(parent) for parent in parents):
        time.sleep(0.5)
    os._exit(143)


def _lives(process: psutil.Process) -> bool:
    """Whether a process runs; a dead one that nobody has waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
