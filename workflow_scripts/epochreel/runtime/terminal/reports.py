"""Reports of a job to the terminal of its command.

A job inherits the command's standard error. If the command reads it, the job writes its progress
there, as lines that begin with a mark; otherwise it prints notices. The command shows the job's
error at its end, unless the job's log could not be written.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from epochreel.core.log import NOTICE, log

TERMINAL = "EPOCHREEL_TERMINAL"  # Environment variable: how the command shows what jobs report.
_LIVE, _PLAIN = "live", "plain"
_MARK = b"\x1e"  # The control character "record separator".


def announce(is_read: bool) -> None:
    """Announce to jobs that this command shows their errors and, if `is_read`, their progress."""
    os.environ[TERMINAL] = f"{_LIVE if is_read else _PLAIN} {_identity()}"


def _identity() -> str:
    """Identify standard error; it differs from the command's on a cluster or if redirected."""
    found = os.fstat(2)
    return f"{found.st_dev}:{found.st_ino}"


def _mode() -> str | None:
    mode, _, identity = os.environ.get(TERMINAL, "").partition(" ")
    return mode if identity == _identity() else None


def begin(path_to_log: str) -> None:
    """Let the command show the errors of this job, whose log is `path_to_log`, and its progress."""
    if mode := _mode():
        # After the file's handler: an error is shown here only if the log lacks it.
        log.handlers[:] = [*log.handlers[1:], _Reporter(log.handlers[0], path_to_log, mode)]


class _Reporter(logging.Handler):
    """Handler that passes records to the terminal, except those that the command shows."""

    def __init__(self, terminal: logging.Handler, path_to_log: str, mode: str):
        super().__init__()
        self._terminal, self._log, self._is_read = terminal, path_to_log, mode == _LIVE

    def emit(self, record: logging.LogRecord) -> None:
        progress = getattr(record, "progress", None)
        if progress and self._is_read:
            line = json.dumps({"log": self._log, **progress}).encode()
            os.write(2, _MARK + line + b"\n")  # In one write: lines of jobs do not mix.
        elif record.levelno >= NOTICE and not self._is_shown_later(record):
            self._terminal.emit(record)

    def _is_shown_later(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR and error_in(self._log) == record.getMessage()


def progress_in(line: bytes) -> dict[str, Any] | None:
    """Return the progress that a line reports, with the job's `log`; None for any other line."""
    if not line.startswith(_MARK):
        return None
    try:
        found = json.loads(line[len(_MARK) :])
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def error_in(path_to_log: str) -> str | None:
    """Return the last error in a job's log; None if there is none, or no such file."""
    try:
        lines = Path(path_to_log).read_text(errors="replace").splitlines()
    except OSError:
        return None
    errors = [parts[3] for line in lines if (parts := line.split(" ", 3))[2:3] == ["ERROR"]]
    return errors[-1] if errors else None
