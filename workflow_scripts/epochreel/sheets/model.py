"""The networks that read sheets: `tuned`, `deep` and `cells` as published, and `local`, ours.

All take grey images as bytes and give ten logits for each place in the order of `layout.places`.
All are made of the same convolutions: 3 × 3, stride 2, no padding, each followed by an ELU.

    tuned   five convolutions, one dense layer to all digits, whose weights the loss keeps small
            by an L1 penalty: 248.7 M weights on a sheet
    deep    six wider convolutions with dropout, one dense layer: 369.9 M weights
    cells   three convolutions with dropout, two small dense layers, for single numbers
    local   two narrow convolutions of the patch around each place, and for each place a dense
            layer of its own: 0.16 M weights, made for machines without a GPU

`DEFAULTS` holds the settings that each takes beside its name. The weights of an untrained network
follow from torch's random state alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from epochreel.errors import UserError
from epochreel.sheets import layout

DIGITS = 10

DEFAULTS: dict[str, dict[str, Any]] = {
    "tuned": {"channels": (10, 10, 20, 40, 80), "dropout": 0.0, "l1": 1e-6},
    "deep": {"channels": (16, 32, 64, 128, 256, 512), "dropout": 0.3, "l1": 0.0},
    "cells": {"channels": (32, 64, 128), "dense": (100, 100), "dropout": 0.3},
    "local": {"channels": (4, 4), "patch": 15, "spread": 3.0},
}
"""Settings of each network. `channels`: of its convolutions. `dropout`: the share of features left
out in training, after each convolution. `l1`: strength of the penalty on the dense layer.
`dense`: widths of the dense layers before the last. `patch`: side of the patch around a place, px.
`spread`: how far apart the untrained read-outs of the places lie; the larger, the longer it takes
until the digits are right, and the surer the network then is of them."""


class Network(nn.Module):
    """One of the networks: `settings["name"]`, with that network's `DEFAULTS` for what is unsaid.

    `data` are the settings of the dataset; without a "variant" it is "plain". Raises `UserError`
    where the network cannot read such images. `channels_last` says which layout in memory is the
    faster one: the few channels of `local` take 1.7 times as long that way on a CPU.
    """

    def __init__(self, settings: Mapping[str, Any], data: Mapping[str, Any]):
        super().__init__()
        self.reader = _reader(settings, data.get("variant", "plain"))
        self.channels_last = not isinstance(self.reader, _Local)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (B, P, 10), float, of images (B, H, W), uint8, 0 black … 255 white."""
        return self.reader(images)


def loss(network: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Mean cross-entropy per digit, nats: "image" (B, H, W) and "digits" (B, P), both uint8."""
    logits = network(batch["image"]).float()
    return F.cross_entropy(logits.flatten(0, 1), batch["digits"].long().flatten())


def penalty(network: Network) -> torch.Tensor:
    """What the loss gains from the size of the dense weights: `l1` times the sum of |weight|."""
    reader = network.reader
    if isinstance(reader, _Whole) and reader.l1:
        return reader.l1 * reader.dense.weight.abs().sum()
    return torch.zeros(())


class _Whole(nn.Module):
    """`tuned` and `deep`: every digit is read from the features of the whole page."""

    def __init__(self, variant: str, channels: Sequence[int], dropout: float, l1: float):
        super().__init__()
        self.l1 = l1
        self.convolutions = _convolutions(channels, dropout)
        places = len(layout.places(variant))
        self.dense = nn.Linear(_features(layout.image_size(variant), channels), places * DIGITS)
        self.apply(_start)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.convolutions(_ink(images.unsqueeze(1)))  # (B, C, h, w)
        return self.dense(features.flatten(1)).unflatten(1, (-1, DIGITS))


class _Cells(nn.Module):
    """`cells`: the digits of one number, through two dense layers."""

    def __init__(self, variant: str, channels: Sequence[int], dense: Sequence[int], dropout: float):
        super().__init__()
        self.convolutions = _convolutions(channels, dropout)
        widths = (_features(layout.image_size(variant), channels), *dense)
        layers = [
            (nn.Linear(before, after), nn.ELU(inplace=True)) for before, after in pairwise(widths)
        ]
        places = len(layout.places(variant))
        last = nn.Linear(widths[-1], places * DIGITS)
        self.dense = nn.Sequential(*(layer for pair in layers for layer in pair), last)
        self.apply(_start)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.convolutions(_ink(images.unsqueeze(1)))  # (B, C, h, w)
        return self.dense(features.flatten(1)).unflatten(1, (-1, DIGITS))


class _Local(nn.Module):
    """`local`: each digit is read from the patch around its place.

    The patches are cut from the bytes, before any arithmetic, so that only they are computed on:
    436 patches of 15 × 15 px are an eighth of a page. All share the convolutions.
    """

    def __init__(self, variant: str, channels: Sequence[int], patch: int, spread: float):
        super().__init__()
        self.patch = patch
        top, left = _corners(variant, patch)
        self.register_buffer("top", top, persistent=False)
        self.register_buffer("left", left, persistent=False)
        self.convolutions = _convolutions(channels, dropout=0.0)
        self.convolutions.apply(_start)
        self.readout = _ReadOut(len(top), _features((patch, patch), channels), spread)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        windows = images.unfold(1, self.patch, 1).unfold(2, self.patch, 1)
        patches = windows[:, self.top, self.left]  # (B, P, patch, patch)
        features = self.convolutions(_ink(patches.flatten(0, 1).unsqueeze(1)))  # (B·P, C, h, w)
        return self.readout(features.flatten(1).unflatten(0, patches.shape[:2]))


class _ReadOut(nn.Module):
    """A dense layer to ten logits for each place: features (B, P, F) → (B, P, 10)."""

    def __init__(self, places: int, features: int, spread: float):
        super().__init__()
        bound = spread * features**-0.5
        self.weight = nn.Parameter(torch.empty(places, features, DIGITS).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(places, DIGITS))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.einsum("bpf,pfd->bpd", features, self.weight) + self.bias


READERS = {"tuned": _Whole, "deep": _Whole, "cells": _Cells, "local": _Local}


def _reader(settings: Mapping[str, Any], variant: str) -> nn.Module:
    given = dict(settings)
    name = given.pop("name")
    if name not in READERS:
        raise UserError(f"network.name is {name!r}: take one of {', '.join(READERS)}")
    if name != "local" and (name == "cells") != (variant == "cells"):
        raise UserError(
            f"network.name is {name!r}, which does not read the variant {variant!r}: take 'local'"
        )
    return READERS[name](variant, **DEFAULTS[name] | given)


def _convolutions(channels: Sequence[int], dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise((1, *channels)):
        layers.append(nn.Conv2d(before, after, kernel_size=3, stride=2))
        if dropout:
            layers.append(nn.Dropout(dropout))
        layers.append(nn.ELU(inplace=True))
    return nn.Sequential(*layers)


def _features(size: tuple[int, int], channels: Sequence[int]) -> int:
    """How many features the convolutions make of an image of so many pixels."""
    width, height = size
    for _ in channels:
        width, height = (width - 1) // 2, (height - 1) // 2
    if min(width, height) < 1:
        raise UserError(
            f"network.channels names {len(channels)} convolutions, too many for an image of "
            f"{size[0]} × {size[1]} px: name fewer"
        )
    return width * height * channels[-1]


def _corners(variant: str, patch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Top and left pixel of the patch around each place: (P,) and (P,), int64."""
    places, (width, height) = layout.places(variant), layout.image_size(variant)
    top = torch.from_numpy(places.y - patch / 2).round().long()
    left = torch.from_numpy(places.x - patch / 2).round().long()
    inside = min(top.min(), left.min()) >= 0
    if not inside or top.max() + patch > height or left.max() + patch > width:
        raise UserError(
            f"network.patch is {patch}, which reaches over the page: take a smaller one"
        )
    return top, left


def _ink(images: torch.Tensor) -> torch.Tensor:
    """Bytes, 0 black … 255 white, as ink: 0.0 paper … 1.0 black."""
    return (255 - images).float() / 255


def _start(layer: nn.Module) -> None:
    """Glorot's uniform weights, which keep the signal's size through the layers; biases zero."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
