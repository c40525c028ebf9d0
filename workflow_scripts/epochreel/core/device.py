"""The device that arithmetic runs on, and the precision it runs in."""

from __future__ import annotations

import contextlib
import logging
import os

import torch

log = logging.getLogger("epochreel")


def choose(threads: int) -> torch.device:
    """CUDA where there is one, else the CPU with `threads` arithmetic threads; the log says which.

    The number of threads changes the rounding of sums, so it belongs to the settings and is
    never taken from the machine.
    """
    torch.set_num_threads(threads)
    if torch.cuda.is_available():
        torch.backends.cudnn.deterministic = True
        log.info("device: %s (CUDA %s)", torch.cuda.get_device_name(), torch.version.cuda)
        return torch.device("cuda")
    log.info("device: CPU, %d arithmetic thread(s)", threads)
    return torch.device("cpu")


def cores() -> int:
    """How many cores this process may use: for work whose result does not depend on it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def put(network: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    """Move a network to a device, its weights laid out as its attribute `channels_last` asks."""
    last = getattr(network, "channels_last", False)
    layout = torch.channels_last if last else torch.preserve_format
    return network.to(device, memory_format=layout)


def arithmetic(device: torch.device, precision: str) -> contextlib.AbstractContextManager:
    """The context in which a network computes: `float32`, `tf32` (CUDA only) or `bfloat16`.

    With `bfloat16` the weights stay in float32 and autocast chooses per operation. Whether CUDA
    computes in TF32 is a switch of the whole process: it is set at once and stays after the
    context, so that the backward pass, which comes after it, has the same precision.
    """
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
