"""The compute device and the floating-point precision."""

from __future__ import annotations

import contextlib
import logging
import os

import torch

log = logging.getLogger("epochreel")


def choose(threads: int) -> torch.device:
    """Select CUDA if available, otherwise the CPU with `threads` threads, and log the choice.

    The number of threads changes how sums are rounded, so it is a setting and does not depend on
    the machine.
    """
    torch.set_num_threads(threads)
    if torch.cuda.is_available():
        torch.backends.cudnn.deterministic = True
        log.info("device: %s (CUDA %s)", torch.cuda.get_device_name(), torch.version.cuda)
        return torch.device("cuda")
    log.info("device: CPU, %d thread(s)", threads)
    return torch.device("cpu")


def cores() -> int:
    """Return the number of cores that this process may use.

    Use it only for work whose result does not depend on the number.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def put(network: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    """Move a network to a device, in channels-last layout if its `channels_last` is true."""
    last = getattr(network, "channels_last", False)
    layout = torch.channels_last if last else torch.preserve_format
    return network.to(device, memory_format=layout)


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager:
    """Return the context in which a network computes in `float32`, `tf32` (CUDA) or `bfloat16`.

    With `bfloat16` the weights stay in float32 and autocast chooses the type of each operation.
    TF32 is a process-wide switch. It is set immediately and not reset at the end of the context, so
    that the backward pass, which runs after it, has the same precision.
    """
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
