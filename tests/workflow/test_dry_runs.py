"""What a change reruns: one dry run for each mechanism.

`tests/promises/test_reruns*.py` cover every key, module, package and file in this way.
"""

from __future__ import annotations

import copy
import os
import random
import shutil

import pytest
import reruns
from rerun_files import ALTERED, LOST, Case
from workflow import Workplace, copy_code, release, with_key

JOINED = {"publish", "encode sheets", "write_manifest sheets", "write_report sheets"}
LAST_FILM = {"encode_segment sheets 00001", "encode_closing sheets"} | JOINED
OF_SHEETS = {"encode_segment sheets 00000"} | LAST_FILM
PICTURES = {"save_poster sheets", "render_closing sheets"}
LAST = {f"{rule} sheets 00001" for rule in ("train", "evaluate", "summarize", "render")}


@pytest.fixture
def place(world, tmp_path) -> Workplace:
    """The miniature world, for replacing files."""
    return world.linked_at(tmp_path / "place")


@pytest.fixture
def films(world) -> set[str]:
    """The jobs that rerun when the film of every run changes."""
    rules = ("encode_segment", "encode_closing", "encode", "write_manifest", "write_report")
    return {"publish"} | {f"{rule} {run}" for rule in rules for run in world.config["runs"]}


def case_of(cases: list[Case], what: str) -> Case:
    return next(case for case in cases if case.what == what)


def test_a_changed_setting_reruns_what_depends_on_it(world):
    config = with_key(world.config, "runs.sheets.film.crf", 30)
    assert world.jobs("all", config=config) == OF_SHEETS


def test_a_change_in_a_module_reruns_the_rules_that_run_it(world, films, tmp_path):
    place = copy.copy(world)
    place.repository = copy_code(tmp_path / "code")
    path = reruns.modules()["epochreel.film.encode"].relative_to(reruns.REPOSITORY)
    with open(place.repository / path, "a") as module:
        module.write("\nMORE = 1\n")
    posters = {f"save_poster {run}" for run in world.config["runs"]}
    assert reruns.without_blocks(place.jobs("all")) == films | posters


def test_comments_and_docstrings_in_every_module_rerun_nothing(world, tmp_path):
    place = copy.copy(world)
    place.repository = copy_code(tmp_path / "code")
    for path in place.repository.rglob("*.py"):
        text = path.read_text().replace('"""', '"""Another word. ', 1)
        path.write_text(f"{text}\n# A comment.\n")
    assert place.jobs("all") == set()


def test_another_version_of_a_package_reruns_the_rules_that_use_it(world, films, tmp_path):
    place = copy.copy(world)
    place.environment = world.environment | release(tmp_path, "ffmpeg-python", "99.9")
    assert reruns.without_blocks(place.jobs("all")) == films


def test_a_lost_file_is_made_again_with_everything_that_reads_it(place):
    case = case_of(LOST, "an evaluation")
    (place.folder / case.path).unlink()
    assert place.jobs() == case.jobs


def test_a_file_changed_by_hand_is_read_again(place):
    case = case_of(ALTERED, "an evaluation")
    path = place.folder / case.path
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert place.jobs() == case.jobs


def test_a_longer_run_makes_only_its_new_snapshots(world):
    config = with_key(world.config, "runs.sheets.epochs", 4)
    once = {"save_network sheets", "timeline sheets"} | PICTURES
    assert world.jobs(config=config) == LAST | LAST_FILM | once


def test_another_block_size_remakes_a_run_but_no_dataset(world):
    jobs = world.jobs(config=world.config | {"snapshots_per_block": 100})
    rules = {job.split()[0] for job in LAST} | {"save_network"}
    assert reruns.without_blocks(jobs) == {
        f"{rule} sheets" for rule in rules
    } | reruns.without_blocks(OF_SHEETS | PICTURES)


def test_an_added_run_makes_its_own_files_and_nothing_else(world):
    another = world.config["runs"]["sheets"] | {"seed": 9}
    config = with_key(world.config, "runs.another", another)
    jobs = [job.split() for job in world.jobs("all", config=config)]
    assert {run for _, run, *_ in jobs} == {"another"}
    made = {"train", "evaluate", "summarize", "render", "encode_segment", "encode"}
    assert {rule for rule, *_ in jobs} >= made


def test_copying_results_with_new_times_reruns_nothing(world, tmp_path):
    shutil.copytree(world.folder, tmp_path / "copy", copy_function=shutil.copyfile)
    files = sorted(path for path in (tmp_path / "copy/results").rglob("*") if path.is_file())
    random.Random(1).shuffle(files)
    for number, path in enumerate(files):
        os.utime(path, (1e9 + number, 1e9 + number))
    assert Workplace(tmp_path / "copy").jobs("all") == set()
