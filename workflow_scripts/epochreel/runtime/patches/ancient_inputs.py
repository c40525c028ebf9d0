"""Accept inputs marked `ancient` whose modification time lies in the future.

Snakemake 9.27 fails a job whose outputs are older than one of its inputs, whether `ancient` or not:
images from a camera whose clock was wrong could never be used. It also records the checksums of all
inputs for each output, although it never compares those of `ancient` ones; without them, a job with
25,000 images does not read each image again.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace

from snakemake.dag import DAG
from snakemake.io import _IOFile

from epochreel.runtime.patches import tested_version

PACKAGE, TESTED = "snakemake", "9.27.1"
CONSEQUENCE = "jobs fail if a file of yours has a modification time in the future"


def apply() -> None:
    """Make Snakemake ignore the time and the checksum of inputs marked `ancient`."""
    check, read = DAG.check_output_mtime, _IOFile.checksum
    if getattr(check, "skips_ancient", False):
        return
    if not tested_version.is_installed(PACKAGE, TESTED, CONSEQUENCE):
        return

    @functools.wraps(check)
    async def check_output_mtime(dag, job, expanded_output):
        compared = [file for file in job.input if not file.is_ancient]
        await check(dag, SimpleNamespace(input=compared, rule=job.rule), expanded_output)

    @functools.wraps(read)
    async def checksum(file, *arguments, **how):
        return None if file.is_ancient else await read(file, *arguments, **how)

    check_output_mtime.skips_ancient = True
    DAG.check_output_mtime, _IOFile.checksum = check_output_mtime, checksum
