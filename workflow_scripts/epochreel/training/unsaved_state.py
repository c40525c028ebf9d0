"""Find training state that checkpoints do not hold, and that a resumed training would lack.

A network may count its calls in an attribute, or a module in a global variable. To find such state,
a training step is computed twice: with the network in training, and, as if training had been
resumed, with newly loaded modules and a new network that has loaded the weights. The observable
state must be the same: loss, gradients, attributes and what the modules keep.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from types import CellType, FunctionType, ModuleType
from typing import Any

import torch

_PLAIN = (bool, int, float, str, tuple, torch.Tensor)
_MOST = 10_000  # objects to look at


# Name → the form of a value, and a text that is the same for equal values only.
Shown = dict[str, tuple[str, str]]


def shown_by_step(model: ModuleType, network: torch.nn.Module, loss: torch.Tensor) -> Shown:
    """Return the observable state after a step, in comparable form.

    That is its loss and gradients, plain values and tensors among the attributes of the network's
    layers, and plain values in the modules of the package of `model`; see `of_modules`.
    """
    values = {name: value for name, value, *_ in _kept_by_network(network)} | {"the loss": loss}
    for name, weight in network.named_parameters():
        values[f"requires_grad of {name}"] = weight.requires_grad
        values[f"the gradient of {name}"] = weight.grad
    values |= {f"the buffer {name}": buffer for name, buffer in network.named_buffers()}
    return {name: _comparable(value) for name, value in values.items()} | of_modules(model)


def differences(live: Shown, resumed: Shown) -> list[str]:
    """Return the names whose values differ.

    Ignores values that only one of the two has, or whose form differs: a network may keep, for
    instance, the attention of the last validation batch to be looked at, which changes nothing.
    """
    return [
        name
        for name, (form, text) in live.items()
        if form == resumed.get(name, ("", ""))[0] and text != resumed[name][1]
    ]


def of_modules(model: ModuleType) -> Shown:
    """Return the plain values that the modules of the package of `model` keep.

    They may be global variables, or be in dicts, classes, objects, default arguments and closures.
    Values in lists are left out, since a list may grow for the log only.
    """
    return {name: _comparable(value) for name, value, *_ in _kept_by_modules(model)}


def set_numbers(model: ModuleType, network: torch.nn.Module, names: Sequence[str], to: int) -> None:
    """Set the numbers with these names. Raises `ValueError` if some values are not numbers."""
    places = {n: rest for n, *rest in (*_kept_by_network(network), *_kept_by_modules(model))}
    for name in names:
        value, owner, key = places.get(name, (None, None, ""))
        if type(value) not in (int, float):
            raise ValueError(name)
        if isinstance(owner, dict):
            owner[key] = type(value)(to)
        else:
            setattr(owner, key, type(value)(to))


# Name, value, and where it is kept: an object and its attribute, or a dict and its key.
_Kept = Iterator[tuple[str, Any, Any, Any]]


def _kept_by_network(network: torch.nn.Module) -> _Kept:
    for name, layer in network.named_modules():
        unsaved = {n: layer._buffers[n] for n in layer._non_persistent_buffers_set}
        for attribute, value in {**vars(layer), **unsaved}.items():
            if isinstance(value, _PLAIN) and attribute != "training":
                yield ".".join(filter(None, ("network", name, attribute))), value, layer, attribute


def _kept_by_modules(model: ModuleType) -> _Kept:
    package, seen = model.__name__.rpartition(".")[0], set()
    queue = [
        (name.removeprefix(package)[1:], vars(module))
        for name, module in list(sys.modules.items())
        if name.startswith(f"{package}.")
    ]
    for path, holder in queue:
        if id(holder) in seen or len(queue) > _MOST:
            continue
        seen.add(id(holder))
        for name, value, owner, key in _parts(holder, package):
            if isinstance(value, _PLAIN):
                yield f"{path}.{name}", value, owner, key
            else:
                queue.append((f"{path}.{name}", value))


def _parts(holder: Any, package: str) -> _Kept:
    """Yield what a dict, or a function, class or object of user code, holds."""
    is_own = str(getattr(holder, "__module__", "")).startswith(f"{package}.")
    if is_own and isinstance(holder, FunctionType):
        cells = zip(holder.__code__.co_freevars, holder.__closure__ or (), strict=True)
        yield from ((n, c.cell_contents, c, "cell_contents") for n, c in cells if c != CellType())
        defaults, code = holder.__defaults__ or (), holder.__code__
        names = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
        by_name = dict(zip(names, defaults, strict=True)) | (holder.__kwdefaults__ or {})
        yield from ((name, value, by_name, name) for name, value in by_name.items())
    values = (
        holder if isinstance(holder, dict) else getattr(holder, "__dict__", {}) if is_own else {}
    )
    for key, value in list(values.items()):
        if isinstance(key, str | int) and not str(key).startswith("__"):
            yield str(key), value, holder, key


def _comparable(value: Any) -> tuple[str, str]:
    if not isinstance(value, torch.Tensor):
        return type(value).__name__, repr(value)
    tensor = value.detach()
    if tensor.layout != torch.strided:
        tensor = tensor.coalesce().values()
    data = tensor.cpu().flatten().view(torch.uint8).numpy()
    return f"{tensor.dtype} {tuple(tensor.shape)}", hashlib.sha256(data).hexdigest()
