"""Layers of a network: names, classes, output shapes and numbers of parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def layer_rows(network: torch.nn.Module, run: Callable[[], Any]) -> list[dict[str, Any]]:
    """Return one row per layer that `run` executes, in the order of execution.

    Each row has the name, the class, the output shape without the batch axis, and the number of
    parameters without submodules. Containers that have no parameters are left out.
    """
    rows: list[dict[str, Any]] = []

    def make_hook(name: str, layer: torch.nn.Module):
        def hook(_layer, _inputs, output) -> None:
            shape = list(output.shape[1:]) if isinstance(output, torch.Tensor) else None
            count = sum(parameter.numel() for parameter in layer.parameters(recurse=False))
            kind = type(layer).__name__
            rows.append({"name": name, "kind": kind, "output_shape": shape, "parameters": count})

        return hook

    hooks = [
        layer.register_forward_hook(make_hook(name, layer))
        for name, layer in network.named_modules()
        if not list(layer.children()) or list(layer.parameters(recurse=False))
    ]
    training = network.training
    with torch.no_grad():
        network.eval()
        run()
    network.train(training)
    for hook in hooks:
        hook.remove()
    return rows
