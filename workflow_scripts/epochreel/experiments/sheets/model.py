"""The networks that read sheets: `tuned`, `deep` and `cells` as published, and `local`, ours.

All take grey images as bytes and give ten logits for each place in the order of `layout.places`.
All are made of the same convolutions: 3 × 3, stride 2, no padding, each followed by an ELU.

    tuned   five convolutions, one dense layer to all digits, whose weights the loss keeps small
            by an L1 penalty: 248.7 M weights on a sheet
    deep    six wider convolutions with dropout, one dense layer: 369.9 M weights
    cells   three convolutions with dropout, two small dense layers, for single numbers
    local   two narrow convolutions of the patch around each place, and for each place a dense
            layer of its own: 0.16 M weights, made for machines without a GPU

The settings that each takes are those of its name in config.schema.yaml. The weights of an
untrained network follow from torch's random state alone.
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
    """One of the networks: `settings["name"]`, and all its other settings.

    `data` are the settings of the dataset. Both as the plan lets them pass (see `checks`).
    `channels_last` says which layout in memory is the faster one: the few channels of `local`
    take 1.7 times as long that way on a CPU.
    """

    def __init__(self, settings: Mapping[str, Any], data: Mapping[str, Any]):
        super().__init__()
        own = {name: value for name, value in settings.items() if name != "name"}
        self.reader = READERS[settings["name"]](data["variant"], **own)
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
        self.dense = nn.Linear(
            _features(image_sizes.image_size(variant), channels), places * DIGITS
        )
        self.apply(_start)

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
        left, top = (torch.from_numpy(corner) for corner in patch_corners.corners(variant, patch))
        # Follow from the settings, so checkpoints leave them out.
        self.register_buffer("top", top, persistent=False)
        self.register_buffer("left", left, persistent=False)
        self.convolutions = _convolutions(channels, dropout=0.0)
        self.convolutions.apply(_start)
        self.readout = _ReadOut(len(top), _features((patch, patch), channels), spread)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        # A view of the patches at all places; the index copies the P that are read.
        windows = images.unfold(1, self.patch, 1).unfold(2, self.patch, 1)
        patches = windows[:, self.top, self.left]  # (B, P, patch, patch)
        features = self.convolutions(_ink(patches.flatten(0, 1).unsqueeze(1)))  # (B·P, C, h, w)
        return self.readout(features.flatten(1).unflatten(0, patches.shape[:2]))


class _ReadOut(nn.Module):
    """A dense layer to ten logits for each place: features (B, P, F) → (B, P, 10)."""

    def __init__(self, places: int, features: int, spread: float):
        super().__init__()
        # torch's own bound for dense layers, 1 / √features, times `spread`.
        bound = spread * features**-0.5
        self.weight = nn.Parameter(torch.empty(places, features, DIGITS).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(places, DIGITS))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.einsum("bpf,pfd->bpd", features, self.weight) + self.bias


READERS = {"tuned": _Whole, "deep": _Whole, "cells": _Cells, "local": _Local}


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
    width, height = image_sizes.convolved(size, len(channels))
    return width * height * channels[-1]


def _ink(images: torch.Tensor) -> torch.Tensor:
    """Bytes, 0 black … 255 white, as ink: 0.0 paper … 1.0 black."""
    return (255 - images).float() / 255  # subtracted as bytes, which is cheaper


def _start(layer: nn.Module) -> None:
    """Glorot's uniform weights, which keep the signal's size through the layers; biases zero."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
