"""Words a second that the readers train on, against a plain loop, and what a batch's parts take.

    python benchmarks/words_trained_per_second.py [--batches 3] [--rounds 5] [--threads 1]

All train on one batch of 32 words that lies in memory: forward, backward and Adam. The reference
is the published network as a plain script has it: torch's own layers, `nn.LSTMCell` called step by
step, torch's ordinary Adam. `published` is the same mathematics; `compact` is ours.

All take turns in this process; each row is the quickest of its rounds. CPU ms counts all threads.
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

Work = Callable[[int], None]  # so many batches


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
        for name, (clock, cpu) in best(works(device), options.batches, options.rounds).items()
    ]
    plain = rows[0][-1]
    print(f"{device}, {options.threads} thread(s), batches of {BATCH}\n")
    table.show(COLUMNS, [(*row, plain / clock) for *row, clock in rows])


COLUMNS = {"": "", "ms a batch": ".2f", "CPU ms": ".2f", "words/s": ".0f", "x first row": ".2f"}


def works(device: torch.device) -> dict[str, Work]:
    """What is measured, by name."""
    drawn = data.draw(DATA, 1, "train", np.arange(BATCH))
    batch = {name: torch.from_numpy(column).to(device) for name, column in drawn.items()}
    published, compact = (model.Network(which, DATA) for which in (PUBLISHED, COMPACT))
    published, compact = devices.put(published, device), devices.put(compact, device)
    plain = Plain().to(device)
    ordinary = torch.optim.Adam(plain.parameters(), lr=ADAM["learning_rate"])
    fused = optimizers.make(ADAM, published)
    ours = optimizers.make(ADAM, compact)
    return {
        "published, plain layers": training(plain, ordinary, batch),
        "published": training(published, fused, batch),
        "published, bfloat16": training(published, fused, batch, "bfloat16"),
        "compact": training(compact, ours, batch),
        "compact, its forward pass": reading(compact, batch),
        "compact, 256 words with their masks": looking(compact, batch),
    }


class Plain(nn.Module):
    """The published network, written with torch's layers as they come."""

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
        """Logits (B, 5, 27) of images (B, 40, 40), uint8."""
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
) -> Work:
    """Forward, backward and optimiser."""

    def train(batches: int) -> None:
        for _ in range(batches):
            optimizer.zero_grad(set_to_none=True)
            with devices.arithmetic(batch["image"].device, precision):
                loss = model.loss(network, batch)
            loss.backward()
            optimizer.step()
        float(loss.detach())  # waits for a GPU

    return train


def reading(network: nn.Module, batch: Mapping[str, torch.Tensor]) -> Work:
    """The forward pass alone, without what a backward pass needs."""

    @torch.no_grad()
    def read(batches: int) -> None:
        for _ in range(batches):
            loss = model.loss(network, batch)
        float(loss)

    return read


def looking(network: model.Network, batch: Mapping[str, torch.Tensor]) -> Work:
    """What an evaluation takes: words read with their masks."""
    images = batch["image"].repeat(256 // BATCH, 1, 1)

    @torch.no_grad()
    def look(batches: int) -> None:
        for _ in range(batches):
            logits, masks = network.attend(images)
        float(logits[0, 0, 0] + masks[0, 0, 0, 0])

    return look


def best(works: Mapping[str, Work], batches: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Seconds of clock and CPU that a batch takes in each of `works`: the quickest round."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for work in works.values():
        work(2)  # what only a first batch costs is paid before the clock starts
    for _ in range(rounds):
        for name, work in works.items():
            clock, cpu = time.perf_counter(), time.process_time()
            work(batches)
            clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
            taken[name].append((clock / batches, cpu / batches))
    return {name: tuple(map(min, zip(*each, strict=True))) for name, each in taken.items()}


if __name__ == "__main__":
    main()
