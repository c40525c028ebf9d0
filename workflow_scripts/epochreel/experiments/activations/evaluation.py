"""Evaluate the image classifier: its prediction and its activations for each image.

Columns, one row per example, first the test set, then the training sample:

    split          names    "test" or "train"
    example        int32    index of the example within its split
    label          names    true class
    prediction     names    the most probable class; the first one in a tie
    probabilities  float16  of the classes (fixed_size_list)
    activations    float16  of the neurons (fixed_size_list)

Columns of names are dictionary columns: all class names in order, and an index per row.

Metrics:

    accuracy, loss                    fraction of test examples classified correctly (0 … 1), and
                                      their mean cross-entropy in nats
    accuracy_of_0, accuracy_of_1, …   accuracy on each class that has test examples
    train_accuracy, train_loss        the same for the training sample, if there is one
    apart_0_1, apart_0_2, …           separation of each pair of classes, 0.5 … 1, if at most 16
                                      classes have test examples

The separation of two classes is computed from the 15 nearest neighbours of their test examples in
the space of activations. Of the neighbours that belong to either class, it is the fraction in the
example's own class, corrected for the sizes of the classes: 0.5 if the two are mixed, 1 if they are
fully separated. A layout that preserves neighbourhoods shows this.

All metrics are computed from unrounded probabilities, with the same weights, without dropout.
Storing activations in half precision changes their neighbourhoods less than one snapshot of
training does: see `benchmarks/projection.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import torch

from epochreel.artifacts import evaluations
from epochreel.core.errors import UserError
from epochreel.experiment_api.interface import Metric

METRICS = {
    "accuracy": Metric(
        "Test accuracy", group="Accuracy", unit="%", plain="New pictures recognised correctly"
    ),
    "train_accuracy": Metric("Training accuracy", group="Accuracy", unit="%"),
    "loss": Metric("Test loss", direction="lower", group="Loss", unit="nats"),
    "train_loss": Metric("Training loss", direction="lower", group="Loss", unit="nats"),
    "accuracy_of_*": Metric("Class {}", group="Accuracy by class", unit="%"),
    "apart_*": Metric("Classes {}", group="Separation of classes"),
}

Batches = Iterator[dict[str, torch.Tensor]]

_MOST_IN_PAIRS = 16  # classes; the number of pairs grows quadratically
_NEAREST = 15
_SPLITS = ("test", "train")
_ROWS = 1000  # of the distance matrix, computed at a time


@dataclass(frozen=True)
class _Seen:
    """Output of the network for one split of N examples."""

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
    """Classify the test set and the training sample; return the columns and the metrics.

    Raises `UserError` if an activation is not finite or exceeds float16.
    """
    seen = {"test": _see(network, test)}
    if sample is not None:
        seen["train"] = _see(network, sample)
    parts = [_columns(split, part, network.class_names) for split, part in seen.items()]
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
            "the network's activations are not finite, or too large for float16: "
            "lower the learning rate (training.optimizer.learning_rate)"
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
    """Compute the separation of each pair of classes, as defined above."""
    labels, own = seen.label.unique(return_inverse=True)
    if len(labels) > _MOST_IN_PAIRS:
        return {}
    member = torch.eye(len(labels), dtype=torch.double)[own]  # (N, classes)
    of_all = member.sum(0)
    possible = (of_all - torch.eye(len(of_all))).clamp(min=1)  # an example is not its own neighbour
    found = member.T @ _neighbours(seen.activations.double(), member) / possible
    mine = found.diagonal()[:, None]
    nearer = torch.where(mine + found > 0, mine / (mine + found), 0.5)  # (class, other class)
    return {
        f"apart_{labels[a]}_{labels[b]}": float(nearer[a, b] + nearer[b, a]) / 2
        for a, b in combinations(range(len(labels)), 2)
    }


def _neighbours(points: torch.Tensor, member: torch.Tensor) -> torch.Tensor:
    """Count each point's nearest neighbours by class: (N, classes)."""
    count, squares = min(_NEAREST, len(points) - 1), points.square().sum(1)
    found = []
    for rows in torch.arange(len(points)).split(_ROWS):
        distances = squares - 2 * points[rows] @ points.T  # squared, minus a constant per row
        distances[torch.arange(len(rows)), rows] = torch.inf
        found.append(member[distances.topk(count, largest=False).indices].sum(1))
    return torch.cat(found)


def _columns(split: str, seen: _Seen, names: Sequence[str]) -> dict[str, pa.Array]:
    count = len(seen.label)
    return {
        "split": evaluations.named(np.full(count, _SPLITS.index(split)), _SPLITS),
        "example": pa.array(np.arange(count, dtype=np.int32)),
        "label": evaluations.named(seen.label.numpy(), names),
        "prediction": evaluations.named(seen.prediction.numpy(), names),
        "probabilities": _lists(seen.log_probabilities.exp().half()),
        "activations": _lists(seen.activations),
    }


def _lists(rows: torch.Tensor) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(rows.numpy().ravel(), rows.shape[1])
