"""The vectors that are projected to two dimensions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def activations(predictions: pa.Table) -> np.ndarray:
    """Return the activations of all rows: (N, hidden), float32."""
    column = predictions["activations"].combine_chunks()
    values = column.values.to_numpy(zero_copy_only=False)
    return values.reshape(len(column), -1).astype(np.float32)
