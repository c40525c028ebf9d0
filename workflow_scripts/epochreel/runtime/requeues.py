"""Which jobs Slurm has begun again: their logs say so, and Slurm tells nobody else."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

import psutil

from epochreel.runtime.job import BEGUN_AGAIN, RESTARTS

NAMED = 3  # logs, in a word to people


def hand_on(environment: MutableMapping[str, str] = os.environ) -> None:
    """Keep for the job what Slurm says to a job's first process of how often it has begun it.

    The step that the plugin starts in a job is told of none of Slurm's variables.
    """
    environment.setdefault(RESTARTS, environment.get("SLURM_RESTART_COUNT", "0"))


def told(results: Path, since: float | None = None) -> str | None:
    """What to say of the jobs below `results` that were begun again, or None where none was.

    Those whose logs were written after `since`, seconds of the epoch; else while this process runs.
    """
    since = psutil.Process().create_time() if since is None else since
    logs = (*results.glob("*/logs/**/*.log"), *results.glob("datasets/*/logs/**/*.log"))
    again = sorted(str(log) for log in logs if _says_so(log, since))
    if not again:
        return None
    more = f" and {len(again) - NAMED} more" if len(again) > NAMED else ""
    jobs = "1 job" if len(again) == 1 else f"{len(again)} jobs"
    return f"{jobs} {BEGUN_AGAIN}, preempted or without node: {', '.join(again[:NAMED])}{more}"


def _says_so(log: Path, since: float) -> bool:
    """A log that is gone or cannot be read says nothing: a run that is made ends well."""
    try:
        if log.stat().st_mtime < since:
            return False
        with open(log, encoding="utf-8", errors="replace") as file:
            return BEGUN_AGAIN in file.readline()
    except OSError:
        return False
