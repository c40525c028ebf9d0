"""Start the workflow and kill it, while watching its folder."""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import yaml
from workflow import ARTIFACTS, REPOSITORY, Workplace, alone, miniature, numbered_jobs

KEPT = (*ARTIFACTS, "*/checkpoint_index/*.json", "*/network.safetensors", "*/manifest.json")
KEPT += ("../training.mp4",)  # published above `results/`
WAYS = ("alone", "group", "worker")


def small(repository: Path = REPOSITORY, **run) -> dict:
    """Return a config of short jobs in two blocks: the spirals, with 13 snapshots."""
    folder = repository / "examples" / "spirals"
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["datasets"]["two_spirals"] |= {"experiment": f"{folder}/", "train": 100, "test": 40}
    config["runs"]["spirals"] |= {
        "epochs": 12,
        "network": {"name": "perceptron", "width": 64},
        "training": {
            "batch_size": 50,
            "steps_per_epoch": 100,
            "optimizer": {"name": "adam", "learning_rate": 0.01},
        },
        "figure": {"width": 480, "height": 270},
        "film": {"preset": "ultrafast", "hold_seconds": 0.5},
    } | run
    return config | {"snapshots_per_block": 10}


# A name → the function that makes the config with that run alone.
CONFIGS: dict[str, Callable[[], dict]] = {"spirals": small}
CONFIGS |= {run: partial(alone, run) for run in miniature()["runs"]}


class Watched(Workplace):
    """A workplace that compares its files, at every look, with those of an undisturbed run."""

    def __init__(self, folder: Path, config: dict, expected: dict[str, str], **where):
        super().__init__(folder, config, **where)
        self.expected = expected
        self._seen: dict[str, tuple] = {}
        self.records: dict[str, tuple] = {}
        self.finished: set[str] = set()

    def begin(self, *arguments: str, before: Callable | None = None, **how) -> subprocess.Popen:
        """Start `snakemake` as the leader of a new process group; it calls `before` first."""
        said = tempfile.TemporaryFile("w+")  # noqa: SIM115
        where = {"stdout": said, "stderr": subprocess.STDOUT} | how
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            start_new_session=True,
            preexec_fn=before,
            **where,
        )
        process.said = said
        return process

    def heard(self, process: subprocess.Popen) -> str:
        """Return the output of a start."""
        process.said.seek(0)
        return process.said.read()

    def check_nothing_repeated(self, process: subprocess.Popen) -> None:
        """Check that this start repeated no finished job; record the jobs that it finished."""
        said = self.heard(process)
        begun = numbered_jobs(said)
        # Checkpoints that are deleted after evaluation are made again for a block in progress.
        lasting = {job for job in begun.values() if job.split()[0] != "train_keeping_last"}
        assert not lasting & self.finished, f"made again: {sorted(lasting & self.finished)}\n{said}"
        ended = re.findall(r"^Finished jobid: (\d+) ", said, re.MULTILINE)
        self.finished |= {begun[number] for number in ended if number in begun}

    def look(self) -> None:
        """Check that every file with a final name is complete, and no snapshot is trained twice."""
        for path in self.present():
            name = str(path.relative_to(self.folder / "results"))
            try:
                with open(path, "rb") as file:
                    state = _identity(os.fstat(file.fileno()))
                    if self._seen.get(name) == state:
                        continue
                    found = hashlib.sha256(file.read()).hexdigest()
            except FileNotFoundError:
                continue
            assert found == self.expected[name], f"{name} is not whole, or another"
            self._seen[name] = state
        for run in self.config["runs"]:
            self._check_trained_once(run)

    def _check_trained_once(self, run: str) -> None:
        records = sorted(self.path(run).glob("store/*/records/[0-9]*.json"))
        if records and self.keeps_last(run):
            # Checkpoints that are deleted after evaluation are made again for a block in progress.
            size = self.config["snapshots_per_block"]
            begun = int(records[-1].stem) // size * size
            records = [path for path in records if int(path.stem) < begun]
        for path in records:
            first = self.records.setdefault(str(path), _identity(path.stat()))
            assert first == _identity(path.stat()), f"snapshot {path.stem} was trained again"

    def keeps_last(self, run: str) -> bool:
        """Return whether a run deletes its checkpoints after their evaluation."""
        return self.config["runs"][run].get("keep_checkpoints") == "last"

    def is_complete(self) -> bool:
        """Return whether all artifacts exist with the expected bytes, and nothing else."""
        gone = tuple(f"{run}/checkpoints/" for run in self.config["runs"] if self.keeps_last(run))
        found = self.digests(*KEPT)
        for name in [name for name in found | self.expected if name.startswith(gone)]:
            found[name] = self.expected[name]
        return found == self.expected

    def present(self) -> list[Path]:
        """Return the existing artifacts."""
        return [path for pattern in KEPT for path in self.path("").glob(pattern)]

    def watch(self, process: subprocess.Popen, seconds: float = 600) -> bool:
        """Look repeatedly until the process ends (True), or for these seconds (False)."""
        stop = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < stop:
            self.look()
            time.sleep(0.02)
        self.look()
        return process.poll() is not None

    def jobs(self) -> list[psutil.Process]:
        """Return the processes that still work in this folder, except this one and its parents."""
        begun = {process.pid for process in [psutil.Process(), *psutil.Process().parents()]}
        others = (process for process in psutil.process_iter() if process.pid not in begun)
        return [process for process in others if _works_in(process, self.folder)]

    def wait_until_idle(self, seconds: float = 20) -> None:
        """Wait for the processes that a killed start has left; they must end."""
        stop = time.monotonic() + seconds
        while self.jobs() and time.monotonic() < stop:
            self.look()
            time.sleep(0.05)
        assert not self.jobs(), f"still there: {[job.cmdline() for job in self.jobs()]}"


def _identity(state: os.stat_result) -> tuple:
    return state.st_ino, state.st_size, state.st_mtime_ns


def _works_in(process: psutil.Process, folder: Path) -> bool:
    """Return whether a process names the folder or runs in it: ffmpeg's paths are relative."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if any(f"{folder}/" in word for word in process.cmdline()):
            return True
        return Path(process.cwd()).is_relative_to(folder.resolve())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def kill(place: Watched, process: subprocess.Popen, way: str, rng: random.Random) -> bool:
    """Kill Snakemake alone, its whole group, or one worker; False if it had already ended."""
    if way == "group":
        os.killpg(process.pid, signal.SIGKILL)
    elif way == "alone":
        process.kill()
    else:
        while not (found := workers(process)):
            if place.watch(process, 0.05):
                return False
        with suppress(psutil.NoSuchProcess):
            rng.choice(found).kill()
        place.watch(process)
    process.wait()
    return True


def workers(process: subprocess.Popen, rule: str = "") -> list[psutil.Process]:
    """Return the jobs (of one rule) of a start, with their child processes.

    Snakemake starts other processes too: the solver of its plan, and programs whose versions it
    queries. It survives their loss.
    """
    try:
        jobs = [
            job for job in psutil.Process(process.pid).children() if f"{rule}.py" in _command(job)
        ]
        return jobs + [child for job in jobs for child in job.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _command(process: psutil.Process) -> str:
    """Return the command line of a process if it is a job, else an empty string."""
    try:
        command = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
    return command if "/.snakemake/scripts/" in command else ""


def start_and_kill(place: Watched, rng: random.Random, longest: float) -> str | None:
    """Start, kill after up to `longest` seconds; return what was killed, None if it ended."""
    process, way = place.begin(), rng.choice(WAYS)
    ended = place.watch(process, rng.uniform(1.0, longest))
    killed = not ended and kill(place, process, way, rng)
    # Sometimes start again while orphaned processes still run.
    if rng.random() < 0.7:
        place.wait_until_idle()
    place.check_nothing_repeated(process)
    if way != "worker":
        place.make_forked("--unlock")
    if not killed:
        assert process.returncode == 0, place.heard(process)
    process.said.close()
    return way if killed else None


def undisturbed(folder: Path, run: str) -> tuple[Workplace, float]:
    """Make a run undisturbed, all its checkpoints kept; return it and its duration in seconds."""
    place = Workplace(folder, CONFIGS[run]())
    began = time.monotonic()
    place.make("--notemp")
    return place, time.monotonic() - began


def main(folder: str, kills: int, seed: int, run: str = "spirals") -> None:
    """Kill this often and report the result.

    Run as `python tests/support/killing.py FOLDER 100 1 sheets`.
    """
    rng, counted, films = random.Random(seed), dict.fromkeys(WAYS, 0), 0
    whole, seconds = undisturbed(Path(folder, "undisturbed"), run)
    expected = whole.digests(*KEPT)
    while sum(counted.values()) < kills:
        films += 1
        place = Watched(Path(folder, str(films)), whole.config, expected)
        while way := start_and_kill(place, rng, longest=0.7 * seconds):
            counted[way] += 1
        assert place.is_complete()
        print(f"film {films} is the same; kills so far: {counted}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
