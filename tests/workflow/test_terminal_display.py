"""What a user sees: in a terminal, through a pipe, in a dry run."""

from __future__ import annotations

import os
import pty
import re
import signal
import time

import pytest
import yaml
from workflow import REPOSITORY, Workplace, with_key

FILM = re.compile(r"training\.mp4: \d+\.\d s, 13 snapshots, digit accuracy [\d.]+ → [\d.]+ %")


@pytest.fixture
def place(copied) -> Workplace:
    """A copy of the miniature world, with the profile that users have."""
    profile = (REPOSITORY / "profiles/default/config.yaml").read_text()
    (copied.folder / "profile/config.yaml").write_text(profile)
    return copied


def lines(said: str) -> list[str]:
    """Return the lines that a command printed, without those about Snakemake's profile."""
    return [line for line in said.splitlines() if line and not line.startswith("Using ")]


def lose_evaluation(place: Workplace) -> None:
    place.path("sheets/evaluations/000003.parquet").unlink()


def damage(place: Workplace, name: str) -> None:
    data = bytearray(place.path(name).read_bytes())
    data[len(data) // 2] ^= 1
    place.path(name).write_bytes(data)


class Terminal:
    """A pseudo terminal in which a command runs."""

    def __init__(self, place: Workplace, *arguments: str):
        self._pid, self._file = pty.fork()
        if not self._pid:
            os.chdir(place.folder)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            command = place.command(*arguments)
            os.execve(command[0], command, os.environ | place.environment | {"TERM": "xterm"})
        self.said = ""

    def press(self, key: str) -> None:
        """Press a key."""
        os.write(self._file, key.encode())

    def read(self, until: str | None = None) -> None:
        """Read until the command has printed `until`, or ended."""
        while until is None or until not in self.said:
            try:
                part = os.read(self._file, 1 << 16)
            except OSError:  # The command has ended.
                break
            self.said += part.decode(errors="replace")

    def end(self) -> int:
        """Read the rest; return the exit status."""
        self.read()
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def test_a_terminal_shows_progress_and_then_the_film(place):
    lose_evaluation(place)
    terminal = Terminal(place)
    assert terminal.end() == 0
    assert "evaluating · snapshot" in terminal.said
    assert "\x1e" not in terminal.said and "rule evaluate" not in terminal.said
    assert FILM.search(terminal.said.splitlines()[-1])


def test_ctrl_c_ends_with_one_line_and_leaves_no_lock(place):
    lose_evaluation(place)
    terminal = Terminal(place)
    terminal.read(until="evaluating")
    terminal.press("\x03")
    time.sleep(0.2)
    terminal.press("\x03")  # Impatiently.
    assert terminal.end() != 0
    assert "interrupted; the same command resumes" in terminal.said
    assert "Traceback" not in terminal.said and "rror in " not in terminal.said
    assert FILM.fullmatch(lines(place.make())[-1])


def test_failed_jobs_are_one_line_each_at_the_end(place):
    for run in ("words", "cells"):
        damage(place, f"{run}/evaluations/000003.parquet")
    done = place.start("all", "--keep-going")
    assert done.returncode == 1 and "\x1b" not in done.stdout
    said = lines(done.stdout)
    for run in ("words", "cells"):
        (line,) = (
            each for each in said if f"results/{run}/evaluations" in each and "error" in each
        )
        assert line.startswith(f"error in summarize of run {run}, block 00000: results/{run}")
        assert line.endswith(f"log: results/{run}/logs/summarize/00000.log")
    assert all(line.startswith("error in ") for line in said[-2:])


def test_through_a_pipe_a_finished_film_takes_two_lines(place):
    nothing, film = lines(place.make())
    assert nothing == "nothing to be done" and FILM.fullmatch(film)


def test_a_changed_setting_is_named_in_a_dry_run_and_in_a_real_one(place):
    changed = with_key(place.config, "runs.sheets.film.preset", "veryfast")
    (place.folder / "config.yaml").write_text(yaml.safe_dump(changed))
    change = "film.preset: ultrafast → veryfast"
    dry, real = place.make("--dry-run"), place.make()
    explained = [line.split()[0] for line in lines(dry) if line.endswith(f"sheets  {change}")]
    assert explained == ["encode_segment", "encode_closing", "write_report"]
    assert [line for line in lines(real) if change in line] == [f"encode_segment: {change}"]
    assert "jobid" not in dry + real


def test_snakemakes_own_text_is_shown_on_request(place):
    assert "Nothing to be done" in place.make("--verbose")
    assert "nothing to be done" not in place.make("--quiet", "all")


def test_a_locked_folder_is_reported_with_the_fix(place):
    lose_evaluation(place)
    locks = place.folder / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text("results/sheets/evaluations/000003.parquet\n")
    done = place.start()
    assert done.returncode == 1 and "--unlock" in done.stdout
