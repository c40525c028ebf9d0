"""What a command does when it starts and when it ends. No rules."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "workflow_scripts"))

from snakemake.logging import logger

from epochreel.core import files
from epochreel.runtime import requeues
from epochreel.runtime.job import RESTARTS
from epochreel.runtime.job import SCHEDULER
from epochreel.runtime.job import end_when_hung_up
from epochreel.runtime.patches import checksum_cache, slurm_controller

checksum_cache.apply()
slurm_controller.apply()
# Jobs inherit it, and end when this process has.
os.environ[SCHEDULER] = str(os.getpid())
# A job on a cluster tells how often it was begun; a start of the workflow inherits nobody's count.
if workflow.remote_exec:
    requeues.hand_on()
else:
    os.environ.pop(RESTARTS, None)
    end_when_hung_up()


def tell_of_restarts():
    """Say which jobs Slurm has begun again, if any: Snakemake is not told of it."""
    if word := requeues.told(Path("results")):
        logger.warning(f"epochreel: {word}")


onstart:
    files.remove_leftovers("results")


onsuccess:
    tell_of_restarts()


onerror:
    tell_of_restarts()
