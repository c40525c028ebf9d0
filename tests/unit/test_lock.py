"""The lock: one process at a time; the system releases it when that process is killed."""

import errno
import fcntl
import logging
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from epochreel.core import lock
from epochreel.core.errors import UserError

LIBRARY = {"PYTHONPATH": str(Path(lock.__file__).parents[2])}
HOLDER = """
import logging, pathlib, sys, time
from epochreel.core import lock
logging.basicConfig(format="%(message)s", stream=sys.stdout)
with lock.hold(pathlib.Path(sys.argv[1]), poll_interval=0.02):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def start(tmp_path):
    """Return the function that starts a process which takes the lock and keeps it."""
    started = []

    def one() -> subprocess.Popen:
        command = [sys.executable, "-c", HOLDER, str(tmp_path / "store" / "lock")]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=LIBRARY))
        return started[-1]

    yield one
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_second_process_waits_until_the_first_is_killed(start):
    first = start()
    assert first.stdout.readline() == "held\n"
    second = start()
    assert f"process {first.pid}" in second.stdout.readline()
    first.send_signal(signal.SIGKILL)
    assert second.stdout.readline() == "held\n"


COUNTER = """
import pathlib, sys, time
from epochreel.core import lock
count = pathlib.Path(sys.argv[1])
for _ in range(5):
    with lock.hold(count.with_name("lock"), poll_interval=0.001):
        seen = int(count.read_text())
        time.sleep(0.002)
        count.write_text(str(seen + 1))
"""


def test_no_two_processes_hold_the_lock_at_once(tmp_path):
    (tmp_path / "count").write_text("0")
    command = [sys.executable, "-c", COUNTER, str(tmp_path / "count")]
    counting = [subprocess.Popen(command, stderr=subprocess.DEVNULL, env=LIBRARY) for _ in range(4)]
    assert [process.wait() for process in counting] == [0] * 4
    assert (tmp_path / "count").read_text() == "20"


def test_the_lock_is_released_at_the_end_of_the_block(start, tmp_path):
    with lock.hold(tmp_path / "store" / "lock"):
        waiting = start()
        assert "; waiting" in waiting.stdout.readline()
    assert waiting.stdout.readline() == "held\n"


def test_the_lock_is_released_after_an_error(start, tmp_path):
    with pytest.raises(ValueError), lock.hold(tmp_path / "store" / "lock"):
        raise ValueError
    assert start().stdout.readline() == "held\n"


def test_a_free_lock_is_taken_without_a_message(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, logger="epochreel"), lock.hold(tmp_path / "lock"):
        pass
    assert caplog.messages == []


def test_a_file_system_without_locks_is_reported(tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    with pytest.raises(UserError, match=r"lock: this file system does not .* \(No locks"):  # noqa: SIM117
        with lock.hold(tmp_path / "lock"):
            pass


def test_a_lock_whose_file_was_deleted_is_created_again(start, tmp_path):
    first, second = start(), start()
    waiting = {process: process.stdout.readline() for process in (first, second)}
    (holder,) = (process for process, said in waiting.items() if said == "held\n")
    (other,) = {first, second} - {holder}
    (tmp_path / "store" / "lock").unlink()
    holder.kill()
    assert other.stdout.readline() == "held\n"
    with lock.try_hold(tmp_path / "store" / "lock") as free:
        assert not free
