"""Evaluate the network: the spiral that it predicts for each test point.

Columns, one row per test point: `x`, `y` (float32), `label`, `prediction` (int64), and
`probability` (float16) of spiral 1.
"""

from collections.abc import Iterator

import numpy as np
import torch

from epochreel.experiment_api.interface import Metric

METRICS = {"accuracy": Metric("Accuracy", unit="%", plain="Points assigned correctly")}


def evaluate(
    network: torch.nn.Module, batches: Iterator[dict[str, torch.Tensor]]
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Classify all test points; return the columns and the metrics."""
    columns = {name: [] for name in ("x", "y", "label", "probability")}
    for batch in batches:
        columns["probability"].append(network(batch["point"]).float().softmax(1)[:, 1])
        columns["label"].append(batch["label"])
        columns["x"].append(batch["point"][:, 0])
        columns["y"].append(batch["point"][:, 1])
    arrays = {name: torch.cat(parts).cpu().numpy() for name, parts in columns.items()}
    arrays["prediction"] = (arrays["probability"] > 0.5).astype(np.int64)
    accuracy = (arrays["prediction"] == arrays["label"]).mean()
    arrays["probability"] = arrays["probability"].astype(np.float16)
    return arrays, {"accuracy": accuracy}
