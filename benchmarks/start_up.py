"""What one job costs before and after its work, and so what blocks of 1, 10 and 100 cost.

    python benchmarks/start_up.py

The main run of config.yaml is begun in blocks of 1, 10 and 100 snapshots, on one core. A job of a
hundred takes its start-up and a hundred times its work, so that one and a hundred tell start-up and
work apart. The start-up is shared out: the interpreter with what Snakemake runs in it (a job that
does nothing), the imports of the stage's script, and what the stage itself makes ready (data,
network, scene). The scheduler's part is what a command takes beyond its jobs, once it has planned.

The second table carries this over to the whole main run, by multiplication: jobs one after another,
beside the work alone, which no block size can undercut.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import scheduler
import table

from epochreel.artifacts.dataset_shards import SPLITS
from epochreel.plan.plan import Plan

STAGES = ("train", "evaluate", "summarize", "render")
BLOCKS = {1: 4, 10: 3, 100: 1}  # snapshots in a block → how many blocks are made


@dataclass(frozen=True)
class Cost:
    """Seconds of a stage: each job's start-up, in its parts, and the work for one snapshot."""

    interpreter: float
    imports: float
    ready: float
    work: float

    @property
    def start_up(self) -> float:
        """What a job takes beside its work."""
        return self.interpreter + self.imports + self.ready


def main() -> None:
    """Measure, then print both tables."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        workflow = scheduler.copy_of_workflow(folder / "workflow")
        empty = scheduler.copy_of_workflow(folder / "empty", empty=True)
        taken = {size: job_seconds(folder / str(size), workflow, size) for size in BLOCKS}
        nothing, _ = job_seconds(folder / "nothing", empty, 1)
        imports = {stage: import_seconds(workflow / "workflow_scripts", stage) for stage in STAGES}
        snapshots = Plan(scheduler.workplace(folder, workflow).config, folder).main.snapshots
    costs = {}
    for stage in STAGES:
        one, hundred = taken[1][0][stage], taken[100][0][stage]
        work = max(0.0, (hundred - one) / 99)
        ready = max(0.0, one - work - nothing[stage] - imports[stage])
        costs[stage] = Cost(nothing[stage], imports[stage], ready, work)
    show_stages(costs)
    print()
    show_blocks(costs, {size: own for size, (_, own) in taken.items()}, snapshots)


def job_seconds(folder: Path, workflow: Path, block: int) -> tuple[dict[str, float], float]:
    """Seconds of a job of each stage, and of the scheduler's own for a job.

    Where several blocks are made, the jobs of the first one do not count.
    """
    place = scheduler.workplace(folder, workflow, block)
    run = place.config["main_run"]
    target = f"results/{run}/frames/{block * BLOCKS[block] - 1:06d}.png"
    shards = Plan(place.config, folder).main.dataset.shards
    scheduler.start(place, *(path for split in SPLITS for path in shards(split)), cores=1)
    done = scheduler.start(place, target, cores=1)
    jobs = scheduler.jobs(place)
    after_planning = done.began + done.seconds - jobs[0].begin
    own = (after_planning - sum(job.seconds for job in jobs)) / len(jobs)
    counted = [job for job in jobs if int(job.block) > 0] or jobs
    times = {stage: [job.seconds for job in counted if job.stage == stage] for stage in STAGES}
    return {stage: statistics.median(values) for stage, values in times.items()}, own


def import_seconds(scripts: Path, stage: str, times: int = 5) -> float:
    """Seconds that a script's imports take beyond a bare interpreter: medians."""

    def taken(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=scripts, check=True)
        return time.perf_counter() - began

    both = [(taken(f"import {stage}"), taken("pass")) for _ in range(times)]
    return statistics.median(with_imports - bare for with_imports, bare in both)


def show_stages(costs: dict[str, Cost]) -> None:
    """Print the parts of each stage's job."""
    columns = ("interpreter", "imports", "making ready", "start-up", "work for a snapshot")
    table.show(
        {"s": "", **dict.fromkeys(columns, ".3f")},
        [(s, c.interpreter, c.imports, c.ready, c.start_up, c.work) for s, c in costs.items()],
    )


def show_blocks(costs: dict[str, Cost], own: dict[int, float], snapshots: int) -> None:
    """Print what the main run takes in blocks of each size, one job after another."""
    work = snapshots * sum(cost.work for cost in costs.values())
    rows = []
    for size, each in own.items():
        blocks = -(-snapshots // size)
        start_ups = blocks * sum(cost.start_up for cost in costs.values())
        scheduling = blocks * len(STAGES) * each
        whole = work + start_ups + scheduling
        rows.append((f"blocks of {size}", blocks, start_ups, scheduling, work, whole, whole / work))
    columns = ("start-ups, s", "scheduler, s", "work, s", "all, s")
    table.show({"": "", "blocks": "d", **dict.fromkeys(columns, ".0f"), "x work": ".2f"}, rows)


if __name__ == "__main__":
    main()
