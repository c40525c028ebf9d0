"""The preview of a film: the frames so far, encoded while Snakemake runs."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tools import refusal
from workflow import REPOSITORY

import preview
from epochreel.core.errors import UserError
from epochreel.film import encode
from epochreel.formats import png
from epochreel.plan.plan import Plan

TARGET = Path("results/tiny/preview.mp4")
FIGURE = {"figure": {"width": 480, "height": 270}, "film": {"preset": "ultrafast"}}


@pytest.fixture
def plan(tmp_path, monkeypatch, spirals, caplog) -> Plan:
    """The plan of a run of six snapshots, in its working folder, which has no frames yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging.getLogger("epochreel"), "propagate", True)
    caplog.set_level("INFO")
    return Plan(spirals(**FIGURE), tmp_path)


def draw(plan: Plan, *numbers: int, key: str | None = None) -> None:
    """Draw these frames of the run."""
    paths, key = plan.main.files.of("frames"), key or plan.main.stages()["render"]
    Path(paths[0]).parent.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        texts = {"Snapshot": str(number), "epochreel": key}
        Path(paths[number]).write_bytes(png.encode(np.zeros((270, 480, 3), np.uint8), texts))


def length() -> int:
    return encode.count_frames(TARGET, {"ffmpeg": "bundled"}, (480, 270))


def test_the_preview_ends_before_the_first_missing_frame(plan, caplog):
    draw(plan, 0, 1, 2, 4)
    preview.preview(plan, "tiny")
    assert length() == 3
    told = "results/tiny/preview.mp4: 3 of 6 snapshots, 0.1 s "
    assert told + "(results/tiny/frames/000003.png is missing)" in caplog.messages


def test_the_preview_of_a_finished_run_shows_all_snapshots(plan, caplog):
    draw(plan, *range(6))
    preview.preview(plan, "tiny")
    assert length() == 6
    assert "results/tiny/preview.mp4: 6 of 6 snapshots, 0.2 s" in caplog.messages


def test_a_frame_drawn_with_other_settings_ends_the_preview(plan, caplog):
    draw(plan, 0, 1, 2, 3)
    draw(plan, 2, key="{}")
    preview.preview(plan, "tiny")
    assert length() == 2
    assert "000002.png was made with other settings" in caplog.text


def test_a_truncated_frame_ends_the_preview(plan):
    draw(plan, 0, 1)
    path = Path(plan.main.files.of("frames")[1])
    path.write_bytes(path.read_bytes()[:-20])
    preview.preview(plan, "tiny")
    assert length() == 1


def test_a_run_without_frames_is_refused_and_nothing_is_written(plan, tmp_path):
    told = refusal(preview.preview, plan, "tiny")
    assert told == (
        "run 'tiny' has no current frames yet: results/tiny/frames/000000.png is missing"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_run_is_refused(plan):
    assert refusal(preview.preview, plan, "other").endswith("expected one of tiny")


def test_only_the_preview_is_written(plan, tmp_path):
    draw(plan, 0, 1)
    before = {path: path.stat() for path in tmp_path.rglob("*") if path.is_file()}
    preview.preview(plan, "tiny")
    after = {path: path.stat() for path in tmp_path.rglob("*") if path.is_file()}
    assert after.keys() - before.keys() == {tmp_path / TARGET}
    assert {path: after[path].st_mtime_ns for path in before} == {
        path: before[path].st_mtime_ns for path in before
    }


def test_a_frame_deleted_meanwhile_shortens_the_preview(plan, monkeypatch):
    draw(plan, 0, 1, 2)

    def encode_after_a_job_started(*arguments):
        Path(plan.main.files.of("frames")[1]).unlink(missing_ok=True)
        encode.encode_film(*arguments)

    monkeypatch.setattr(preview, "encode_film", encode_after_a_job_started)
    preview.preview(plan, "tiny")
    assert length() == 1


def test_an_error_of_the_encoder_is_reported_once(plan, monkeypatch):
    draw(plan, 0, 1)
    calls = []

    def fail(*_):
        calls.append(1)
        raise UserError("no ffmpeg")

    monkeypatch.setattr(preview, "encode_film", fail)
    assert refusal(preview.preview, plan, "tiny") == "no ffmpeg" and calls == [1]


@pytest.mark.parametrize("words", [["preview.py", "run"], ["verify.py"]], ids=["preview", "verify"])
def test_a_script_reads_the_config_in_the_working_folder(tmp_path, words):
    command = [sys.executable, f"{REPOSITORY}/workflow_scripts/{words[0]}", *words[1:]]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "epochreel: config.yaml cannot be read: No such file or directory\n"
    assert list(tmp_path.iterdir()) == []
