"""The layers of a network: names, kinds, output shapes and numbers of weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def layer_rows(network: torch.nn.Module, run: Callable[[], Any]) -> list[dict[str, Any]]:
    """One row per layer that computes when `run` is called, in that order.

    Name, kind, shape of the output without the batch's axis, and number of its own weights.
    What only holds other layers, without weights of its own, computes nothing.
    """
    rows: list[dict[str, Any]] = []

    def note(name: str, layer: torch.nn.Module):
        def hook(_layer, _inputs, output) -> None:
            shape = list(output.shape[1:]) if isinstance(output, torch.Tensor) else None
            count = sum(parameter.numel() for parameter in layer.parameters(recurse=False))
            kind = type(layer).__name__
            rows.append({"name": name, "kind": kind, "output_shape": shape, "parameters": count})

        return hook

    hooks = [
        layer.register_forward_hook(note(name, layer))
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
