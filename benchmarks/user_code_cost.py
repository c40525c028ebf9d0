"""Cost of isolating user code in the main run: state restored, networks built, data copied.

    python benchmarks/user_code_cost.py [--pages 100] [--snapshots 20]

Generates pages, trains, evaluates and draws snapshots of the main run in this process, with the
functions of the stages. Prints the share of each stage's time that is spent on saving and restoring
the process state, and on isolating snapshots from each other: a new network and copies of the
batches in evaluations. The target is 1 % of all stages together.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(FOLDER / "workflow_scripts"))

import pyarrow as pa
import table
import torch

from epochreel.artifacts import checkpoints, dataset_shards, evaluations
from epochreel.config import yaml_file
from epochreel.evaluation import evaluator
from epochreel.experiment_api import declared_metrics, user_code
from epochreel.film import render
from epochreel.formats import png
from epochreel.plan.plan import Plan
from epochreel.provenance import keys
from epochreel.training.data_source import ShardedSource
from epochreel.training.trainer import Trainer, TrainingConfig

spent = {"state": 0.0, "copies": 0.0}
rows: list[tuple] = []


def main() -> None:
    """Run the stages, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--snapshots", type=int, default=20)
    options = parser.parse_args()
    run = Plan(yaml_file.load_yaml((FOLDER / "config.yaml").read_text()), FOLDER).main
    for owner, name, kind in (
        (user_code._State, "before", "state"),
        (user_code._State, "restore", "state"),
        (evaluator.Evaluator, "_network", "copies"),
        (torch.Tensor, "clone", "copies"),
    ):
        setattr(owner, name, timed(getattr(owner, name), kind))
    with tempfile.TemporaryDirectory() as folder:
        stages(run, Path(folder), options.pages, range(options.snapshots))
    everything = [sum(column) for column in list(zip(*rows, strict=True))[1:4]]
    shares = [(*row, 100 * (row[2] + row[3]) / row[1]) for row in [*rows, ("all", *everything)]]
    table.show({"": "", "s": ".3f", "state, s": ".4f", "copies, s": ".4f", "%": ".2f"}, shares)


def timed(function: Callable, kind: str) -> Callable:
    """Return a function that adds the time of its calls to `spent`."""

    def call(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            spent[kind] += time.perf_counter() - started

    return call


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Record the time of a stage."""
    spent.update(state=0.0, copies=0.0)
    started = time.perf_counter()
    yield
    rows.append((name, time.perf_counter() - started, spent["state"], spent["copies"]))


def stages(run: Any, folder: Path, pages: int, snapshots: range) -> None:
    """Make the pages, snapshots, evaluations and frames in `folder`."""
    dataset, data = run.dataset.settings, run.experiment.load("data")
    with stage("generate"):
        for split in ("train", "test"):
            given = dataset["settings"], dataset["seed"], split, range(pages)
            dataset_shards.write(folder / split, data.generate(*given), {})
    train, test = (dataset_shards.Split([folder / split]) for split in ("train", "test"))
    config = TrainingConfig.of(run.stage_settings("train")["settings"])
    source = partial(ShardedSource, train, config.seed, config.batch_size)
    with stage("train"):
        empty = dataset_shards.Split([])
        trainer = Trainer(run.experiment.load("model"), config, source, empty)
        for number in snapshots:
            content = checkpoints.pack(trainer.network.state_dict(), {"snapshot": number})
            (folder / f"{number}.weights").write_bytes(content)
            trainer.advance()
    settings, tables = run.stage_settings("evaluate"), []
    with stage("evaluate"):
        evaluate = evaluator.Evaluator(run.experiment, settings["settings"], test, empty).evaluate
        for number in snapshots:
            path = folder / f"{number}.evaluation"
            evaluate(folder / f"{number}.weights", path, number, json.dumps({}))
            tables.append((evaluations.read(path), evaluations.read_metadata(path)["metrics"]))
    metrics = pa.Table.from_pylist(
        [{"snapshot": n, "step": n} | m for n, (_, m) in enumerate(tables)]
    )
    with stage("render"):
        settings = run.stage_settings("render")["settings"]
        declared = declared_metrics.read(run.experiment.file("evaluation"))
        run_info = render.run_info(settings, test, declared)
        scene = render.build_scene(run.experiment.load("figure"), run_info)
        for number in snapshots:
            history = render.metrics.history(metrics, number, *render.lengths(settings))
            frame_data = render.frame_data(settings, number, tables[number][0], history)
            png.encode(scene.draw(frame_data), {"epochreel": keys.canonical({})})


if __name__ == "__main__":
    main()
