"""Store of encoded segments, so that a segment with the same content is not encoded again.

Snakemake reruns a segment's job whenever one of its inputs was made again, even if nothing in the
segment has changed. Files are named by the digest of everything that determines their bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from epochreel.core.errors import UserError
from epochreel.formats import video

log = logging.getLogger("epochreel")


class SegmentStore:
    """The segments of a run in one format, given by `suffix`, in `folder`."""

    def __init__(self, folder: str | Path, suffix: str):
        self._folder, self._suffix = Path(folder), suffix

    def path(self, content: str) -> Path:
        """Return the path of a segment; `content` is a digest."""
        return self._folder / f"{content}{self._suffix}"

    def has(self, content: str) -> bool:
        """Return whether a segment exists and is intact; log a warning if it is damaged."""
        path = self.path(content)
        if not path.is_file():
            return False
        try:
            video.check(path, content)
        except UserError:
            log.warning("%s is damaged; recreating it", path)
            return False
        return True

    def prune(self, used: Collection[str]) -> None:
        """Delete all segments of this format except those `used`."""
        for path in self._folder.glob(f"[0-9a-f]*{self._suffix}"):
            if path.stem not in used:
                path.unlink(missing_ok=True)
