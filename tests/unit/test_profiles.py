"""Profiles: the one for Slurm is complete and requests resources for every rule."""

import re

import pytest
import yte
from workflow import REPOSITORY

# These decide whether finished results are made again.
SHARED = ("rerun-triggers", "max-checksum-file-size", "rerun-incomplete")


def text_of(name: str) -> str:
    return (REPOSITORY / "profiles" / name / "config.yaml").read_text()


def profile(name: str) -> dict:
    """Return a profile as Snakemake reads it."""
    return yte.process_yaml(text_of(name), require_use_yte=True)


def rules() -> set[str]:
    """Return the names of the rules in `rules/`."""
    text = "".join(path.read_text() for path in (REPOSITORY / "rules").glob("*.smk"))
    return set(re.findall(r"^rule (\w+):| as (\w+) with:", text, re.M))


def local() -> set[str]:
    """Return the rules that never run on the cluster."""
    text = (REPOSITORY / "Snakefile").read_text()
    return set(re.findall(r"\w+", text.partition("localrules:")[2]))


def asked(resource: str, attempt: int) -> dict[str, float]:
    """Return what each rule requests on this attempt."""
    resources = profile("slurm")["set-resources"]
    return {rule: eval(each[resource], {"attempt": attempt}) for rule, each in resources.items()}


@pytest.mark.parametrize("key", SHARED)
def test_a_cluster_reruns_exactly_what_one_machine_would(key):
    assert profile("slurm")[key] == profile("default")[key]


def test_the_slurm_profile_lists_exactly_the_rules_that_run_there():
    asked_for = {"".join(names) for names in rules()} - local()
    assert set(profile("slurm")["set-resources"]) == asked_for
    assert local() >= {"summarize", "publish"}


@pytest.mark.parametrize("resource", ["mem_mb", "runtime"])
def test_every_rule_requests_more_on_each_attempt(resource):
    first, second, third = (asked(resource, attempt) for attempt in (1, 2, 3))
    assert all(0 < first[rule] < second[rule] < third[rule] for rule in first)


def test_only_training_requests_a_gpu():
    resources = profile("slurm")["set-resources"]
    asking = {rule for rule, each in resources.items() if each.get("gpu")}
    assert asking == {"train", "train_keeping_last"}


def test_no_blocks_are_submitted_as_an_array():
    assert not [key for key in profile("slurm") if "array" in key]


def test_every_job_is_charged_to_the_account_if_there_is_one():
    assert "slurm_account" not in profile("slurm")["default-resources"]
    given = text_of("slurm").replace("account: null", "account: physics")
    assert yte.process_yaml(given)["default-resources"]["slurm_account"] == "physics"
