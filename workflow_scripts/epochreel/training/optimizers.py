"""Optimisers and their rates, from the settings of a training."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch


def make(settings: Mapping[str, Any], network: torch.nn.Module) -> torch.optim.Optimizer:
    """The optimiser that the settings name, fused where torch has a fused form of it."""
    kind, own = _kind(settings)
    common = {"lr": settings["rate"], "weight_decay": settings["weight_decay"]}
    return without_compiler(kind)(list(network.parameters()), **own, **common)


def _kind(settings: Mapping[str, Any]) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """The class of the optimiser that the settings name, and the arguments of it alone."""
    match settings["optimizer"]:
        case "adadelta":
            own = {"rho": settings["rho"], "eps": settings["epsilon"], "foreach": True}
            return torch.optim.Adadelta, own
        case "sgd":
            return torch.optim.SGD, {"momentum": settings["momentum"], "fused": True}
        case "adam" | "adamw" as name:
            betas = (settings["beta1"], settings["beta2"])
            own = {"betas": betas, "eps": settings["epsilon"], "fused": True}
            return torch.optim.Adam if name == "adam" else torch.optim.AdamW, own
    raise ValueError(f"unknown optimiser {settings['optimizer']!r}")


def without_compiler(kind: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """A class of optimisers that computes the same and does not load torch's compiler.

    torch wraps five of its methods so that the compiler leaves them alone, and the wrappers load
    it, also where nothing is compiled: about 2 s and 75 MB of every job that trains, and an empty
    folder in `/tmp`.
    """
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    # The wrapper of this one turns gradients off, too.
    methods["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), methods)


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

    _STATE = ("scale", "best", "failed")


def _exactly(number: float) -> torch.Tensor:
    return torch.tensor(number, dtype=torch.int64 if isinstance(number, int) else torch.float64)


def state_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's state as flat names: `<parameter>.<entry>`."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, entries in state.items()
        for name, value in entries.items()
        if value is not None
    }


def load_state_tensors(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Give an optimiser the state that `state_tensors` took.

    What is kept for each weight gets the weights' own memory format: fused optimisers go through
    both in the order in which they lie in memory.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".", 1)
        parameter = parameters[int(index)]
        if tensor.shape == parameter.shape:
            tensor = torch.empty_like(parameter, requires_grad=False).copy_(tensor)
        state.setdefault(int(index), {})[name] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
