"""What the training log holds beside the loss: layers, throughput, processor, memory and GPUs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil
import torch

BINS = 64


def layers(network: torch.nn.Module) -> dict[str, Any]:
    """Per parameter: histograms of its weights and gradients; and the norm of all gradients.

    `gradient_*` are None before the first batch. A histogram has 64 equal bins from its minimum
    to its maximum; values that are not finite are left out.
    """
    rows, squares = [], []
    for name, parameter in network.named_parameters():
        row = {"name": name} | _histogram("weight", parameter.detach())
        if parameter.grad is None:
            row |= dict.fromkeys(("gradient_minimum", "gradient_maximum", "gradient_counts"))
        else:
            row |= _histogram("gradient", parameter.grad)
            squares.append(parameter.grad.float().square().sum())
        rows.append(row)
    norm = float(torch.stack(squares).sum().sqrt()) if squares else None
    return {"gradient_norm": norm, "layers": rows}


def _histogram(kind: str, values: torch.Tensor) -> dict[str, Any]:
    values = values.float().flatten()
    values = values[values.isfinite()]
    if not len(values):
        return {f"{kind}_minimum": None, f"{kind}_maximum": None, f"{kind}_counts": [0] * BINS}
    low, high = (float(bound) for bound in torch.aminmax(values))
    counts = torch.histc(values, BINS, low, high).long().tolist()
    return {f"{kind}_minimum": low, f"{kind}_maximum": high, f"{kind}_counts": counts}


def layer_table(network: torch.nn.Module, run: Callable[[], Any]) -> list[dict[str, Any]]:
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


class Meter:
    """Throughput and the use of the machine since the reading before."""

    def __init__(self, device: torch.device):
        self._device = device
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._time = time.monotonic()
        self._gpus = _gpu_handles() if device.type == "cuda" else []

    def read(self, examples: int) -> dict[str, Any]:
        """Examples per second, CPU in percent of one core, memory in bytes, and each GPU's use."""
        now = time.monotonic()
        seconds, self._time = now - self._time, now
        return {
            "device": str(self._device),
            "examples_per_second": examples / seconds if seconds else 0.0,
            "cpu_percent": self._process.cpu_percent(),
            "memory_bytes": self._process.memory_info().rss,
            "gpus": [_gpu(handle) for handle in self._gpus],
        }


def _gpu_handles() -> list[Any]:
    import pynvml

    try:
        pynvml.nvmlInit()
        return [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return []


def _gpu(handle: Any) -> dict[str, Any]:
    import pynvml

    use = pynvml.nvmlDeviceGetUtilizationRates(handle)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    name = pynvml.nvmlDeviceGetName(handle)
    return {"name": name, "percent": use.gpu, "memory_bytes": memory.used}
