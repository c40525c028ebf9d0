"""Snakemake started on a copy of the workflow, with a clock and an eye on its memory."""

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
    """The workflow copied to `folder`, so that no edit meanwhile changes what is measured.

    With `empty`, each script makes its outputs, a few bytes each, and ends before its own first
    line; rules, settings, code digests and the graph of jobs stay the real ones.
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


def workplace(folder: Path, workflow: Path, block: int | None = None, **run: object) -> Workplace:
    """A folder to run `workflow` in, its main run changed by `run` and its blocks of `block`."""
    config = yaml.safe_load((workflow / "config.yaml").read_text())
    config["runs"][config["main_run"]].update(run)
    if block is not None:
        config["snapshots_per_block"] = block
    return Workplace(folder, config, workflow)


@dataclass(frozen=True)
class Start:
    """One start of Snakemake: when it began (s since 1970) and how long it took (s).

    `cpu` is the processor time of it and all its jobs, s; `memory` the peak of the scheduler
    itself, without its jobs, bytes.
    """

    began: float
    seconds: float
    cpu: float
    memory: int


def start(place: Workplace, *arguments: str, cores: int = 2) -> Start:
    """Start `snakemake`, which must succeed."""
    watch, before = _Watch(), os.times()
    began, clock = time.time(), time.perf_counter()
    place.make(*arguments, cores=cores)
    seconds, after = time.perf_counter() - clock, os.times()
    user = after.children_user - before.children_user
    system = after.children_system - before.children_system
    return Start(began, seconds, user + system, watch.stop())


class _Watch:
    """Looks twenty times a second at how much memory the next child of this process holds."""

    def __init__(self) -> None:
        self._before = set(psutil.Process().children())
        self._peak, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._over.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        child = None
        while not self._over.wait(0.05):
            try:
                new = () if child else set(psutil.Process().children()) - self._before
                child = child or next(iter(new), None)
                self._peak = max(self._peak, child.memory_info().rss if child else 0)
            except psutil.Error:
                return


@dataclass(frozen=True)
class Job:
    """One job that ran: its stage, its block ("" where it has none), begin and end (s)."""

    stage: str
    block: str
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it took, its interpreter included."""
        return self.end - self.begin


def jobs(place: Workplace) -> list[Job]:
    """The jobs of the main run, from their benchmark files, each written when its job ends."""
    folder = place.path(place.config["main_run"]) / "benchmarks"
    found = []
    for path in folder.rglob("*.tsv"):
        with open(path) as file:
            seconds = float(next(csv.DictReader(file, delimiter="\t"))["s"])
        stage, *block = path.relative_to(folder).with_suffix("").parts
        end = path.stat().st_mtime
        found.append(Job(stage, block[0] if block else "", end - seconds, end))
    return sorted(found, key=lambda job: job.begin)
