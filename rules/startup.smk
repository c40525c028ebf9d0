"""Actions at the start and the end of a command. No rules."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "workflow_scripts"))

from snakemake.logging import logger

from epochreel.core import files
from epochreel.runtime import requeues
from epochreel.runtime.job import RESTARTS
from epochreel.runtime.job import SCHEDULER
from epochreel.runtime.job import interrupt_on_hangup
from epochreel.runtime.patches import ancient_inputs, checksum_cache, slurm_controller

checksum_cache.apply()
ancient_inputs.apply()
slurm_controller.apply()
# Jobs inherit this variable and end when this process ends.
os.environ[SCHEDULER] = str(os.getpid())
# A job on a cluster records how often Slurm restarted it; a new command starts without a count.
if workflow.remote_exec:
    requeues.export_restart_count()
else:
    os.environ.pop(RESTARTS, None)
    interrupt_on_hangup()


def report_restarts():
    """Log which jobs Slurm restarted, if any. Snakemake does not notice restarts."""
    if report := requeues.report(Path("results")):
        logger.warning(f"epochreel: {report}")


onstart:
    files.remove_leftovers("results")


onsuccess:
    report_restarts()


onerror:
    report_restarts()
