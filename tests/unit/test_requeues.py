"""Jobs that Slurm requeued: the user learns about them."""

import time

import pytest

from epochreel.runtime import requeues
from epochreel.runtime.job import RESTARTED, RESTARTS


@pytest.fixture
def write(tmp_path):
    """Return the function that writes the log of a job."""

    def one(job: str, *lines: str) -> None:
        path = tmp_path / job
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"2026-11-21 12:00:00 WARNING {line}\n" for line in lines))

    return one


def test_the_logs_of_requeued_jobs_are_listed(write, tmp_path):
    write("run/logs/train/00000.log", f"{RESTARTED} (restart 1)", "at work")
    write("run/logs/train/00001.log", "at work", f"not the first line: {RESTARTED}")
    write("datasets/d/logs/train/00000.log", f"{RESTARTED} (restart 1)")
    word = requeues.report(tmp_path)
    assert word.startswith("2 jobs restarted by Slurm, ")
    assert all(
        f"{tmp_path}/{name}/00000.log" in word
        for name in ("run/logs/train", "datasets/d/logs/train")
    )
    assert "00001" not in word


def test_only_the_first_of_many_logs_are_listed(write, tmp_path):
    for number in range(5):
        write(f"run/logs/render/0000{number}.log", f"{RESTARTED} (restart 1)")
    word = requeues.report(tmp_path)
    assert word.startswith("5 jobs ") and word.endswith("00002.log and 2 more")


def test_logs_of_earlier_runs_are_not_mentioned(write, tmp_path):
    write("run/logs/train/00000.log", f"{RESTARTED} (restart 1)")
    assert requeues.report(tmp_path) and requeues.report(tmp_path, since=time.time() + 1) is None


def test_a_missing_or_unreadable_log_does_not_fail_the_run(write, tmp_path):
    write("run/logs/train/00000.log", f"{RESTARTED} (restart 1)")
    (tmp_path / "run/logs/train/00001.log").symlink_to("gone")
    (tmp_path / "run/logs/train/00002.log").mkdir()
    assert requeues.report(tmp_path).startswith("1 job restarted by Slurm, ")


def test_a_folder_that_cannot_be_listed_does_not_fail_the_run(monkeypatch, tmp_path):
    def fails(self, pattern):
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(type(tmp_path), "glob", fails)
    assert requeues.report(tmp_path) is None


def test_slurms_restart_count_is_passed_on_to_job_steps():
    first = {"SLURM_RESTART_COUNT": "3"}
    requeues.export_restart_count(first)
    step = {RESTARTS: first[RESTARTS]}
    requeues.export_restart_count(step)
    assert step == {RESTARTS: "3"}


def test_a_job_on_its_first_start_has_no_restarts():
    environment = {}
    requeues.export_restart_count(environment)
    assert environment == {RESTARTS: "0"}
