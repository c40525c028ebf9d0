"""Slurm's controller goes and comes back: no job is forgotten."""

import asyncio
import sys
from types import SimpleNamespace

import pytest

from epochreel.runtime.patches import slurm_controller


@pytest.fixture
def look(tmp_path, monkeypatch):
    """A function of how `scontrol` ends: what a patient executor with two jobs then looks after."""

    class Executor:
        async def check_active_jobs(self, jobs):
            for job in jobs[:1]:  # the plugin finds one still running
                yield job

    monkeypatch.setitem(sys.modules, slurm_controller.PLUGIN, SimpleNamespace(Executor=Executor))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    slurm_controller.be_patient()
    executor = Executor()

    def one(words: str, jobs=("a", "b")) -> list[str]:
        (tmp_path / "scontrol").write_text(f"#!/bin/sh\n{words}\n")
        (tmp_path / "scontrol").chmod(0o755)

        async def gathered():
            return [job async for job in executor.check_active_jobs(list(jobs))]

        return asyncio.run(gathered())

    return one


def test_jobs_are_looked_after_while_the_controller_answers(look):
    assert look("exit 0") == ["a"]


def test_all_jobs_are_kept_while_the_controller_is_away(look):
    assert look("exit 1") == ["a", "b"] and look("exit 1") == ["a", "b"] and look("exit 0") == ["a"]


def test_a_controller_that_says_nothing_for_long_is_away(look, monkeypatch):
    monkeypatch.setattr(slurm_controller, "SECONDS", 0.2)
    assert look("exec sleep 60") == ["a", "b"]


def test_that_the_controller_is_away_and_back_is_said_once(look, monkeypatch):
    said = []
    monkeypatch.setattr(slurm_controller.logger, "warning", said.append)
    for words in ("exit 0", "exit 1", "exit 1", "exit 0", "exit 0"):
        look(words)
    away, back = said
    assert away.endswith("does not answer: its jobs are waited for") and "again" in back


def test_where_there_are_no_jobs_nobody_is_asked(look):
    assert look("touch asked; exit 1", jobs=()) == []


def test_patience_is_learnt_once(look):
    executor = sys.modules[slurm_controller.PLUGIN].Executor
    check = executor.check_active_jobs
    slurm_controller.be_patient()
    assert executor.check_active_jobs is check
