"""Jobs: their logs, their error messages, and their end with the parent process."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from epochreel.runtime import job

LIBRARY = {"PYTHONPATH": str(Path(job.__file__).parents[2]), "PATH": os.environ["PATH"]}


def run(tmp_path, work, before="") -> subprocess.CompletedProcess:
    """Run a script that executes `before`, then `work` in a job."""
    script = before + (
        "from epochreel.runtime.job import job, log\nfrom epochreel.core.errors import UserError\n"
    )
    script += f"with job({str(tmp_path / 'logs' / 'job.log')!r}):\n" + textwrap.indent(work, "    ")
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, env=LIBRARY, cwd=tmp_path)


def logged(tmp_path):
    return (tmp_path / "logs" / "job.log").read_text()


def test_messages_go_to_the_log_and_not_to_the_terminal(tmp_path):
    done = run(tmp_path, "log.info('all is well')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "INFO all is well" in logged(tmp_path)


def test_a_warning_goes_to_the_terminal_too(tmp_path):
    done = run(tmp_path, "log.warning('the disk is nearly full')")
    assert done.stderr == "epochreel: the disk is nearly full\n"
    assert "WARNING the disk is nearly full" in logged(tmp_path)


def test_a_user_error_is_one_line(tmp_path):
    done = run(tmp_path, "raise UserError('a.png is empty: delete it')")
    assert (done.returncode, done.stderr) == (1, "epochreel: a.png is empty: delete it\n")
    assert "Traceback" not in logged(tmp_path) and "a.png is empty" in logged(tmp_path)


def test_a_user_error_cannot_control_the_terminal(tmp_path):
    done = run(tmp_path, "raise UserError('a.png\\x1b[2J\\n\\u2028is  empty')")
    assert done.stderr == "epochreel: a.png?[2J??is  empty\n"


def test_a_system_error_is_one_line_with_the_file_name(tmp_path):
    done = run(tmp_path, "open('none/file.png')")
    words = "epochreel: none/file.png: No such file or directory (the traceback is in "
    assert done.returncode == 1 and done.stderr == f"{words}{tmp_path / 'logs' / 'job.log'})\n"
    assert "Traceback" in logged(tmp_path)


@pytest.mark.parametrize(
    ("work", "words"),
    [
        ("1 / 0", "unexpected ZeroDivisionError: division by zero, at <string>, line 4 ("),
        ("raise OSError('odd')", "unexpected OSError: odd, at "),
        ("import none_such", "unexpected ModuleNotFoundError: No module named 'none_such', at "),
        ("raise KeyError", "unexpected KeyError, at "),
        ("raise ValueError('a\\n' + 'b' * 999)", "unexpected ValueError: a bbb"),
        ("raise ValueError('\\x1b[2J\\ud800')", "unexpected ValueError: ?[2J?, at "),
    ],
)
def test_an_unforeseen_error_is_one_line_with_its_traceback_in_the_log(tmp_path, work, words):
    done = run(tmp_path, work)
    assert done.returncode == 1 and done.stderr.startswith(f"epochreel: {words}")
    assert len(done.stderr.splitlines()) == 1 and len(done.stderr) < 600
    assert "Traceback" in logged(tmp_path) and "Error" in logged(tmp_path)


THREADS = """import resource, threading, time
resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28))
threading.stack_size(2**28)
threading.Thread(target=time.sleep, args=(1,)).start()"""


@pytest.mark.parametrize(
    ("work", "words"),
    [
        ("bytearray(2**60)", "MemoryError"),
        ("import numpy\nnumpy.zeros(2**55)", "MemoryError: Unable to allocate 256. PiB"),
        ("import torch\ntorch.empty(2**55)", "RuntimeError: .*DefaultCPUAllocator"),
        (THREADS, "RuntimeError: can't start new thread"),
    ],
)
def test_running_out_of_memory_is_reported_with_a_remedy(tmp_path, work, words):
    done = run(tmp_path, work)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    told = rf"epochreel: out of memory \({words}.*\): use a smaller batch, block or frame, fewer"
    assert re.match(told, done.stderr), done.stderr


@pytest.mark.parametrize(
    ("code", "line", "words"),
    [
        ("def generate():\n    yield 1 / 0", 2, "ZeroDivisionError: division by zero"),
        ("import json\ndef generate():\n    json.loads('')", 3, "JSONDecodeError: Expecting value"),
        ("def generate():\n    open('none')", 2, "FileNotFoundError: [Errno 2] No such file"),
        ("import none_such", 1, "ModuleNotFoundError: No module named 'none_such'"),
        ("def generate():\n    raise SystemExit", 2, "SystemExit ("),
        ("import sys\nsys.exit(0)", 2, "SystemExit: 0 ("),
    ],
)
def test_an_error_in_a_user_experiment_is_reported_with_file_and_line(tmp_path, code, line, words):
    for name in ("data", "model", "evaluation", "figure"):
        names = "def generate(): ...\ndef loss(): ...\ndef evaluate(): ...\ndef panels(): ...\n"
        (tmp_path / f"{name}.py").write_text(names + "class Network: ...\n")
    (tmp_path / "data.py").write_text(code + "\nif 0: from x import *\n")
    load = "from epochreel.experiment_api import loader\nfrom pathlib import Path\n"
    load += "list(loader.find('./', Path.cwd()).load('data').generate())"
    done = run(tmp_path, load)
    assert done.stderr.startswith(f"epochreel: {tmp_path}/data.py, line {line}: {words}")
    assert (
        done.returncode == 1
        and len(done.stderr.splitlines()) == 1
        and "Traceback" in logged(tmp_path)
    )


def test_a_new_attempt_replaces_the_log(tmp_path):
    run(tmp_path, "log.info('first')")
    run(tmp_path, "log.info('second')")
    assert "first" not in logged(tmp_path) and "second" in logged(tmp_path)


def test_a_job_restarted_by_slurm_says_so_first(tmp_path, monkeypatch):
    monkeypatch.setitem(LIBRARY, job.RESTARTS, "2")
    assert run(tmp_path, "log.info('at work')").returncode == 0
    again, work = logged(tmp_path).splitlines()
    assert again.endswith("restarted by Slurm (restart 2): preempted, or its node failed")
    assert work.endswith("at work")


def test_a_job_on_its_first_start_does_not_mention_slurm(tmp_path, monkeypatch):
    monkeypatch.setitem(LIBRARY, job.RESTARTS, "0")
    run(tmp_path, "log.info('at work')")
    assert "Slurm" not in logged(tmp_path)


# -- Signals


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_a_job_although_its_code_catches_exceptions(tmp_path, name):
    # As pyarrow does while it imports pandas.
    work = f"""
import signal
try:
    signal.raise_signal(signal.{name})
except BaseException:
    pass
log.info("went on")
"""
    # If the tests run in the background, jobs inherit that SIGINT is ignored.
    before = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    done = run(tmp_path, work, before=before)
    words = "interrupted: run the same command again to resume"
    assert (done.returncode, done.stderr) == (128 + signal.Signals[name], f"epochreel: {words}\n")
    assert words in logged(tmp_path) and "went on" not in logged(tmp_path)


def test_a_job_in_the_background_ignores_an_interrupt(tmp_path):
    work = "import signal\nsignal.raise_signal(signal.SIGINT)\nlog.info('went on')"
    ignore = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    assert run(tmp_path, work, before=ignore).returncode == 0
    assert "went on" in logged(tmp_path)


# -- The end with the parent

WORKER = """
import os, sys, time
from epochreel.runtime.job import job
with job("job.log"):
    print(os.getpid(), flush=True)
    time.sleep(60)
"""
# A scheduler that starts the worker below a shell; `; true` keeps the shell from exec'ing it.
SCHEDULER = """
import subprocess, sys
shell = ["sh", "-c", f'"{sys.executable}" worker.py; true']
subprocess.run(shell if sys.argv[1] == "shell" else [sys.executable, "worker.py"])
"""


@pytest.fixture
def start(tmp_path):
    """Return the function that starts scheduler and worker and returns both."""
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "scheduler.py").write_text(SCHEDULER)
    started = []

    def one(way: str) -> tuple[subprocess.Popen, psutil.Process]:
        command = [sys.executable, "scheduler.py", way]
        scheduler = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=LIBRARY
        )
        worker = psutil.Process(int(scheduler.stdout.readline()))
        started.extend([psutil.Process(scheduler.pid), worker, *worker.parents()[:1]])
        scheduler.stdout.close()
        return scheduler, worker

    yield one
    ours = {process.pid for process in started} - {os.getpid()}
    for process in started:
        if process.pid in ours and process.is_running():
            process.kill()


def ends(process: psutil.Process, seconds: float = 20) -> bool:
    """Check that a process ends in time; a zombie counts as ended."""
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("way", ["shell", "directly"])
def test_a_job_ends_when_its_scheduler_is_killed(start, way):
    scheduler, worker = start(way)
    scheduler.send_signal(signal.SIGKILL)
    scheduler.wait()
    assert ends(worker)


@pytest.mark.parametrize("way", ["shell", "directly"])
def test_a_job_ends_even_while_the_killed_scheduler_is_a_zombie(start, way):
    scheduler, worker = start(way)
    scheduler.send_signal(signal.SIGKILL)
    assert ends(worker)
    scheduler.wait()


def test_a_job_ends_when_the_shell_in_between_is_killed(start):
    scheduler, worker = start("shell")
    worker.parent().kill()
    assert ends(worker)
    scheduler.wait()


def test_a_job_continues_while_its_scheduler_lives(start):
    _, worker = start("shell")
    assert not ends(worker, seconds=1.5)


def hidden(monkeypatch, error):
    """Hide every process but this one, as `hidepid` does with those of other users."""
    monkeypatch.setattr(job.psutil, "Process", lambda pid: (_ for _ in ()).throw(error))


@pytest.mark.parametrize("error", [psutil.AccessDenied(1), psutil.NoSuchProcess(1), OSError()])
def test_a_job_watches_its_parents_although_the_system_hides_them(monkeypatch, error):
    hidden(monkeypatch, error)
    assert job._parents(0) == [os.getppid()] and job._parents(1) == [os.getppid(), 1]
    job._end_without([os.getppid(), 1])


def test_a_job_ends_when_a_hidden_scheduler_or_parent_has_ended(monkeypatch):
    hidden(monkeypatch, psutil.AccessDenied(1))
    ended = []
    monkeypatch.setattr(job.os, "_exit", ended.append)
    for pids in ([os.getppid(), 2**22 - 1], [os.getpid()]):  # dead; not the parent (any more)
        job._end_without(pids)
    assert ended == [143, 143]


def test_a_job_with_another_parent_than_its_scheduler_ends(monkeypatch):
    monkeypatch.setattr(job.os, "_exit", lambda code: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        job._parents(2**22 - 1)


# -- Logs


def test_a_log_that_cannot_be_opened_ends_no_job(tmp_path):
    (tmp_path / "logs").write_text("no folder")
    done = run(tmp_path, "log.info('all is well')\nlog.warning('the disk is nearly full')")
    opened, warned = done.stderr.splitlines()
    assert done.returncode == 0 and warned == "epochreel: the disk is nearly full"
    assert opened.endswith("logs/job.log (File exists): messages go to the terminal only")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_on_a_full_disk_ends_no_job(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/job.log").symlink_to("/dev/full")
    done = run(tmp_path, "log.warning('the disk is full')")
    assert (done.returncode, done.stderr) == (0, "epochreel: the disk is full\n")
