"""Commands of Snakemake in processes that need not load it: forks of one that has."""

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
# What pytest and a test put in front of the path: no command that a person gives has it there.
_OURS = {"", str(SUPPORT), str(SUPPORT.parents[1]), str(SUPPORT.parents[1] / "workflow_scripts")}
_FORKS = multiprocessing.get_context("forkserver")
# The library is not among them: its code differs from one workplace to the next.
_LOADED = "snakemake.cli pytest numpy jsonschema pyarrow.parquet safetensors PIL.Image"
_FORKS.set_forkserver_preload(_LOADED.split())
# Whoever starts a process looks after all others, too, and two threads that ask for the end of one
# at the same time lose its status.
_ONE_AT_A_TIME = threading.Lock()


def snakemake(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> tuple[int, str]:
    """Run `snakemake` with these arguments, there; its exit status and all that it said.

    As `python -m snakemake` does, but for what Python itself does as it starts: of the environment,
    `PYTHONPATH` alone counts of what it reads, no `sitecustomize` is loaded from there, and all
    forks of a session order their sets alike.
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
