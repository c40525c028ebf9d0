"""Layer table of a run: one row per layer, in order of execution.

Containers that have no parameters are left out.

name          name of the layer in the network
kind          name of its class
output_shape  list of int64, without the batch axis; null if the output is not a tensor
parameters    int64, number of parameters of the layer, without its submodules
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from epochreel.formats import parquet

_SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("kind", pa.string()),
        ("output_shape", pa.list_(pa.int64())),
        ("parameters", pa.int64()),
    ]
)


def write(path: str | Path, rows: Sequence[Mapping[str, Any]], key: str) -> None:
    """Write the layers, and the cache key of the table as metadata."""
    table = pa.Table.from_pylist(list(rows), _SCHEMA).replace_schema_metadata({"epochreel": key})
    parquet.write(path, table)
