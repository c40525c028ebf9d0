"""Verification: no manifest is written over a damaged artifact."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from stage_world import World
from test_swapped import CONFIGS

from epochreel.artifacts import manifest
from epochreel.core.errors import UserError
from epochreel.formats import png
from epochreel.plan.run import Run


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Callable[[str], World]:
    """Return the function that makes everything of a run. Tests leave its files unchanged."""

    @cache
    def make(name: str) -> World:
        folder = tmp_path_factory.mktemp(name)
        with contextlib.chdir(folder):
            world = World(folder, CONFIGS[name]())
            world.make()
        return world

    return make


def flip(path: str) -> bytes:
    """Flip a bit in the middle of a file but keep its time; return the original bytes."""
    times, was = os.stat(path).st_mtime_ns, Path(path).read_bytes()
    data = bytearray(was)
    data[len(data) // 2] ^= 1
    Path(path).write_bytes(data)
    os.utime(path, ns=(times, times))
    return was


@contextlib.contextmanager
def flipped(*paths: str):
    """Flip a bit of each of these files inside the context."""
    held = {path: flip(path) for path in paths}
    try:
        yield
    finally:
        for path, data in held.items():
            Path(path).write_bytes(data)


@pytest.mark.parametrize("name", ["spirals", "sketches", "words"])
def test_no_manifest_is_written_if_any_artifact_is_damaged(made, name):
    world: World = made(name)
    with contextlib.chdir(world.base):
        kept = list(world.run.files.artifacts())
        assert len(kept) > 20
        for path in kept:
            with flipped(path), pytest.raises(UserError, match="delete it and run") as caught:
                world.write_manifest()
            assert path in str(caught.value) and len(str(caught.value).splitlines()) == 1
        world.write_manifest()


def test_a_run_that_does_not_keep_its_checkpoints_is_verified_too(made, monkeypatch):
    world: World = made("spirals")
    monkeypatch.setattr(Run, "keeps_all", False)
    with contextlib.chdir(world.base):
        with (
            flipped(world.run.files.last("checkpoint_index")),
            pytest.raises(UserError, match=r"checkpoint_index/000004\.json"),
        ):
            world.write_manifest()
        world.write_manifest()


def test_files_damaged_before_their_manifest_are_reported_by_verify(made):
    world: World = made("sketches")
    run, path = world.run, "manifest.json"
    damaged = [
        run.files.artifacts_by_kind()[kind][0] for kind in ("evaluations", "frames", "metrics")
    ]
    with contextlib.chdir(world.base), flipped(*damaged):
        manifest.write(path, run.files.artifacts(), run.stages(), {})
        told = list(
            manifest.differences(path, run.files.artifacts(), run.artifact_keys(), run.stages(), {})
        )
    assert [line.split(" is damaged: delete it")[0] for line in told] == sorted(damaged)


def test_changed_user_files_are_reported_even_with_their_old_times(tmp_path):
    sources = {f"datasets.mine.settings.folder: {n}.png": str(tmp_path / n) for n in "abcd"}
    for path in sources.values():
        Path(path).write_text(path)
    added, *_, altered, gone = sources
    made_from = {name: path for name, path in sources.items() if name != added}
    manifest.write(tmp_path / "manifest", [], {}, made_from)
    flip(sources[altered])
    Path(sources.pop(gone)).unlink()
    told = list(manifest.differences(tmp_path / "manifest", [], {}, {}, sources))
    words = ("was added after", "changed after", "was deleted after")
    for name, reason, line in zip((added, altered, gone), words, told, strict=True):
        assert line.startswith(f"{name} {reason}")


def test_user_files_that_differ_in_the_same_way_share_a_line(tmp_path):
    path, sources = tmp_path / "manifest", {f"{n}.png": str(tmp_path / n) for n in "abc"}
    for file in sources.values():
        Path(file).write_text(file)
    manifest.write(path, [], {}, sources)
    (line,) = manifest.differences(path, [], {}, {}, {})
    assert line.startswith("a.png (and 2 more) was deleted after")


def test_unknown_user_files_are_not_compared(tmp_path):
    manifest.write(tmp_path / "manifest", [], {}, {"a.png": __file__})
    assert not list(manifest.differences(tmp_path / "manifest", [], {}, {}, None))


def test_the_texts_of_a_png_are_read_unless_it_is_damaged(made):
    world: World = made("spirals")
    data = (world.base / world.run.files.of("frames")[2]).read_bytes()
    assert png.texts(data)["Snapshot"] == "2" and json.loads(png.texts(data)["epochreel"])
    for harm in (data[:-12], data.replace(b"Snapshot", b"Snapshop"), b"", data[4:]):
        with pytest.raises(ValueError, match="is "):
            png.texts(harm)
