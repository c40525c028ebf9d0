"""Bytes flipped, zeroed or cut off at random: the same result, or one line that names the file."""

from __future__ import annotations

import contextlib
import json
import random
import re
import shutil
from pathlib import Path

import pytest
from conftest import spirals_config

import encode
import evaluate
import render
import save_network
import summarize
import train
import write_captions
from epochreel import blocks, manifest, plan, shards, video
from epochreel.errors import UserError

RUN = "results/tiny"
SNAPSHOTS = range(6)
# What may be damaged, and the stages that read it.
READERS = {
    "results/datasets/points/train/*.parquet": ("train_anew",),
    "results/datasets/points/validation/*.parquet": ("train_anew",),
    "results/datasets/points/test/*.parquet": ("evaluate", "render"),
    f"{RUN}/checkpoints/*.safetensors": ("evaluate", "save_network", "train"),
    f"{RUN}/store/*/weights/*": ("train", "train_on"),
    f"{RUN}/store/*/optimizer/*": ("train", "train_on"),
    f"{RUN}/store/*/records/*": ("train", "train_on"),
    f"{RUN}/store/*/lease": ("train",),
    f"{RUN}/states/*.json": ("train", "train_on"),
    f"{RUN}/evaluations/*.parquet": ("summarize", "render"),
    f"{RUN}/summaries/*.parquet": ("summarize", "render", "captions"),
    f"{RUN}/frames/*.png": ("encode", "save_poster"),
    f"{RUN}/manifest.json": ("verify",),
}


class World:
    """A run of six snapshots in blocks of two; the stages' functions make and remake it.

    Paths are relative to the working folder, as in the workflow.
    """

    def __init__(self, folder: Path):
        self.base = folder
        config = spirals_config(training={"batch": 8, "batches_per_epoch": 2})
        config["runs"]["tiny"] |= {
            "figure": {"width": 480, "height": 270},
            "film": {"preset": "ultrafast", "hold_seconds": 0},
        }
        config = plan.Plan(config, folder).checked
        self.plan = plan.Plan(config | {"snapshots_per_block": 1}, folder)
        self.run = self.plan.runs["tiny"]
        self.names = self.run.blocks()
        self.data = {split: list(self.run.dataset.shards(split)) for split in shards.SPLITS}

    def path(self, kind: str, suffix: str, number: int) -> str:
        """The file of a snapshot (and, of one snapshot each, of a block)."""
        name = self.names[number] if kind in ("states", "summaries") else f"{number:06d}"
        return f"{RUN}/{kind}/{name}.{suffix}"

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
        generate = self.run.experiment.load("data").generate
        counts = {"train": 60, "validation": 10, "test": 20}
        for split, (path,) in self.data.items():
            shards.write(path, generate({"noise": 0.02}, 1, split, range(counts[split])), {})

    def train(self, number: int) -> None:
        """Make a block's checkpoints and state."""
        paths = blocks.Paths(
            train=self.data["train"],
            validation=self.data["validation"],
            own=[],
            before=self.path("states", "json", number - 1) if number else None,
            checkpoints=[self.path("checkpoints", "safetensors", number)],
            state=self.path("states", "json", number),
            store=Path(RUN, "store"),
            table=Path(RUN, f"logs/{number}.parquet"),
            layers=Path(RUN, "logs/layers.parquet"),
        )
        outlook = blocks.Outlook("tiny", len(SNAPSHOTS) - number, True, 20, 1000)
        train.train(paths, self.stage("train", number), self.base, outlook)

    def train_on(self, number: int) -> None:
        """Make a block again of which the store holds nothing any more."""
        for path in Path(RUN).glob(f"store/*/records/{number:06d}.json"):
            path.unlink()
        self.train(number)

    def train_anew(self, number: int) -> None:
        """Make the first block again, without a store."""
        shutil.rmtree(Path(RUN, "store"))
        self.train(0)

    def evaluate(self, number: int) -> None:
        """Make a block's evaluations."""
        evaluate.evaluate(
            [self.path("checkpoints", "safetensors", number)],
            self.data["test"],
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

    def render(self, number: int) -> None:
        """Make a block's frames."""
        render.render(
            [self.path("evaluations", "parquet", number)],
            self.path("summaries", "parquet", number),
            self.data["test"],
            [self.path("frames", "png", number)],
            self.stage("render", number),
            self.base,
        )

    def encode(self, _number: int = 0) -> None:
        """Make the film."""
        frames = [self.path("frames", "png", number) for number in SNAPSHOTS]
        encode.encode(video.encode_film, frames, f"{RUN}/training.mp4", self.stage("encode"))

    def save_poster(self, _number: int = 0) -> None:
        """Make the poster."""
        frames = [self.path("frames", "png", number) for number in SNAPSHOTS]
        encode.encode(video.save_poster, frames, f"{RUN}/poster.png", self.stage("save_poster"))

    def captions(self, number: int = SNAPSHOTS[-1]) -> None:
        """Make the captions of a summary."""
        path = self.path("summaries", "parquet", number)
        stage = self.stage("write_captions")
        write_captions.write_captions(path, f"{RUN}/training.vtt", stage, self.base)

    def save_network(self, number: int = SNAPSHOTS[-1]) -> None:
        """Make the network of a snapshot."""
        path = self.path("checkpoints", "safetensors", number)
        save_network.save_network(path, f"{RUN}/network.safetensors")

    def verify(self, _number: int = 0) -> None:
        """Compare all with the manifest."""
        differences = list(manifest.differences(f"{RUN}/manifest.json", {}))
        if differences:
            raise UserError(f"{RUN}/manifest.json: {differences[0]}: snakemake")

    def make(self) -> None:
        """Make everything."""
        self.generate()
        for number in SNAPSHOTS:
            for stage in (self.train, self.evaluate, self.summarize, self.render):
                stage(number)
        for stage in (self.encode, self.save_poster, self.captions, self.save_network):
            stage()
        manifest.write(f"{RUN}/manifest.json", [p for p in files() if "/store/" not in p])


def files() -> dict[str, bytes]:
    """All files but logs and what else no stage reads: path → bytes."""
    found = (path for path in Path("results").rglob("*") if path.is_file())
    return {str(p): p.read_bytes() for p in found if "/logs/" not in str(p)}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[World, Path]:
    """The world with everything made. Tests work on copies."""
    folder = tmp_path_factory.mktemp("made")
    with contextlib.chdir(folder):
        world = World(folder)
        world.make()
    return world, folder


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
    path = Path(rng.choice(sorted(str(path) for path in Path().glob(pattern))))
    before, reader = files(), rng.choice(READERS[pattern])
    harm = damaged(path.read_bytes(), rng)
    path.write_bytes(harm)
    if harm == before[str(path)]:
        return "nothing changed"
    harmed = files()
    number = int(path.stem) if path.stem.isdigit() else 0
    # Those that go on from a block are the ones to read it.
    after = reader == "train_on" or path.parent.name == "states" or reader == "summarize"
    number = min(number + (after and rng.random() < 0.7), SNAPSHOTS[-1])
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


def run_trials(made, tmp_path: Path, pattern: str, seeds: range) -> dict[str, int]:
    """That many trials, each on a fresh copy; how often what came of them."""
    world, folder = made
    counted: dict[str, int] = {}
    for seed in seeds:
        copy = tmp_path / str(seed)
        shutil.copytree(folder, copy)
        rng = random.Random(f"{pattern} {seed}")
        if rng.random() < 0.5:
            _link_again(copy)
        with contextlib.chdir(copy):
            word = trial(world, pattern, rng)
        counted[word] = counted.get(word, 0) + 1
        shutil.rmtree(copy)
    return counted


def _link_again(copy: Path) -> None:
    """Checkpoints are names of the store's files again, as the stage makes them."""
    for weights in copy.glob(f"{RUN}/store/*/weights/*"):
        checkpoint = copy / RUN / "checkpoints" / weights.name
        checkpoint.unlink()
        checkpoint.hardlink_to(weights)


@pytest.mark.parametrize("pattern", READERS)
def test_damage_changes_nothing_or_is_named(made, tmp_path, pattern):
    run_trials(made, tmp_path, pattern, range(5))


@pytest.mark.long
@pytest.mark.parametrize("pattern", READERS)
def test_damage_changes_nothing_or_is_named_at_length(made, tmp_path, pattern):
    print(pattern, run_trials(made, tmp_path, pattern, range(100, 160)))


def test_a_record_with_one_other_digit_is_not_believed(made, tmp_path):
    world, folder = made
    shutil.copytree(folder, tmp_path / "copy")
    with contextlib.chdir(tmp_path / "copy"):
        (path,) = Path(RUN).glob("store/*/records/000002.json")
        digest = json.loads(path.read_text())["record"]["optimizer"]
        path.write_text(path.read_text().replace(digest, digest[::-1]))
        before = Path(world.path("states", "json", 2)).read_bytes()
        world.train(2)
        assert Path(world.path("states", "json", 2)).read_bytes() == before
