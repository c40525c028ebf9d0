"""Slurm's controller goes away and comes back: the installed plugin loses no job."""

import asyncio
import contextlib
import inspect
import logging
from types import SimpleNamespace

import pytest

from epochreel.runtime.patches import slurm_controller

plugin = pytest.importorskip(slurm_controller.MODULE)
SILENT = {"scontrol": "exit 1", "squeue": "exit 1", "which": "exit 1"}
RUNNING = "echo 'a|RUNNING'; echo 'b|RUNNING'"
ANSWERS = {"scontrol": "echo 'MinJobAge = 3600 sec'", "squeue": RUNNING}


@pytest.fixture
def executor(monkeypatch):
    """The plugin's executor, with what it needs to query the states of jobs once."""
    check = plugin.Executor.check_active_jobs
    monkeypatch.setattr(plugin.Executor, "check_active_jobs", check)  # Undone after the test.
    settings = SimpleNamespace(
        status_command="squeue", status_attempts=1, init_seconds_before_status_checks=1
    )
    made = object.__new__(plugin.Executor)
    made.workflow = SimpleNamespace(executor_settings=settings)
    made.logger = logging.getLogger("plugin")
    made.run_uuid = "run"
    made.next_seconds_between_status_checks = 1
    made.status_rate_limiter = contextlib.nullcontext()
    made._status_query_calls = made._status_query_failures = made._status_query_total_seconds = 0
    made._status_query_min_seconds = made._status_query_max_seconds = 1.0
    made._status_query_cycle_rows = []
    return made


@pytest.fixture
def look(executor, tmp_path, monkeypatch):
    """Return a function from fake Slurm commands to the jobs that the plugin still waits for."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def one(commands: dict[str, str], jobs=("a", "b")) -> list[str]:
        for name, words in commands.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{words}\n")
            (tmp_path / name).chmod(0o755)
        active = [SimpleNamespace(external_jobid=job, aux={}) for job in jobs]

        async def kept():
            return [job.external_jobid async for job in executor.check_active_jobs(active)]

        return asyncio.run(kept())

    return one


def test_the_patched_method_has_the_expected_signature():
    check = plugin.Executor.check_active_jobs
    assert inspect.isasyncgenfunction(check)
    assert [*inspect.signature(check).parameters] == ["self", "active_jobs"]


def test_without_the_patch_the_plugin_forgets_its_jobs(look):
    assert look(ANSWERS) == ["a", "b"] and look(SILENT) == []


def test_all_jobs_are_kept_while_the_controller_is_silent(look):
    slurm_controller.apply()
    assert [look(SILENT), look(SILENT)] == [["a", "b"], ["a", "b"]]


def test_jobs_are_checked_while_the_controller_answers(look, executor, monkeypatch):
    ended = []
    monkeypatch.setattr(executor, "report_job_error", lambda job, **_: ended.append(job))
    slurm_controller.apply()
    assert look(ANSWERS | {"squeue": "echo 'a|FAILED'; echo 'b|RUNNING'"}) == ["b"]
    assert [job.external_jobid for job in ended] == ["a"]


def test_a_controller_that_hangs_counts_as_silent(look, monkeypatch):
    monkeypatch.setattr(slurm_controller, "TIME_LIMIT", 0.2)
    slurm_controller.apply()
    assert look(SILENT | {"scontrol": "exec /bin/sleep 60"}) == ["a", "b"]


def test_losing_and_regaining_the_controller_is_logged_once(look, monkeypatch):
    said = []
    monkeypatch.setattr(slurm_controller.logger, "warning", said.append)
    slurm_controller.apply()
    for commands in (ANSWERS, SILENT, SILENT, ANSWERS, ANSWERS):
        look(commands)
    away, back = said
    assert away.endswith("does not answer; waiting for its jobs") and "again" in back


def test_without_jobs_the_controller_is_not_queried(look, tmp_path):
    slurm_controller.apply()
    assert look({"scontrol": f": > {tmp_path}/asked"}, jobs=()) == []
    assert not (tmp_path / "asked").exists()


def test_the_patch_is_applied_once(executor):
    slurm_controller.apply()
    patched = plugin.Executor.check_active_jobs
    slurm_controller.apply()
    assert plugin.Executor.check_active_jobs is patched
