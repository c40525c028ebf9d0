"""What every script of the workflow does around its work: log, fail in one line, end in time."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator

import psutil

from epochreel.core.errors import (
    UserError,
    is_want_of_memory,
    kind_and_words,
    printable,
    raised_by_own,
)
from epochreel.core.log import log, to_file, to_terminal

SCHEDULER = "EPOCHREEL_SCHEDULER"  # in the environment: the number of the workflow's process
RESTARTS = "EPOCHREEL_RESTARTS"  # in the environment: how often Slurm has begun the job again
BEGUN_AGAIN = "begun again by Slurm"
_SHELLS = {"sh", "bash", "dash", "zsh"}


@contextlib.contextmanager
def job(path_to_log: str) -> Iterator[None]:
    """Run a job's work: log to a file, show notices on the terminal, end with the parent.

    Every error ends the job with one line on the terminal. A `UserError` is that line; of any
    other the line says what was raised where, and the log holds the traceback. `SystemExit` is one,
    too: code of a person's own that ends its process leaves the job's files unmade.
    """
    to_terminal()
    try:
        to_file(path_to_log)
        _tell_of_restarts()
        _end_with_parents()
        yield
    except UserError as error:
        log.error("%s", printable(str(error)))
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        log.error("interrupted: give the same command to go on")
        raise SystemExit(130) from None  # 128 + SIGINT, as shells have it
    except (Exception, SystemExit) as error:
        log.debug("how it came to this:", exc_info=True)
        is_logged = len(log.handlers) > 1  # the terminal's, and the file's where it could be opened
        log.error("%s%s", _told(error), f" (the traceback is in {path_to_log})" * is_logged)
        raise SystemExit(1) from None


def end_when_hung_up() -> None:
    """Let the loss of its terminal end a command as Ctrl-C does: its jobs end, its lock is freed.

    A command that was started to outlive its terminal (`nohup`) does.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGINT))


def _told(error: BaseException) -> str:
    """What was raised where: out of memory, in one's own experiment, by the system, unforeseen."""
    if is_want_of_memory(error):
        return (
            f"out of memory ({kind_and_words(error, 150)}): take a smaller batch, block or frame, "
            "fewer --cores, or more memory"
        )
    own = raised_by_own(error)
    if own:
        return own
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    return f"unforeseen: {kind_and_words(error)}, at {frame.f_code.co_filename}, line {line}"


def _tell_of_restarts() -> None:
    """Say that this is not the job's first time: under the same number Slurm tells nobody."""
    count = os.environ.get(RESTARTS, "0")
    if count != "0":
        log.warning("%s (restart %s): preempted, or its node was lost", BEGUN_AGAIN, count)


def _end_with_parents() -> None:
    """End this process when the shell or the scheduler that started it has gone.

    A scheduler that is killed cannot stop its jobs; without this they would go on writing
    beside those of the next start.
    """
    ancestors, parents = psutil.Process().parents(), []
    scheduler = os.environ.get(SCHEDULER)
    if scheduler and scheduler not in {str(process.pid) for process in ancestors}:
        os._exit(143)  # It was killed while this job was loading its libraries.
    # Up to the first that is no shell, which is the scheduler.
    for process in ancestors:
        parents.append(process)
        if process.name() not in _SHELLS:
            break
    threading.Thread(target=_watch, args=(parents,), daemon=True).start()


def _watch(parents: list[psutil.Process]) -> None:
    while all(_lives(parent) for parent in parents):
        time.sleep(0.5)
    # 128 + SIGTERM. In a thread `sys.exit` would end no more than the thread.
    os._exit(143)


def _lives(process: psutil.Process) -> bool:
    """Whether a process runs; a dead one that nobody has waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
