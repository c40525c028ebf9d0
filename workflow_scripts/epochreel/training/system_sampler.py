"""Samples of the machine's state for the system log. They have no effect on results.

A value that cannot be read is null. Drivers, containers and permissions may withhold any of them,
and training must continue without.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

import torch

from epochreel.core.errors import describe_error

log = logging.getLogger("epochreel")


class SystemSampler:
    """Samples throughput and machine utilization since the previous sample."""

    def __init__(self, device: torch.device):
        self._device = device
        self._unavailable: set[str] = set()
        self._time = time.monotonic()
        self._process = self._read("process", _process)
        self._gpus = self._read("gpus", _gpu_handles) if device.type == "cuda" else []

    def sample(self, examples: int) -> dict[str, Any]:
        """Return time, examples per second, CPU use, memory, and the utilization of each GPU.

        `time` is in seconds since the Unix epoch, CPU use in percent of one core, memory in bytes.
        A value is None if it cannot be read.
        """
        now = time.monotonic()
        seconds, self._time = now - self._time, now
        return {
            "time": time.time(),
            "device": str(self._device),
            "examples_per_second": examples / seconds if seconds else 0.0,
            "cpu_percent": self._read("cpu_percent", lambda: float(self._process.cpu_percent())),
            "memory_bytes": self._read(
                "memory_bytes", lambda: int(self._process.memory_info().rss)
            ),
            "gpus": None if self._gpus is None else [self._gpu(handle) for handle in self._gpus],
        }

    def _gpu(self, handle: Any) -> dict[str, Any]:
        readings = {"name": _gpu_name, "percent": _gpu_percent, "memory_bytes": _gpu_memory}
        return {
            name: self._read(f"gpus.{name}", lambda read=read: read(handle))
            for name, read in readings.items()
        }

    def _read(self, name: str, read: Callable[[], Any]) -> Any:
        """Return what `read` returns, or None if it fails; log the first failure of each name."""
        try:
            return read()
        except Exception as error:
            if name not in self._unavailable:
                log.info("system log: %s is not available (%s)", name, describe_error(error))
            self._unavailable.add(name)
            return None


# Libraries are imported where they are used, so that `_read` also handles a missing one.


def _process() -> Any:
    import psutil

    process = psutil.Process()
    process.cpu_percent()  # The first call starts the measurement and returns 0.
    return process


def _gpu_handles() -> list[Any]:
    import pynvml

    pynvml.nvmlInit()
    handles: list[Any] = [None] * pynvml.nvmlDeviceGetCount()
    for index in range(len(handles)):
        # A GPU without a handle, such as a lost one, keeps None: its values cannot be read.
        with contextlib.suppress(Exception):
            handles[index] = pynvml.nvmlDeviceGetHandleByIndex(index)
    return handles


def _gpu_name(handle: Any) -> str:
    import pynvml

    name = pynvml.nvmlDeviceGetName(handle)
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _gpu_percent(handle: Any) -> float:
    import pynvml

    return float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)


def _gpu_memory(handle: Any) -> int:
    import pynvml

    return int(pynvml.nvmlDeviceGetMemoryInfo(handle).used)
