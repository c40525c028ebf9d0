"""What all rules share: the checked config, the plan made of it, the wildcards' bounds. No rules."""

from functools import cache
from pathlib import Path

from snakemake.utils import update_config

from epochreel.config.yaml_file import load_file
from epochreel.core.errors import UserError
from epochreel.plan.fingerprints import of_shard
from epochreel.plan.plan import Plan
from epochreel.provenance.keys import canonical


def or_stop(function):
    """`function`, but a `UserError` ends the command with its one line and nothing else."""

    def checked(*arguments):
        try:
            return function(*arguments)
        except UserError as error:
            raise SystemExit(f"epochreel: {error}") from None

    return checked


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
SLOTS = PLAN.slots
# Scripts read settings that define no result (how much is to be kept, say) from `config`.
config.clear()
config.update(PLAN.checked)


wildcard_constraints:
    run="[A-Za-z0-9][A-Za-z0-9_-]*",
    dataset="[A-Za-z0-9][A-Za-z0-9_-]*",
    split="train|validation|test",
    shard=r"\d{5}",
    block=rf"\d{{{PLAN.block_digits}}}",
    name=r"[^/]+",
