"""Samples of the machine's state for the system log. They have no effect on results."""

from __future__ import annotations

import time
from typing import Any

import psutil
import torch


class SystemSampler:
    """Samples throughput and machine utilization since the previous sample."""

    def __init__(self, device: torch.device):
        self._device = device
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._time = time.monotonic()
        self._gpus = _gpu_handles() if device.type == "cuda" else []

    def sample(self, examples: int) -> dict[str, Any]:
        """Return time, examples per second, CPU use, memory, and the utilization of each GPU.

        `time` is in seconds since the Unix epoch, CPU use in percent of one core, memory in bytes.
        """
        now = time.monotonic()
        seconds, self._time = now - self._time, now
        return {
            "time": time.time(),
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

    utilization = pynvml.nvmlDeviceGetUtilizationRates(handle)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    name = pynvml.nvmlDeviceGetName(handle)
    return {"name": name, "percent": utilization.gpu, "memory_bytes": memory.used}
