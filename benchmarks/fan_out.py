"""A film spread over the nodes of a Slurm cluster: waiting times, and the cost of a frame.

    python benchmarks/fan_out.py [--frames 1000] [--block 100] [--nodes 3] [--cpus 2]

Starts a cluster of `--nodes` nodes on this machine, as the tests do, and makes a film of the
spirals (1280 × 720) with profiles/slurm three times: from nothing, where blocks are evaluated and
drawn during training; with all checkpoints in place; and with all but one block of frames in place,
which is then drawn while nothing else runs. Waiting is the time from a job's submission to its
start and running that from its start to its end, both as recorded by Slurm in whole seconds. The
overhead of a frame is the running time of all `render` jobs minus the drawing alone (a block drawn
in this process), divided by the number of frames.

The nodes share this machine's processors, so the speedup of three nodes over one is not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import scheduler  # noqa: F401  Makes the tests importable.
import table
from cluster import slurm
from cluster.clustered import Clustered
from killing import small

from epochreel.plan.plan import Plan

RUN = "spirals"
COLUMNS = {
    "": "",
    "rule": "",
    "jobs": "d",
    "nodes": "d",
    "waiting, median s": ".0f",
    "maximum": ".0f",
    "running, median s": ".0f",
    "maximum ": ".0f",
}


@dataclass(frozen=True)
class Job:
    """A job as recorded by Slurm; times in seconds since 1970."""

    number: str
    rule: str
    node: str
    submitted: float
    started: float
    ended: float


def main() -> None:
    """Make the films and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--block", type=int, choices=[10, 100], default=100)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--cpus", type=int, default=2)
    options = parser.parse_args()
    if reason := slurm.lacking():
        raise SystemExit(reason)
    cluster = slurm.Slurm(options.nodes, options.cpus)
    with tempfile.TemporaryDirectory() as scratch, cluster:
        os.environ.update(cluster.environment)
        config = config_of(options.frames, options.block)
        from_nothing = Clustered(Path(scratch, "at-once"), config, {}, cluster)
        rows = list(film("from nothing", from_nothing, options.frames))
        drawing = drawing_seconds(from_nothing, Path(scratch))
        from_checkpoints = Clustered(Path(scratch, "after"), config, {}, cluster)
        from_checkpoints.make(
            Plan(config, from_checkpoints.folder).runs[RUN].files.last("checkpoint_index")
        )
        rows += film("from checkpoints", from_checkpoints, options.frames)
        delete_block(from_checkpoints, options.frames // options.block - 1)
        rows += film("one block of frames", from_checkpoints, options.block)
    table.show(COLUMNS, [row[:-1] for row in rows])
    for name, rule, blocks, *_, running in rows:
        if rule == "render":
            overhead = 1e3 * (running / (blocks * options.block) - drawing)
            print(f"{name}: {1e3 * drawing:.1f} ms per frame, plus {overhead:.1f} ms of overhead")


def config_of(frames: int, block: int) -> dict:
    """Return a config of the spirals with a snapshot every few batches."""
    training = {"batch_size": 50, "steps_per_epoch": 5}
    training["optimizer"] = {"name": "adam", "learning_rate": 0.003}
    figure = {"width": 1280, "height": 720}
    config = small(epochs=frames - 1, training=training, figure=figure)
    return config | {"snapshots_per_block": block}


def film(name: str, workplace: Clustered, frames: int) -> list[tuple]:
    """Make the film; return a row per rule, whose last item is its total running time, s."""
    earlier = {job.number for job in jobs(workplace)}
    start = time.monotonic()
    workplace.make(f"results/{RUN}/training.mp4")
    print(f"{name}: {frames} frames in {time.monotonic() - start:.0f} s", file=sys.stderr)
    new = [job for job in jobs(workplace) if job.number not in earlier]
    rules = list(dict.fromkeys(job.rule for job in sorted(new, key=lambda job: job.started)))
    return [(name, rule, *row([job for job in new if job.rule == rule])) for rule in rules]


def delete_block(workplace: Clustered, number: int) -> None:
    """Delete the frames of a block, and the film."""
    workplace.path(f"{RUN}/training.mp4").unlink()
    block = Plan(workplace.config, workplace.folder).runs[RUN].blocks()[number]
    for path in workplace.path(f"{RUN}/frames").glob(f"{block}*.png"):
        path.unlink()


def row(jobs_of_rule: Sequence[Job]) -> tuple:
    """Return jobs, nodes, waiting (median, maximum) and running (median, maximum, sum)."""
    waiting = [job.started - job.submitted for job in jobs_of_rule]
    running = [job.ended - job.started for job in jobs_of_rule]
    return (
        len(jobs_of_rule),
        len({job.node for job in jobs_of_rule}),
        statistics.median(waiting),
        max(waiting),
        statistics.median(running),
        max(running),
        sum(running),
    )


def jobs(workplace: Clustered) -> list[Job]:
    """Return all jobs that the cluster remembers."""
    lines = workplace.slurm.call(
        "squeue", "-h", "-t", "all", "-o", "%i|%k|%N|%V|%S|%e"
    ).splitlines()
    return [_job(*line.split("|")) for line in lines]


def _job(number: str, comment: str, node: str, *times: str) -> Job:
    rule = comment.removeprefix("rule_").partition("_wildcards")[0]
    return Job(number, rule, node, *(datetime.fromisoformat(each).timestamp() for each in times))


def drawing_seconds(workplace: Clustered, scratch: Path) -> float:
    """Return the seconds to draw and write one frame of a whole block in this process."""
    from render import render

    run = Plan(workplace.config, workplace.folder).runs[RUN]
    stage = json.loads(json.dumps(run.block_settings("render", run.blocks()[0])))
    names = [f"{number:06d}" for number in range(stage["count"])]
    arguments = (
        [workplace.path(f"{RUN}/evaluations/{name}.parquet") for name in names],
        [],
        workplace.path(f"{RUN}/metrics/{run.blocks()[0]}.parquet"),
        [workplace.folder / path for path in run.dataset.shards("test")],
        [scratch / "frames" / f"{name}.png" for name in names],
        stage,
        workplace.folder,
    )
    timings = []
    for _ in range(3):
        start = time.perf_counter()
        render(*arguments)
        timings.append(time.perf_counter() - start)
    return min(timings) / len(names)


if __name__ == "__main__":
    main()
