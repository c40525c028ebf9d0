"""Evaluate the sheet transcriber: every digit that it reads on the test pages.

Columns, one row per page and position, ordered by page, then by position:

    page           int32    number of the test page
    place          int16    position of the digit on the page, as in `layout`
    truth          uint8    the digit printed there
    prediction     uint8    the most probable digit; the smaller one in a tie
    probabilities  float16  of the digits 0 … 9 (fixed_size_list of 10)

Metrics: `accuracy`, the fraction of digits read correctly (0 … 1), and `loss`, the mean
cross-entropy per digit in nats. Both are computed from unrounded probabilities.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import torch

from epochreel.experiment_api.interface import Metric

METRICS = {
    "accuracy": Metric("Digit accuracy", unit="%", plain="Digits read correctly"),
    "loss": Metric("Loss", direction="lower", unit="nats"),
}


def evaluate(
    network: torch.nn.Module, batches: Iterator[dict[str, torch.Tensor]]
) -> tuple[dict[str, pa.Array], dict[str, float]]:
    """Read all pages and return the columns and the metrics."""
    logs, truths = [], []
    for batch in batches:
        logs.append(network(batch["image"]).float().log_softmax(-1).cpu())
        truths.append(batch["digits"].cpu())
    log_probabilities = torch.cat(logs)  # (pages, places, 10)
    truth = torch.cat(truths)  # (pages, places)
    prediction = log_probabilities.argmax(-1)
    loss = -log_probabilities.gather(-1, truth.long().unsqueeze(-1)).double().mean()
    metrics = {"accuracy": float((prediction == truth).double().mean()), "loss": float(loss)}
    return _columns(log_probabilities.exp().half().numpy(), truth, prediction), metrics


def _columns(
    probabilities: np.ndarray, truth: torch.Tensor, prediction: torch.Tensor
) -> dict[str, pa.Array]:
    pages, places = truth.shape
    return {
        "page": pa.array(np.repeat(np.arange(pages, dtype=np.int32), places)),
        "place": pa.array(np.tile(np.arange(places, dtype=np.int16), pages)),
        "truth": pa.array(truth.numpy().astype(np.uint8).ravel()),
        "prediction": pa.array(prediction.numpy().astype(np.uint8).ravel()),
        "probabilities": pa.FixedSizeListArray.from_arrays(probabilities.ravel(), 10),
    }
