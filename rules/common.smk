"""Shared by all rules: the validated config, the plan and the wildcard constraints. No rules."""

from functools import cache
from pathlib import Path

from snakemake.utils import update_config

from epochreel.config.yaml_file import load_arguments, load_file, retyped
from epochreel.core.errors import UserError
from epochreel.plan.fingerprints import of_shard
from epochreel.plan.plan import Plan
from epochreel.provenance.keys import canonical


def or_stop(function):
    """Wrap `function` so that a `UserError` ends the command and prints only its message."""

    def wrapper(*arguments):
        try:
            return function(*arguments)
        except UserError as error:
            raise SystemExit(f"epochreel: {error}") from None

    return wrapper


# A config named on the command line replaces config.yaml. Snakemake's own loader would merge the
# two, accept duplicate keys, and run Python if a file contains `__use_yte__`. It has already read
# the files named on the command line that way; here all are read as plain YAML.
CONFIGS = workflow.configfiles or ["config.yaml"]
IS_MODULE = not workflow.modifier.is_main_snakefile()


@or_stop
def read_config():
    """Return all config files merged in order, overridden by `--config`.

    For a module, return the config that the other workflow passes to it.
    """
    # The unparsed arguments of `--config`, which jobs on a cluster receive too.
    arguments = workflow.config_settings.config_args
    if IS_MODULE:
        return retyped(config, workflow.config_settings.config, arguments)
    merged = {}
    for values in [*map(load_file, CONFIGS), *load_arguments(arguments)]:
        update_config(merged, values)
    return merged


# Relative paths in the config start from its folder. Snakemake does not track `Path` values in
# params, so moving the folder reruns nothing.
BASE = Path(CONFIGS[-1]).resolve().parent
PLAN = or_stop(Plan)(read_config(), BASE)
SLOTS = PLAN.slots
# Scripts read settings that do not affect results, such as which checkpoints to keep, from `config`.
config.clear()
config.update(PLAN.checked)


wildcard_constraints:
    run="[A-Za-z0-9][A-Za-z0-9_-]*",
    dataset="[A-Za-z0-9][A-Za-z0-9_-]*",
    split="train|validation|test",
    shard=r"\d{5}",
    block=rf"\d{{{PLAN.block_digits}}}",
    segment=r"\d{4,5}",
    name=r"[^/]+",
