"""The published reader: an LSTM that reads the convolved masked image, five times over."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from epochreel.experiments.words.alphabet import MEAN, SIDE, SIGNS, SPREAD, STEPS


class Published(nn.Module):
    """Mask × image → three 3 × 3 convolutions → LSTM → the next mask, and a class.

    The first mask lets all pass. The mask that the last step would choose is never looked through
    and not made.
    """

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        widths = (1, channels, channels, channels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel_size=3) for before, after in pairwise(widths)
        )
        self.cell = _Cell(channels * (SIDE - 6) ** 2, hidden)  # each unpadded 3 × 3 takes two px
        self.mask = nn.Linear(hidden, SIDE * SIDE)
        self.name = nn.Linear(hidden, SIGNS)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Logits (B, 5, 27) of images (B, 40, 40), uint8, and five masks (B, 40, 40)."""
        images = (images.float() - MEAN) / SPREAD
        inputs = _Inputs(self.cell, len(images))
        before: tuple[torch.Tensor, ...] = ()
        masks, outputs = [torch.ones_like(images)], []
        for step in range(STEPS):
            seen = masks[-1] * images if step else images
            before = self.cell(self._features(seen), inputs, before)
            outputs.append(before[0])
            if step + 1 < STEPS:
                masks.append(self.mask(before[0]).sigmoid().unflatten(1, (SIDE, SIDE)))
        return self.name(torch.stack(outputs, 1)), masks

    @staticmethod
    def masks(looked: list[torch.Tensor]) -> torch.Tensor:
        """The masks of all steps, (B, 5, 40, 40)."""
        return torch.stack(looked, 1).float()

    def _features(self, seen: torch.Tensor) -> torch.Tensor:
        """The masked image (B, 40, 40), convolved and flattened: (B, 34 · 34 · 16).

        The channels come last, as they lie in memory: there is nothing to copy.
        """
        features = seen.unsqueeze(1)
        for convolution in self.convolutions:
            features = convolution(features).relu_()
        return features.permute(0, 2, 3, 1).flatten(1)


class _Cell(nn.LSTMCell):
    """torch's LSTM cell, with a gradient of the input weights that all steps share."""

    def forward(
        self, features: torch.Tensor, inputs: _Inputs, before: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The output and the state, both (B, hidden), after features (B, K).

        `before` are those of the step before; there is nothing before the first step.
        """
        gates = inputs.times_weight(features)
        if not before:
            # torch's order is input, forget, cell, output. State and output before are zero: the
            # forget gate and the product with weight_hh have nothing to act on.
            enter, _, value, leave = gates.chunk(4, 1)
            state = enter.sigmoid() * value.tanh()
        else:
            gates = gates + F.linear(before[0], self.weight_hh)
            enter, keep, value, leave = gates.chunk(4, 1)
            state = keep.sigmoid() * before[1] + enter.sigmoid() * value.tanh()
        return leave.sigmoid() * state.tanh(), state


class _Inputs:
    """What the steps of a batch feed to an LSTM cell, times its weights.

    These weights, 76 MB, take most of the time: what their gradient is made of is gathered over
    the steps and multiplied at once, which reads and writes them once instead of five times.
    """

    def __init__(self, cell: nn.LSTMCell, batch: int):
        self._weight = cell.weight_ih
        self._bias = cell.bias_ih + cell.bias_hh
        self._features: list[torch.Tensor] = []
        self._gathers = torch.is_grad_enabled() and not torch.compiler.is_compiling()
        if self._gathers:
            self._zeros = _Gathered.apply(cell.weight_ih, self._features, batch).unbind(0)
            # Detached, so that autograd makes no gradient of the weights at each step.
            self._weight = cell.weight_ih.detach()

    def times_weight(self, features: torch.Tensor) -> torch.Tensor:
        """The gates (B, 4 · hidden) of features (B, K), but for what the last output adds."""
        # Under autocast, which would do it again at every step.
        self._weight = self._weight.to(features.dtype)
        gates = F.linear(features, self._weight, self._bias)
        if self._gathers:
            # Adding zeros changes nothing, and their gradient is that of the gates.
            gates = gates + self._zeros[len(self._features)]
            self._features.append(features.detach())
        return gates


class _Gathered(torch.autograd.Function):
    """Zeros (5, B, N) to add to five products of `weight` (N, K), for the gradient of `weight`.

    `inputs` is a list that the steps fill with what they multiply, (B, K). The gradient of the
    zeros is complete when all steps are through, and with the inputs makes that of the weight.
    """

    @staticmethod
    def forward(ctx, weight: torch.Tensor, inputs: list[torch.Tensor], batch: int) -> torch.Tensor:
        ctx.inputs = inputs
        return weight.new_zeros(STEPS, batch, len(weight))

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        inputs = torch.cat(ctx.inputs)  # (5 · B, K)
        gates = gradient.flatten(0, 1).to(inputs.dtype)
        return (gates.t() @ inputs).to(gradient.dtype), None, None
