"""Signals that end a command or a job: Ctrl-C, SIGTERM, a closed terminal."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType

import psutil

from epochreel.core.log import log

Frame = FrameType | None
interrupted = threading.Event()
"""Set once this command has been interrupted."""


def end_job_at_signal() -> None:
    """End this process, a job, at once at Ctrl-C or SIGTERM, with one line in the log.

    A `KeyboardInterrupt` does not always end a job: pyarrow catches it while it imports pandas.
    Nothing needs to be cleaned up, since a job may be killed at any moment. If the shell made the
    process ignore Ctrl-C, as it does for background commands, it continues to ignore it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end_job)


def _end_job(number: int, _: Frame) -> None:
    log.error("interrupted: run the same command again to resume")
    os._exit(128 + number)  # As in shells.


def interrupt_at_signal() -> None:
    """End the jobs and release the lock on Ctrl-C, SIGTERM or when the terminal closes.

    A command started with `nohup` continues when its terminal closes, and one in the background
    ignores Ctrl-C.
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, interrupt)


def interrupt(*_: object) -> None:
    """End the jobs of this process and interrupt it; the second time, only kill remaining jobs.

    A second `KeyboardInterrupt` while Snakemake waits for the jobs would leave the lock.
    """
    is_second = interrupted.is_set()
    interrupted.set()  # First: jobs may end before the loop does.
    for process in _descendants(os.getpid()):
        with contextlib.suppress(psutil.Error):
            process.kill() if is_second else process.terminate()
    if not is_second:
        raise KeyboardInterrupt


def _descendants(pid: int) -> list[psutil.Process]:
    """Return the child processes of a process, and theirs, and so on.

    `psutil.Process.children` fails where the processes of other users are hidden (`hidepid`).
    """
    known, found = list(psutil.process_iter(["ppid"])), {pid}
    while more := {p.pid for p in known if p.info["ppid"] in found} - found:
        found |= more
    return [process for process in known if process.pid in found - {pid}]
