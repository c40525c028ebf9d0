"""Operations that differ between numpy arrays and torch tensors: devices, tables and bytes.

All other code that draws examples uses operators, indexing and methods that both have, so both
produce the same integers. torch is imported only if a tensor is passed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any  # a numpy array or a torch tensor
Device = Any  # a torch device, or None for numpy


def device_of(array: Array) -> Device:
    """Return the device for tables that are used with `array`; None for numpy."""
    return None if isinstance(array, np.ndarray) else array.device


def placed(table: np.ndarray, device: Device) -> Array:
    """Return a table as a numpy array, or as a tensor on `device`."""
    if device is None:
        return table
    import torch

    return torch.from_numpy(table).to(device)


def as_bytes(array: Array) -> Array:
    """Convert integers of 0…255 to uint8."""
    return array.astype(np.uint8) if isinstance(array, np.ndarray) else array.byte()


def counted(array: Array) -> Array:
    """Return 0 … len(array) - 1, int64, on the device of `array`."""
    ones = array * 0 + 1
    return ones.cumsum(0) - 1
