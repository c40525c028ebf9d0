"""Overhead of a job besides its work, and thus the cost of blocks of 1, 10 and 100 snapshots.

    python benchmarks/start_up.py

Starts the main run of config.yaml in blocks of 1, 10 and 100 snapshots, on one core. A job of a
hundred snapshots takes its start-up and a hundred times its work, which separates the two. Start-up
consists of the interpreter with Snakemake's code in it (a job that does nothing), the imports of
the stage's script, and the preparation of the stage (data, network, scene). The scheduler's share
is the time of a command outside its jobs, once it has planned.

The second table extrapolates to the whole main run: jobs one after another, compared with the work
alone, which is the lower bound for any block size.
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
BLOCKS = {1: 4, 10: 3, 100: 1}  # block size → number of blocks to make


@dataclass(frozen=True)
class Cost:
    """Seconds of a stage: the parts of a job's start-up, and the work for one snapshot."""

    interpreter: float
    imports: float
    preparation: float
    work: float

    @property
    def start_up(self) -> float:
        """The overhead of a job besides its work."""
        return self.interpreter + self.imports + self.preparation


def main() -> None:
    """Measure, then print both tables."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        workflow = scheduler.copy_of_workflow(folder / "workflow")
        empty = scheduler.copy_of_workflow(folder / "empty", empty=True)
        timings = {size: job_seconds(folder / str(size), workflow, size) for size in BLOCKS}
        nothing, _ = job_seconds(folder / "nothing", empty, 1)
        imports = {stage: import_seconds(workflow / "workflow_scripts", stage) for stage in STAGES}
        snapshots = Plan(scheduler.make_workplace(folder, workflow).config, folder).main.snapshots
    costs = {}
    for stage in STAGES:
        one, hundred = timings[1][0][stage], timings[100][0][stage]
        work = max(0.0, (hundred - one) / 99)
        preparation = max(0.0, one - work - nothing[stage] - imports[stage])
        costs[stage] = Cost(nothing[stage], imports[stage], preparation, work)
    show_stages(costs)
    print()
    show_blocks(
        costs, {size: scheduler_share for size, (_, scheduler_share) in timings.items()}, snapshots
    )


def job_seconds(folder: Path, workflow: Path, block: int) -> tuple[dict[str, float], float]:
    """Return the seconds of a job of each stage, and the scheduler's share per job.

    If several blocks are made, the jobs of the first one do not count.
    """
    workplace = scheduler.make_workplace(folder, workflow, block)
    run = workplace.config["main_run"]
    target = f"results/{run}/frames/{block * BLOCKS[block] - 1:06d}.png"
    shards = Plan(workplace.config, folder).main.dataset.shards
    scheduler.start(workplace, *(path for split in SPLITS for path in shards(split)), cores=1)
    done = scheduler.start(workplace, target, cores=1)
    jobs = scheduler.jobs(workplace)
    after_planning = done.began + done.seconds - jobs[0].begin
    scheduler_share = (after_planning - sum(job.seconds for job in jobs)) / len(jobs)
    counted = [job for job in jobs if int(job.block) > 0] or jobs
    times = {stage: [job.seconds for job in counted if job.stage == stage] for stage in STAGES}
    return {stage: statistics.median(values) for stage, values in times.items()}, scheduler_share


def import_seconds(scripts: Path, stage: str, times: int = 5) -> float:
    """Return the seconds of a script's imports beyond a bare interpreter: medians."""

    def run_seconds(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=scripts, check=True)
        return time.perf_counter() - start

    pairs = [(run_seconds(f"import {stage}"), run_seconds("pass")) for _ in range(times)]
    return statistics.median(with_imports - bare for with_imports, bare in pairs)


def show_stages(costs: dict[str, Cost]) -> None:
    """Print the parts of each stage's job."""
    columns = ("interpreter", "imports", "preparation", "start-up", "work per snapshot")
    table.show(
        {"s": "", **dict.fromkeys(columns, ".3f")},
        [
            (s, c.interpreter, c.imports, c.preparation, c.start_up, c.work)
            for s, c in costs.items()
        ],
    )


def show_blocks(costs: dict[str, Cost], scheduler_share: dict[int, float], snapshots: int) -> None:
    """Print the time of the main run in blocks of each size, one job after another."""
    work = snapshots * sum(cost.work for cost in costs.values())
    rows = []
    for size, share in scheduler_share.items():
        blocks = -(-snapshots // size)
        start_ups = blocks * sum(cost.start_up for cost in costs.values())
        scheduling = blocks * len(STAGES) * share
        total = work + start_ups + scheduling
        rows.append((f"blocks of {size}", blocks, start_ups, scheduling, work, total, total / work))
    columns = ("start-ups, s", "scheduler, s", "work, s", "total, s")
    table.show({"": "", "blocks": "d", **dict.fromkeys(columns, ".0f"), "x work": ".2f"}, rows)


if __name__ == "__main__":
    main()
