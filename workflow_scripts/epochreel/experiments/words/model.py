"""Networks that read words letter by letter through a moving mask: `published` and `compact`.

Both take grey images of 40 × 40 px as bytes and return logits of 27 signs, 26 letters and the end
symbol, for each of five steps. At each step, a recurrent cell sees the image through a soft mask,
outputs a sign and chooses the next mask.

    published   each step convolves the masked image again, and its LSTM reads all features:
                19.6 M weights, as published
    compact     the image is convolved once, to guide the mask; the letters are read from the masked
                image itself: 0.08 M weights, designed for machines without a GPU

settings.schema.yaml lists the settings of each. The initial weights depend only on torch's random
state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from epochreel.experiments.words.alphabet import END
from epochreel.experiments.words.compact import Compact
from epochreel.experiments.words.published import Published

READERS = {"published": Published, "compact": Compact}


class Network(nn.Module):
    """The network named `settings["name"]`, with its other settings.

    `data` are the settings of the dataset, which no network uses: all images have one size.
    """

    def __init__(self, settings: Mapping[str, Any], data: Mapping[str, Any]):
        super().__init__()
        options = {name: value for name, value in settings.items() if name != "name"}
        self.reader = READERS[settings["name"]](**options)
        self.channels_last = True

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits (B, 5, 27), float, of images (B, 40, 40), uint8."""
        return self.reader(images)[0]

    def attend(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits, and the masks of all steps: (B, 5, 40, 40), 0.0 … 1.0."""
        logits, attention = self.reader(images)
        return logits, self.reader.masks(attention)


def loss(network: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the mean cross-entropy, nats, of the letters and the first end symbol of each word.

    The batch has "image" (B, 40, 40) and "letters" (B, 5), both uint8. Signs after a word's first
    end symbol do not count.
    """
    logits, signs = network(batch["image"]).float(), batch["letters"].long()
    ends = (signs == END).long()
    weights = ((ends.cumsum(1) - ends) == 0).float()
    losses = F.cross_entropy(logits.flatten(0, 1), signs.flatten(), reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum()
