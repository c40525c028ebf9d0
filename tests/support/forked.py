"""Run Snakemake commands in forks of a process that has already imported it."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

SUPPORT = Path(__file__).parent
# Entries that pytest and the tests add to the path, which commands of users do not have.
_OURS = {"", str(SUPPORT), str(SUPPORT.parents[1]), str(SUPPORT.parents[1] / "workflow_scripts")}
_FORKS = multiprocessing.get_context("forkserver")
# The library is not preloaded: its code differs between workplaces.
_LOADED = "snakemake.cli pytest numpy jsonschema pyarrow.parquet safetensors PIL.Image"
_FORKS.set_forkserver_preload(_LOADED.split())
# Whoever starts a process also polls all others, and if two threads poll one at the same time,
# its exit status is lost.
_ONE_AT_A_TIME = threading.Lock()


def snakemake(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> tuple[int, str]:
    """Run `snakemake` with these arguments in `folder`; return its exit status and output.

    Like `python -m snakemake`, except for what Python does at startup: of the environment variables
    that Python reads, only `PYTHONPATH` counts, no `sitecustomize` is loaded from there, and all
    forks of a session use the same hash seed.
    """
    with tempfile.NamedTemporaryFile("w+") as said:
        given = (list(arguments), str(folder), dict(environment), said.name)
        process = _FORKS.Process(target=_run, args=given)
        with _ONE_AT_A_TIME:
            process.start()
        multiprocessing.connection.wait([process.sentinel])
        with _ONE_AT_A_TIME:
            process.join()
        said.seek(0)
        return process.exitcode, said.read()


def _run(arguments: list[str], folder: str, environment: dict[str, str], said: str) -> None:
    file = os.open(said, os.O_WRONLY | os.O_APPEND)
    for number in (1, 2):
        os.dup2(file, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    more = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [folder, *more, *(path for path in sys.path if path not in _OURS)]
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    main()
