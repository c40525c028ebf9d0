"""Signals that end a command or a job: Ctrl-C, SIGTERM, a closed terminal."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType

import psutil

from epochreel.core.log import log

Frame = FrameType | None


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
    """Treat SIGTERM and the loss of the terminal like Ctrl-C: end the jobs, release the lock.

    A command started with `nohup` continues when its terminal closes.
    """
    for number in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, interrupt)


def interrupt(*_: object) -> None:
    """End the jobs of this process, as Ctrl-C in a terminal does, and interrupt it."""
    for process in _descendants(os.getpid()):
        with contextlib.suppress(psutil.Error):
            process.terminate()
    signal.raise_signal(signal.SIGINT)


def _descendants(pid: int) -> list[psutil.Process]:
    """Return the child processes of a process, and theirs, and so on.

    `psutil.Process.children` fails where the processes of other users are hidden (`hidepid`).
    """
    known, found = list(psutil.process_iter(["ppid"])), {pid}
    while more := {p.pid for p in known if p.info["ppid"] in found} - found:
        found |= more
    return [process for process in known if process.pid in found - {pid}]
