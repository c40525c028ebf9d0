"""Find training state that checkpoints do not hold, and that a resumed training would lack.

A network may count its calls in an attribute, or a module in a global variable. To find such state,
a training step is computed twice: with the network in training, and with a new one that has loaded
its weights, as if training had been resumed. The observable state must be the same: loss,
gradients, attributes and global variables.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import torch

_PLAIN = (bool, int, float, str, tuple, torch.Tensor)


# Name → the form of a value, and a text that is the same for equal values only.
Shown = dict[str, tuple[str, str]]


def shown_by_step(network: torch.nn.Module, loss: torch.Tensor, package: str) -> Shown:
    """Return the observable state after a step, in comparable form.

    That is its loss and gradients, plain values and tensors among the attributes of the network's
    layers, and plain values among the globals of the modules in `package`.
    """
    values = {**_attributes(network), **_globals(package), "the loss": loss}
    for name, weight in network.named_parameters():
        values[f"requires_grad of {name}"] = weight.requires_grad
        values[f"the gradient of {name}"] = weight.grad
    return {name: _comparable(value) for name, value in values.items()}


def difference(live: Shown, resumed: Shown) -> str | None:
    """Return the first name whose value differs; None if there is none.

    Ignores values that only one of the two has, or whose form differs: a network may keep, for
    instance, the attention of the last validation batch to be looked at, which changes nothing.
    """
    for name, (form, text) in live.items():
        if form == resumed.get(name, ("", ""))[0] and text != resumed[name][1]:
            return name
    return None


def _attributes(network: torch.nn.Module) -> dict[str, Any]:
    found = {}
    for name, layer in network.named_modules():
        unsaved = {n: layer._buffers[n] for n in layer._non_persistent_buffers_set}
        for attribute, value in {**vars(layer), **unsaved}.items():
            if isinstance(value, _PLAIN) and attribute != "training":
                found[".".join(filter(None, ("network", name, attribute)))] = value
    return found


def _globals(package: str) -> dict[str, Any]:
    return {
        f"{name.removeprefix(package)[1:]}.{variable}": value
        for name, module in list(sys.modules.items())
        if name.startswith(f"{package}.")
        for variable, value in vars(module).items()
        if isinstance(value, _PLAIN) and not variable.startswith("__")
    }


def _comparable(value: Any) -> tuple[str, str]:
    if not isinstance(value, torch.Tensor):
        return type(value).__name__, repr(value)
    tensor = value.detach()
    if tensor.layout != torch.strided:
        tensor = tensor.coalesce().values()
    data = tensor.cpu().flatten().view(torch.uint8).numpy()
    return f"{tensor.dtype} {tuple(tensor.shape)}", hashlib.sha256(data).hexdigest()
