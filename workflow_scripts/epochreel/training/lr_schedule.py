"""Learning rate schedules.

A schedule depends on the step and on its own settings, never on the length of the training, so
extending a run does not change its earlier steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

# The defaults of torch's OneCycleLR: fraction of the steps in which the rate rises, maximum over
# initial rate, and initial over final rate.
_RISE, _START_DIVISOR, _END_DIVISOR = 0.3, 25.0, 1e4


def rate_at(learning_rate: float, schedule: Mapping[str, Any]) -> Callable[[int], float]:
    """Return the function that computes the learning rate of step `step`, counted from 0.

    The rate is `learning_rate` · min(1, (step + 1) / warmup_steps) · factor(step); the functions
    below state the factor of each schedule. The factor of `plateau` depends on the validation
    loss as well: see `Plateau`.
    """
    warmup, factor = schedule.get("warmup_steps", 0), _FACTORS[schedule["name"]](schedule)

    def at(step: int) -> float:
        rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
        return learning_rate * rise * factor(step)

    return at


def _constant(schedule: Mapping[str, Any]) -> Callable[[int], float]:
    return lambda step: 1.0


def _decay(schedule: Mapping[str, Any]) -> Callable[[int], float]:
    """min(1, √(decay_steps / (step + 1))), the decay of Vaswani et al. 2017 (arXiv:1706.03762)."""
    decay = schedule["decay_steps"]
    return lambda step: min(1.0, (decay / (step + 1)) ** 0.5)


def _cosine(schedule: Mapping[str, Any]) -> Callable[[int], float]:
    """end_factor + (1 - end_factor) · (1 + cos πt) / 2.

    t rises from 0 at the end of the warmup to 1 at decay_steps and stays there. One period of
    SGDR (Loshchilov and Hutter 2016, arXiv:1608.03983), as in torch's CosineAnnealingLR.
    """
    first, last, end = schedule["warmup_steps"], schedule["decay_steps"], schedule["end_factor"]

    def factor(step: int) -> float:
        progress = min(1.0, max(0, step - first) / (last - first))
        return _anneal(1.0, end, progress)

    return factor


def _one_cycle(schedule: Mapping[str, Any]) -> Callable[[int], float]:
    """torch's OneCycleLR with its defaults, total_steps = decay_steps and no momentum cycle.

    A cosine from 1/25 to 1 over the first 30 % of the steps, then one to 1/250,000 at step
    decay_steps - 1, constant after it (Smith and Topin 2017, arXiv:1708.07120).
    """
    peak, last = _RISE * schedule["decay_steps"] - 1, schedule["decay_steps"] - 1
    start = 1 / _START_DIVISOR
    end = start / _END_DIVISOR

    def factor(step: int) -> float:
        if step <= peak:
            return _anneal(start, 1.0, step / peak)
        return _anneal(1.0, end, min(1.0, (step - peak) / (last - peak)))

    return factor


def _anneal(start: float, end: float, progress: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * progress))


_FACTORS: dict[str, Callable[[Mapping[str, Any]], Callable[[int], float]]] = {
    "constant": _constant,
    "decay": _decay,
    "cosine": _cosine,
    "one_cycle": _one_cycle,
    "plateau": _constant,
}


@dataclass
class Plateau:
    """Scale of the learning rate, lowered whenever the validation loss stops falling.

    Every `steps` steps (never if 0), `update` takes the validation loss. After `patience`
    consecutive losses that are no new minimum, the next one multiplies `scale` by `factor` and
    restarts the count: torch's ReduceLROnPlateau with threshold 0.
    """

    steps: int = 0
    patience: int = 0
    factor: float = 1.0
    scale: float = 1.0
    best: float = math.inf
    failed: int = 0

    @classmethod
    def of(cls, schedule: Mapping[str, Any]) -> Plateau:
        """Return the rule of a schedule; for all except `plateau`, one that never applies."""
        if schedule["name"] != "plateau":
            return cls()
        return cls(*(schedule[name] for name in ("plateau_steps", "patience", "factor")))

    def is_due(self, step: int) -> bool:
        """Return True if `update` needs the validation loss after `step` steps."""
        return self.steps > 0 and step % self.steps == 0

    def update(self, loss: float) -> None:
        """Record a validation loss; lower `scale` after too many without a new minimum."""
        if loss < self.best:
            self.best, self.failed = loss, 0
            return
        self.failed += 1
        if self.failed > self.patience:
            self.scale, self.failed = self.scale * self.factor, 0

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the state as tensors; empty if the rule never applies."""
        if not self.steps:
            return {}
        return {f"plateau.{name}": _exact(getattr(self, name)) for name in self._STATE}

    def load(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Restore the state from the result of `tensors`; return the remaining tensors."""
        state = {name: f"plateau.{name}" for name in self._STATE}
        for name, key in state.items():
            if key in tensors:
                setattr(self, name, tensors[key].item())
        return {key: tensor for key, tensor in tensors.items() if key not in state.values()}

    # Without an annotation, so that it is not a field of the dataclass.
    _STATE = ("scale", "best", "failed")


def _exact(number: float) -> torch.Tensor:
    # float32 would round the best loss, so a resumed training might treat the next differently.
    return torch.tensor(number, dtype=torch.int64 if isinstance(number, int) else torch.float64)
