"""Training images a second of the main run's recipe, against a plain loop and against arithmetic.

    python benchmarks/images_per_second.py [--batches 20] [--rounds 10]

Both train the main run's network with its batch and optimiser. The reference is what a plain script
does: eager float32, a DataLoader that decodes one PNG after the other in Python, torch's ordinary
optimiser. Ours is the trainer of the workflow, with all that it notes at each snapshot. The limit
is the arithmetic alone: forward, backward and optimiser on one batch that lies in memory; the
second table says what precision, memory layout and threads do to it.

All take turns in this process; each row is the quickest of its rounds. CPU ms counts all threads.
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

Work = Callable[[int], None]  # trains on so many batches
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
        paths = some_shards(run.experiment, run.dataset.settings, Path(folder))
        train, validation = map(dataset_shards.Split, paths)
        source = partial(ShardedSource, train, config.seed, config.batch_size)
        trainer = Trainer(run.experiment.load("model"), config, source, validation)
        works = {
            "plain loop": reference(trainer, paths[0][0]),
            "ours, as the workflow trains": by_snapshots(trainer),
            "  without notes at snapshots": by_batches(trainer),
            "the arithmetic alone": arithmetic(trainer, config),
        }
        ours = best(works, options.batches, options.rounds)
        variants = {
            words: arithmetic(trainer, changed, last)
            for words, changed, last in variants_of(config)
        }
        others = best(variants, options.batches, options.rounds)
    size = trainer.config.batch_size
    print(f"{trainer.device}, batches of {size}\n")
    report(ours, size, limit="the arithmetic alone")
    print()
    report(others, size, limit=min(others, key=lambda name: others[name].seconds))


def some_shards(experiment: Experiment, dataset: Mapping[str, Any], folder: Path) -> list[list]:
    """A training and a validation shard of the run's data: their paths."""
    data, paths = experiment.load("data"), []
    for split, count in (("train", PAGES), ("validation", dataset["validation"])):
        examples = data.generate(dataset["settings"], dataset["seed"], split, range(count))
        paths.append([folder / f"{split}.parquet"] if count else [])
        for path in paths[-1]:
            dataset_shards.write(path, examples, {})
    return paths


def by_snapshots(trainer: Trainer) -> Work:
    """The workflow's own way, from snapshot to snapshot."""

    def train(batches: int) -> None:
        device.choose(trainer.config.threads)
        end = trainer.step + batches
        while trainer.step < end:
            trainer.advance()

    return train


def by_batches(trainer: Trainer) -> Work:
    """The same without the rows of training table and system log at a snapshot."""

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


def reference(trainer: Trainer, shard: Path) -> Work:
    """The plain loop over one shard, with the trainer's network, optimiser's kind and threads."""
    config, model = trainer.config, trainer.model
    network = model.Network(config.network, config.data).to(trainer.device)
    ours = trainer.optimizer
    plain = {
        name: value for name, value in ours.defaults.items() if name not in ("fused", "foreach")
    }
    optimizer = type(ours)(network.parameters(), **plain)
    loader = torch.utils.data.DataLoader(Pages(shard), config.batch_size, shuffle=True)
    endless = (batch for _ in cycle([None]) for batch in loader)

    def train(batches: int) -> None:
        torch.set_num_threads(config.threads)
        for _ in range(batches):
            batch = {name: column.to(trainer.device) for name, column in next(endless).items()}
            optimizer.zero_grad()
            loss = model.loss(network, batch)
            loss.backward()
            optimizer.step()
        float(loss.detach())

    return train


def arithmetic(trainer: Trainer, config: TrainingConfig, last: bool | None = None) -> Work:
    """Forward, backward and optimiser on one batch in memory, by the settings of `config`.

    `last`: whether memory is laid out channels last; None leaves it as the network asks.
    """
    model = trainer.model
    network = model.Network(config.network, config.data)
    if last is not None:
        network.channels_last = last
    network = device.put(network, trainer.device).train()
    optimizer = optimizers.make(config.optimizer, network)
    batch = trainer.train.batch(0)

    def train(batches: int) -> None:
        torch.set_num_threads(config.threads)
        for _ in range(batches):
            optimizer.zero_grad(set_to_none=True)
            with device.arithmetic(trainer.device, config.precision):
                loss = model.loss(network, batch)
            loss.backward()
            optimizer.step()
        float(loss.detach())

    return train


def variants_of(config: TrainingConfig) -> list[tuple[str, TrainingConfig, bool]]:
    """The recipe in all combinations of precision, memory layout and threads, with their names."""
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
    """What a batch takes: seconds of the clock, and of all processors together."""

    seconds: float
    cpu: float


def best(works: Mapping[str, Work], batches: int, rounds: int) -> dict[str, Batch]:
    """What a batch takes in each of `works`, which take turns: the quickest round."""
    taken: dict[str, list[Batch]] = {name: [] for name in works}
    for work in works.values():
        work(3)  # what only a first batch costs is paid before the clock starts
    for _ in range(rounds):
        for name, work in works.items():
            clock, cpu = time.perf_counter(), time.process_time()
            work(batches)
            clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
            taken[name].append(Batch(clock / batches, cpu / batches))
    return {name: min(each, key=lambda batch: batch.seconds) for name, each in taken.items()}


COLUMNS = {
    "": "",
    "ms an image": ".2f",
    "CPU ms": ".2f",
    "images/s": ".0f",
    "x first row": ".2f",
    "x limit": ".2f",
}


def report(taken: dict[str, Batch], size: int, limit: str) -> None:
    """Print milliseconds of an image, and ratios to the first row and to the row `limit`."""
    first, least = next(iter(taken.values())).seconds, taken[limit].seconds
    rows = []
    for name, batch in taken.items():
        clock, cpu = 1e3 * batch.seconds / size, 1e3 * batch.cpu / size
        ratios = first / batch.seconds, batch.seconds / least
        rows.append((name, clock, cpu, 1e3 / clock, *ratios))
    table.show(COLUMNS, rows)


if __name__ == "__main__":
    main()
