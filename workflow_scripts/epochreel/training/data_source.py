"""Sources of training batches: shards in memory, or examples generated as they are used.

A generated source is an unbounded training set: batch `step` holds the examples that follow those
of the batch before, and each example is used once. If an experiment's data.py defines

    draw(settings, seed, split, indices) -> columns

it is called for whole batches, on the training device. `indices` are int64, a NumPy array or a
torch tensor, and the columns are arrays of the same kind. Otherwise `generate` is called, which
yields the examples one by one.
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
    """A training set; each column stacks its examples along the first axis."""

    def batch(self, step: int) -> Columns:
        """Return the examples of batch `step`, on the training device."""

    def example(self) -> Columns:
        """Return one example, on the training device."""


class ShardedSource:
    """A training set in shards, read in passes, each in a different random order."""

    def __init__(self, split: Split, seed: int, batch: int, device: torch.device):
        self._columns = in_memory(split, device)
        self._count = len(split)
        self._seed, self._size, self._device = seed, batch, device

    def batch(self, step: int) -> Columns:
        """Return the examples of batch `step`."""
        order = batch_order.indices(self._seed, step, self._size, self._count)
        index = torch.from_numpy(order)
        return {
            name: column[index.to(column.device)].to(self._device, non_blocking=True)
            for name, column in self._columns.items()
        }

    def example(self) -> Columns:
        """Return the first example."""
        return {name: column[:1].clone().to(self._device) for name, column in self._columns.items()}


class GeneratedSource:
    """An unbounded training set from `data`, the experiment's data.py."""

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
        """Return the examples of batch `step`."""
        return self._examples(step * self._size, self._size)

    def example(self) -> Columns:
        """Return the first example."""
        return self._examples(0, 1)

    def _examples(self, first: int, count: int) -> Columns:
        seeding.seed_all(seeding.derive_seed(self._seed, first, what="stream"))
        name = "draw" if hasattr(self._data, "draw") else "generate"
        source = f"{self._data.__file__}: {name}"
        columns = (self._draw if name == "draw" else self._generate)(first, count, source)
        tensors = {
            name: dataset_shards.convert_or_raise(torch.as_tensor, column, name, source)
            for name, column in columns.items()
        }
        # Copies: user code may return the same arrays again, which `loss` may have changed.
        return {name: tensor.to(self._device, copy=True) for name, tensor in tensors.items()}

    def _draw(self, first: int, count: int, source: str) -> Mapping[str, Any]:
        # On the CPU, NumPy arrays are faster than tensors.
        if self._device.type == "cpu":
            indices = np.arange(first, first + count)
        else:
            indices = torch.arange(first, first + count, device=self._device)
        columns = self._data.draw(self._settings, self._seed, "train", indices)
        if not isinstance(columns, Mapping) or any(
            len(column) != count for column in columns.values()
        ):
            raise UserError(
                f"{source} returns {shown(columns)}; expected a dict of columns of {count} examples"
            )
        return columns

    def _generate(self, first: int, count: int, source: str) -> Mapping[str, Any]:
        indices = range(first, first + count)
        generated = self._data.generate(self._settings, self._seed, "train", indices)
        examples = list(dataset_shards.checked_examples(generated, count, source))
        columns = {name: [example[name] for example in examples] for name in examples[0]}
        return {
            name: dataset_shards.convert_or_raise(np.stack, values, name, source)
            for name, values in columns.items()
        }


def example_of(split: Split, device: torch.device) -> Columns:
    """Return the first example of a split on a device, without decoding others."""
    columns = {name: np.stack([value]) for name, value in split[0].items()}
    return {name: torch.from_numpy(column).to(device) for name, column in columns.items()}


def in_memory(split: Split, device: torch.device) -> Columns:
    """Return a split's columns as tensors.

    They are on the GPU if they take less than half of its free memory, otherwise in host memory,
    which is pinned for a GPU.
    """
    arrays = split.arrays(devices.cores())
    columns = {name: torch.from_numpy(array) for name, array in arrays.items()}
    total_bytes = sum(column.nbytes for column in columns.values())
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info()
        if total_bytes < free // 2:
            return {name: column.to(device) for name, column in columns.items()}
        return {name: column.pin_memory() for name, column in columns.items()}
    return columns
