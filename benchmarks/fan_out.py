"""A film spread over the nodes of a Slurm cluster: waiting, and what a frame costs.

    python benchmarks/fan_out.py [--frames 1000] [--block 100] [--nodes 3] [--cpus 2]

A cluster of so many nodes is started on this machine, as the tests do, and makes a film of the
spirals (1280 × 720) with profiles/slurm: once from nothing, where blocks are evaluated and drawn
while the training goes on, once with all checkpoints there, and once with all but one block of
frames there, which is drawn while nothing else runs. Waiting is from a job's submission
to its start, running from there to its end, both as Slurm has noted them, in whole seconds. What a
frame costs beyond its drawing is what all jobs of `render` ran for, less the drawing alone (a block
drawn in this process), shared out over the frames.

The nodes share this machine's processors: how much faster three are than one is not measured here.
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

import scheduler  # noqa: F401  Lets the tests be imported.
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
    "most": ".0f",
    "running, median s": ".0f",
    "most ": ".0f",
}


@dataclass(frozen=True)
class Job:
    """A job as Slurm has noted it; times in seconds since 1970."""

    number: str
    rule: str
    node: str
    submitted: float
    started: float
    ended: float


def main() -> None:
    """Make both films and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--block", type=int, choices=[10, 100], default=100)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--cpus", type=int, default=2)
    options = parser.parse_args()
    if word := slurm.lacking():
        raise SystemExit(word)
    cluster = slurm.Slurm(options.nodes, options.cpus)
    with tempfile.TemporaryDirectory() as scratch, cluster:
        os.environ.update(cluster.environment)
        config = config_of(options.frames, options.block)
        at_once = Clustered(Path(scratch, "at-once"), config, {}, cluster)
        rows = list(film("while training", at_once, options.frames))
        drawing = drawing_seconds(at_once, Path(scratch))
        after = Clustered(Path(scratch, "after"), config, {}, cluster)
        after.make(Plan(config, after.folder).runs[RUN].last_state())
        rows += film("checkpoints there", after, options.frames)
        lose_block(after, options.frames // options.block - 1)
        rows += film("one block of frames", after, options.block)
    table.show(COLUMNS, [row[:-1] for row in rows])
    for name, rule, blocks, *_, running in rows:
        if rule == "render":
            beyond = 1e3 * (running / (blocks * options.block) - drawing)
            print(f"{name}: a frame costs {beyond:.1f} ms beyond its {1e3 * drawing:.1f} ms")


def config_of(frames: int, block: int) -> dict:
    """The spirals, in so many snapshots of a few batches each."""
    training = {"batch_size": 50, "steps_per_epoch": 5}
    training["optimizer"] = {"name": "adam", "learning_rate": 0.003}
    figure = {"width": 1280, "height": 720}
    config = small(epochs=frames - 1, training=training, figure=figure)
    return config | {"snapshots_per_block": block}


def film(name: str, place: Clustered, frames: int) -> list[tuple]:
    """Make the film; a row per rule, whose last item is the sum of its running times, s."""
    known = {job.number for job in jobs(place)}
    began = time.monotonic()
    place.make(f"results/{RUN}/training.mp4")
    print(f"{name}: {frames} frames in {time.monotonic() - began:.0f} s", file=sys.stderr)
    new = [job for job in jobs(place) if job.number not in known]
    rules = list(dict.fromkeys(job.rule for job in sorted(new, key=lambda job: job.started)))
    return [(name, rule, *row([job for job in new if job.rule == rule])) for rule in rules]


def lose_block(place: Clustered, number: int) -> None:
    """Delete the frames of a block, and the film."""
    place.path(f"{RUN}/training.mp4").unlink()
    block = Plan(place.config, place.folder).runs[RUN].blocks()[number]
    for path in place.path(f"{RUN}/frames").glob(f"{block}*.png"):
        path.unlink()


def row(of_rule: Sequence[Job]) -> tuple:
    """Jobs, nodes, waiting (median, most), running (median, most, all)."""
    waiting = [job.started - job.submitted for job in of_rule]
    running = [job.ended - job.started for job in of_rule]
    return (
        len(of_rule),
        len({job.node for job in of_rule}),
        statistics.median(waiting),
        max(waiting),
        statistics.median(running),
        max(running),
        sum(running),
    )


def jobs(place: Clustered) -> list[Job]:
    """All jobs that the cluster remembers."""
    lines = place.slurm.call("squeue", "-h", "-t", "all", "-o", "%i|%k|%N|%V|%S|%e").splitlines()
    return [_job(*line.split("|")) for line in lines]


def _job(number: str, comment: str, node: str, *times: str) -> Job:
    rule = comment.removeprefix("rule_").partition("_wildcards")[0]
    return Job(number, rule, node, *(datetime.fromisoformat(each).timestamp() for each in times))


def drawing_seconds(place: Clustered, scratch: Path) -> float:
    """Seconds that one frame takes to draw and write, of a whole block, in this process."""
    from render import render

    run = Plan(place.config, place.folder).runs[RUN]
    stage = json.loads(json.dumps(run.block_settings("render", run.blocks()[0])))
    names = [f"{number:06d}" for number in range(stage["count"])]
    arguments = (
        [place.path(f"{RUN}/evaluations/{name}.parquet") for name in names],
        [],
        place.path(f"{RUN}/metrics/{run.blocks()[0]}.parquet"),
        [place.folder / path for path in run.dataset.shards("test")],
        [scratch / "frames" / f"{name}.png" for name in names],
        stage,
        place.folder,
    )
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        render(*arguments)
        taken.append(time.perf_counter() - began)
    return min(taken) / len(names)


if __name__ == "__main__":
    main()
