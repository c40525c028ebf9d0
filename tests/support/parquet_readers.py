"""Common readers of Parquet files: DuckDB, pandas, polars, Hugging Face `datasets`.

Each returns the rows of a file as dicts of plain Python values, in which NaN counts as missing.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

os.environ["HF_HUB_OFFLINE"] = "1"  # read when `datasets` is imported
import datasets

datasets.disable_progress_bars()
Rows = list[dict[str, Any]]


def rows(table: pa.Table) -> Rows:
    """Return the rows of an Arrow table."""
    return _plain(table.to_pylist())


def expected(path: str | Path) -> Rows:
    """Return the rows of a file as Epochreel's own library reads them."""
    return rows(pq.read_table(path))


def with_duckdb(path: str | Path) -> Rows:
    """Read a file with DuckDB."""
    found = duckdb.connect().read_parquet(str(path))
    return [dict(zip(found.columns, _plain(list(row)), strict=True)) for row in found.fetchall()]


def with_pandas(path: str | Path) -> Rows:
    """Read a file with pandas."""
    return _plain(pd.read_parquet(path).to_dict("records"))


def with_polars(path: str | Path) -> Rows:
    """Read a file with polars."""
    return _plain(pl.read_parquet(path).to_dicts())


def with_datasets(path: str | Path) -> Rows:
    """Read a file with Hugging Face `datasets`, without decoding images."""
    with tempfile.TemporaryDirectory() as cache:
        found = datasets.Dataset.from_parquet(str(path), cache_dir=cache)
        return rows(found.with_format("arrow")[:])


READERS = {
    "duckdb": with_duckdb,
    "pandas": with_pandas,
    "polars": with_polars,
    "datasets": with_datasets,
}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | np.ndarray):
        return [_plain(part) for part in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if value is pd.NA or value != value else value
