"""The patch of the logger plugin rich: a failed job shows only logs that can be read as text."""

from types import SimpleNamespace

import pytest
from snakemake_logger_plugin_rich.event_handler import EventHandler

from epochreel.runtime.patches import failed_logs


@pytest.fixture
def shown(tmp_path):
    """A text log, a binary one and a missing one; return what is printed if their job fails."""
    (tmp_path / "text").write_text("the reason")
    (tmp_path / "binary").write_bytes(b"PAR1\xff\xfe")
    printed = []
    console = SimpleNamespace(log=printed.append, rule=lambda *_, **__: None)
    console.print = lambda text, **_: printed.append(text)
    names = ("binary", "text", "missing")
    job = {"rule": "train", "wildcards": {}, "log": [str(tmp_path / name) for name in names]}
    handler = SimpleNamespace(jobs_info={5: job}, console=console)

    def show(handle):
        handle(handler, SimpleNamespace(jobid=5))
        return printed[1:]

    return show


def test_the_plugin_without_the_patch_fails(shown):
    handle = getattr(EventHandler.handle_job_error, "unpatched", EventHandler.handle_job_error)
    with pytest.raises(ValueError):
        shown(handle)


def test_logs_that_are_missing_or_not_text_are_skipped(shown, monkeypatch):
    monkeypatch.setattr(EventHandler, "handle_job_error", EventHandler.handle_job_error)
    failed_logs.apply()
    failed_logs.apply()  # Nothing is patched twice.
    assert shown(EventHandler.handle_job_error) == ["the reason"]
