"""The networks that read words letter by letter through a moving mask: `published`, `compact`.

Both take grey images of 40 × 40 px as bytes and give logits of 27 signs, 26 letters and the end
symbol, for each of five steps. At each step a recurrent cell sees the image through a soft mask,
names a sign and chooses the next mask.

    published   each step convolves the masked image anew, and its LSTM reads all that comes of it:
                19.6 M weights, as published
    compact     the image is convolved once, to tell where a mask may go; what a mask lets through
                is read from the image itself: 0.08 M weights, ours, made for machines without a GPU

The settings that each takes are those of its name in config.schema.yaml. The weights of an
untrained network follow from torch's random state alone.
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
    """One of the networks: `settings["name"]`, and all its other settings.

    `data` are the settings of the dataset, on which no network depends: images have one size.
    """

    def __init__(self, settings: Mapping[str, Any], data: Mapping[str, Any]):
        super().__init__()
        own = {name: value for name, value in settings.items() if name != "name"}
        self.reader = READERS[settings["name"]](**own)
        self.channels_last = True

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (B, 5, 27), float, of images (B, 40, 40), uint8."""
        return self.reader(images)[0]

    def attend(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The logits, and the masks that the steps looked through: (B, 5, 40, 40), 0.0 … 1.0."""
        logits, looked = self.reader(images)
        return logits, self.reader.masks(looked)


def loss(network: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Mean cross-entropy, nats, of the letters and the first end symbol of each word.

    "image" is (B, 40, 40), "letters" (B, 5), both uint8. What stands after a word's first end
    symbol does not count.
    """
    logits, signs = network(batch["image"]).float(), batch["letters"].long()
    ends = (signs == END).long()
    counts = ((ends.cumsum(1) - ends) == 0).float()
    losses = F.cross_entropy(logits.flatten(0, 1), signs.flatten(), reduction="none")
    return (losses * counts.flatten()).sum() / counts.sum()
