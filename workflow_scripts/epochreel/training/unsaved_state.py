"""Find state of a training that its checkpoints do not hold, so that a resumed one would lack it.

A network may count its calls in an attribute, or a module in a global variable. To find such state,
a training step is made twice: with the network in training, and with a new one that has loaded its
weights, as if the training had been resumed. Both must show the same.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import torch

_PLAIN = (bool, int, float, str, tuple, torch.Tensor)


def shown_by_step(network: torch.nn.Module, loss: torch.Tensor, package: str) -> dict[str, Any]:
    """Return what shows the state that a step depended on, by name.

    That is its loss and gradients, plain values and tensors among the attributes of the network's
    layers, and plain values among the globals of the modules in `package`.
    """
    found = dict(_attributes(network)) | dict(_globals(package)) | {"the loss": _digest(loss)}
    for name, weight in network.named_parameters():
        found[f"requires_grad of {name}"] = weight.requires_grad
        if weight.grad is not None:
            found[f"the gradient of {name}"] = _digest(weight.grad)
    return found


def difference(live: Mapping[str, Any], resumed: Mapping[str, Any]) -> str | None:
    """Return the first name whose value differs; None if there is none.

    Ignores values that only one of the two has, or that differ in type: networks keep, for
    instance, the attention of the last test batch to be looked at, which changes nothing.
    """
    common = (name for name in live if type(live[name]) is type(resumed.get(name)))
    return next((name for name in common if live[name] != resumed[name]), None)


def _attributes(network: torch.nn.Module) -> Iterator[tuple[str, Any]]:
    for name, layer in network.named_modules():
        prefix = f"network.{name}." if name else "network."
        unsaved = {n: layer._buffers[n] for n in layer._non_persistent_buffers_set}
        for attribute, value in {**vars(layer), **unsaved}.items():
            if isinstance(value, _PLAIN) and attribute != "training":
                yield from _plain(prefix + attribute, value)


def _globals(package: str) -> Iterator[tuple[str, Any]]:
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{package}."):
            for variable, value in vars(module).items():
                if isinstance(value, _PLAIN) and not variable.startswith("__"):
                    yield from _plain(f"{name.removeprefix(package)[1:]}.{variable}", value)


def _plain(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield a value in a form that `!=` compares; a tensor under a name with its form."""
    if isinstance(value, torch.Tensor):
        yield f"{name} {value.dtype} {tuple(value.shape)}", _digest(value)
    else:
        yield name, repr(value)


def _digest(tensor: torch.Tensor) -> str:
    tensor = tensor.detach()
    if tensor.layout != torch.strided:
        tensor = tensor.coalesce().values()
    return hashlib.sha256(tensor.cpu().flatten().view(torch.uint8).numpy()).hexdigest()
