"""Layers of a network: names, classes, output shapes and numbers of parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook
from torch.nn.utils import parametrize

_PARAMETRIZATIONS = "parametrizations"  # the submodule in which torch keeps them


def layer_rows(network: torch.nn.Module, run: Callable[[], Any]) -> list[dict[str, Any]]:
    """Return one row per layer that `run` executes, in the order in which they first finish.

    Each row has the name, the class, the output shape without the batch axis, and the number of
    parameters without submodules. Containers that have no parameters are left out. The weights of a
    parametrization, such as weight norm, belong to its layer. Layers inside a scripted or traced
    module are listed in the order of their definition, without a shape: TorchScript calls no hooks.
    """
    modules = dict(network.named_modules())
    names = {id(layer): name for name, layer in modules.items() if _is_listed(name, layer)}
    rows: dict[str, dict[str, Any]] = {}  # a layer that runs again keeps its first row

    def add(layer: torch.nn.Module, output: Any) -> None:
        if (name := names.get(id(layer))) is not None:
            shape = list(output.shape[1:]) if isinstance(output, torch.Tensor) else None
            rows.setdefault(name, _row(name, layer, shape))

    def hook(layer: torch.nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(layer, torch.jit.ScriptModule):
            for inner in list(layer.modules())[1:]:
                add(inner, None)
        add(layer, output)

    # One hook for all modules, since scripted modules do not accept hooks.
    handle, training = register_module_forward_hook(hook), network.training
    try:
        network.eval()
        run()
    finally:
        handle.remove()
        network.train(training)
    return list(rows.values())


def _is_listed(name: str, layer: torch.nn.Module) -> bool:
    children = [child for child, _ in layer.named_children() if child != _PARAMETRIZATIONS]
    is_layer = not children or next(layer.parameters(recurse=False), None) is not None
    return is_layer and _PARAMETRIZATIONS not in name.split(".")


def _row(name: str, layer: torch.nn.Module, shape: list[int] | None) -> dict[str, Any]:
    is_scripted = isinstance(layer, torch.jit.ScriptModule)
    kind = layer.original_name if is_scripted else _class_of(layer).__name__
    weights = list(layer.parameters(recurse=False))
    if parametrize.is_parametrized(layer):
        weights += layer.parametrizations.parameters()
    count = sum(weight.numel() for weight in weights)
    return {"name": name, "kind": kind, "output_shape": shape, "parameters": count}


def _class_of(layer: torch.nn.Module) -> type:
    """Return the class of a layer before torch replaced it by a parametrized one."""
    return parametrize.type_before_parametrizations(layer)
