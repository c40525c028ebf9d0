"""Random damage to files: the result is the same, or one line names the file."""

from __future__ import annotations

import contextlib
import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from spirals import spirals_config
from stage_world import World, files
from workflow import alone, miniature

from epochreel.artifacts import dataset_shards
from epochreel.core.errors import UserError

# The files of a run that may be damaged, and the stages that read them.
READERS = {
    "results/datasets/*/train/*.parquet": ("train_without_store",),
    "results/datasets/*/validation/*.parquet": ("train_without_store",),
    "results/datasets/*/test/*.parquet": ("evaluate", "render", "render_closing"),
    "{run}/checkpoints/*.safetensors": ("evaluate", "save_network", "train"),
    "{run}/store/*/weights/*": ("train", "train_on"),
    "{run}/store/*/optimizer/*": ("train", "train_on"),
    "{run}/store/*/records/*": ("train", "train_on"),
    "{run}/store/*/lock": ("train",),
    "{run}/checkpoint_index/*.json": ("train", "train_on", "evaluate"),
    "{run}/evaluations/*.parquet": ("summarize", "render", "render_closing"),
    "{run}/metrics/*.parquet": ("summarize", "render", "render_closing", "captions"),
    "{run}/projections/*.parquet": ("project", "render", "render_transitions"),
    "{run}/projection.parquet": ("project",),
    "{run}/frames/*.png": ("encode_segment", "save_poster"),
    "{run}/transitions/*.png": ("encode_segment",),
    "{run}/timeline.parquet": ("encode", "captions", "write_manifest"),
    "{run}/closing.png": ("write_manifest", "encode_closing"),
    "{run}/segments/*.mp4": ("encode", "write_manifest"),
    "{run}/store/segments/*.mp4": ("encode_segment",),
    "{run}/training.mp4": ("publish", "write_manifest"),
    "{run}/network.safetensors": ("write_manifest",),
    "{run}/manifest.json": ("verify",),
}


def tiny() -> dict:
    """Return the spirals with six snapshots."""
    return spirals_config(training={"batch_size": 8, "steps_per_epoch": 2})


def brief(run: str) -> dict:
    """Return a run of the miniature for one epoch, with all its checkpoints kept."""
    return alone(run, epochs=1, keep_checkpoints="all")


def fitted() -> dict:
    """Return a run whose points are projected by one fit over all snapshots."""
    config = brief("sketches")
    config["runs"]["sketches"]["projection"] = {"name": "linear"}
    return config


CONFIGS = {"spirals": tiny} | {run: partial(brief, run) for run in miniature()["runs"]}
CONFIGS["fitted"] = fitted


def kinds(name: str) -> list[str]:
    """Return the patterns of the files of a run that can be damaged."""
    config = CONFIGS[name]()
    (dataset,), (run,) = config["datasets"].values(), config["runs"].values()
    absent = {split for split in dataset_shards.SPLITS if not isinstance(dataset.get(split), int)}
    absent |= set() if "projection" in run else {"projections"}
    absent |= set() if run.get("figure", {}).get("tweens") else {"transitions"}
    absent |= set() if name == "fitted" else {"projection.parquet"}
    return [pattern for pattern in READERS if absent.isdisjoint(pattern.split("/"))]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Callable[[str], World]:
    """Return the function that makes everything of a run. Tests work on copies."""
    worlds: dict[str, World] = {}

    def make(name: str) -> World:
        if name not in worlds:
            folder = tmp_path_factory.mktemp(name)
            with contextlib.chdir(folder):
                worlds[name] = World(folder, CONFIGS[name]())
                worlds[name].make()
        return worlds[name]

    return make


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Return `data` with a bit flipped, a stretch zeroed or random, cut off, or extended."""
    place, length = rng.randrange(len(data)), rng.randint(1, 64)
    match rng.randrange(6):
        case 0 | 1:
            return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]
        case 2:
            return data[:place]
        case 3:
            return (data[:place] + bytes(length) + data[place + length :])[: len(data)]
        case 4:
            return (data[:place] + rng.randbytes(length) + data[place + length :])[: len(data)]
    return data + rng.randbytes(length)


def trial(world: World, pattern: str, rng: random.Random) -> str:
    """Damage one file and run a stage that reads it; return the outcome in a word."""
    found = sorted(str(path) for path in Path().glob(pattern.format(run=world.folder)))
    path = Path(rng.choice(found))
    before, reader = files(), rng.choice(READERS[pattern])
    harm = damaged(path.read_bytes(), rng)
    path.write_bytes(harm)
    if harm == before[str(path)]:
        return "nothing changed"
    harmed = files()
    number = int(path.stem) if path.stem.isdigit() else 0
    # Stages that continue from a block are the ones that read it.
    after = reader in ("train_on", "summarize", "project", "render_transitions")
    after = after or path.parent.name == "checkpoint_index"
    number = min(number + (after and rng.random() < 0.7), world.snapshots[-1])
    try:
        getattr(world, reader)(number)
    except UserError as error:
        words = str(error)
        assert len(words.splitlines()) == 1, words
        assert str(path) in words, f"{reader} of {path} does not name it: {words}"
        assert "snakemake" in words or "the same command" in words, words
        return "refused"
    now = files()
    changed = {name for name, data in now.items() if harmed.get(name) != data}
    if reader.startswith("train"):
        changed.add(world.path("checkpoints", "safetensors", number))
    wrong = {name for name in changed if not KEPT_IN_STORE.search(name)}
    assert all(now[name] == before[name] for name in wrong), (reader, path, wrong)
    return "the same"


# Records hold times; optimizer states are older where a snapshot was made again.
KEPT_IN_STORE = re.compile("/store/.*/(records|optimizer|lock)")


def run_trials(world: World, tmp_path: Path, pattern: str, seeds: range) -> Counter[str]:
    """Run a trial per seed, each on a fresh copy; count the outcomes."""
    counted: Counter[str] = Counter()
    for seed in seeds:
        copy = tmp_path / str(seed)
        shutil.copytree(world.base, copy)
        rng = random.Random(f"{pattern} {seed}")
        if rng.random() < 0.5:
            _link_again(copy / world.folder)
        with contextlib.chdir(copy):
            counted[trial(world, pattern, rng)] += 1
        shutil.rmtree(copy)
    return counted


def _link_again(run: Path) -> None:
    """Make checkpoints hard links to the store's files again, as the stage does."""
    for weights in run.glob("store/*/weights/*"):
        checkpoint = run / "checkpoints" / weights.name
        checkpoint.unlink()
        checkpoint.hardlink_to(weights)


EVERY = [(name, pattern) for name in CONFIGS for pattern in kinds(name)]


@pytest.mark.parametrize("pattern", kinds("spirals"))
def test_damage_changes_nothing_or_is_reported(made, tmp_path, pattern):
    run_trials(made("spirals"), tmp_path, pattern, range(5))


@pytest.mark.parametrize("name, pattern", [pair for pair in EVERY if pair[0] != "spirals"])
def test_damage_to_any_experiment_changes_nothing_or_is_reported(made, tmp_path, name, pattern):
    run_trials(made(name), tmp_path, pattern, range(1))


@pytest.mark.long
@pytest.mark.parametrize("name, pattern", EVERY)
def test_damage_changes_nothing_or_is_reported_in_many_trials(made, tmp_path, name, pattern):
    seeds = range(100, 140 if name == "spirals" else 110)
    print(name, pattern, dict(run_trials(made(name), tmp_path, pattern, seeds)))


def test_a_record_with_one_changed_digit_is_rejected(made, tmp_path):
    world = made("spirals")
    shutil.copytree(world.base, tmp_path / "copy")
    with contextlib.chdir(tmp_path / "copy"):
        (path,) = Path(world.folder).glob("store/*/records/000002.json")
        digest = json.loads(path.read_text())["optimizer"]
        path.write_text(path.read_text().replace(digest, digest[::-1]))
        before = Path(world.path("checkpoint_index", "json", 2)).read_bytes()
        world.train(2)
        assert Path(world.path("checkpoint_index", "json", 2)).read_bytes() == before
