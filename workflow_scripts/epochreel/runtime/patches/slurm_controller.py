"""Keep the Slurm plugin from losing its jobs while Slurm's controller is unreachable.

If snakemake-executor-plugin-slurm 2.8.0 queries the states of its jobs and gets no answer, it drops
all of them from its list and waits for them forever, or it queries sacct, which does not know them.
No option avoids this. With this patch the plugin queries states only while the controller answers,
and keeps its list until then.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Any

from snakemake.logging import logger

from epochreel.runtime.patches import tested_version

PACKAGE, TESTED = "snakemake-executor-plugin-slurm", "2.8.0"
CONSEQUENCE = "if Slurm's controller restarts, the command may wait forever"
MODULE = "snakemake_executor_plugin_slurm"
PROBE = ("scontrol", "show", "config")  # The plugin also runs this, with the same time limit.
TIME_LIMIT = 10  # s


def apply() -> None:
    """Make the plugin, if loaded, query its jobs only while the controller answers."""
    executor = getattr(sys.modules.get(MODULE), "Executor", None)
    if executor is None or getattr(executor.check_active_jobs, "is_patient", False):
        return
    if not tested_version.is_installed(PACKAGE, TESTED, CONSEQUENCE):
        return
    check = executor.check_active_jobs

    async def check_active_jobs(self: Any, active_jobs: list):
        answers = not active_jobs or await controller_answers()
        _log_change(self, answers)
        async for job in check(self, active_jobs) if answers else _all(active_jobs):
            yield job

    check_active_jobs.is_patient = True
    executor.check_active_jobs = check_active_jobs


async def controller_answers() -> bool:
    """Return whether the controller answers; True if `scontrol` cannot be started."""
    null = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(*PROBE, stdout=null, stderr=null)
    except OSError:
        return True
    try:
        return await asyncio.wait_for(process.wait(), TIME_LIMIT) == 0
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False


async def _all(jobs: list):
    for job in jobs:
        yield job


def _log_change(executor: Any, answers: bool) -> None:
    """Log once that the controller stopped answering, and once that it answers again."""
    was_away = getattr(executor, "is_controller_away", False)
    executor.is_controller_away = not answers
    if not answers and not was_away:
        logger.warning("epochreel: Slurm's controller does not answer; waiting for its jobs")
    elif answers and was_away:
        logger.warning("epochreel: Slurm's controller answers again")
