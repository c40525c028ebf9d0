"""Build optimizers from the config; save and restore their state."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from epochreel.core.errors import UserError

_CLASSES = {
    name.lower(): kind
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)
}


def make(settings: Mapping[str, Any], network: torch.nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer of `settings`: its `name`, its `learning_rate` and torch's arguments.

    Raises `UserError` if torch's optimizer does not support the network's weights.
    """
    kind = _CLASSES[settings["name"]]
    arguments = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in settings.items()
        if name not in ("name", "learning_rate")
    }
    parameters = list(network.parameters())
    # Update all weights with few kernels: fused if torch has it for CPUs and GPUs, else foreach.
    is_complex = any(parameter.is_complex() for parameter in parameters)
    if is_complex and settings["name"] == "adafactor":
        raise UserError(
            "training.optimizer.name is 'adafactor', which torch does not support for complex "
            "weights: choose another optimizer"
        )
    has_fused = settings["name"] in ("adam", "adamw", "sgd") and not is_complex
    arguments |= {"lr": settings["learning_rate"], "fused" if has_fused else "foreach": True}
    return without_compiler(kind)(parameters, **arguments)


def without_compiler(kind: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """Return an equivalent optimizer class that does not load torch's compiler.

    torch wraps five of its methods to hide them from the compiler, and these wrappers load the
    compiler even if nothing is compiled. This costs each training job about 2 s, 75 MB and an
    empty folder in `/tmp`.
    """
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    # The wrapper of `step` also disables gradients.
    methods["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), methods)


def state_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Return the optimizer's state as tensors with flat names, `<parameter>.<entry>`."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, entries in state.items()
        for name, value in entries.items()  # `step` may be a plain number
        if value is not None
    }


def load_state_tensors(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Restore the state that `state_tensors` returned.

    State tensors take the memory format of their weights, since fused optimizers process both in
    memory order.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".", 1)
        parameter = parameters[int(index)]
        # All but scalars such as `step`, which may have the shape of a weight, but not its dtype.
        if (tensor.shape, tensor.dtype) == (parameter.shape, parameter.dtype):
            tensor = torch.empty_like(parameter, requires_grad=False).copy_(tensor)
        state.setdefault(int(index), {})[name] = tensor
    # Parameter groups contain the settings, which come from the config, not from the store.
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    # torch converts state to the dtype of its weights, which rounds scalars of half-precision ones.
    for index, entries in state.items():
        loaded = optimizer.state[parameters[index]]
        loaded |= {name: tensor.to(loaded[name].device) for name, tensor in entries.items()}
