"""A multilayer perceptron with two hidden layers for points in the plane."""

import torch
from torch import nn


class Network(nn.Sequential):
    """Maps points (B, 2) to logits (B, 2)."""

    def __init__(self, settings: dict, data: dict):
        width = settings["width"]
        super().__init__(
            nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 2)
        )


def loss(network: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the mean cross-entropy of a batch, in nats."""
    return nn.functional.cross_entropy(network(batch["point"]), batch["label"])
