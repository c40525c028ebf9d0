"""Scripts that a user starts while Snakemake is running in the same folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from killing import small
from workflow import REPOSITORY, Workplace

from epochreel.film import encode


@pytest.fixture
def place(tmp_path) -> Workplace:
    """A run of 13 snapshots in two blocks, not started yet, that keeps only its last checkpoint."""
    return Workplace(tmp_path / "place", small(keep_checkpoints="last"))


def script(place: Workplace, *words: str) -> subprocess.CompletedProcess:
    """Start a script in the folder of the run."""
    name, *arguments = words
    return subprocess.run(
        [sys.executable, REPOSITORY / "workflow_scripts" / f"{name}.py", *arguments],
        cwd=place.folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def locks(place: Workplace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.folder.glob(".snakemake/locks/*")}


def test_a_run_is_previewed_and_verified_while_it_is_being_made(place):
    before = script(place, "preview", "spirals")
    assert before.returncode == 1 and "has no current frames yet" in before.stderr
    assert script(place, "verify").returncode == 0

    process = subprocess.Popen(
        place.command("everything"),
        cwd=place.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not place.path("spirals/frames/000009.png").exists():
        assert process.poll() is None
        time.sleep(0.05)
    locked = locks(place)
    for words in (["preview", "spirals"], ["verify"]):
        done = script(place, *words)
        assert done.returncode == 0, done.stderr
    assert len(locked) == 2 and locks(place) in (locked, {})
    assert process.communicate()[0] and process.returncode == 0

    done = script(place, "preview", "spirals", "--configfile", str(place.folder / "config.yaml"))
    told = "epochreel: results/spirals/preview.mp4: 13 of 13 snapshots, 0.5 s\n"
    assert (done.returncode, done.stderr) == (0, told)
    film = place.path("spirals/preview.mp4")
    assert encode.count_frames(film, {"ffmpeg": "bundled"}, (480, 270)) == 13
    assert script(place, "verify").stderr == "epochreel: run 'spirals' matches its manifest\n"
    assert place.jobs("everything") == set()


def test_the_script_and_the_rule_report_the_same(copied):
    copied.path("sheets/frames/000003.png").unlink()
    done, by_rule = script(copied, "verify"), copied.start("verify")
    assert done.returncode == 1 and by_rule.returncode == 1
    assert "epochreel: results/sheets/frames/000003.png is missing" in done.stderr.splitlines()
    assert all(line in by_rule.stdout for line in done.stderr.splitlines())
