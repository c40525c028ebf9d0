"""System log of a block: when, how fast and on which machine each snapshot was trained.

It is a log, not an artifact: no stage of the film reads it. Values that could not be read are null.

snapshot             int64
time                 float64, seconds since the Unix epoch
device               device of the training, such as `cpu`
examples_per_second  float64, since the previous snapshot
cpu_percent          float64, percent of one core
memory_bytes         int64, resident memory of the process
gpus                 one struct per GPU: name, utilization in percent, memory used
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from epochreel.core.errors import describe_error
from epochreel.core.files import atomic_write

log = logging.getLogger("epochreel")
_GPU = [("name", pa.string()), ("percent", pa.float64()), ("memory_bytes", pa.int64())]
_SCHEMA = pa.schema(
    [
        ("snapshot", pa.int64()),
        ("time", pa.float64()),
        ("device", pa.string()),
        ("examples_per_second", pa.float64()),
        ("cpu_percent", pa.float64()),
        ("memory_bytes", pa.int64()),
        ("gpus", pa.list_(pa.struct(_GPU))),
    ]
)


def write(path: str | Path, samples: Sequence[Mapping[str, Any]]) -> None:
    """Write the samples of a block; if that fails, log a warning, since no result depends on it."""
    try:
        with atomic_write(path) as tmp_path:
            table = pa.Table.from_pylist(list(samples), _SCHEMA)
            pq.write_table(table, tmp_path, compression="zstd")
    except Exception as error:
        log.warning("system log %s was not written (%s)", path, describe_error(error))
