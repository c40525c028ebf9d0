"""Jobs read and write no file outside, start no other program, and unpickle no user input.

Python's audit events show this. They do not cover files that native code opens (pyarrow, ffmpeg);
docs/guarantees.md describes a run under strace.
"""

import os
import sys
from pathlib import Path

import pytest
import witness
from workflow import REPOSITORY

# The packages of what Snakemake pickles for a script, and of what numba, which compiles UMAP,
# pickles for itself.
HANDED = {"snakemake", "pathlib", "decimal"}
COMPILED = {"builtins", "copyreg", "numba", "numpy", "pynndescent", "umap"}
SYSTEM = ("/proc/", "/sys/", "/dev/", "/usr/share/zoneinfo/")


FILMS = ("encode_segment", "encode", "encode_gif")


@pytest.fixture(scope="module")
def jobs(rerun_world) -> list[witness.Job]:
    return witness.recorded_jobs(rerun_world.folder / "witness")


@pytest.fixture(scope="module")
def mine(world, rerun_world) -> tuple[Path, Path]:
    """The folders in which the jobs worked: the second started as a copy of the first."""
    return world.folder, rerun_world.folder


def outside(paths: set[str], *allowed: Path | str) -> list[str]:
    """Return the paths that are in none of the allowed folders."""
    places = tuple(os.path.join(place, "") for place in allowed)
    return sorted(path for path in paths if not os.path.join(path, "").startswith(places))


def test_jobs_write_only_to_results_and_scratch_and_publish_next_to_them(jobs, mine):
    places = [folder / name for folder in mine for name in ("results", "witness/scratch")]
    for job in jobs:
        # dill, which torch imports if it is installed, opens the null device.
        found = {path for path in job.written - {os.devnull} if "/__pycache__" not in path}
        if job.script == "publish":
            found -= {path for path in found if Path(path) in mine or Path(path).parent in mine}
        assert found and not outside(found, *places), job.script


def test_jobs_leave_nothing_in_scratch(mine):
    assert [list((folder / "witness/scratch").iterdir()) for folder in mine] == [[], []]


def test_jobs_read_only_the_working_folder_and_installed_files(jobs, mine):
    installed = {sys.prefix, sys.base_prefix, *sys.path[1:]}
    for job in jobs:
        assert not outside(job.read, *mine, REPOSITORY, *installed, *SYSTEM), job.script
        assert {path for path in job.read if path.startswith(tuple(map(str, mine)))}


def test_the_only_program_that_jobs_start_is_ffmpeg(jobs):
    assert {Path(name).name.split("-")[0] for job in jobs for name in job.started} == {"ffmpeg"}
    assert all(job.script in FILMS for job in jobs if job.started)


def test_jobs_use_no_shell_and_no_network(jobs):
    assert not set().union(*(job.refused for job in jobs))


def test_jobs_unpickle_only_what_snakemake_passes_to_them(jobs):
    for job in jobs:
        found = {name.split(".")[0] for name in job.unpickled}
        assert found <= HANDED | (COMPILED if "numba" in job.modules else set()), job.script
        assert "snakemake" in found
