"""Networks that read sheets: the published `tuned`, `deep` and `cells`, and the small `local`.

All take grey images as bytes and return ten logits for each digit, in the order of `layout.places`.
All use the same convolutions: 3 × 3, stride 2, no padding, each followed by an ELU.

    tuned   five convolutions, one dense layer to all digits, whose weights an L1 penalty keeps
            small: 248.7 M weights on a sheet
    deep    six wider convolutions with dropout, one dense layer: 369.9 M weights
    cells   three convolutions with dropout, two small dense layers, for single numbers
    local   two narrow convolutions of the patch around each digit, and a separate dense layer for
            each digit: 0.16 M weights, designed for machines without a GPU

settings.schema.yaml lists the settings of each. The initial weights depend only on torch's random
state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from epochreel.experiments.sheets import image_sizes, layout, patch_corners

DIGITS = 10


class Network(nn.Module):
    """The network named `settings["name"]`, with its other settings.

    `data` are the settings of the dataset. `checks` has validated both. `channels_last` is the
    faster memory layout, except with the few channels of `local`, where it takes 1.7 times as long
    on a CPU.
    """

    def __init__(self, settings: Mapping[str, Any], data: Mapping[str, Any]):
        super().__init__()
        options = {name: value for name, value in settings.items() if name != "name"}
        self.reader = READERS[settings["name"]](data["variant"], **options)
        self.channels_last = not isinstance(self.reader, _Local)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits (B, P, 10), float, of images (B, H, W), uint8, 0 black … 255 white."""
        return self.reader(images)


def loss(network: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the mean cross-entropy per digit, nats.

    The batch has "image" (B, H, W) and "digits" (B, P), both uint8.
    """
    logits = network(batch["image"]).float()
    return F.cross_entropy(logits.flatten(0, 1), batch["digits"].long().flatten())


def penalty(network: Network) -> torch.Tensor:
    """Return the L1 penalty on the dense layer: `l1` times the sum of |weight|."""
    reader = network.reader
    if isinstance(reader, _WholePage) and reader.l1:
        return reader.l1 * reader.dense.weight.abs().sum()
    return torch.zeros(())


class _WholePage(nn.Module):
    """`tuned` and `deep`: every digit is read from the features of the whole page."""

    def __init__(self, variant: str, channels: Sequence[int], dropout: float, l1: float):
        super().__init__()
        self.l1 = l1
        self.convolutions = _convolutions(channels, dropout)
        places = len(layout.places(variant))
        self.dense = nn.Linear(
            _features(image_sizes.image_size(variant), channels), places * DIGITS
        )
        self.apply(_initialize)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.convolutions(_ink(images.unsqueeze(1)))  # (B, C, h, w)
        return self.dense(features.flatten(1)).unflatten(1, (-1, DIGITS))


class _Cells(nn.Module):
    """`cells`: the digits of one number, through two dense layers."""

    def __init__(self, variant: str, channels: Sequence[int], dense: Sequence[int], dropout: float):
        super().__init__()
        self.convolutions = _convolutions(channels, dropout)
        widths = (_features(image_sizes.image_size(variant), channels), *dense)
        layers = [
            (nn.Linear(inputs, outputs), nn.ELU(inplace=True))
            for inputs, outputs in pairwise(widths)
        ]
        places = len(layout.places(variant))
        last = nn.Linear(widths[-1], places * DIGITS)
        self.dense = nn.Sequential(*(layer for pair in layers for layer in pair), last)
        self.apply(_initialize)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.convolutions(_ink(images.unsqueeze(1)))  # (B, C, h, w)
        return self.dense(features.flatten(1)).unflatten(1, (-1, DIGITS))


class _Local(nn.Module):
    """`local`: each digit is read from the patch around its position.

    Patches are cut from the bytes before any arithmetic, so that only these are processed: 436
    patches of 15 × 15 px are an eighth of a page. All share the convolutions.
    """

    def __init__(self, variant: str, channels: Sequence[int], patch: int, spread: float):
        super().__init__()
        self.patch = patch
        left, top = (torch.from_numpy(corner) for corner in patch_corners.corners(variant, patch))
        # The settings determine these, so checkpoints omit them.
        self.register_buffer("top", top, persistent=False)
        self.register_buffer("left", left, persistent=False)
        self.convolutions = _convolutions(channels, dropout=0.0)
        self.convolutions.apply(_initialize)
        self.readout = _ReadOut(len(top), _features((patch, patch), channels), spread)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        # A view of the patches at all pixels; indexing copies the P that are needed.
        windows = images.unfold(1, self.patch, 1).unfold(2, self.patch, 1)
        patches = windows[:, self.top, self.left]  # (B, P, patch, patch)
        features = self.convolutions(_ink(patches.flatten(0, 1).unsqueeze(1)))  # (B·P, C, h, w)
        return self.readout(features.flatten(1).unflatten(0, patches.shape[:2]))


class _ReadOut(nn.Module):
    """A separate dense layer to ten logits for each digit: features (B, P, F) → (B, P, 10)."""

    def __init__(self, places: int, features: int, spread: float):
        super().__init__()
        # torch's default bound for dense layers, 1 / √features, times `spread`.
        bound = spread * features**-0.5
        self.weight = nn.Parameter(torch.empty(places, features, DIGITS).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(places, DIGITS))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.einsum("bpf,pfd->bpd", features, self.weight) + self.bias


READERS = {"tuned": _WholePage, "deep": _WholePage, "cells": _Cells, "local": _Local}


def _convolutions(channels: Sequence[int], dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise((1, *channels)):
        layers.append(nn.Conv2d(inputs, outputs, kernel_size=3, stride=2))
        if dropout:
            layers.append(nn.Dropout(dropout))
        layers.append(nn.ELU(inplace=True))
    return nn.Sequential(*layers)


def _features(size: tuple[int, int], channels: Sequence[int]) -> int:
    """Return the number of features that the convolutions compute from an image of this size."""
    width, height = image_sizes.convolved(size, len(channels))
    return width * height * channels[-1]


def _ink(images: torch.Tensor) -> torch.Tensor:
    """Convert bytes, 0 black … 255 white, to darkness: 0.0 paper … 1.0 black."""
    return (255 - images).float() / 255  # subtracting bytes is cheaper


def _initialize(layer: nn.Module) -> None:
    """Set zero biases and Glorot's uniform weights, which preserve the signal's scale."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
