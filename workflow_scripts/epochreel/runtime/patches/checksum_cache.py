"""One reading of each input for Snakemake's checksums, where it would do one for each output.

When a job ends, Snakemake 9.27 notes the checksums of its inputs with every one of its outputs and
reads all inputs anew for each: a job of 100 outputs reads its 100 inputs 10,000 times, 45 GB for
the main run. No option avoids that, and without checksums a copied folder would be made again. So
what has been read is remembered here until the file is another one.
"""

from __future__ import annotations

import os

from snakemake.io import _IOFile

_known: dict[tuple, str | None] = {}


def remember() -> None:
    """Let Snakemake read a file anew only if its time, size or inode has changed."""
    read = _IOFile.checksum
    if getattr(read, "remembers", False):
        return

    async def checksum(file, threshold=None, force=False, algorithm=None):
        if force or algorithm is not None or not os.path.isfile(file):
            return await read(file, threshold, force, algorithm)
        state = os.stat(file)
        key = (str(file), threshold, state.st_mtime_ns, state.st_size, state.st_ino)
        if key not in _known:
            _known[key] = await read(file, threshold, force, algorithm)
        return _known[key]

    checksum.remembers = True
    _IOFile.checksum = checksum
