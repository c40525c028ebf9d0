"""Arrays on a cluster: each task looks after its own block, and after no other's."""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import zlib
from collections.abc import Sequence


def become_own_job() -> None:
    """Where this process begins a task of an array, go on as the job that the task stands for.

    snakemake-executor-plugin-slurm 2.8.0 begins every task with the command of the first one, and
    hands it those of the others. Left alone, each task waits at its end for the first one's files,
    counts as failed where they come later, and deletes them where it fails itself.
    """
    command = own_command(sys.argv[1:], os.environ.get("SLURM_ARRAY_TASK_ID"))
    if command:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execvp("sh", ["sh", "-c", command])


def own_command(arguments: Sequence[str], task: str | None) -> str | None:
    """The command of the array's task number `task`; None where `arguments` are its own."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--slurm-jobstep-array-execs", dest="packed", default="")
    packed = parser.parse_known_args(arguments)[0].packed
    commands = json.loads(base64.b64decode(packed)) if packed else {}
    return zlib.decompress(bytes.fromhex(commands[task])).decode() if task in commands else None
