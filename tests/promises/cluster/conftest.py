"""The cluster that the tests of this folder share; without Slurm they are skipped."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator

import pytest
from killing import KEPT, small
from workflow import Workplace

from cluster import slurm as clusters
from cluster.clustered import Clustered


@pytest.fixture(scope="package")
def slurm() -> Iterator[clusters.Slurm]:
    """A running cluster of three nodes."""
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("snakemake-executor-plugin-slurm is not installed")
    if word := clusters.missing_reason():
        pytest.skip(word)
    with clusters.Slurm() as cluster, pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.environment.items():
            if os.environ.get(name) != value:
                patch.setenv(name, value)
        yield cluster


@pytest.fixture(scope="session")
def local_digests(tmp_path_factory) -> Callable[[dict], dict[str, str]]:
    """Return the function from a config to the digests of what this machine makes of it."""
    known: dict[str, dict[str, str]] = {}

    def digests(config: dict) -> dict[str, str]:
        if repr(config) not in known:
            place = Workplace(tmp_path_factory.mktemp("home"), config)
            # Compare checkpoints that are deleted after evaluation, too: keep them here.
            place.make("--notemp", "all")
            known[repr(config)] = place.digests(*KEPT)
        return known[repr(config)]

    return digests


@pytest.fixture
def place(tmp_path, slurm, local_digests) -> Iterator[Callable[..., Clustered]]:
    """Return the function that makes a workplace on the cluster; nothing runs on after the test."""
    made: list[Clustered] = []

    def make(config: dict | None = None, overlay: dict | None = None) -> Clustered:
        config = config or small()
        made.append(Clustered(tmp_path / "place", config, local_digests(config), slurm, overlay))
        return made[-1]

    yield make
    for each in made:
        each.stop()
