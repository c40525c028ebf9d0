"""Padding: the slots of a block after the run's last snapshot.

Snakemake expects all output files of a block, so the remaining slots are hard links to the last
snapshot. Films, metrics and manifests ignore padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from epochreel.core.files import atomic_link_all


def fill(paths: Sequence[str | Path], count: int) -> None:
    """Link the slots after the first `count` to the last of these."""
    atomic_link_all(dict.fromkeys(paths[count:], paths[count - 1]))
