"""Overhead of the workflow: planning, running jobs that do nothing, finding nothing to do.

    python benchmarks/workflow_cost.py [--snapshots 1000 10000] [--blocks 100] [--cores 2]

Rules, settings and graph are those of config.yaml's main run with the given number of snapshots;
its scripts end as soon as they have created their files. Memory is the peak of the scheduler's
process. The lower bound of a run is the time to start as many bare interpreters on as many cores.

The defaults take some minutes, and so does `--snapshots 1000 --blocks 10`; 10,000 snapshots in
blocks of ten, 4,008 jobs, take much longer.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import scheduler
import table

COLUMNS = {
    "": "",
    "snapshots": "d",
    "block": "d",
    "jobs": "d",
    "s": ".1f",
    "CPU s": ".1f",
    "peak MB": ".0f",
    "ms per snapshot": ".2f",
    "ms per job": ".1f",
    "x lower bound": ".1f",
}


def main() -> None:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--snapshots", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--blocks", type=int, nargs="+", choices=[1, 10, 100], default=[100])
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    bare = bare_interpreter(20)
    with tempfile.TemporaryDirectory() as scratch:
        workflow = scheduler.copy_of_workflow(Path(scratch, "workflow"), empty=True)
        rows = [
            row
            for snapshots in options.snapshots
            for block in options.blocks
            for row in measure(workflow, snapshots, block, options.cores, bare)
        ]
    print(f"a bare interpreter takes {bare * 1e3:.0f} ms; {options.cores} cores\n")
    table.show(COLUMNS, rows)


def measure(workflow: Path, snapshots: int, block: int, cores: int, bare: float) -> Iterator[tuple]:
    """Yield the three rows of one size; `bare` is the cost of one interpreter, s."""
    starts = {"dry run": ["--dry-run"], "empty jobs": [], "nothing to do": []}
    with tempfile.TemporaryDirectory() as folder:
        run = {"epochs": snapshots - 1, "snapshots": {"per_epoch": 1}}
        workplace = scheduler.make_workplace(Path(folder), workflow, block, **run)
        results = {}
        for name, arguments in starts.items():
            print(f"{name}, {snapshots} snapshots in blocks of {block} …", file=sys.stderr)
            results[name] = scheduler.start(workplace, *arguments, cores=cores)
        jobs = sum(1 for _ in workplace.path("").rglob("benchmarks/**/*.tsv"))
    for name, each in results.items():
        shares = 1e3 * each.seconds / snapshots, 1e3 * each.seconds / jobs
        lower_bound = each.seconds / (jobs * bare / cores) if name == "empty jobs" else None
        memory = each.memory / 1e6
        yield (name, snapshots, block, jobs, each.seconds, each.cpu, memory, *shares, lower_bound)


def bare_interpreter(times: int) -> float:
    """Return the seconds to start Python and nothing else: the least of several."""
    timings = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        timings.append(time.perf_counter() - start)
    return min(timings)


if __name__ == "__main__":
    main()
