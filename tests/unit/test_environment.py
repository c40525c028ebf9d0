"""The environment of jobs."""

import inspect
import os
from pathlib import Path
from types import SimpleNamespace

from snakemake.scheduling.job_scheduler import JobScheduler

from epochreel.runtime import environment, signals
from epochreel.runtime.patches import termination


def prepared(**variables) -> dict[str, str]:
    environment.prepare(Path("/clone/scripts"), variables)
    return variables


def test_the_library_comes_first():
    assert prepared()["PYTHONPATH"] == "/clone/scripts"
    others = os.pathsep.join(["/other", "/clone/scripts", "", "/more"])
    found = prepared(PYTHONPATH=others)["PYTHONPATH"]
    assert found.split(os.pathsep) == ["/clone/scripts", "/other", "/more"]


def test_what_changes_results_is_fixed_or_removed():
    found = prepared(
        PYTHONHASHSEED="5", LC_ALL="de_DE", PYTHONOPTIMIZE="2", PYTHONWARNINGS="error", HOME="/me"
    )
    del found["PYTHONPATH"]
    assert found == {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "HOME": "/me"}


def test_snakemake_handles_sigterm_with_the_method_that_is_patched(monkeypatch):
    monkeypatch.setattr(JobScheduler, "exit_gracefully", JobScheduler.exit_gracefully)
    assert "signal.SIGTERM, self.exit_gracefully" in inspect.getsource(JobScheduler.__init__)
    termination.apply()
    termination.apply()
    assert JobScheduler.exit_gracefully is signals.interrupt


def test_all_descendants_are_found_among_processes_that_may_not_be_read(monkeypatch):
    known = {1: None, 10: 1, 11: 10, 12: 11, 13: None, 14: 1}
    listed = [SimpleNamespace(pid=pid, info={"ppid": parent}) for pid, parent in known.items()]
    monkeypatch.setattr(signals.psutil, "process_iter", lambda attributes: listed)
    assert [process.pid for process in signals._descendants(10)] == [11, 12]
