"""The network `compact`: finds the rows of a word, then reads along them through a window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from epochreel.experiments.words.alphabet import MEAN, SIDE, SIGNS, SPREAD, STEPS

GRID = SIDE // 2  # cells of the convolved image along each axis


class Attention(NamedTuple):
    """Attention over the position of the window's middle, as probabilities."""

    rows: torch.Tensor  # (B, 40), the same for all steps
    columns: list[torch.Tensor]  # (B, 40) for each step


class Compact(nn.Module):
    """Convolutions → rows of the word → five times: column attention → window → sign.

    A softmax over the image's rows selects those of the word. The features of these rows yield a
    key for each column. At each step, a softmax over the columns compares their keys and positions
    with a GRU's query and thus moves a window of `window` × `window` px. The window's content,
    averaged over its possible positions, is the input of the GRU and, together with its state, of
    two dense layers that output the sign.
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
            nn.Conv2d(inputs, outputs, 3, padding=1) if index else nn.Conv2d(1, outputs, 5, 2, 2)
            for index, (inputs, outputs) in enumerate(pairwise((1, *channels)))
        )
        self.rows = nn.Linear(channels[-1], 2)  # a cell is two pixels high and wide
        self.line = nn.Conv1d(channels[-1], line, 5, padding=2)
        self.key = nn.Linear(line, 2 * keys)
        # The settings determine these, so checkpoints omit them.
        self.register_buffer("positions", _positions(waves), persistent=False)  # (40, W)
        self.register_buffer("window", _bell(window), persistent=False)  # (window,)
        self.keys, width = keys, 2 * waves
        # A query of zeros matches all columns equally, so the first attention starts uniform.
        self.first = nn.Parameter(torch.zeros(keys + width))
        self.start = nn.Parameter(torch.zeros(hidden))
        self.cell = nn.GRUCell(window**2 + width, hidden)
        self.ask = nn.Linear(hidden + width, keys + width)
        self.dense = nn.Linear(window**2 + hidden, dense)
        self.name = nn.Linear(dense, SIGNS)
        self.apply(_initialize)
        # No ReLU follows these two. Scaling makes the initial attention and output nearly uniform.
        _scale(self.ask, 0.3)
        _scale(self.name, 0.5)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, Attention]:
        """Return the logits (B, 5, 27) of images (B, 40, 40), uint8, and the attention."""
        images = (images.float() - MEAN) / SPREAD
        features = self._features(images)  # (B, 20, 20, C)
        # The factor 4 compensates for the small mean, since most columns have no ink. Softmaxes are
        # computed in float32, even if autocast uses bfloat16.
        rows = self.rows(features.mean(2) * 4).flatten(1).float().softmax(1)  # (B, 40)
        # Neither depends on the step, so all steps share one pass over the image.
        keys, windows = self._keys(features, rows), self._windows(images, rows)
        ask, state = (part.expand(len(images), -1) for part in (self.first, self.start))
        columns, states = [], []
        for _ in range(STEPS):
            # The query has two parts: the column's content and its position.
            content, position = ask.split([self.keys, self.positions.shape[1]], 1)
            fit = torch.bmm(keys, content.unsqueeze(2)).squeeze(2)  # (B, 40)
            columns.append(torch.addmm(fit, position, self.positions.t()).float().softmax(1))
            shown = torch.bmm(columns[-1].unsqueeze(1), windows).squeeze(1)  # (B, window²)
            position = columns[-1] @ self.positions  # (B, 2 · waves)
            state = self.cell(torch.cat([shown, position], 1), state)
            # Given the position, "a bit further right" is a linear map (see `_positions`).
            ask = self.ask(torch.cat([state, position], 1))
            states.append(torch.cat([shown, state], 1))
        # No step depends on the signs, so all steps' signs are computed at once.
        return self.name(self.dense(torch.stack(states, 1)).relu()), Attention(rows, columns)

    def masks(self, attention: Attention) -> torch.Tensor:
        """Return the visibility of each pixel at each step, (B, 5, 40, 40), at most 1."""
        down = self._spread(attention.rows.unsqueeze(1))  # (B, 1, 40)
        across = self._spread(torch.stack(attention.columns, 1))  # (B, 5, 40)
        return down.unsqueeze(3) * across.unsqueeze(2)

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        """Return the convolutions' features of images (B, 40, 40): (B, 20, 20, C), rows first."""
        features = images.unsqueeze(1)
        for convolution in self.convolutions:
            features = convolution(features).relu_()
        return features.permute(0, 2, 3, 1)

    def _keys(self, features: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return a key for each column, (B, 40, K), from the features of the word's rows."""
        cells = rows.unflatten(1, (GRID, 2)).sum(2).unsqueeze(1)  # (B, 1, 20)
        line = torch.bmm(cells, features.flatten(2)).unflatten(2, (GRID, -1))  # (B, 1, 20, C)
        line = self.line(line.squeeze(1).transpose(1, 2)).relu().transpose(1, 2)  # (B, 20, line)
        # A cell is two columns wide and produces a key for each.
        return self.key(line).unflatten(2, (2, self.keys)).flatten(1, 2)

    def _windows(self, images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return the window's content around each column of the word: (B, 40, window²).

        The window's edge is weighted less than its middle; outside the image it is 0.
        """
        size = len(self.window)
        # Row s of `shifted` contains the row probabilities shifted down by s - size // 2, so one
        # product with the image gives the expected row at each distance from the word's middle.
        shifted = F.pad(rows, (size // 2, size // 2)).unfold(1, SIDE, 1).flip(1)  # (B, window, 40)
        line = torch.bmm(shifted, images) * self.window[:, None]  # (B, window, 40)
        # The product of two half waves has a root mean square of about 1/2; the factor 2 preserves
        # the signal's scale.
        windows = F.pad(line, (size // 2, size // 2)).unfold(2, size, 1) * (2 * self.window)
        # (B, window, 40, window): window row, column of the word, window column.
        return windows.transpose(1, 2).flatten(2)

    def _spread(self, middles: torch.Tensor) -> torch.Tensor:
        """Return the visibility of each row or column, (B, n, 40), scaled to a maximum of 1."""
        kernel = self.window.expand(1, 1, -1)
        spread = F.conv1d(middles.flatten(0, 1).unsqueeze(1), kernel, padding=kernel.shape[2] // 2)
        spread = spread / spread.amax(2, keepdim=True)
        return spread.view_as(middles)


def _positions(waves: int) -> torch.Tensor:
    """Return the positional encoding of each column, cosines and sines: (40, 2 · waves).

    A shift rotates their phases, which is linear, so a query can ask for "one letter to the right".
    """
    middles = (torch.arange(SIDE) + 0.5) / SIDE
    phases = middles[:, None] * torch.arange(1, waves + 1) * math.pi
    return torch.cat([phases.cos(), phases.sin()], 1)


def _bell(size: int) -> torch.Tensor:
    """Return half a sine wave, (size,): 1 in the middle, small at the ends."""
    return torch.sin(math.pi * (torch.arange(size) + 1) / (size + 1))


def _initialize(layer: nn.Module) -> None:
    """Set zero biases and He's normal weights, which preserve the signal's scale through ReLUs."""
    if isinstance(layer, nn.Conv2d | nn.Conv1d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)


def _scale(layer: nn.Linear, factor: float) -> None:
    with torch.no_grad():
        layer.weight.mul_(factor)
