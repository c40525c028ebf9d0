"""Training images per second of the main run, compared with a plain loop and with bare arithmetic.

    python benchmarks/images_per_second.py [--batches 20] [--rounds 10]

All train the main run's network with its batch size and optimizer. The reference is a plain script:
eager float32, a DataLoader that decodes one PNG after the other in Python, and torch's default
optimizer. Epochreel's trainer also records everything that it records at snapshots. The limit is
the arithmetic alone: forward pass, backward pass and optimizer on one batch in memory; the second
table shows the effect of precision, memory layout and threads on it.

The tasks alternate in this process, and each row is the fastest of its rounds. CPU ms sums over all
threads.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from itertools import cycle, product
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(FOLDER / "workflow_scripts"))

import numpy as np
import pyarrow.parquet as pq
import table
import torch
from PIL import Image

from epochreel.artifacts import dataset_shards
from epochreel.config import yaml_file
from epochreel.core import device
from epochreel.experiment_api.loader import Experiment
from epochreel.plan.plan import Plan
from epochreel.training import optimizers
from epochreel.training.data_source import ShardedSource
from epochreel.training.trainer import Trainer, TrainingConfig

Task = Callable[[int], None]  # trains on this many batches
PAGES = 200


def main() -> None:
    """Measure, then print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    config = yaml_file.load_yaml((FOLDER / "config.yaml").read_text())
    run = Plan(config, FOLDER).main
    config = TrainingConfig.of(run.stage_settings("train")["settings"])
    with tempfile.TemporaryDirectory() as folder:
        paths = write_shards(run.experiment, run.dataset.settings, Path(folder))
        train, validation = map(dataset_shards.Split, paths)
        source = partial(ShardedSource, train, config.seed, config.batch_size)
        trainer = Trainer(run.experiment.load("model"), config, source, validation)
        tasks = {
            "plain loop": reference(trainer, paths[0][0]),
            "Epochreel, as in the workflow": by_snapshots(trainer),
            "  without records at snapshots": by_batches(trainer),
            "the arithmetic alone": arithmetic(trainer, config),
        }
        timings = best(tasks, options.batches, options.rounds)
        variants = {
            words: arithmetic(trainer, changed, last)
            for words, changed, last in variants_of(config)
        }
        variant_timings = best(variants, options.batches, options.rounds)
    size = trainer.config.batch_size
    print(f"{trainer.device}, batches of {size}\n")
    report(timings, size, limit="the arithmetic alone")
    print()
    report(
        variant_timings,
        size,
        limit=min(variant_timings, key=lambda name: variant_timings[name].seconds),
    )


def write_shards(experiment: Experiment, dataset: Mapping[str, Any], folder: Path) -> list[list]:
    """Write a training and a validation shard of the run's data; return their paths."""
    data, paths = experiment.load("data"), []
    for split, count in (("train", PAGES), ("validation", dataset["validation"])):
        examples = data.generate(dataset["settings"], dataset["seed"], split, range(count))
        paths.append([folder / f"{split}.parquet"] if count else [])
        for path in paths[-1]:
            dataset_shards.write(path, examples, {})
    return paths


def by_snapshots(trainer: Trainer) -> Task:
    """Return a task that trains as the workflow does, from snapshot to snapshot."""

    def train(batches: int) -> None:
        device.choose(trainer.config.threads)
        end = trainer.step + batches
        while trainer.step < end:
            trainer.advance()

    return train


def by_batches(trainer: Trainer) -> Task:
    """Return the same task without the rows of training table and system log at snapshots."""

    def train(batches: int) -> None:
        device.choose(trainer.config.threads)
        for _ in range(batches):
            loss = trainer._train_step()
        float(loss)  # waits for a GPU

    return train


class Pages(torch.utils.data.Dataset):
    """A shard as a plain script reads it: one PNG at a time."""

    def __init__(self, path: Path):
        self.rows = pq.read_table(path).to_pylist()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        row = self.rows[index]
        image = Image.open(BytesIO(row["image"]["bytes"]))
        return {
            "image": torch.from_numpy(np.array(image)),
            "digits": torch.tensor(row["digits"], dtype=torch.uint8),
        }


def reference(trainer: Trainer, shard: Path) -> Task:
    """Return the plain loop over one shard, with the trainer's network, optimizer and threads."""
    config, model = trainer.config, trainer.model
    network = model.Network(config.network, config.data).to(trainer.device)
    defaults = trainer.optimizer.defaults
    plain = {name: value for name, value in defaults.items() if name not in ("fused", "foreach")}
    optimizer = type(trainer.optimizer)(network.parameters(), **plain)
    loader = torch.utils.data.DataLoader(Pages(shard), config.batch_size, shuffle=True)
    batches_forever = (batch for _ in cycle([None]) for batch in loader)

    def train(batches: int) -> None:
        torch.set_num_threads(config.threads)
        for _ in range(batches):
            batch = {
                name: column.to(trainer.device) for name, column in next(batches_forever).items()
            }
            optimizer.zero_grad()
            loss = model.loss(network, batch)
            loss.backward()
            optimizer.step()
        float(loss.detach())

    return train


def arithmetic(trainer: Trainer, config: TrainingConfig, last: bool | None = None) -> Task:
    """Return a task of forward pass, backward pass and optimizer on one batch in memory.

    `last` selects the channels-last memory layout; None keeps the network's choice.
    """
    model = trainer.model
    network = model.Network(config.network, config.data)
    if last is not None:
        network.channels_last = last
    network = device.put(network, trainer.device).train()
    optimizer = optimizers.make(config.optimizer, network)
    batch = {name: column.clone() for name, column in trainer.train.batch(0).items()}

    def train(batches: int) -> None:
        torch.set_num_threads(config.threads)
        for _ in range(batches):
            optimizer.zero_grad(set_to_none=True)
            with device.autocast(trainer.device, config.precision):
                loss = model.loss(network, batch)
            loss.backward()
            optimizer.step()
        float(loss.detach())

    return train


def variants_of(config: TrainingConfig) -> list[tuple[str, TrainingConfig, bool]]:
    """Return all combinations of precision, memory layout and threads, with their names."""
    combinations = product(("float32", "bfloat16"), (False, True), (1, 2))
    return [
        (
            f"{precision}, channels {'last' if last else 'first'}, {threads} thread(s)",
            replace(config, precision=precision, threads=threads),
            last,
        )
        for precision, last, threads in combinations
    ]


@dataclass(frozen=True)
class Batch:
    """Cost of a batch: seconds of wall time, and of CPU time over all threads."""

    seconds: float
    cpu: float


def best(tasks: Mapping[str, Task], batches: int, rounds: int) -> dict[str, Batch]:
    """Return the cost of a batch in each of `works`, which alternate: the fastest round."""
    timings: dict[str, list[Batch]] = {name: [] for name in tasks}
    for task in tasks.values():
        task(3)  # warm up: the first batches cost more
    for _ in range(rounds):
        for name, task in tasks.items():
            clock, cpu = time.perf_counter(), time.process_time()
            task(batches)
            clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
            timings[name].append(Batch(clock / batches, cpu / batches))
    return {name: min(each, key=lambda batch: batch.seconds) for name, each in timings.items()}


COLUMNS = {
    "": "",
    "ms per image": ".2f",
    "CPU ms": ".2f",
    "images/s": ".0f",
    "x first row": ".2f",
    "x limit": ".2f",
}


def report(timings: dict[str, Batch], size: int, limit: str) -> None:
    """Print milliseconds per image, and ratios to the first row and to the row `limit`."""
    first, limit_seconds = next(iter(timings.values())).seconds, timings[limit].seconds
    rows = []
    for name, batch in timings.items():
        clock, cpu = 1e3 * batch.seconds / size, 1e3 * batch.cpu / size
        ratios = first / batch.seconds, batch.seconds / limit_seconds
        rows.append((name, clock, cpu, 1e3 / clock, *ratios))
    table.show(COLUMNS, rows)


if __name__ == "__main__":
    main()
