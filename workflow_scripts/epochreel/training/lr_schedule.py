"""The learning rate of each step: warm-up, decay, and the plateau rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch


def rate_at(settings: Mapping[str, Any]) -> Callable[[int], float]:
    """The learning rate of batch `step` (from 0). No schedule knows how long the training is.

    `warmup_batches` raises the rate linearly from zero; after `decay_batches` it falls with the
    inverse square root of the batches seen (never, where that is null).
    """
    rate, warmup, decay = settings["rate"], settings["warmup_batches"], settings["decay_batches"]

    def at(step: int) -> float:
        rising = min(1.0, (step + 1) / warmup) if warmup else 1.0
        falling = min(1.0, (decay / (step + 1)) ** 0.5) if decay else 1.0
        return rate * rising * falling

    return at


@dataclass
class Plateau:
    """The rate times `factor` whenever the validation loss has stopped to fall.

    The loss is looked at after every `batches` batches (never, where that is 0). `failures` looks
    in a row at which it is not below its best so far lower the rate, and the count begins again.
    """

    batches: int = 0
    failures: int = 1
    factor: float = 1.0
    scale: float = 1.0
    best: float = math.inf
    failed: int = 0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Plateau:
        """The rule in the settings of a training."""
        if not settings.get("plateau_batches"):
            return cls()
        names = ("plateau_batches", "plateau_failures", "plateau_factor")
        return cls(*(settings[name] for name in names))

    def is_due(self, step: int) -> bool:
        """Whether the validation loss is looked at after `step` batches."""
        return self.batches > 0 and step % self.batches == 0

    def note(self, loss: float) -> None:
        """Take a validation loss into account."""
        if loss < self.best:
            self.best, self.failed = loss, 0
            return
        self.failed += 1
        if self.failed == self.failures:
            self.scale, self.failed = self.scale * self.factor, 0

    def tensors(self) -> dict[str, torch.Tensor]:
        """What the rule has come to; nothing where there is none."""
        if not self.batches:
            return {}
        return {f"plateau.{name}": _exactly(getattr(self, name)) for name in self._STATE}

    def load(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Go on from what `tensors` took; returns the others."""
        own = {name: f"plateau.{name}" for name in self._STATE}
        for name, key in own.items():
            if key in tensors:
                setattr(self, name, tensors[key].item())
        return {key: tensor for key, tensor in tensors.items() if key not in own.values()}

    # Without an annotation, and so no field of the dataclass.
    _STATE = ("scale", "best", "failed")


def _exactly(number: float) -> torch.Tensor:
    # float32 would round the best loss, and a resumed training could judge the next one otherwise.
    return torch.tensor(number, dtype=torch.int64 if isinstance(number, int) else torch.float64)
