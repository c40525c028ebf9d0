"""Fixtures for many tests: the experiment of examples/spirals/, small enough to train in a test.

`spirals` makes its config, `shards` a dataset, `training` a run's folder to train in.
"""

import json
import os
import shutil
from pathlib import Path

import killing
import pytest
import torch
import worlds
from spirals import COUNTS, SPIRALS, Training, spirals_config
from workflow import Workplace

from epochreel.artifacts import dataset_shards as shard_files
from epochreel.experiment_api import loader
from epochreel.plan import fingerprints, plan
from epochreel.provenance import keys

# Tests may run in parallel, and one thread gives the same bytes everywhere.
os.environ.setdefault("OMP_NUM_THREADS", "1")
torch.set_num_threads(1)


@pytest.fixture
def spirals():
    """Return the function that makes such a config."""
    return spirals_config


@pytest.fixture(scope="session")
def shards(tmp_path_factory) -> dict[str, list[str]]:
    """A dataset of spirals: split → the paths of its shards."""
    folder = tmp_path_factory.mktemp("points")
    generate = loader.find(f"{SPIRALS}/", folder).load("data").generate
    dataset = plan.Plan(spirals_config(), folder).datasets["points"]
    for split, count in COUNTS.items():
        about = {"split": split, "first": 0}
        about["key"] = json.loads(keys.key(fingerprints.of_shard(dataset, split, "00000")))
        examples = generate({"noise": 0.02}, 1, split, range(count))
        shard_files.write(folder / split, examples, about)
    return {split: [str(folder / split)] for split in COUNTS}


@pytest.fixture
def training(tmp_path, shards):
    """Return the function that makes a `Training` in a folder of that name."""

    def make(name: str = "one", **settings) -> Training:
        return Training(tmp_path / name, shards, **settings)

    return make


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """The temporary folder that all workers of this session share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def world(shared) -> Workplace:
    """The miniature with everything made. Tests only read and plan in it."""
    return worlds.made("world", shared)


@pytest.fixture
def copied(world, tmp_path) -> Workplace:
    """A copy of the finished miniature, with its `.snakemake`, for changes."""
    shutil.copytree(world.folder, tmp_path / "world")
    return Workplace(tmp_path / "world")


@pytest.fixture(scope="session")
def made_alone(shared):
    """Return the function that makes a run alone, once, with all its checkpoints kept.

    Its attribute `seconds` holds the duration.
    """

    def make(run: str) -> Workplace:
        folder = shared / f"{run}_alone"
        seconds = folder.with_name(f"{folder.name}.seconds")
        worlds.made_once(
            folder, lambda: seconds.write_text(str(killing.undisturbed(folder, run)[1]))
        )
        place = Workplace(folder, killing.CONFIGS[run]())
        place.seconds = float(seconds.read_text())
        return place

    return make


@pytest.fixture(scope="session")
def rerun_world(shared) -> Workplace:
    """The extended miniature, with every target made. Tests only plan in it."""
    return worlds.made("rerun_world", shared)


@pytest.fixture(scope="session")
def elsewhere(shared) -> Workplace:
    """The miniature, made with one core, with another block size, on another day."""
    return worlds.made("elsewhere", shared)


@pytest.fixture(scope="session")
def extended(shared) -> Workplace:
    """The miniature, first made with half of its epochs, then extended with four cores."""
    return worlds.made("extended", shared)
