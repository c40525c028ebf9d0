"""What all rules share: the checked config, the plan made of it, the wildcards' bounds. No rules."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "workflow_scripts"))

from snakemake.logging import logger
from snakemake.utils import update_config

from epochreel import arrays, checksums, controller, files, restarts
from epochreel.errors import UserError
from epochreel.jobs import RESTARTS, SCHEDULER
from epochreel.plan import Plan
from epochreel.provenance import canonical
from epochreel.schema import load_file

# A task of an array is begun with the first one's command.
arrays.become_own_job()
checksums.remember()
controller.be_patient()
# Jobs inherit it, and end when this process has.
os.environ[SCHEDULER] = str(os.getpid())
# A job on a cluster tells how often it was begun; a start of the workflow inherits nobody's count.
if workflow.remote_exec:
    restarts.hand_on()
else:
    os.environ.pop(RESTARTS, None)


def or_stop(function):
    """`function`, but a `UserError` ends the command with its one line and nothing else."""

    def checked(*arguments):
        try:
            return function(*arguments)
        except UserError as error:
            raise SystemExit(f"epochreel: {error}") from None

    return checked


def tell_of_restarts():
    """Say which jobs Slurm has begun again, if any: Snakemake is not told of it."""
    if word := restarts.told(Path("results")):
        logger.warning(f"epochreel: {word}")


# A config named on the command line stands alone. Snakemake's own reading of configs would mix it with
# config.yaml, take the last of two equal keys, and run Python where a file says `__use_yte__`. It reads
# the files of the command line so before this; here all are read as plain YAML.
CONFIGS = workflow.configfiles or ["config.yaml"]


@or_stop
def read_config():
    """The keys and values of all configs, and over them those of `--config`."""
    read = {}
    for path in CONFIGS:
        update_config(read, load_file(path))
    update_config(read, workflow.config_settings.config)
    return read


# Relative paths in the config start from its folder. Snakemake does not track a `Path` among the
# params, so a folder that is moved reruns nothing.
BASE = Path(CONFIGS[-1]).resolve().parent
PLAN = or_stop(Plan)(read_config(), BASE)
PLACES = PLAN.places
# Scripts read settings that define no result (how much is to be kept, say) from `config`.
config.clear()
config.update(PLAN.checked)
# Snakemake tells a Snakefile nothing of the targets; the command line does. That of a job on a
# cluster names what it waits for instead, the padding of its block included.
if not workflow.remote_exec:
    or_stop(PLAN.refuse_targets_beyond)(sys.argv[1:])


wildcard_constraints:
    run="[A-Za-z0-9][A-Za-z0-9_-]*",
    dataset="[A-Za-z0-9][A-Za-z0-9_-]*",
    split="train|validation|test",
    shard=r"\d{5}",
    block=rf"\d{{{PLAN.block_digits}}}",
    name=r"[^/]+",


onstart:
    files.sweep("results")


onsuccess:
    tell_of_restarts()


onerror:
    tell_of_restarts()
