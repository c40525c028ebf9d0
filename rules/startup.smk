"""Actions at the start and the end of a command. No rules."""

import os
import sys
from functools import cache
from pathlib import Path

from snakemake.logging import logger

# Next to the Snakefile, also if another workflow uses this one as a module.
SCRIPTS = (
    Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent / "workflow_scripts"
)
# Snakemake treats braces in a script's path as wildcards, even in the names of parent folders.
if {*"{}"} & {*str(SCRIPTS)}:
    raise SystemExit(
        f"epochreel: {SCRIPTS.parent}: Snakemake does not support braces in the path of a "
        "workflow: rename or move the folder"
    )
sys.path.insert(0, str(SCRIPTS))
IS_COMMAND = not (workflow.remote_exec or workflow.subprocess_exec)
PLANNED = "EPOCHREEL_PLANNED"  # Defined here: in jobs, the library checks itself on import.
if IS_COMMAND:
    os.environ.pop(PLANNED, None)
elif PLANNED not in os.environ:
    raise SystemExit(
        f"epochreel: {PLANNED} is not set in this job: "
        "let the cluster pass the environment on (Slurm: --export=ALL)"
    )

import epochreel
from epochreel.core import files
from epochreel.provenance import code_digest, planned
from epochreel.runtime import environment, requeues
from epochreel.runtime.job import RESTARTS
from epochreel.runtime.job import SCHEDULER
from epochreel.runtime.signals import interrupt_at_signal
from epochreel.runtime.terminal.reports import TERMINAL
from epochreel.runtime.patches import (
    ancient_inputs,
    checksum_cache,
    slurm_controller,
    termination,
)

if Path(epochreel.__file__).parent != SCRIPTS / "epochreel":
    raise SystemExit(
        f"epochreel: the library is already loaded from {epochreel.__file__}; expected {SCRIPTS}: "
        "use only modules of one copy of Epochreel"
    )

checksum_cache.apply()
ancient_inputs.apply()
slurm_controller.apply()
termination.apply()
environment.prepare(SCRIPTS)
# Jobs inherit this variable and end when this process ends.
os.environ[SCHEDULER] = str(os.getpid())
# A job on a cluster records how often Slurm restarted it; a new command starts without a count.
if IS_COMMAND:
    os.environ.pop(RESTARTS, None)
    os.environ.pop(TERMINAL, None)
    interrupt_at_signal()
else:
    requeues.export_restart_count()


@cache
def begin():
    """Prepare the working folder for the jobs of this command; called once, while it plans."""
    if IS_COMMAND and not workflow.dryrun:
        files.remove_leftovers("results")
        files.remove_leftovers(".snakemake/epochreel")
        record = files.temporary_path(Path(".snakemake/epochreel/plan.json").resolve())
        keys = PLAN.key_digests()  # Reads all source files.
        planned.write(record, code_digest.sources(), keys)
        os.environ[PLANNED] = str(record)


def report_restarts():
    """Log which jobs Slurm restarted, if any. Snakemake does not notice restarts."""
    if report := requeues.report(Path("results")):
        logger.warning(f"epochreel: {report}")


onsuccess:
    report_restarts()


onerror:
    report_restarts()
