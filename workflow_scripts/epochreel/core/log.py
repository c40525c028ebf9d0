"""The log of a job, written to a file and to the terminal."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

log = logging.getLogger("epochreel")
NOTICE = 25
"""A level between INFO and WARNING, for what a user at the terminal should see."""
logging.addLevelName(NOTICE, "NOTICE")


def to_terminal() -> None:
    """Print notices, warnings and errors on the terminal."""
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(logging.Formatter("epochreel: %(message)s"))
    terminal.setLevel(NOTICE)
    log.handlers[:] = [terminal]
    log.setLevel(logging.DEBUG)
    log.propagate = False
    # On a full disk, writing the log file fails too; the terminal still shows the reason.
    logging.raiseExceptions = False


def to_file(path: str | Path) -> None:
    """Also write all messages to a new file at `path`; if it cannot be opened, log a warning."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        file = logging.FileHandler(path, mode="w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        log.warning("cannot write %s (%s): messages go to the terminal only", path, error.strerror)
        return
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(file)
