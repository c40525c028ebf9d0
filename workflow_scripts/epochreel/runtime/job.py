"""The context of every script: log, report errors in one line, end with the parent process."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import traceback
from collections.abc import Iterator

import psutil

from epochreel.core.errors import (
    UserError,
    describe_error,
    describe_experiment_error,
    is_out_of_memory,
    printable,
)
from epochreel.core.files import process_exists
from epochreel.core.log import log, to_file, to_terminal
from epochreel.runtime.signals import end_job_at_signal
from epochreel.runtime.terminal import reports

SCHEDULER = "EPOCHREEL_SCHEDULER"  # Environment variable: the process ID of the workflow.
RESTARTS = "EPOCHREEL_RESTARTS"  # Environment variable: how often Slurm restarted the job.
RESTARTED = "restarted by Slurm"
_SHELLS = {"sh", "bash", "dash", "zsh"}


@contextlib.contextmanager
def job(path_to_log: str) -> Iterator[None]:
    """Run a job's work: log to a file, print notices on the terminal, end with the parent.

    Every error ends the job with one line on the terminal: the message of a `UserError`; for any
    other error what was raised and where, with the traceback in the log. `SystemExit` counts as an
    error: if a user's code exits, the job's files are missing.
    """
    to_terminal()
    end_job_at_signal()
    with errors_in_one_line(path_to_log):
        to_file(path_to_log)
        reports.begin(path_to_log)
        _log_restart()
        _end_with_parents()
        yield


@contextlib.contextmanager
def errors_in_one_line(path_to_log: str | None = None) -> Iterator[None]:
    """Log any error in one line, its traceback in the log file, and end with exit status 1."""
    try:
        yield
    except UserError as error:
        log.error("%s", printable(str(error)))
        raise SystemExit(1) from None
    except (Exception, SystemExit) as error:
        log.debug("traceback:", exc_info=True)
        is_logged = len(log.handlers) > 1  # Without a log file, only the terminal's handler exists.
        log.error("%s%s", _describe(error), f" (the traceback is in {path_to_log})" * is_logged)
        raise SystemExit(1) from None


def _describe(error: BaseException) -> str:
    """Describe an error: out of memory, in a user's experiment, from the system, or unexpected."""
    if is_out_of_memory(error):
        return (
            f"out of memory ({describe_error(error, 150)}): use a smaller batch, block or frame, "
            "fewer --cores, or more memory"
        )
    in_experiment = describe_experiment_error(error)
    if in_experiment:
        return in_experiment
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    return f"unexpected {describe_error(error)}, at {frame.f_code.co_filename}, line {line}"


def _log_restart() -> None:
    """Log that Slurm restarted the job, which it does silently and under the same job ID."""
    count = os.environ.get(RESTARTS, "0")
    if count != "0":
        log.warning("%s (restart %s): preempted, or its node failed", RESTARTED, count)


def _end_with_parents() -> None:
    """End this process when the shell or the scheduler that started it ends.

    A killed scheduler cannot stop its jobs. Without this check they would continue to write files
    while the jobs of the next command write the same ones.
    """
    pids = _parents(int(os.environ.get(SCHEDULER, 0)))
    _end_without(pids)  # The scheduler may have been killed while this job loaded its libraries.
    threading.Thread(target=_watch, args=(pids,), daemon=True).start()


def _parents(scheduler: int) -> list[int]:
    """Return the process IDs from the parent of this process up to the scheduler.

    `scheduler` is its ID, or 0 for the first ancestor that is not a shell. A system may hide other
    users' processes (`hidepid`), so the parents in between may be unknown.
    """
    pids = [os.getppid()]
    with contextlib.suppress(psutil.Error, OSError):
        while pids[-1] != scheduler:
            process = psutil.Process(pids[-1])
            if not scheduler and process.name() not in _SHELLS:
                break
            if not process.ppid():  # It is the first of all processes.
                if scheduler:
                    os._exit(143)  # Killed: this job has another parent now.
                break
            pids.append(process.ppid())
    return pids if scheduler in {0, pids[-1]} else [*pids, scheduler]


def _watch(pids: list[int]) -> None:
    while True:
        time.sleep(0.5)
        _end_without(pids)


def _end_without(pids: list[int]) -> None:
    """End this process unless all `pids` are running and the first is still its parent."""
    if os.getppid() != pids[0] or not all(map(_is_alive, pids)):
        # 128 + SIGTERM. `sys.exit` would end only the thread.
        os._exit(143)


def _is_alive(pid: int) -> bool:
    """Return whether a process is running; a zombie is not, as far as that can be seen."""
    if not process_exists(pid):
        return False
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return True
