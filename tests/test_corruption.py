"""Bytes flipped, zeroed or cut off at random: the same result, or one line that names the file."""

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
from conftest import spirals_config
from workflow import alone, miniature

import encode
import evaluate
import generate_dataset
import project
import render
import render_tweens
import save_network
import summarize
import train
import write_captions
from epochreel import blocks, manifest, plan, shards, video
from epochreel.errors import UserError

# What may be damaged of a run, and the stages that read it.
READERS = {
    "results/datasets/*/train/*.parquet": ("train_anew",),
    "results/datasets/*/validation/*.parquet": ("train_anew",),
    "results/datasets/*/test/*.parquet": ("evaluate", "render"),
    "{run}/checkpoints/*.safetensors": ("evaluate", "save_network", "train"),
    "{run}/store/*/weights/*": ("train", "train_on"),
    "{run}/store/*/optimizer/*": ("train", "train_on"),
    "{run}/store/*/records/*": ("train", "train_on"),
    "{run}/store/*/lease": ("train",),
    "{run}/states/*.json": ("train", "train_on", "evaluate"),
    "{run}/evaluations/*.parquet": ("summarize", "render"),
    "{run}/summaries/*.parquet": ("summarize", "render", "captions"),
    "{run}/projections/*.parquet": ("project", "render", "render_tweens"),
    "{run}/frames/*.png": ("encode", "save_poster"),
    "{run}/tweens/*.png": ("encode",),
    "{run}/manifest.json": ("verify",),
}


def tiny() -> dict:
    """The spirals in six snapshots."""
    return spirals_config(training={"batch": 8, "batches_per_epoch": 2})


def brief(run: str) -> dict:
    """A run of the miniature world with all its checkpoints kept, for one epoch."""
    return alone(run, epochs=1, keep_checkpoints="all")


CONFIGS = {"spirals": tiny} | {run: partial(brief, run) for run in miniature()["runs"]}


def kinds(name: str) -> list[str]:
    """The patterns of what there is of a run to be damaged."""
    config = CONFIGS[name]()
    (dataset,), (run,) = config["datasets"].values(), config["runs"].values()
    absent = {split for split in shards.SPLITS if not isinstance(dataset.get(split), int)}
    absent |= set() if "projection" in run else {"projections"}
    absent |= set() if run.get("figure", {}).get("tweens") else {"tweens"}
    return [pattern for pattern in READERS if not any(f"/{part}/" in pattern for part in absent)]


class World:
    """A run in blocks of one; the stages' functions make and remake it.

    Paths are relative to the working folder, as in the workflow.
    """

    def __init__(self, folder: Path, config: dict):
        self.base = folder
        (run,) = config["runs"].values()
        run["figure"] = run.get("figure", {}) | {"width": 480, "height": 270}
        run["film"] = run.get("film", {}) | {"preset": "ultrafast", "hold_seconds": 0}
        config = plan.Plan(config, folder).checked
        self.plan = plan.Plan(config | {"snapshots_per_block": 1}, folder)
        self.run = self.plan.main
        self.folder = f"results/{self.run.name}"
        self.names = self.run.blocks()
        self.snapshots = range(self.run.snapshots)
        self.dataset = self.run.dataset
        self.data = {split: list(self.dataset.shards(split)) for split in shards.SPLITS}

    def path(self, kind: str, suffix: str, number: int) -> str:
        """The file of a snapshot (and, of one snapshot each, of a block)."""
        name = self.names[number] if kind in ("states", "summaries") else f"{number:06d}"
        return f"{self.folder}/{kind}/{name}.{suffix}"

    def stage(self, name: str, number: int | None = None) -> dict:
        """The settings of a stage, or of one block of it."""
        run = self.run
        found = (
            run.stage_settings(name)
            if number is None
            else run.block_settings(name, self.names[number])
        )
        return json.loads(json.dumps(found))

    def generate(self) -> None:
        """Make the shards."""
        for split, paths in self.data.items():
            for path in paths:
                stage = json.loads(json.dumps(self.dataset.shard_settings(split, Path(path).stem)))
                generate_dataset.generate_dataset(path, stage, self.base)

    def train(self, number: int) -> None:
        """Make a block's checkpoints and state."""
        paths = blocks.Paths(
            train=self.data["train"],
            validation=self.data["validation"],
            own=self.run.files_of_stream(),
            before=self.path("states", "json", number - 1) if number else None,
            checkpoints=[self.path("checkpoints", "safetensors", number)],
            state=self.path("states", "json", number),
            store=Path(self.folder, "store"),
            table=Path(self.folder, f"logs/{number}.parquet"),
            layers=Path(self.folder, "logs/layers.parquet"),
        )
        outlook = blocks.Outlook("tiny", len(self.snapshots) - number, True, 20, 1000)
        train.train(paths, self.stage("train", number), self.base, outlook)

    def train_on(self, number: int) -> None:
        """Make a block again of which the store holds nothing any more."""
        for path in Path(self.folder).glob(f"store/*/records/{number:06d}.json"):
            path.unlink()
        self.train(number)

    def train_anew(self, number: int) -> None:
        """Make the first block again, without a store."""
        shutil.rmtree(Path(self.folder, "store"))
        self.train(0)

    def evaluate(self, number: int) -> None:
        """Make a block's evaluations."""
        evaluate.evaluate(
            [self.path("checkpoints", "safetensors", number)],
            self.path("states", "json", number),
            self.data["test"],
            self.run.sample(),
            [self.path("evaluations", "parquet", number)],
            self.stage("evaluate", number),
            self.base,
        )

    def summarize(self, number: int) -> None:
        """Make a block's summary."""
        summarize.summarize(
            [self.path("evaluations", "parquet", number)],
            self.path("summaries", "parquet", number - 1) if number else None,
            self.path("summaries", "parquet", number),
            self.stage("summarize", number),
        )

    def projections(self, number: int) -> list[str]:
        """A block's projections, where there are such."""
        return [self.path("projections", "parquet", number)] if self.run.projects else []

    def project(self, number: int) -> None:
        """Make a block's projections, where there are such."""
        if not self.run.projects:
            return
        project.project(
            [self.path("evaluations", "parquet", number)],
            self.run.projected_before(self.names[number]),
            self.run.film_projection(),
            self.projections(number),
            self.stage("project", number),
            self.base,
        )

    def render_tweens(self, number: int) -> None:
        """Make the pictures that lead to a block's snapshot, where there are such."""
        if not self.run.tweens():
            return
        before = self.run.shown_before(self.names[number])
        render_tweens.render_tweens(
            [*before[:1], self.path("evaluations", "parquet", number)],
            [*before[1:], *self.projections(number)],
            self.path("summaries", "parquet", number),
            self.data["test"],
            [self.path("tweens", "png", number)],
            self.stage("render_tweens", number),
            self.base,
        )

    def render(self, number: int) -> None:
        """Make a block's frames."""
        render.render(
            [self.path("evaluations", "parquet", number)],
            self.projections(number),
            self.path("summaries", "parquet", number),
            self.data["test"],
            [self.path("frames", "png", number)],
            self.stage("render", number),
            self.base,
        )

    def encode(self, _number: int = 0) -> None:
        """Make the film."""
        frames = [self.path("frames", "png", number) for number in self.snapshots]
        film, stage = f"{self.folder}/training.mp4", self.stage("encode")
        encode.encode(video.encode_film, frames, self.run.tweens(), film, stage)

    def save_poster(self, _number: int = 0) -> None:
        """Make the poster."""
        frames = [self.path("frames", "png", number) for number in self.snapshots]
        encode.encode(
            video.save_poster, frames, [], f"{self.folder}/poster.png", self.stage("save_poster")
        )

    def captions(self, number: int = -1) -> None:
        """Make the captions of a summary."""
        number = self.snapshots[number]
        path = self.path("summaries", "parquet", number)
        stage = self.stage("write_captions")
        write_captions.write_captions(path, f"{self.folder}/training.vtt", stage, self.base)

    def save_network(self, number: int = -1) -> None:
        """Make the network of a snapshot."""
        number = self.snapshots[number]
        path = self.path("checkpoints", "safetensors", number)
        save_network.save_network(path, f"{self.folder}/network.safetensors")

    def verify(self, _number: int = 0) -> None:
        """Compare all with the manifest."""
        told = manifest.differences(f"{self.folder}/manifest.json", self.run.kept(), {}, {})
        assert not list(told)

    def make(self) -> None:
        """Make everything."""
        self.generate()
        for number in self.snapshots:
            for stage in (self.train, self.evaluate, self.summarize, self.project):
                stage(number)
            self.render(number)
            self.render_tweens(number)
        for stage in (self.encode, self.save_poster, self.captions, self.save_network):
            stage()
        kept = [path for path in files() if "/store/" not in path]
        manifest.write(f"{self.folder}/manifest.json", kept, {})


def files() -> dict[str, bytes]:
    """All files but logs and what else no stage reads: path → bytes."""
    found = (path for path in Path("results").rglob("*") if path.is_file())
    return {str(p): p.read_bytes() for p in found if "/logs/" not in str(p)}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Callable[[str], World]:
    """The function that gives a run's world with everything made. Tests work on copies."""
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
    """`data` with bits flipped, a stretch zeroed or drawn anew, cut off, or with more behind."""
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
    """Damage one file and let a stage that reads it run; what came of it, in a word."""
    found = sorted(str(path) for path in Path().glob(pattern.format(run=world.folder)))
    path = Path(rng.choice(found))
    before, reader = files(), rng.choice(READERS[pattern])
    harm = damaged(path.read_bytes(), rng)
    path.write_bytes(harm)
    if harm == before[str(path)]:
        return "nothing changed"
    harmed = files()
    number = int(path.stem) if path.stem.isdigit() else 0
    # Those that go on from a block are the ones to read it.
    after = reader in ("train_on", "summarize", "project", "render_tweens")
    after = after or path.parent.name == "states"
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


# Records hold times; the states are older where a snapshot was made again.
KEPT_IN_STORE = re.compile("/store/.*/(records|optimizer|lease)")


def run_trials(world: World, tmp_path: Path, pattern: str, seeds: range) -> Counter[str]:
    """That many trials, each on a fresh copy; how often what came of them."""
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
    """Checkpoints are names of the store's files again, as the stage makes them."""
    for weights in run.glob("store/*/weights/*"):
        checkpoint = run / "checkpoints" / weights.name
        checkpoint.unlink()
        checkpoint.hardlink_to(weights)


EVERY = [(name, pattern) for name in CONFIGS for pattern in kinds(name)]


@pytest.mark.parametrize("pattern", kinds("spirals"))
def test_damage_changes_nothing_or_is_named(made, tmp_path, pattern):
    run_trials(made("spirals"), tmp_path, pattern, range(5))


@pytest.mark.parametrize("name, pattern", [pair for pair in EVERY if pair[0] != "spirals"])
def test_damage_to_what_any_experiment_made_changes_nothing_or_is_named(
    made, tmp_path, name, pattern
):
    run_trials(made(name), tmp_path, pattern, range(1))


@pytest.mark.long
@pytest.mark.parametrize("name, pattern", EVERY)
def test_damage_changes_nothing_or_is_named_at_length(made, tmp_path, name, pattern):
    seeds = range(100, 140 if name == "spirals" else 110)
    print(name, pattern, dict(run_trials(made(name), tmp_path, pattern, seeds)))


def test_a_record_with_one_other_digit_is_not_believed(made, tmp_path):
    world = made("spirals")
    shutil.copytree(world.base, tmp_path / "copy")
    with contextlib.chdir(tmp_path / "copy"):
        (path,) = Path(world.folder).glob("store/*/records/000002.json")
        digest = json.loads(path.read_text())["record"]["optimizer"]
        path.write_text(path.read_text().replace(digest, digest[::-1]))
        before = Path(world.path("states", "json", 2)).read_bytes()
        world.train(2)
        assert Path(world.path("states", "json", 2)).read_bytes() == before
