"""Valid files in place of others of their kind: one line names them, and nothing is made."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from spirals import spirals_config
from stage_world import World, files
from workflow import alone

from epochreel.core.errors import UserError


def spirals() -> dict:
    config = spirals_config(epochs=4, training={"batch_size": 8, "steps_per_epoch": 2})
    config["datasets"]["points"]["examples_per_shard"] = 25
    return config


def sketches(projection: str, epochs: int = 1) -> dict:
    run = alone("sketches")["runs"]["sketches"]
    changes = {"epochs": epochs, "keep_checkpoints": "all", "projection": {"name": projection}}
    config = alone("sketches", **changes, evaluation=run["evaluation"] | {"train_sample": 30})
    config["datasets"]["few_sketches"]["examples_per_shard"] = 20
    return config


CONFIGS = {
    "spirals": spirals,
    "sketches": lambda: sketches("causal"),
    "fitted": lambda: sketches("linear", 2),
    "words": lambda: alone("words", epochs=1),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Callable:
    """Return the function that makes everything of a run, or of one with another seed."""
    worlds: dict[tuple, World] = {}

    def make(name: str, seed: int = 1, of: str = "runs") -> World:
        if (name, seed, of) not in worlds:
            folder, config = tmp_path_factory.mktemp(name), CONFIGS[name]()
            for about in config[of].values():
                about["seed"] = seed
            with contextlib.chdir(folder):
                world = worlds[name, seed, of] = World(folder, config)
                world.make() if of == "runs" else world.generate()
        return worlds[name, seed, of]

    return make


def refusal(world: World, folder: Path, path: str, other: Path, reader: str, number: int) -> str:
    """Return the error of a stage that reads `path`, replaced by `other`; it must make nothing."""
    shutil.copytree(world.base, folder)
    (folder / path).unlink()
    shutil.copy(other, folder / path)
    with contextlib.chdir(folder):
        before = files()
        with pytest.raises(UserError) as caught:
            getattr(world, reader)(number)
        # A training started from scratch has written its log.
        assert reader == "train_without_store" or files() == before
    words = str(caught.value)
    assert len(words.splitlines()) == 1 and "delete it and run" in words
    assert path in words.split(": ")[0], words
    return words


DATA = [
    ("spirals", "points/train/00000", "train_without_store", 0),
    ("spirals", "points/train/00002", "train_without_store", 0),
    ("spirals", "points/validation/00000", "train_without_store", 0),
    ("spirals", "points/test/00000", "evaluate", 1),
    ("spirals", "points/test/00000", "render", 1),
    ("sketches", "few_sketches/train/00001", "evaluate", 1),
    ("sketches", "few_sketches/test/00001", "render_transitions", 1),
    ("words", "few_words/validation/00000", "train_without_store", 0),
    ("words", "few_words/test/00000", "draw_loop", 0),
    ("spirals", "points/train/00002", "write_manifest", 0),
    ("words", "few_words/validation/00000", "write_manifest", 0),
]


@pytest.mark.parametrize("name, shard, reader, number", DATA)
def test_a_shard_of_another_dataset_is_refused(made, tmp_path, name, shard, reader, number):
    world, other = made(name), made(name, 2, "datasets")
    path = f"results/datasets/{shard}.parquet"
    words = refusal(world, tmp_path / "copy", path, other.base / path, reader, number)
    assert "was made with other settings" in words


RUN = [
    ("spirals", "checkpoints/000002.safetensors", "evaluate", 2),
    ("spirals", "checkpoints/000002.safetensors", "save_network", 2),
    ("spirals", "checkpoint_index/000002.json", "evaluate", 2),
    ("spirals", "checkpoint_index/000002.json", "train", 3),
    ("spirals", "checkpoint_index/000002.json", "save_network", 2),
    ("spirals", "checkpoint_index/000004.json", "write_manifest", 0),
    ("spirals", "evaluations/000002.parquet", "summarize", 2),
    ("spirals", "evaluations/000002.parquet", "render", 2),
    ("spirals", "metrics/000002.parquet", "summarize", 3),
    ("spirals", "metrics/000002.parquet", "render", 2),
    ("spirals", "metrics/000004.parquet", "captions", -1),
    ("words", "metrics/000004.parquet", "timeline", 0),
    ("words", "timeline.parquet", "encode", 0),
    ("words", "timeline.parquet", "encode_segment", 0),
    ("spirals", "segments/00000.mp4", "encode", 0),
    ("sketches", "segments/closing.mp4", "encode", 0),
    ("spirals", "segments/00000.mp4", "write_manifest", 0),
    ("sketches", "segments/closing.mp4", "write_manifest", 0),
    ("words", "timeline.parquet", "captions", -1),
    ("words", "timeline.parquet", "write_manifest", 0),
    ("spirals", "frames/000002.png", "encode_segment", 0),
    ("sketches", "frames/000004.png", "encode_closing", 0),
    ("spirals", "frames/000004.png", "save_poster", 0),
    ("spirals", "training.mp4", "publish", 0),
    ("spirals", "training.mp4", "write_manifest", 0),
    ("spirals", "network.safetensors", "write_manifest", 0),
    ("spirals", "checkpoints/000002.safetensors", "write_manifest", 0),
    ("spirals", "checkpoint_index/000002.json", "write_manifest", 0),
    ("spirals", "evaluations/000002.parquet", "write_manifest", 0),
    ("spirals", "metrics/000002.parquet", "write_manifest", 0),
    ("spirals", "frames/000002.png", "write_manifest", 0),
    ("sketches", "projections/000002.parquet", "write_manifest", 0),
    ("sketches", "transitions/000000.png", "write_manifest", 0),
    ("sketches", "evaluations/000002.parquet", "project", 2),
    ("sketches", "evaluations/000002.parquet", "project", 3),
    ("sketches", "evaluations/000002.parquet", "render_transitions", 2),
    ("sketches", "evaluations/000002.parquet", "render_transitions", 3),
    ("sketches", "projections/000002.parquet", "project", 3),
    ("sketches", "projections/000002.parquet", "render", 2),
    ("sketches", "projections/000002.parquet", "render_transitions", 2),
    ("sketches", "projections/000002.parquet", "render_transitions", 3),
    ("sketches", "metrics/000002.parquet", "render_transitions", 2),
    ("sketches", "transitions/000002.png", "encode_segment", 0),
    ("fitted", "evaluations/000002.parquet", "fit_projection", 0),
    ("fitted", "projection.parquet", "project", 2),
    ("words", "evaluations/000004.parquet", "draw_loop", 0),
    ("words", "network.safetensors", "predict", 0),
    ("words", "checkpoint_index/000004.json", "predict", 0),
]


@pytest.mark.parametrize("name, file, reader, number", RUN)
def test_a_file_of_another_training_is_refused(made, tmp_path, name, file, reader, number):
    world, other = made(name), made(name, 2)
    path = f"{world.folder}/{file}"
    words = refusal(world, tmp_path / "copy", path, other.base / path, reader, number)
    origin = (
        "is damaged, or not the checkpoint that "
        if "safetensors" in file
        else "was made with other sett"
    )
    assert origin in words


MANIFEST = ("write_manifest", 0)
PLACES = [
    ("spirals", "points/train/00001", "points/train/00000", "train_without_store", 0),
    ("spirals", "points/validation/00000", "points/test/00000", "train_without_store", 0),
    ("spirals", "points/train/00002", "points/validation/00000", "train_without_store", 0),
    ("spirals", "points/test/00000", "points/train/00000", "evaluate", 2),
    ("spirals", "points/test/00000", "points/train/00000", "render", 2),
    ("spirals", "checkpoint_index/000002.json", "checkpoint_index/000003.json", "evaluate", 2),
    ("spirals", "checkpoint_index/000002.json", "checkpoint_index/000003.json", "train", 3),
    (
        "spirals",
        "checkpoint_index/000004.json",
        "checkpoint_index/000003.json",
        "write_manifest",
        0,
    ),
    ("spirals", "evaluations/000002.parquet", "evaluations/000003.parquet", "summarize", 2),
    ("spirals", "evaluations/000002.parquet", "evaluations/000003.parquet", "render", 2),
    ("spirals", "metrics/000002.parquet", "metrics/000001.parquet", "summarize", 3),
    ("spirals", "metrics/000002.parquet", "metrics/000003.parquet", "render", 2),
    ("spirals", "metrics/000004.parquet", "metrics/000003.parquet", "captions", -1),
    ("spirals", "frames/000002.png", "frames/000003.png", "encode_segment", 0),
    ("sketches", "frames/000004.png", "frames/000003.png", "encode_closing", 0),
    ("sketches", "segments/closing.mp4", "segments/00000.mp4", "encode", 0),
    ("sketches", "segments/00000.mp4", "segments/closing.mp4", "encode", 0),
    ("sketches", "segments/00000.mp4", "segments/closing.mp4", *MANIFEST),
    ("spirals", "network.safetensors", "checkpoints/000003.safetensors", "write_manifest", 0),
    ("spirals", "checkpoints/000003.safetensors", "checkpoints/000004.safetensors", *MANIFEST),
    ("spirals", "checkpoint_index/000002.json", "checkpoint_index/000003.json", *MANIFEST),
    ("spirals", "evaluations/000004.parquet", "evaluations/000003.parquet", *MANIFEST),
    ("spirals", "metrics/000002.parquet", "metrics/000003.parquet", *MANIFEST),
    ("spirals", "frames/000002.png", "frames/000003.png", *MANIFEST),
    ("spirals", "points/train/00001", "points/train/00000", *MANIFEST),
    ("spirals", "points/train/00002", "points/validation/00000", *MANIFEST),
    ("spirals", "points/test/00000", "points/train/00000", *MANIFEST),
    ("sketches", "projections/000002.parquet", "projections/000003.parquet", *MANIFEST),
    ("sketches", "transitions/000002.png", "transitions/000003.png", *MANIFEST),
    ("sketches", "projections/000002.parquet", "projections/000003.parquet", "project", 3),
    ("sketches", "projections/000002.parquet", "projections/000003.parquet", "render", 2),
    (
        "sketches",
        "projections/000002.parquet",
        "projections/000003.parquet",
        "render_transitions",
        3,
    ),
    ("sketches", "transitions/000002.png", "transitions/000003.png", "encode_segment", 0),
    ("fitted", "projections/000002.parquet", "projections/000003.parquet", "render", 2),
    ("words", "evaluations/000004.parquet", "evaluations/000003.parquet", "draw_loop", 0),
]


@pytest.mark.parametrize("name, file, other, reader, number", PLACES)
def test_a_file_from_another_position_is_refused(made, tmp_path, name, file, other, reader, number):
    world = made(name)
    if file.startswith("points/"):
        path, other = (f"results/datasets/{each}.parquet" for each in (file, other))
    else:
        path, other = (f"{world.folder}/{each}" for each in (file, other))
    words = refusal(world, tmp_path / "copy", path, world.base / other, reader, number)
    # The end of a film has another key than the segments before it.
    reason = "was made with other" if "segments/" in file else "holds .*, not |shows snapshot"
    assert "safetensors" in file or re.search(reason, words)


def test_a_fit_over_fewer_snapshots_is_refused(made, tmp_path):
    world = made("fitted")
    shutil.copytree(world.base, tmp_path / "fewer")
    with contextlib.chdir(tmp_path / "fewer"):
        World(tmp_path / "fewer", sketches("linear", 1)).fit_projection()
    path = f"{world.folder}/projection.parquet"
    other = tmp_path / "fewer" / path
    assert "was made with" in refusal(world, tmp_path / "copy", path, other, "project", 2)
