"""Scaling of the workflow: planning, running and finding nothing to do, at any size.

    python benchmarks/scale.py [--snapshots 1000 10000] [--block 100] [--backends file db] [--dry]
    python benchmarks/scale.py --runs 400 --snapshots 50

Rules, settings and graph are those of config.yaml's main run, with the given number of snapshots
and runs; a line of bash creates the files of each script. Memory and CPU time are those of
Snakemake's process without its jobs; on a machine with other load, compare CPU time rather than
wall time. The last columns count Snakemake's metadata in `.snakemake`. A submission is a job that a
cluster's scheduler receives.

With `--dry`, nothing is run. With `--interpreters`, each job starts its script's interpreter, as
real jobs do, and ends before the script's first line.
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

LOCAL = ("summarize", "timeline", "publish")  # as in Snakefile
BASH = """\
# Snakemake joins several outputs of one name into one string; no path here has a space.
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
    "CPU ms per snapshot": ".2f",
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
            replace_scripts(workflow)
        rows = [
            row
            for snapshots in options.snapshots
            for backend in options.backends
            for row in measure(workflow, snapshots, backend, options)
        ]
    table.show(COLUMNS, rows)


def replace_scripts(workflow: Path) -> None:
    """Replace each script of a copied workflow with a line of bash that creates its files."""
    (workflow / "rules" / "empty.sh").write_text(BASH)
    for rules in (workflow / "rules").glob("*.smk"):
        rules.write_text(
            re.sub(r"script:\n +\S+", 'script:\n        "empty.sh"', rules.read_text())
        )


def measure(
    workflow: Path, snapshots: int, backend: str, options: argparse.Namespace
) -> Iterator[tuple]:
    """Yield the rows of one size: a dry run, a run of empty jobs, and one with nothing to do."""
    starts = {"dry run": ["--dry-run"]}
    starts |= {} if options.dry else {"empty jobs": [], "nothing to do": []}
    with tempfile.TemporaryDirectory() as folder:
        workplace = make_workplace(Path(folder), workflow, options.block, options.runs, snapshots)
        costs, metadata_sizes = {}, {}
        for name, arguments in starts.items():
            print(f"{name}, {options.runs} × {snapshots} snapshots, {backend} …", file=sys.stderr)
            full_arguments = [*arguments, "--persistence-backend", backend, "all"]
            costs[name] = start(
                workplace.command(*full_arguments, cores=options.cores), workplace.folder
            )
            if name == "dry run":
                jobs = planned_jobs((workplace.folder / "output.txt").read_text())
            metadata_sizes[name] = metadata(workplace.folder / ".snakemake")
    for name, each in costs.items():
        numbers = (sum(jobs.values()), submissions(jobs))
        share = 1e3 * each.cpu / snapshots / options.runs
        row = (name, options.runs, snapshots, options.block, backend, *numbers)
        yield (*row, each.seconds, each.cpu, share, each.memory / 1e6, *metadata_sizes[name])


@dataclass(frozen=True)
class Cost:
    """Cost of a start: wall time (s), CPU time (s) and peak memory (bytes)."""

    seconds: float
    cpu: float
    memory: int


def start(command: list[str], folder: Path) -> Cost:
    """Run `command`, which must succeed, and sample its process ten times a second."""
    start_time, cpu, memory = time.perf_counter(), 0.0, 0
    with open(folder / "output.txt", "w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
        monitored = psutil.Process(process.pid)
        while process.poll() is None:
            with monitored.oneshot():
                times, resident = monitored.cpu_times(), monitored.memory_info().rss
            cpu, memory = times.user + times.system, max(memory, resident)
            time.sleep(0.1)
        if process.returncode:
            output.seek(0)
            raise SystemExit(output.read()[-3000:])
    return Cost(time.perf_counter() - start_time, cpu, memory)


def make_workplace(
    folder: Path, workflow: Path, block: int, runs: int, snapshots: int
) -> Workplace:
    """Create a folder whose config has `runs` copies of the main run, with these snapshots."""
    run = {"epochs": snapshots - 1, "snapshots": {"per_epoch": 1}}
    workplace = scheduler.make_workplace(folder, workflow, block, **run)
    config = workplace.config
    main = config["runs"][config["main_run"]]
    copies = {f"run{number:04d}": copy.deepcopy(main) for number in range(runs)}
    # Runs that differ in their seed only, as in a sweep.
    for number, run in enumerate(copies.values()):
        run["seed"] = number
    config |= {"runs": copies, "main_run": "run0000"}
    config["datasets"] = {main["dataset"]: config["datasets"][main["dataset"]]}
    workplace.write_config()
    return workplace


def metadata(folder: Path) -> tuple[int, float]:
    """Return the number and total size, MB, of Snakemake's files, without logs."""
    files = [path for path in folder.rglob("*") if path.is_file() and "log" not in path.parts]
    return len(files), sum(path.stat().st_size for path in files) / 1e6


def planned_jobs(output: str) -> Counter:
    """Return the number of jobs of each rule in the output of a dry run."""
    _, _, stats = output.rpartition("Job stats:")
    counts = re.findall(r"^(\w+) +(\d+)$", stats, re.MULTILINE)
    return Counter({rule: int(count) for rule, count in counts if rule not in TARGETS})


def submissions(jobs: Counter) -> int:
    """Return the number of jobs that a cluster's scheduler receives."""
    return sum(count for rule, count in jobs.items() if rule not in LOCAL)


if __name__ == "__main__":
    main()
