"""Checkpoint indexes: a small JSON file that lists the checkpoints of one block.

key          SHA-256 of the cache key of the training
snapshot     number of the block's last snapshot
steps        the training steps of all snapshots from 0 to this one
checkpoints  SHA-256 of each checkpoint of the block, in order
optimizer    SHA-256 of the optimizer state at the last snapshot, which is in the store
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from epochreel.artifacts import checkpoints
from epochreel.core.errors import UserError
from epochreel.formats import checked_json
from epochreel.provenance import lineage


def write(
    path: str | Path, records: Sequence[Mapping[str, Any]], steps: Sequence[int], key_digest: str
) -> None:
    """Write a block's index from its records in the store; `steps` are those from snapshot 0 on."""
    last = records[-1]
    content = {name: last[name] for name in ("snapshot", "optimizer")}
    content |= {"key": key_digest, "checkpoints": [record["weights"] for record in records]}
    content |= {"steps": list(steps)}
    checked_json.write(path, content)


def read(path: str | Path, last: int, key_digest: str) -> dict[str, Any]:
    """Read the index of the block that ends with snapshot `last`.

    Raises `UserError` if the file is missing, damaged, belongs to another block, or has a cache key
    whose digest is not `key_digest`.
    """
    try:
        index = checked_json.read(path)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run: snakemake {path}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged: delete it and run: snakemake {path}") from error
    lineage.check_key_digest(path, index["key"], key_digest)
    lineage.check_position(path, index["snapshot"], last)
    return index


def digests(path: str | Path, steps: Sequence[int], last: int, key_digest: str) -> list[str]:
    """Return the SHA-256 of each of the block's checkpoints, in order.

    `steps` are those of its snapshots. Raises `UserError` as `read` does, and if the index lists
    other steps or a different number of checkpoints.
    """
    index = read(path, last, key_digest)
    checksums, count = index["checkpoints"], len(steps)
    lineage.check_position(path, len(checksums), count, "checkpoint count")
    lineage.check_position(path, index["steps"][-count:], list(steps), "steps")
    return checksums


def check_checkpoints(
    path: str | Path,
    paths: Sequence[str | Path],
    steps: Sequence[int],
    last: int,
    key_digest: str,
) -> None:
    """Raise `UserError` for the first checkpoint whose checksum is not the one in the index.

    `paths` are all checkpoints of the block; the other arguments are those of `digests`.
    """
    for checkpoint, digest in zip(paths, digests(path, steps, last, key_digest), strict=True):
        checkpoints.check(checkpoint, digest)


def check_last(path: str | Path, network: str | Path, last: int, key_digest: str) -> None:
    """Raise `UserError` unless `network` is the last checkpoint of the block."""
    checkpoints.check(network, read(path, last, key_digest)["checkpoints"][-1])
