"""Optimisers and their rates, from the settings of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch


def make(settings: Mapping[str, Any], network: torch.nn.Module) -> torch.optim.Optimizer:
    """The optimiser that the settings name, fused where torch has a fused form of it."""
    parameters = list(network.parameters())
    common = {"lr": settings["rate"], "weight_decay": settings["weight_decay"]}
    match settings["optimizer"]:
        case "adadelta":
            return torch.optim.Adadelta(
                parameters, rho=settings["rho"], eps=settings["epsilon"], foreach=True, **common
            )
        case "sgd":
            momentum = settings["momentum"]
            return torch.optim.SGD(parameters, momentum=momentum, fused=True, **common)
        case "adam" | "adamw" as name:
            kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
            betas = (settings["beta1"], settings["beta2"])
            return kind(parameters, betas=betas, eps=settings["epsilon"], fused=True, **common)
    raise ValueError(f"unknown optimiser {settings['optimizer']!r}")


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
