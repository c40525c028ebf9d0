"""Shared by all rules: the validated config, the plan and the wildcard constraints. No rules."""

from functools import cache
from pathlib import Path

from epochreel.config.yaml_file import base_folder, read_config, retyped
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


# Snakemake has already read the config files and arguments of the command with its own loader. Read
# them again as plain YAML.
CONFIGS = workflow.configfiles
ARGUMENTS = workflow.config_settings.config_args  # Unparsed; jobs on a cluster receive them too.
IS_MODULE = not workflow.modifier.is_main_snakefile()


@or_stop
def own_config():
    """Return the config of the command; for a module, what the other workflow passes to it."""
    if IS_MODULE:
        return retyped(config, workflow.config_settings.config, ARGUMENTS)
    return read_config(CONFIGS, ARGUMENTS)


# Snakemake does not track `Path` values in params, so moving the folder reruns nothing.
BASE = base_folder(CONFIGS)
PLAN = or_stop(Plan)(own_config(), BASE)
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
