"""Optimizers, from the settings of a training, and their states as tensors."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
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
            # torch has no fused Adadelta; foreach joins the weights in few kernels.
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


def state_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's state as flat names: `<parameter>.<entry>`."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, entries in state.items()
        for name, value in entries.items()  # steps may be plain numbers
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
        if tensor.shape == parameter.shape:  # all but the count of steps
            tensor = torch.empty_like(parameter, requires_grad=False).copy_(tensor)
        state.setdefault(int(index), {})[name] = tensor
    # The groups hold the settings, which come from the config and not from the store.
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
