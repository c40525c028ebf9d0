"""Segments of a film: the checksum, cache key and position of each, checked before joining.

The note in a segment's file holds its first snapshot, its number of snapshots (0: the end of the
film), its first film frame, its number of film frames, and the digest of its content.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from epochreel.core.files import atomic_write
from epochreel.formats import video
from epochreel.provenance import lineage


@dataclass(frozen=True)
class Position:
    """The snapshots and the film frames of a segment; `content` is its name in the store."""

    first: int
    count: int
    start: int
    length: int
    content: str


def write(path: str | Path, stored: str | Path, position: Position, key_digest: str) -> None:
    """Copy the segment `stored`, with its position and key digest."""
    note = f"{position.first} {position.count} {position.start} {position.length}"
    with atomic_write(path) as tmp_path:
        video.copy_without(stored, tmp_path)
        video.embed_checksum(tmp_path, key_digest, f"{note} {position.content}")


def expected(
    snapshots: int, size: int, key_digest: str, end_digest: str | None
) -> list[tuple[int, int, str]]:
    """Return what `check` expects of a film in segments of `size` snapshots.

    `key_digest` is that of the segments of snapshots, `end_digest` that of the end of the film, or
    None if the film has no end segment.
    """
    firsts = range(0, snapshots, size)
    blocks = [(first, min(size, snapshots - first), key_digest) for first in firsts]
    return [*blocks, (snapshots - 1, 0, end_digest)] if end_digest else blocks


def check(paths: Sequence[str | Path], blocks: Iterable[tuple[int, int, str]]) -> list[Position]:
    """Return the positions of all segments of a film, in order.

    `blocks` has the first snapshot, the count (0 for the end of the film) and the expected key
    digest of each. Raises `UserError` for the first segment that is damaged, stale or in the wrong
    position, or that does not begin where the previous one ends.
    """
    positions, end = [], 0
    for path, (first, count, key_digest) in zip(paths, blocks, strict=True):
        *numbers, content = video.check(path, key_digest).split(" ")
        found = Position(*map(int, numbers), content)
        expected = _snapshots(first, count)
        lineage.check_position(path, _snapshots(found.first, found.count), expected, "the film of")
        lineage.check_position(path, found.start, end, "the film from frame")
        positions.append(found)
        end += found.length
    return positions


def _snapshots(first: int, count: int) -> str:
    return f"snapshots {first} to {first + count - 1}" if count else f"the end at snapshot {first}"
