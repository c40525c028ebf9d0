"""Where a training takes its batches from: shards in memory, or a stream drawn as it is used.

A stream is an unbounded training set: batch `step` holds the next examples after those of the
batch before, each drawn once, as it is needed. An experiment whose data.py has

    draw(settings, seed, split, indices) -> columns

is asked for a whole batch at once, on the device that trains: `indices` are int64, a numpy array
or a torch tensor, and the columns are arrays of the same kind. Any other experiment is asked by
`generate`, one example after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import torch

from epochreel.artifacts import dataset_shards
from epochreel.artifacts.dataset_shards import Split
from epochreel.core import device as devices
from epochreel.core import seeding
from epochreel.core.errors import UserError, shown
from epochreel.training import batch_order

Columns = dict[str, torch.Tensor]


class Source(Protocol):
    """A training set: each column's examples are stacked along the first axis."""

    def batch(self, step: int) -> Columns:
        """The examples of batch `step`, on the device that trains."""

    def example(self) -> Columns:
        """One example, on that device."""


class ShardedSource:
    """A training set in shards, gone through in passes, each in an order of its own."""

    def __init__(self, split: Split, seed: int, batch: int, device: torch.device):
        self._columns = in_memory(split, device)
        self._count = len(split)
        self._seed, self._size, self._device = seed, batch, device

    def batch(self, step: int) -> Columns:
        """The examples of batch `step`."""
        chosen = batch_order.indices(self._seed, step, self._size, self._count)
        index = torch.from_numpy(chosen)
        return {
            name: column[index.to(column.device)].to(self._device, non_blocking=True)
            for name, column in self._columns.items()
        }

    def example(self) -> Columns:
        """The first example."""
        return {name: column[:1].to(self._device) for name, column in self._columns.items()}


class GeneratedSource:
    """An unbounded training set: `data` is the experiment's module of that name."""

    def __init__(
        self,
        data: ModuleType,
        settings: Mapping[str, Any],
        seed: int,
        batch: int,
        device: torch.device,
    ):
        self._data, self._settings, self._seed = data, settings, seed
        self._size, self._device = batch, device

    def batch(self, step: int) -> Columns:
        """The examples of batch `step`."""
        return self._examples(step * self._size, self._size)

    def example(self) -> Columns:
        """The first example."""
        return self._examples(0, 1)

    def _examples(self, first: int, count: int) -> Columns:
        seeding.seed_all(seeding.derive_seed(self._seed, first, what="stream"))
        name = "draw" if hasattr(self._data, "draw") else "generate"
        source = f"{self._data.__file__}: {name}"
        drawn = (self._drawn if name == "draw" else self._generated)(first, count, source)
        tensors = {
            name: dataset_shards.convert_or_raise(torch.as_tensor, column, name, source)
            for name, column in drawn.items()
        }
        return {name: tensor.to(self._device) for name, tensor in tensors.items()}

    def _drawn(self, first: int, count: int, source: str) -> Mapping[str, Any]:
        # On a CPU arrays of numpy are drawn faster than tensors.
        if self._device.type == "cpu":
            indices = np.arange(first, first + count)
        else:
            indices = torch.arange(first, first + count, device=self._device)
        drawn = self._data.draw(self._settings, self._seed, "train", indices)
        if not isinstance(drawn, Mapping) or any(len(c) != count for c in drawn.values()):
            raise UserError(
                f"{source} gives {shown(drawn)}; it gives a dict of columns, {count} examples each"
            )
        return drawn

    def _generated(self, first: int, count: int, source: str) -> Mapping[str, Any]:
        indices = range(first, first + count)
        given = self._data.generate(self._settings, self._seed, "train", indices)
        examples = list(dataset_shards.checked_examples(given, count, source))
        columns = {name: [example[name] for example in examples] for name in examples[0]}
        return {
            name: dataset_shards.convert_or_raise(np.stack, values, name, source)
            for name, values in columns.items()
        }


def example_of(split: Split, device: torch.device) -> Columns:
    """The first example of a split, on a device; no other is decoded."""
    columns = {name: np.stack([value]) for name, value in split[0].items()}
    return {name: torch.from_numpy(column).to(device) for name, column in columns.items()}


def in_memory(split: Split, device: torch.device) -> Columns:
    """A split's columns as tensors of bytes and labels: on the GPU where they fit, else here."""
    arrays = split.arrays(devices.cores())
    columns = {name: torch.from_numpy(array) for name, array in arrays.items()}
    size = sum(column.nbytes for column in columns.values())
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info()
        if size < free // 2:
            return {name: column.to(device) for name, column in columns.items()}
        return {name: column.pin_memory() for name, column in columns.items()}
    return columns
