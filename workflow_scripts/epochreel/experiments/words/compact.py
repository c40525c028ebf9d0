"""The compact reader: it finds the line of a word, then reads along it through a moving window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from epochreel.experiments.words.alphabet import MEAN, SIDE, SIGNS, SPREAD, STEPS

GRID = SIDE // 2  # places of the convolved image, down and across


class Looked(NamedTuple):
    """Where the middle of the window lies, as probabilities."""

    rows: torch.Tensor  # (B, 40), alike for all steps
    columns: list[torch.Tensor]  # (B, 40) for each step


class Compact(nn.Module):
    """Convolutions → rows of the line → five times: columns → what the window shows → a sign.

    A softmax over the image's rows chooses those of the word; what the convolutions say of these
    makes a key for each column. At each step a softmax over the columns, of how well their keys
    and positions fit what a GRU asks for, moves a window of `window` × `window` px. What the
    window shows, averaged over where it may lie, goes to the GRU, and with its state to two dense
    layers that name the sign.
    """

    def __init__(
        self,
        channels: Sequence[int],
        line: int,
        keys: int,
        waves: int,
        window: int,
        hidden: int,
        dense: int,
    ):
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) if place else nn.Conv2d(1, after, 5, 2, 2)
            for place, (before, after) in enumerate(pairwise((1, *channels)))
        )
        self.rows = nn.Linear(channels[-1], 2)  # a place is two pixels high and wide
        self.line = nn.Conv1d(channels[-1], line, 5, padding=2)
        self.key = nn.Linear(line, 2 * keys)
        # These follow from the settings, so checkpoints leave them out.
        self.register_buffer("positions", _positions(waves), persistent=False)  # (40, W)
        self.register_buffer("window", _bell(window), persistent=False)  # (window,)
        self.keys, width = keys, 2 * waves
        # A query of zeros fits all columns equally: untrained, the first look is at all of them.
        self.first = nn.Parameter(torch.zeros(keys + width))
        self.start = nn.Parameter(torch.zeros(hidden))
        self.cell = nn.GRUCell(window**2 + width, hidden)
        self.ask = nn.Linear(hidden + width, keys + width)
        self.dense = nn.Linear(window**2 + hidden, dense)
        self.name = nn.Linear(dense, SIGNS)
        self.apply(_start)
        # No ReLU follows these two. Scaled down, the first looks and guesses are nearly even.
        _scale(self.ask, 0.3)
        _scale(self.name, 0.5)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, Looked]:
        """Logits (B, 5, 27) of images (B, 40, 40), uint8, and where the steps looked."""
        images = (images.float() - MEAN) / SPREAD
        features = self._features(images)  # (B, 20, 20, C)
        # Most columns hold no ink, so their mean is small: times 4. Here and below, softmaxes are
        # taken in float32 also where autocast computes in bfloat16.
        rows = self.rows(features.mean(2) * 4).flatten(1).float().softmax(1)  # (B, 40)
        # Neither depends on the step: all steps share one pass over the image.
        keys, windows = self._keys(features, rows), self._windows(images, rows)
        ask, state = (part.expand(len(images), -1) for part in (self.first, self.start))
        columns, known = [], []
        for _ in range(STEPS):
            # One query, two parts: what the column looks like, and where it lies.
            content, position = ask.split([self.keys, self.positions.shape[1]], 1)
            fit = torch.bmm(keys, content.unsqueeze(2)).squeeze(2)  # (B, 40)
            columns.append(torch.addmm(fit, position, self.positions.t()).float().softmax(1))
            shown = torch.bmm(columns[-1].unsqueeze(1), windows).squeeze(1)  # (B, window²)
            position = columns[-1] @ self.positions  # (B, 2 · waves)
            state = self.cell(torch.cat([shown, position], 1), state)
            # With the position at hand, "a bit further right" is a linear map (see `_positions`).
            ask = self.ask(torch.cat([state, position], 1))
            known.append(torch.cat([shown, state], 1))
        # No step depends on the signs, so those of all steps are named at once.
        return self.name(self.dense(torch.stack(known, 1)).relu()), Looked(rows, columns)

    def masks(self, looked: Looked) -> torch.Tensor:
        """By how much the steps see each pixel, (B, 5, 40, 40); what they see best counts 1."""
        down = self._spread(looked.rows.unsqueeze(1))  # (B, 1, 40)
        across = self._spread(torch.stack(looked.columns, 1))  # (B, 5, 40)
        return down.unsqueeze(3) * across.unsqueeze(2)

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        """What the convolutions make of images (B, 40, 40): (B, 20, 20, C), rows first."""
        features = images.unsqueeze(1)
        for convolution in self.convolutions:
            features = convolution(features).relu_()
        return features.permute(0, 2, 3, 1)

    def _keys(self, features: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """A key for each column, (B, 40, K), from the features of the line's rows."""
        places = rows.unflatten(1, (GRID, 2)).sum(2).unsqueeze(1)  # (B, 1, 20)
        line = torch.bmm(places, features.flatten(2)).unflatten(2, (GRID, -1))  # (B, 1, 20, C)
        line = self.line(line.squeeze(1).transpose(1, 2)).relu().transpose(1, 2)  # (B, 20, line)
        # A place is two columns wide and makes a key for each.
        return self.key(line).unflatten(2, (2, self.keys)).flatten(1, 2)

    def _windows(self, images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """What the window shows around each column of the line: (B, 40, window²).

        Its rim counts less than its middle, and nothing lies beyond the image.
        """
        size = len(self.window)
        # Row s of `shifted` holds the line's probabilities moved down by s - size // 2, so that one
        # product with the image gives the expected row at each distance from the line.
        shifted = F.pad(rows, (size // 2, size // 2)).unfold(1, SIDE, 1).flip(1)  # (B, window, 40)
        line = torch.bmm(shifted, images) * self.window[:, None]  # (B, window, 40)
        # The product of two half waves has a root mean square of about 1/2: the factor 2 keeps the
        # signal's size.
        windows = F.pad(line, (size // 2, size // 2)).unfold(2, size, 1) * (2 * self.window)
        # (B, window, 40, window): down, column of the line, across.
        return windows.transpose(1, 2).flatten(2)

    def _spread(self, middles: torch.Tensor) -> torch.Tensor:
        """How much of each row or column the window shows, (B, n, 40), the most being 1."""
        kernel = self.window.expand(1, 1, -1)
        spread = F.conv1d(middles.flatten(0, 1).unsqueeze(1), kernel, padding=kernel.shape[2] // 2)
        spread = spread / spread.amax(2, keepdim=True)
        return spread.view_as(middles)


def _positions(waves: int) -> torch.Tensor:
    """Each column as cosines and sines of so many waves: (40, 2 · waves).

    A shift turns their phases, which is linear: "one letter to the right" can be asked for.
    """
    middles = (torch.arange(SIDE) + 0.5) / SIDE
    phases = middles[:, None] * torch.arange(1, waves + 1) * math.pi
    return torch.cat([phases.cos(), phases.sin()], 1)


def _bell(size: int) -> torch.Tensor:
    """Half a wave of the sine, (size,): 1 in the middle, small at the rim."""
    return torch.sin(math.pi * (torch.arange(size) + 1) / (size + 1))


def _start(layer: nn.Module) -> None:
    """He's normal weights, which keep the signal's size through ReLUs; biases zero."""
    if isinstance(layer, nn.Conv2d | nn.Conv1d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)


def _scale(layer: nn.Linear, factor: float) -> None:
    with torch.no_grad():
        layer.weight.mul_(factor)
