"""Patches apply only to the version that they were tested with."""

from importlib import metadata

import pytest
from snakemake.io import _IOFile
from snakemake.scheduling.job_scheduler import JobScheduler

from epochreel.runtime.patches import checksum_cache, slurm_controller, termination, tested_version

plugin = pytest.importorskip(slurm_controller.MODULE)
# Patch → the class and the method that it changes.
PATCHES = {
    checksum_cache: (_IOFile, "checksum"),
    termination: (JobScheduler, "exit_gracefully"),
    slurm_controller: (plugin.Executor, "check_active_jobs"),
}
by_patch = pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.__name__)


@by_patch
def test_the_installed_version_is_the_tested_one(patch):
    found = metadata.version(patch.PACKAGE)
    assert found == patch.TESTED, (
        f"{patch.PACKAGE} {found} is installed, but {patch.__name__} was tested with "
        f"{patch.TESTED}: see whether the package still needs the patch; if so, set TESTED to "
        f"{found}, and run this patch's tests and tests/promises/cluster"
    )


@by_patch
def test_another_version_is_not_patched_and_logs_one_warning(patch, monkeypatch):
    said = []
    monkeypatch.setattr(tested_version.logger, "warning", said.append)
    monkeypatch.setattr(tested_version.metadata, "version", lambda package: "99.1")
    owner, method = PATCHES[patch]
    before = getattr(owner, method)
    patch.apply()
    assert getattr(owner, method) is before
    assert said == [
        f"epochreel: {patch.PACKAGE} 99.1 is not patched, because the patch was tested with "
        f"{patch.TESTED}: {patch.CONSEQUENCE}"
    ]
