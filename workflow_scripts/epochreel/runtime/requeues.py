"""Report the jobs that Slurm restarted, according to their logs."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import MutableMapping
from pathlib import Path

from epochreel.runtime.job import RESTARTED, RESTARTS

MAX_LISTED = 3
"""Maximum number of logs that the report names."""
_STARTED = time.time()  # The command loads this module before it starts jobs.


def export_restart_count(environment: MutableMapping[str, str] = os.environ) -> None:
    """Pass on Slurm's restart count, which only the first process of a Slurm job receives.

    The plugin runs the job's work in a step, in which Slurm's variables are not set.
    """
    environment.setdefault(RESTARTS, environment.get("SLURM_RESTART_COUNT", "0"))


def report(results: Path, since: float | None = None) -> str | None:
    """Return one line about the jobs below `results` that were restarted, or None if none was.

    Considers logs written after `since`, in seconds since the epoch; by default, since this process
    started. Logs and folders that cannot be read are skipped.
    """
    since, restarted = _STARTED if since is None else since, []
    with contextlib.suppress(OSError):
        logs = (*results.glob("*/logs/**/*.log"), *results.glob("datasets/*/logs/**/*.log"))
        restarted = sorted(str(log) for log in logs if _is_restarted(log, since))
    if not restarted:
        return None
    count, listed = len(restarted), ", ".join(restarted[:MAX_LISTED])
    more = f" and {count - MAX_LISTED} more" if count > MAX_LISTED else ""
    jobs = "1 job" if count == 1 else f"{count} jobs"
    return f"{jobs} {RESTARTED}, preempted or after a node failure: {listed}{more}"


def _is_restarted(log: Path, since: float) -> bool:
    """Return whether a log is recent and begins with a restart; False if it cannot be read.

    An unreadable log must not make a successful command fail.
    """
    try:
        if log.stat().st_mtime < since:
            return False
        with open(log, encoding="utf-8", errors="replace") as file:
            return RESTARTED in file.readline()
    except OSError:
        return False
