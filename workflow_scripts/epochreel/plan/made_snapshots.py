"""Existing snapshots of a run, to check that steps were only appended to its list.

The steps of a list are in no cache key, so that appending steps keeps the earlier snapshots.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from epochreel.core.errors import UserError


def check_appended(steps: Sequence[int], folder: Path, key_digest: str, where: str) -> None:
    """Check that the existing snapshots of a training were taken at `steps`, as far as both go.

    `folder` has the run's checkpoint indexes, `key_digest` is that of the training, and `where` is
    the key of the list in the config. Raises `UserError`.
    """
    index = next((made for made in _indexes(folder) if made["key"] == key_digest), None)
    both = zip(index["steps"] if index else (), steps, strict=False)
    for snapshot, (made, step) in enumerate(both):
        if step != made:
            raise UserError(
                f"config: {where}.{snapshot - 1} is {step}; expected {made}, the step of the "
                f"existing snapshot {snapshot}, since steps may only be appended: restore the "
                "list, or use the changed one in a new run"
            )


def _indexes(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the readable indexes, the latest first. Jobs that need an unreadable one report it."""
    for path in sorted(folder.glob("*.json"), key=_first_snapshot, reverse=True):
        try:
            index = json.loads(path.read_bytes())
            if {"key", "steps"} <= index.keys():
                yield index
        except (OSError, ValueError, AttributeError):
            continue


def _first_snapshot(path: Path) -> str:
    """Return the number of a block's first snapshot, whose leading digits are the block's name."""
    return path.stem.ljust(6, "0")
