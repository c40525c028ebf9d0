"""The network `published`: an LSTM that reads the convolved masked image five times."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from epochreel.experiments.words.alphabet import MEAN, SIDE, SIGNS, SPREAD, STEPS


class Published(nn.Module):
    """Mask × image → three 3 × 3 convolutions → LSTM → the next mask, and a sign.

    The first mask is all ones. The mask that the last step would choose is never used and not
    computed.
    """

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        widths = (1, channels, channels, channels)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(previous, outputs, kernel_size=3) for previous, outputs in pairwise(widths)
        )
        self.cell = _Cell(channels * (SIDE - 6) ** 2, hidden)  # each unpadded 3 × 3 removes two px
        self.mask = nn.Linear(hidden, SIDE * SIDE)
        self.name = nn.Linear(hidden, SIGNS)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return the logits (B, 5, 27) of images (B, 40, 40), uint8, and five masks (B, 40, 40)."""
        images = (images.float() - MEAN) / SPREAD
        inputs = _Inputs(self.cell, len(images))
        previous: tuple[torch.Tensor, ...] = ()
        masks, outputs = [torch.ones_like(images)], []
        for step in range(STEPS):
            masked = masks[-1] * images if step else images
            previous = self.cell(self._features(masked), inputs, previous)
            outputs.append(previous[0])
            if step + 1 < STEPS:
                masks.append(self.mask(previous[0]).sigmoid().unflatten(1, (SIDE, SIDE)))
        return self.name(torch.stack(outputs, 1)), masks

    @staticmethod
    def masks(attention: list[torch.Tensor]) -> torch.Tensor:
        """Stack the masks of all steps: (B, 5, 40, 40)."""
        return torch.stack(attention, 1).float()

    def _features(self, masked: torch.Tensor) -> torch.Tensor:
        """Return the convolved, flattened masked image (B, 40, 40): (B, 34 · 34 · 16).

        The channels come last, as in memory, so nothing is copied.
        """
        features = masked.unsqueeze(1)
        for convolution in self.convolutions:
            features = convolution(features).relu_()
        return features.permute(0, 2, 3, 1).flatten(1)


class _Cell(nn.LSTMCell):
    """torch's LSTM cell, which computes the gradient of the input weights once for all steps."""

    def forward(
        self, features: torch.Tensor, inputs: _Inputs, previous: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the output and the state, both (B, hidden), for features (B, K).

        `previous` are those of the previous step, empty at the first.
        """
        gates = inputs.times_weight(features)
        if not previous:
            # torch's order is input, forget, cell, output. The previous state and output are zero,
            # so the forget gate and the product with weight_hh have no effect.
            input_gate, _, value, output_gate = gates.chunk(4, 1)
            state = input_gate.sigmoid() * value.tanh()
        else:
            gates = gates + F.linear(previous[0], self.weight_hh)
            input_gate, forget_gate, value, output_gate = gates.chunk(4, 1)
            state = forget_gate.sigmoid() * previous[1] + input_gate.sigmoid() * value.tanh()
        return output_gate.sigmoid() * state.tanh(), state


class _Inputs:
    """The inputs of an LSTM cell over the steps of a batch, times its weights.

    Access to these weights, 76 MB, takes most of the time. The factors of their gradient are
    gathered over the steps and multiplied at once, which reads and writes the weights once instead
    of five times.
    """

    def __init__(self, cell: nn.LSTMCell, batch: int):
        self._weight = cell.weight_ih
        self._bias = cell.bias_ih + cell.bias_hh
        self._features: list[torch.Tensor] = []
        # Not in validation, which needs no gradient of the weights.
        is_trained = cell.training and torch.is_grad_enabled()
        self._gathers = is_trained and not torch.compiler.is_compiling()
        if self._gathers:
            self._zeros = _Gathered.apply(cell.weight_ih, self._features, batch).unbind(0)
            # Detached, so that autograd computes no gradient of the weights at each step.
            self._weight = cell.weight_ih.detach()

    def times_weight(self, features: torch.Tensor) -> torch.Tensor:
        """Return the gates (B, 4 · hidden) of features (B, K), without the recurrent part."""
        # Convert once; autocast would do it at every step.
        self._weight = self._weight.to(features.dtype)
        gates = F.linear(features, self._weight, self._bias)
        if self._gathers:
            # Adding zeros changes nothing, but their gradient is that of the gates.
            gates = gates + self._zeros[len(self._features)]
            self._features.append(features.detach())
        return gates


class _Gathered(torch.autograd.Function):
    """Zeros (5, B, N) to add to five products of `weight` (N, K), for the gradient of `weight`.

    The steps append their factors, (B, K), to the list `inputs`. After all steps, the gradient of
    the zeros is complete and, multiplied by the inputs, yields that of the weight.
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
