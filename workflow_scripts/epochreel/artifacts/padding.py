"""Padding: the places of a block after the run's last snapshot.

Snakemake expects a block's files all; those after the last snapshot are second names of it.
They enter no film, metric, scale or manifest.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from epochreel.core.files import atomic_link_all


def fill(paths: Sequence[str | Path], count: int) -> None:
    """Link the places of a block after its first `count` ones to the last of these."""
    atomic_link_all(dict.fromkeys(paths[count:], paths[count - 1]))
