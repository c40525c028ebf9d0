"""Training throughput of the word readers, compared with a plain loop, and the cost of its parts.

    python benchmarks/words_trained_per_second.py [--batches 3] [--rounds 5] [--threads 1]

All train on one batch of 32 words in memory: forward pass, backward pass and Adam. The reference is
the published network as in a plain script: torch's layers, `nn.LSTMCell` called step by step, and
torch's default Adam. `published` computes the same; `compact` is Epochreel's network.

The tasks alternate in this process, and each row is the fastest of its rounds. CPU ms sums over all
threads.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(FOLDER / "workflow_scripts"))

import numpy as np
import table
import torch
from torch import nn

from epochreel.core import device as devices
from epochreel.experiments.words import data, model
from epochreel.experiments.words.alphabet import MEAN, SPREAD
from epochreel.training import optimizers

BATCH = 32
DATA = {"noise": 0.1, "background": "none", "backgrounds": None, "background_strength": 96}
PUBLISHED = {"name": "published", "channels": 16, "hidden": 256}
COMPACT = {"name": "compact", "channels": [16, 16], "line": 32, "keys": 32, "waves": 6}
COMPACT |= {"window": 11, "hidden": 64, "dense": 128}
ADAM = {"name": "adam", "learning_rate": 0.001}

Task = Callable[[int], None]  # runs this many batches


def main() -> None:
    """Measure, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    device = devices.choose(options.threads)
    rows = [
        (name, 1e3 * clock, 1e3 * cpu, BATCH / clock, clock)
        for name, (clock, cpu) in best(tasks(device), options.batches, options.rounds).items()
    ]
    plain = rows[0][-1]
    print(f"{device}, {options.threads} thread(s), batches of {BATCH}\n")
    table.show(COLUMNS, [(*row, plain / clock) for *row, clock in rows])


COLUMNS = {"": "", "ms per batch": ".2f", "CPU ms": ".2f", "words/s": ".0f", "x first row": ".2f"}


def tasks(device: torch.device) -> dict[str, Task]:
    """Return the tasks to measure, by name."""
    arrays = data.draw(DATA, 1, "train", np.arange(BATCH))
    batch = {name: torch.from_numpy(column).to(device) for name, column in arrays.items()}
    published, compact = (model.Network(which, DATA) for which in (PUBLISHED, COMPACT))
    published, compact = devices.put(published, device), devices.put(compact, device)
    plain = Plain().to(device)
    default_adam = torch.optim.Adam(plain.parameters(), lr=ADAM["learning_rate"])
    published_optimizer = optimizers.make(ADAM, published)
    compact_optimizer = optimizers.make(ADAM, compact)
    return {
        "published, plain layers": training(plain, default_adam, batch),
        "published": training(published, published_optimizer, batch),
        "published, bfloat16": training(published, published_optimizer, batch, "bfloat16"),
        "compact": training(compact, compact_optimizer, batch),
        "compact, forward pass only": reading(compact, batch),
        "compact, 256 words with masks": attending(compact, batch),
    }


class Plain(nn.Module):
    """The published network, written with torch's layers."""

    def __init__(self, channels: int = 16, hidden: int = 256):
        super().__init__()
        self.convolutions = nn.Sequential(
            *(nn.Conv2d(1, channels, 3), nn.ReLU()),
            *(nn.Conv2d(channels, channels, 3), nn.ReLU()),
            *(nn.Conv2d(channels, channels, 3), nn.ReLU()),
        )
        self.cell = nn.LSTMCell(channels * 34 * 34, hidden)
        self.mask, self.name = nn.Linear(hidden, 1600), nn.Linear(hidden, 27)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits (B, 5, 27) of images (B, 40, 40), uint8."""
        images = (images.float() - MEAN) / SPREAD
        mask, state, logits = torch.ones_like(images), None, []
        for _ in range(5):
            features = self.convolutions((images * mask).unsqueeze(1))
            state = self.cell(features.flatten(1), state)
            logits.append(self.name(state[0]))
            mask = self.mask(state[0]).sigmoid().view_as(images)
        return torch.stack(logits, 1)


def training(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: Mapping[str, torch.Tensor],
    precision: str = "float32",
) -> Task:
    """Return a task of forward pass, backward pass and optimizer."""

    def train(batches: int) -> None:
        for _ in range(batches):
            optimizer.zero_grad(set_to_none=True)
            with devices.autocast(batch["image"].device, precision):
                loss = model.loss(network, batch)
            loss.backward()
            optimizer.step()
        float(loss.detach())  # waits for a GPU

    return train


def reading(network: nn.Module, batch: Mapping[str, torch.Tensor]) -> Task:
    """Return a task of the forward pass alone, without gradients."""

    @torch.no_grad()
    def read(batches: int) -> None:
        for _ in range(batches):
            loss = model.loss(network, batch)
        float(loss)

    return read


def attending(network: model.Network, batch: Mapping[str, torch.Tensor]) -> Task:
    """Return the task of an evaluation: words read with their masks."""
    images = batch["image"].repeat(256 // BATCH, 1, 1)

    @torch.no_grad()
    def attend(batches: int) -> None:
        for _ in range(batches):
            logits, masks = network.attend(images)
        float(logits[0, 0, 0] + masks[0, 0, 0, 0])

    return attend


def best(tasks: Mapping[str, Task], batches: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Return the wall and CPU seconds per batch of each task: the fastest round."""
    timings: dict[str, list[tuple[float, float]]] = {name: [] for name in tasks}
    for task in tasks.values():
        task(2)  # warm up: the first batches cost more
    for _ in range(rounds):
        for name, task in tasks.items():
            clock, cpu = time.perf_counter(), time.process_time()
            task(batches)
            clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
            timings[name].append((clock / batches, cpu / batches))
    return {name: tuple(map(min, zip(*each, strict=True))) for name, each in timings.items()}


if __name__ == "__main__":
    main()
