"""How far the workflow carries: planning, running and finding nothing to do, at any size.

    python benchmarks/scale.py [--snapshots 1000 10000] [--block 100] [--backends file db] [--dry]
    python benchmarks/scale.py --runs 400 --snapshots 50

Rules, settings and graph are those of config.yaml's main run, with so many snapshots or so many
times; in the place of each script a line of bash makes its files. Memory and processor time are
those of Snakemake's own process, without its jobs: on a machine that others use as well, compare
that rather than the time on the clock. What Snakemake keeps of it all is counted in `.snakemake`.
A submission is a job that a cluster's scheduler is given.

With `--dry` nothing is run. With `--interpreters` each job starts its script's interpreter, as real
ones do, and ends before the script's own first line.
"""

from __future__ import annotations

import argparse
import copy
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import scheduler
import table
from workflow import Workplace

LOCAL = ("summarize", "publish")  # as in Snakefile
BASH = """\
# Where several outputs share a name, Snakemake gives them as one text; no path here has a space.
for path in ${snakemake_output[@]}; do echo nothing > "$path"; done
"""
TARGETS = ("all", "total")
COLUMNS = {
    "": "",
    "runs": "d",
    "snapshots": "d",
    "block": "d",
    "backend": "",
    "jobs": "d",
    "submissions": "d",
    "s": ".1f",
    "CPU s": ".1f",
    "CPU ms a snapshot": ".2f",
    "peak MB": ".0f",
    "files": "d",
    "MB": ".1f",
}


def main() -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--snapshots", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--block", type=int, choices=[1, 10, 100], default=100)
    parser.add_argument("--backends", nargs="+", choices=["file", "db"], default=["file"])
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--interpreters", action="store_true")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        workflow = scheduler.copy_of_workflow(Path(scratch, "workflow"), options.interpreters)
        if not options.interpreters:
            put_bash_for_scripts(workflow)
        rows = [
            row
            for snapshots in options.snapshots
            for backend in options.backends
            for row in measure(workflow, snapshots, backend, options)
        ]
    table.show(COLUMNS, rows)


def put_bash_for_scripts(workflow: Path) -> None:
    """Have a line of bash make the files of each rule of a copied workflow, a few bytes each."""
    (workflow / "rules" / "empty.sh").write_text(BASH)
    for rules in (workflow / "rules").glob("*.smk"):
        rules.write_text(
            re.sub(r"script:\n +\S+", 'script:\n        "empty.sh"', rules.read_text())
        )


def measure(
    workflow: Path, snapshots: int, backend: str, options: argparse.Namespace
) -> Iterator[tuple]:
    """The rows of one size: a dry run, a run of empty jobs, and a start with nothing to do."""
    starts = {"dry run": ["--dry-run"]}
    starts |= {} if options.dry else {"empty jobs": [], "nothing to do": []}
    with tempfile.TemporaryDirectory() as folder:
        place = workplace(Path(folder), workflow, options.block, options.runs, snapshots)
        done, kept = {}, {}
        for name, arguments in starts.items():
            print(f"{name}, {options.runs} × {snapshots} snapshots, {backend} …", file=sys.stderr)
            said = [*arguments, "--persistence-backend", backend, "all"]
            done[name] = start(place.command(*said, cores=options.cores), place.folder)
            if name == "dry run":
                jobs = planned((place.folder / "said.txt").read_text())
            kept[name] = metadata(place.folder / ".snakemake")
    for name, each in done.items():
        numbers = (sum(jobs.values()), submissions(jobs))
        share = 1e3 * each.cpu / snapshots / options.runs
        row = (name, options.runs, snapshots, options.block, backend, *numbers)
        yield (*row, each.seconds, each.cpu, share, each.memory / 1e6, *kept[name])


@dataclass(frozen=True)
class Cost:
    """What a start took: on the clock (s), of processors (s), and of memory at most (bytes)."""

    seconds: float
    cpu: float
    memory: int


def start(command: list[str], folder: Path) -> Cost:
    """Start `command`, which must succeed, and look at its process ten times a second."""
    began, cpu, memory = time.perf_counter(), 0.0, 0
    with open(folder / "said.txt", "w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, cwd=folder)
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            with watched.oneshot():
                times, held = watched.cpu_times(), watched.memory_info().rss
            cpu, memory = times.user + times.system, max(memory, held)
            time.sleep(0.1)
        if process.returncode:
            said.seek(0)
            raise SystemExit(said.read()[-3000:])
    return Cost(time.perf_counter() - began, cpu, memory)


def workplace(folder: Path, workflow: Path, block: int, runs: int, snapshots: int) -> Workplace:
    """A folder whose config has the main run alone, so many times, with so many snapshots."""
    run = {"epochs": snapshots - 1, "snapshots": {"per_epoch": 1}}
    place = scheduler.workplace(folder, workflow, block, **run)
    config = place.config
    main = config["runs"][config["main_run"]]
    copies = {f"run{number:04d}": copy.deepcopy(main) for number in range(runs)}
    # Runs that are alike but for their seed, as in a search.
    for number, run in enumerate(copies.values()):
        run["seed"] = number
    config |= {"runs": copies, "main_run": "run0000"}
    config["datasets"] = {main["dataset"]: config["datasets"][main["dataset"]]}
    place.write_config()
    return place


def metadata(folder: Path) -> tuple[int, float]:
    """How many files Snakemake keeps in its folder, and their size, MB, without logs."""
    files = [path for path in folder.rglob("*") if path.is_file() and "log" not in path.parts]
    return len(files), sum(path.stat().st_size for path in files) / 1e6


def planned(said: str) -> Counter:
    """How many jobs of each rule a dry run has told of."""
    _, _, stats = said.rpartition("Job stats:")
    found = re.findall(r"^(\w+) +(\d+)$", stats, re.MULTILINE)
    return Counter({rule: int(count) for rule, count in found if rule not in TARGETS})


def submissions(jobs: Counter) -> int:
    """Count the jobs that a cluster's scheduler is given."""
    return sum(count for rule, count in jobs.items() if rule not in LOCAL)


if __name__ == "__main__":
    main()
