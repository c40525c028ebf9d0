"""Killed at any moment and started again: nothing is lost, and nothing differs."""

from __future__ import annotations

import fcntl
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import termios
from contextlib import suppress

import psutil
import pytest
from killing import CONFIGS, KEPT, Watched, start_and_kill, workers

from epochreel.provenance.code_digest import LIBRARY
from epochreel.runtime.job import SCHEDULER


@pytest.fixture
def watched(made_alone, tmp_path):
    """Return the function that makes a watched workplace with nothing of a run made."""

    def start(run: str) -> Watched:
        whole = made_alone(run)
        return Watched(tmp_path / "place", whole.config, whole.digests(*KEPT))

    return start


def check_films_after_kills(kills: int, place: Watched, rng: random.Random, longest: float) -> None:
    """Kill this often, over as many films as it takes; each film must be the expected one."""
    while kills > 0:
        shutil.rmtree(place.folder)
        place = Watched(place.folder, place.config, place.expected)
        while kills > 0 and start_and_kill(place, rng, longest):
            kills -= 1
        place.watch(process := place.begin())
        place.check_nothing_repeated(process)
        assert process.returncode == 0 and place.finished
        assert place.is_complete()


def test_after_twelve_kills_the_film_is_the_same_and_nothing_was_redone(watched, made_alone):
    longest = 0.5 * made_alone("spirals").seconds
    check_films_after_kills(12, watched("spirals"), random.Random(1), longest)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_after_eighty_kills_the_films_are_the_same(watched, made_alone, seed):
    longest = 0.7 * made_alone("spirals").seconds
    check_films_after_kills(10, watched("spirals"), random.Random(100 + seed), longest)


@pytest.mark.long
@pytest.mark.parametrize("run", [run for run in CONFIGS if run != "spirals"])
def test_after_ten_kills_the_films_of_every_experiment_are_the_same(watched, made_alone, run):
    check_films_after_kills(10, watched(run), random.Random(run), 0.7 * made_alone(run).seconds)


@pytest.fixture
def place(watched) -> Watched:
    return watched("spirals")


def test_a_process_left_in_the_folder_is_found_by_its_working_directory(tmp_path):
    place = Watched(tmp_path / "place", CONFIGS["spirals"](), {})
    left = subprocess.Popen(["sleep", "600"], cwd=place.folder)
    try:
        assert [job.pid for job in place.jobs()] == [left.pid]
        with pytest.raises(AssertionError, match=r"still there: .*sleep"):
            place.wait_until_idle(seconds=0.1)
    finally:
        left.kill()
        left.wait()
    assert place.jobs() == []


def wait_for_training(place: Watched, process: subprocess.Popen) -> None:
    while not workers(process, "train"):
        assert not place.watch(process, 0.05)


def check_resumes_without_unlocking(place: Watched) -> None:
    place.wait_until_idle()
    assert not list(place.folder.glob(".snakemake/locks/*.lock"))
    place.make()
    assert place.is_complete()


def reset_signal_handlers() -> None:
    """Let signals end this process even if the tests run in the background or with `nohup`."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def test_closing_the_terminal_leaves_no_lock_and_no_job(place):
    terminal, end = pty.openpty()

    def at_the_terminal():
        reset_signal_handlers()
        fcntl.ioctl(end, termios.TIOCSCTTY, 0)

    process = place.begin(before=at_the_terminal, stdin=end, stdout=end, stderr=end)
    os.close(end)
    wait_for_training(place, process)
    os.close(terminal)
    assert place.watch(process) and process.returncode != 0
    check_resumes_without_unlocking(place)


def is_training(place: Watched) -> bool:
    """Return whether a job has started a block, with its libraries loaded, and not finished it."""
    begun, made = (
        {path.stem for path in place.path("spirals").glob(pattern)}
        for pattern in ("logs/train/*.log", "checkpoint_index/*.json")
    )
    return bool(begun - made)


def suspend_training(place: Watched, process: subprocess.Popen) -> list[psutil.Process]:
    """Return the processes of a job in the middle of its block, suspended."""
    while not place.watch(process, 0.02):
        jobs = workers(process, "train") if is_training(place) else []
        for job in jobs:
            with suppress(psutil.NoSuchProcess):
                job.suspend()
        if jobs and is_training(place):
            return jobs
        resume(jobs)
    raise AssertionError("all blocks were made before a job could be stopped")


def resume(jobs: list[psutil.Process]) -> None:
    for job in jobs:
        with suppress(psutil.NoSuchProcess):
            job.resume()


def test_an_interrupted_job_says_so_in_one_line_and_can_be_resumed(place):
    process = place.begin("--cores", "1", before=reset_signal_handlers)
    jobs = suspend_training(place, process)
    os.killpg(process.pid, signal.SIGINT)
    resume(jobs)
    place.watch(process)
    said = place.heard(process)
    assert "epochreel: interrupted: run the same command again to resume" in said, said[-3000:]
    assert "Traceback" not in said, said[-3000:]
    check_resumes_without_unlocking(place)


def test_sigterm_ends_the_jobs_and_the_command_which_needs_no_unlock(place):
    process = place.begin()
    wait_for_training(place, process)
    process.terminate()  # The command alone, as `docker stop`, `timeout` and systemd do.
    assert place.watch(process, 20) and process.returncode != 0
    check_resumes_without_unlocking(place)


def test_of_two_starts_in_one_folder_one_reports_the_lock_of_the_other(place):
    # Snakemake checks for a lock before it writes its own: two starts within a millisecond may both
    # find none. This case is the same as without a lock (below).
    first = place.begin()
    while not list(place.folder.glob(".snakemake/locks/*.lock")):
        assert not place.watch(first, 0.02)
    second = place.begin()
    for process in (first, second):
        place.watch(process)
    assert (first.returncode, second.returncode) == (0, 1)
    said = place.heard(second)
    assert "Directory cannot be locked" in said, said[-2000:]
    assert place.is_complete()


def test_without_the_lock_two_starts_train_each_snapshot_once(place):
    both = [place.begin("--nolock"), place.begin("--nolock")]
    for process in both:
        place.watch(process)
    place.make()
    assert place.is_complete()


def test_a_job_whose_scheduler_died_while_it_was_loading_does_not_start(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    work = "from epochreel.runtime.job import job\nwith job('job.log'):\n    open('begun', 'w')"
    environment = {SCHEDULER: str(gone.pid), "PYTHONPATH": str(LIBRARY.parent)}
    done = subprocess.run([sys.executable, "-c", work], cwd=tmp_path, env=environment)
    assert done.returncode == 143
    assert not (tmp_path / "begun").exists()
