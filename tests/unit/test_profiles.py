"""Profiles: the one for Slurm is complete, and requests resources for every rule."""

import re

import pytest
import yte
from workflow import REPOSITORY

# Finished results are made again, or not, by these.
SHARED = ("rerun-triggers", "max-checksum-file-size", "rerun-incomplete")


def text_of(name: str) -> str:
    return (REPOSITORY / "profiles" / name / "config.yaml").read_text()


def profile(name: str) -> dict:
    """A profile as Snakemake reads it."""
    return yte.process_yaml(text_of(name), require_use_yte=True)


def rules() -> set[str]:
    """The names of the rules in `rules/`."""
    text = "".join(path.read_text() for path in (REPOSITORY / "rules").glob("*.smk"))
    return set(re.findall(r"^rule (\w+):| as (\w+) with:", text, re.M))


def local() -> set[str]:
    """The rules that no cluster is asked for."""
    text = (REPOSITORY / "Snakefile").read_text()
    return set(re.findall(r"\w+", text.partition("localrules:")[2]))


def asked(resource: str, attempt: int) -> dict[str, float]:
    """What each rule asks for at an attempt."""
    resources = profile("slurm")["set-resources"]
    return {rule: eval(each[resource], {"attempt": attempt}) for rule, each in resources.items()}


@pytest.mark.parametrize("key", SHARED)
def test_a_cluster_makes_again_what_one_machine_would(key):
    assert profile("slurm")[key] == profile("default")[key]


def test_a_cluster_knows_every_rule_that_it_is_asked_for_and_no_other():
    asked_for = {"".join(names) for names in rules()} - local()
    assert set(profile("slurm")["set-resources"]) == asked_for
    assert local() >= {"summarize", "publish"}


@pytest.mark.parametrize("resource", ["mem_mb", "runtime"])
def test_each_attempt_of_every_rule_gets_more(resource):
    first, second, third = (asked(resource, attempt) for attempt in (1, 2, 3))
    assert all(0 < first[rule] < second[rule] < third[rule] for rule in first)


def test_trainings_alone_ask_for_a_gpu():
    resources = profile("slurm")["set-resources"]
    asking = {rule for rule, each in resources.items() if each.get("gpu")}
    assert asking == {"train", "train_keeping_last"}


def test_no_blocks_are_submitted_as_an_array():
    assert not [key for key in profile("slurm") if "array" in key]


def test_every_job_is_booked_where_an_account_is_given_and_none_where_not():
    assert "slurm_account" not in profile("slurm")["default-resources"]
    given = text_of("slurm").replace("account: null", "account: physics")
    assert yte.process_yaml(given)["default-resources"]["slurm_account"] == "physics"
