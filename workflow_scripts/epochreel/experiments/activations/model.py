"""The image classifier `published`, whose last hidden layer the film shows.

5 × 5 convolutions with 32 and 64 channels, each followed by a ReLU and 2 × 2 max-pooling; dropout;
a linear layer to 100 neurons, and one from these to the classes. The published text mentions no
non-linearity between the last two layers, so there is none: the activations shown are the outputs
of the 100 neurons, of either sign. It mentions no padding either; here, convolutions preserve the
image's size. Weights have torch's default initialization.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from epochreel.experiments.activations import classes


class Network(nn.Module):
    """The classifier with these settings, for a dataset with the settings `data`.

    `settings` are `{"name": "published", "channels": …, "kernel", "hidden", "dropout", "mean",
    "deviation"}`; `mean` and `deviation` are those of the images' pixels, 0.0 black to 1.0 white.
    """

    channels_last = True

    def __init__(self, settings: Mapping[str, Any], data: Mapping[str, Any]):
        super().__init__()
        self.mean, self.deviation = settings["mean"], settings["deviation"]
        channels, size = settings["channels"], data["size"] >> len(settings["channels"])
        self.class_names = classes.names(data)
        layers: list[nn.Module] = []
        for before, after in pairwise((3 if data["colour"] else 1, *channels)):
            convolution = nn.Conv2d(before, after, settings["kernel"], padding="same")
            # Pooling before the ReLU gives the same result at a quarter of its cost.
            layers += [convolution, nn.MaxPool2d(2), nn.ReLU(inplace=True)]
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(settings["dropout"]))
        self.neurons = nn.Linear(channels[-1] * size * size, settings["hidden"])
        self.classes = nn.Linear(settings["hidden"], len(self.class_names))

    def activations(self, images: torch.Tensor) -> torch.Tensor:
        """Return the activations (B, hidden) of images (B, S, S) or (B, S, S, 3), uint8."""
        pixels = images.unsqueeze(1) if images.dim() == 3 else images.permute(0, 3, 1, 2)
        normalized = (pixels.float() / 255 - self.mean) / self.deviation
        return self.neurons(self.features(normalized))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits (B, classes) of images (B, S, S) or (B, S, S, 3), uint8."""
        return self.classes(self.activations(images))


def loss(network: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the mean cross-entropy, nats. "image": uint8 (B, S, S[, 3]); "label": (B,)."""
    return F.cross_entropy(network(batch["image"]).float(), batch["label"].long())
