"""Runs Snakemake on a copy of the workflow and measures its time and memory."""

from __future__ import annotations

import csv
import os
import shutil
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

FOLDER = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(FOLDER / "workflow_scripts"), str(FOLDER / "tests/support")]

from workflow import Workplace

WORKFLOW = ("Snakefile", "config.yaml", "config.schema.yaml", "rules", "profiles", "envs")
EMPTY = """
for path in snakemake.output:
    with open(path, "wb") as file:
        file.write(b"nothing")
raise SystemExit
"""


def copy_of_workflow(folder: Path, empty: bool = False) -> Path:
    """Copy the workflow to `folder`, so that edits during a measurement do not change it.

    With `empty`, each script creates its outputs, a few bytes each, and ends before its first line;
    rules, settings, code digests and the graph of jobs are the real ones.
    """
    skip = shutil.ignore_patterns("__pycache__")
    for name in (*WORKFLOW, "workflow_scripts"):
        source, target = FOLDER / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=skip)
        else:
            shutil.copy(source, target)
    for script in (folder / "workflow_scripts").glob("*.py") if empty else ():
        script.write_text(EMPTY + script.read_text())
    return folder


def make_workplace(
    folder: Path, workflow: Path, block: int | None = None, **run: object
) -> Workplace:
    """Create a folder for `workflow`, with its main run changed by `run` and this block size."""
    config = yaml.safe_load((workflow / "config.yaml").read_text())
    config["runs"][config["main_run"]].update(run)
    if block is not None:
        config["snapshots_per_block"] = block
    return Workplace(folder, config, workflow)


@dataclass(frozen=True)
class Start:
    """One start of Snakemake: its begin (s since 1970) and duration (s).

    `cpu` is the CPU time of Snakemake and all its jobs, s; `memory` is the peak of the scheduler
    without its jobs, bytes.
    """

    began: float
    seconds: float
    cpu: float
    memory: int


def start(workplace: Workplace, *arguments: str, cores: int = 2) -> Start:
    """Run `snakemake`, which must succeed."""
    monitor, before = _MemoryMonitor(), os.times()
    began, clock = time.time(), time.perf_counter()
    workplace.make(*arguments, cores=cores)
    seconds, after = time.perf_counter() - clock, os.times()
    user = after.children_user - before.children_user
    system = after.children_system - before.children_system
    return Start(began, seconds, user + system, monitor.stop())


class _MemoryMonitor:
    """Samples the memory of the next child process twenty times a second."""

    def __init__(self) -> None:
        self._before = set(psutil.Process().children())
        self._peak, self._stopped = 0, threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._stopped.set()
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
        child = None
        while not self._stopped.wait(0.05):
            try:
                new = () if child else set(psutil.Process().children()) - self._before
                child = child or next(iter(new), None)
                self._peak = max(self._peak, child.memory_info().rss if child else 0)
            except psutil.Error:
                return


@dataclass(frozen=True)
class Job:
    """One job that ran: its stage, its block ("" if it has none), begin and end (s)."""

    stage: str
    block: str
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """The duration, including the interpreter."""
        return self.end - self.begin


def jobs(workplace: Workplace) -> list[Job]:
    """Return the jobs of the main run from the benchmark files, written when a job ends."""
    folder = workplace.path(workplace.config["main_run"]) / "benchmarks"
    jobs_run = []
    for path in folder.rglob("*.tsv"):
        with open(path) as file:
            seconds = float(next(csv.DictReader(file, delimiter="\t"))["s"])
        stage, *block = path.relative_to(folder).with_suffix("").parts
        end = path.stat().st_mtime
        jobs_run.append(Job(stage, block[0] if block else "", end - seconds, end))
    return sorted(jobs_run, key=lambda job: job.begin)
