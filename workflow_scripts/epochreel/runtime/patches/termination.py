"""End the command at SIGTERM, as at Ctrl-C.

At SIGTERM, Snakemake 9.27 starts no more jobs, but waits for running ones, which may take hours.
`docker stop`, systemd, `timeout` and Slurm then send SIGKILL after some seconds, which leaves the
lock. No option avoids this.
"""

from __future__ import annotations

from snakemake.scheduling.job_scheduler import JobScheduler

from epochreel.runtime import signals
from epochreel.runtime.patches import tested_version

PACKAGE, TESTED = "snakemake", "9.27.1"
CONSEQUENCE = "at SIGTERM, the command waits for running jobs"


def apply() -> None:
    """Make Snakemake's scheduler handle SIGTERM with `signals.interrupt`."""
    if JobScheduler.exit_gracefully is signals.interrupt:
        return
    if tested_version.is_installed(PACKAGE, TESTED, CONSEQUENCE):
        # Snakemake calls it as a method; it ignores its arguments.
        JobScheduler.exit_gracefully = signals.interrupt
