"""What numpy arrays and torch tensors do not share: where a table lies and how bytes are made.

Everything else that draws the examples is written with operators, indexing and methods that both
have, so that both give the same integers. torch is imported only where a tensor was given.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any  # a numpy array or a torch tensor
Device = Any  # a torch device; None stands for numpy


def device_of(array: Array) -> Device:
    """Where tables that are used with `array` have to lie."""
    return None if isinstance(array, np.ndarray) else array.device


def placed(table: np.ndarray, device: Device) -> Array:
    """A table as an array of the kind that is used on `device`."""
    if device is None:
        return table
    import torch

    return torch.from_numpy(table).to(device)


def as_bytes(array: Array) -> Array:
    """Integers of 0…255 as uint8."""
    return array.astype(np.uint8) if isinstance(array, np.ndarray) else array.byte()


def counted(array: Array) -> Array:
    """0 … len(array) - 1, int64, beside `array`."""
    ones = array * 0 + 1
    return ones.cumsum(0) - 1
