"""Patience with Slurm's controller: while it is away, its jobs are still there.

When snakemake-executor-plugin-slurm 2.8.0 asks what has become of its jobs and gets no answer, it
forgets them all and waits for them without end; or it asks sacct instead, by which the tasks of an
array count as ended with one of them. No option avoids that. So it is kept from asking before the
controller answers, and the jobs stay as they are until then.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Any

from snakemake.logging import logger

PLUGIN = "snakemake_executor_plugin_slurm"
ASKED = ("scontrol", "show", "config")  # which the plugin asks, too, and for as long
SECONDS = 10


def be_patient() -> None:
    """Let the plugin, where it is loaded, look after its jobs only while the controller answers."""
    executor = getattr(sys.modules.get(PLUGIN), "Executor", None)
    if executor is None or getattr(executor.check_active_jobs, "is_patient", False):
        return
    check = executor.check_active_jobs

    async def check_active_jobs(self: Any, active_jobs: list):
        there = not active_jobs or await answers()
        _tell(self, there)
        async for job in check(self, active_jobs) if there else _all(active_jobs):
            yield job

    check_active_jobs.is_patient = True
    executor.check_active_jobs = check_active_jobs


async def answers() -> bool:
    """Whether the controller answers; where it cannot be asked, the plugin may find out itself."""
    nowhere = asyncio.subprocess.DEVNULL
    try:
        asked = await asyncio.create_subprocess_exec(*ASKED, stdout=nowhere, stderr=nowhere)
    except FileNotFoundError:
        return True
    try:
        return await asyncio.wait_for(asked.wait(), SECONDS) == 0
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            asked.kill()
        await asked.wait()
        return False


async def _all(jobs: list):
    for job in jobs:
        yield job


def _tell(executor: Any, there: bool) -> None:
    """Say once that the controller is away, and once that it is back."""
    was_away, executor.is_controller_away = (
        getattr(executor, "is_controller_away", False),
        not there,
    )
    if not there and not was_away:
        logger.warning("epochreel: Slurm's controller does not answer: its jobs are waited for")
    elif there and was_away:
        logger.warning("epochreel: Slurm's controller answers again")
