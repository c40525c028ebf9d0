"""What the network sees in each image: its class, and the activations that the film shows.

Columns, one row per example, those of the test set first, then those of the training sample:

    split          string   "test" or "train"
    example        int32    number of the example within its split
    label          int16    its class
    prediction     int16    the most probable class; the smaller one where two are equal
    probabilities  float16  of the classes (fixed_size_list)
    activations    float16  of the neurons (fixed_size_list)

Metrics: `accuracy`, the share of test examples told right (0 … 1); `loss`, their mean
cross-entropy in nats; `accuracy_of_0`, `accuracy_of_1`, …, the accuracy on the test examples of
each class that has any; with a training sample its `train_accuracy` and `train_loss`. Where these
classes are 16 at most, `apart_0_1`, `apart_0_2`, …, tell how far each two of them lie apart: of
the 15 test examples whose activations lie nearest to those of an example of the two, and which are
of either, the share that is of its own class, as if all classes were equally many. It is 0.5 where
the two are mixed, 1 where they lie apart, and shows in a layout that keeps neighbours together.
All are made from unrounded probabilities, at one state of the weights, with dropout off.

Half precision moves the neighbourhoods of activations less than one snapshot of training does:
see `benchmarks/projection.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import torch

from epochreel.core.errors import UserError

Batches = Iterator[dict[str, torch.Tensor]]

_MOST_IN_PAIRS = 16  # classes; the number of pairs grows with its square
_NEAREST = 15
_ROWS = 1000  # of distances at a time


@dataclass(frozen=True)
class _Seen:
    """What the network makes of one split."""

    label: torch.Tensor  # (N,)
    log_probabilities: torch.Tensor  # (N, classes)
    activations: torch.Tensor  # (N, hidden)

    @property
    def prediction(self) -> torch.Tensor:
        return self.log_probabilities.argmax(1)

    @property
    def right(self) -> torch.Tensor:
        return (self.prediction == self.label).double()

    @property
    def loss(self) -> float:
        return -float(self.log_probabilities.gather(1, self.label[:, None]).double().mean())


def evaluate(
    network: torch.nn.Module, test: Batches, sample: Batches | None = None
) -> tuple[dict[str, pa.Array], dict[str, float]]:
    """Look at all examples of the test set and of a sample of the training set.

    Returns the columns and the metrics. Raises `UserError` for activations that are not finite
    or beyond float16.
    """
    seen = {"test": _see(network, test)}
    if sample is not None:
        seen["train"] = _see(network, sample)
    parts = [_columns(split, part) for split, part in seen.items()]
    columns = {name: pa.concat_arrays([part[name] for part in parts]) for name in parts[0]}
    return columns, _metrics(seen)


def _see(network: torch.nn.Module, batches: Batches) -> _Seen:
    labels, logs, activations = [], [], []
    for batch in batches:
        neurons = network.activations(batch["image"])
        logs.append(network.classes(neurons).float().log_softmax(-1).cpu())
        activations.append(neurons.half().cpu())
        labels.append(batch["label"].long().cpu())
    seen = _Seen(torch.cat(labels), torch.cat(logs), torch.cat(activations))
    if not seen.activations.isfinite().all():
        raise UserError(
            "the network's activations are too large or not finite: "
            "train with a smaller training.optimizer.learning_rate"
        )
    return seen


def _metrics(seen: dict[str, _Seen]) -> dict[str, float]:
    test = seen["test"]
    metrics = {"accuracy": float(test.right.mean()), "loss": test.loss}
    for label in test.label.unique().tolist():
        metrics[f"accuracy_of_{label}"] = float(test.right[test.label == label].mean())
    metrics |= _apart(test)
    if "train" in seen:
        metrics["train_accuracy"] = float(seen["train"].right.mean())
        metrics["train_loss"] = seen["train"].loss
    return metrics


def _apart(seen: _Seen) -> dict[str, float]:
    """How far each two classes lie apart: see the module."""
    labels, own = seen.label.unique(return_inverse=True)
    if len(labels) > _MOST_IN_PAIRS:
        return {}
    member = torch.eye(len(labels), dtype=torch.double)[own]  # (N, classes)
    of_all = member.sum(0)
    there = (of_all - torch.eye(len(of_all))).clamp(min=1)  # none is its own neighbour
    found = member.T @ _neighbours(seen.activations.double(), member) / there
    mine = found.diagonal()[:, None]
    nearer = torch.where(mine + found > 0, mine / (mine + found), 0.5)  # (class, other class)
    return {
        f"apart_{labels[a]}_{labels[b]}": float(nearer[a, b] + nearer[b, a]) / 2
        for a, b in combinations(range(len(labels)), 2)
    }


def _neighbours(points: torch.Tensor, member: torch.Tensor) -> torch.Tensor:
    """How many of the nearest others of each point are of each class: (N, classes)."""
    count, squares = min(_NEAREST, len(points) - 1), points.square().sum(1)
    found = []
    for rows in torch.arange(len(points)).split(_ROWS):
        distances = squares - 2 * points[rows] @ points.T  # squared, less a constant of the row
        distances[torch.arange(len(rows)), rows] = torch.inf
        found.append(member[distances.topk(count, largest=False).indices].sum(1))
    return torch.cat(found)


def _columns(split: str, seen: _Seen) -> dict[str, pa.Array]:
    count = len(seen.label)
    return {
        "split": pa.array([split] * count),
        "example": pa.array(np.arange(count, dtype=np.int32)),
        "label": pa.array(seen.label.numpy().astype(np.int16)),
        "prediction": pa.array(seen.prediction.numpy().astype(np.int16)),
        "probabilities": _lists(seen.log_probabilities.exp().half()),
        "activations": _lists(seen.activations),
    }


def _lists(rows: torch.Tensor) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(rows.numpy().ravel(), rows.shape[1])
