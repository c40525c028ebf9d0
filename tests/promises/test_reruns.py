"""The table of reruns: dry runs confirm each row in both directions."""

from __future__ import annotations

import copy
import shutil

import pytest
import reruns
from workflow import ARTIFACTS, REPOSITORY, Workplace, with_key

# -- Settings


@pytest.mark.parametrize("row", reruns.ROWS, ids=lambda row: f"{row.key}={row.value}")
def test_a_key_reruns_the_rules_of_its_row_and_no_other(rerun_world, row):
    changed = with_key(rerun_world.config, row.key, row.value)
    jobs = rerun_world.jobs(*reruns.TARGETS, config=changed)
    assert reruns.without_blocks(jobs) == reruns.expected(changed, row)


def test_a_forked_dry_run_plans_the_same_jobs_as_the_command(rerun_world):
    config = with_key(rerun_world.config, "runs.sheets.training.optimizer.learning_rate", 0.02)
    plans = [
        rerun_world.jobs(*reruns.TARGETS, config=config, is_forked=is_forked)
        for is_forked in (True, False)
    ]
    assert plans[0] == plans[1] and "train sheets 00001" in plans[0]


@pytest.fixture
def planned(rerun_world):
    """Return the function that plans with another config; jobs include their blocks."""

    def plan(change) -> set[str]:
        config = copy.deepcopy(rerun_world.config)
        return rerun_world.jobs(*reruns.TARGETS, config=change(config) or config)

    return plan


def test_reordered_keys_and_explicit_defaults_rerun_nothing(planned):
    def change(config):
        run = config["runs"]["sheets"]
        config["runs"]["sheets"] = dict(reversed(run.items()))
        run["training"] = dict(reversed(run["training"].items()))
        run["training"]["optimizer"] |= {"weight_decay": 0}

    assert planned(change) == set()


def test_swapping_two_numbers_reruns_what_either_change_would(planned, rerun_world):
    def change(config):
        training = config["runs"]["cells"]["training"]
        batch_size, steps = training["batch_size"], training["steps_per_epoch"]
        training |= {"batch_size": steps, "steps_per_epoch": batch_size}

    following = reruns.jobs_of(rerun_world.config, "cells", {"train"})
    assert reruns.without_blocks(planned(change)) == following


def test_more_training_examples_keep_the_layer_table(planned, rerun_world):
    def change(config):
        config["datasets"]["few_sheets"]["train"] = 20

    following = reruns.jobs_of(rerun_world.config, "sheets", {"generate_dataset (train)"})
    assert reruns.without_blocks(planned(change)) == following - {"describe_network sheets"}


def test_an_added_run_makes_its_own_files_and_nothing_else(planned):
    def change(config):
        config["runs"]["another"] = config["runs"]["sheets"] | {"seed": 9}

    made, other = set(), set()
    for job in planned(change):
        (made if job.split()[1:2] == ["another"] else other).add(job.split()[0])
    assert made >= {"train", "evaluate", "summarize", "render", "encode_segment", "encode"}
    assert other == set()


def test_removing_a_run_reruns_nothing(planned):
    assert planned(lambda config: config["runs"].pop("cells") and None) == set()


DRAWN = {"encode sheets", "encode_webm sheets", "encode_gif sheets", "save_poster sheets"}
DRAWN |= {"publish", "write_manifest sheets", "write_captions sheets", "save_network sheets"}
DRAWN |= {
    "predict sheets mine",
    "cast sheets",
    "write_report sheets",
    "timeline sheets",
    "render_closing sheets",
}
DRAWN |= {f"encode_{name} sheets" for name in ("closing", "webm_closing")}
FIRST = {f"encode_{name} sheets 00000" for name in ("segment", "webm_segment")}
SECOND = {f"encode_{name} sheets 00001" for name in ("segment", "webm_segment")}
NEW = {f"{rule} sheets 00001" for rule in ("train", "evaluate", "summarize", "render")}


def test_a_longer_run_makes_only_its_last_block_and_segment(planned):
    def longer(config):
        config["runs"]["sheets"]["epochs"] = 4

    assert planned(longer) == NEW | DRAWN | SECOND


def jobs_if_longer(planned, run: str) -> set[str]:
    """Return the jobs for the blocks of a run with one more epoch, such as "project 00001"."""

    def longer(config):
        config["runs"][run]["epochs"] += 1

    jobs = (job.split() for job in planned(longer))
    return {
        f"{rule} {about[-1]}"
        for rule, *about in jobs
        if about[0] == run and about[1:] and not rule.startswith("encode")
    }


ADDS = {f"{rule} 00001" for rule in ("train", "evaluate", "summarize", "project", "render")}


def test_a_longer_run_projects_only_the_new_snapshots(planned):
    assert jobs_if_longer(planned, "sketches") == ADDS | {"render_transitions 00001"}


def test_a_longer_run_with_a_joint_projection_is_projected_again(planned):
    assert jobs_if_longer(planned, "digits") == ADDS | {"project 00000", "render 00000"}


def test_a_shorter_run_makes_its_last_block_again_and_renders_all(planned):
    def shorter(config):
        config["runs"]["sheets"]["epochs"] = 2

    first = {job.replace("00001", "00000") for job in NEW}
    assert planned(shorter) == first | DRAWN | FIRST


OF_SPIRALS = {f"{rule} spirals" for rule in ("train", "evaluate", "summarize", "render")}
OF_SPIRALS |= {f"{rule} spirals" for rule in ("encode_segment", "encode_closing", "encode")}
OF_SPIRALS |= {"save_network spirals", "write_manifest spirals", "publish"}
OF_SPIRALS |= {"save_poster spirals", "render_closing spirals", "write_report spirals"}


def test_another_block_size_remakes_a_run_but_no_dataset(made_alone):
    place = made_alone("spirals")
    for size, blocks in ((1, 13), (100, 1)):
        jobs = place.jobs(config=place.config | {"snapshots_per_block": size})
        assert reruns.without_blocks(jobs) == OF_SPIRALS
        assert sum(job.startswith("train ") for job in jobs) == blocks


def test_another_block_size_trains_nothing_again_and_gives_the_same_bytes(made_alone, tmp_path):
    whole = made_alone("spirals")
    shutil.copytree(whole.folder, tmp_path / "copy")
    copy = Workplace(tmp_path / "copy", whole.config | {"snapshots_per_block": 100})
    found = copy.path("spirals").glob("store/*/records/*.json")
    records = {path: path.stat().st_ino for path in found}
    copy.make()
    assert copy.digests(*ARTIFACTS).items() >= films(whole).items()
    assert records and all(path.stat().st_ino == node for path, node in records.items())


def films(place: Workplace) -> dict[str, str]:
    """Return the digests of what does not depend on the block size."""
    kept = (pattern for pattern in ARTIFACTS if "metrics" not in pattern)
    return place.digests(*kept)


def test_an_experiment_in_another_folder_remakes_the_dataset_and_its_runs(made_alone, tmp_path):
    place = made_alone("spirals")
    shutil.copytree(REPOSITORY / "examples/spirals", tmp_path / "copy")
    key = "datasets.two_spirals.experiment"
    jobs = place.jobs(config=with_key(place.config, key, f"{tmp_path / 'copy'}/"))
    made = {f"generate_dataset two_spirals {split}" for split in ("train", "test")}
    made.add("describe_network spirals")
    assert reruns.without_blocks(jobs) == OF_SPIRALS | made
