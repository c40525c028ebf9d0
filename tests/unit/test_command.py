"""Scripts that a user starts while Snakemake runs: their options, errors and interruption."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from snakemake.cli import get_argument_parser

from epochreel.runtime import command, job

LIBRARY = {"PYTHONPATH": str(Path(job.__file__).parents[2]), "PATH": os.environ["PATH"]}
START = """\
from epochreel.runtime.command import command, log
from epochreel.core.errors import UserError
with command():
"""


def script(work: str) -> list[str]:
    return [sys.executable, "-c", START + textwrap.indent(work, "    ")]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--configfile a.yaml b.yaml",
        "--configfiles a.yaml --config x=1",
        "-C x=1 y={a:2}",
        "--configfile a.yaml --configfile b.yaml --config x=1 --config y=2",
    ],
)
def test_options_are_those_of_snakemake(monkeypatch, words):
    monkeypatch.setattr(sys, "argv", ["preview.py", "run", *words.split()])
    found = command.options("A script.", run="the run")
    theirs = get_argument_parser().parse_args(words.split())
    assert found.run == "run"
    assert found.configfile == [str(path) for path in theirs.configfile]
    assert found.config == (theirs.config or [])


def test_an_error_is_one_line_on_the_terminal():
    done = subprocess.run(
        script("raise UserError('a.png is empty')"), capture_output=True, text=True, env=LIBRARY
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "epochreel: a.png is empty\n")


def test_an_unexpected_error_says_where_without_a_log():
    done = subprocess.run(script("1 / 0"), capture_output=True, text=True, env=LIBRARY)
    words = "epochreel: unexpected ZeroDivisionError: division by zero, at <string>, line 4\n"
    assert (done.returncode, done.stderr) == (1, words)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_one_line_and_removes_its_unfinished_file(tmp_path, number):
    work = """\
from epochreel.core.files import atomic_write
import time
with atomic_write("film.mp4") as path:
    path.write_text("begun")
    time.sleep(60)
"""
    process = subprocess.Popen(
        script(work),
        cwd=tmp_path,
        env=LIBRARY,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background inherit ignored signals.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    while not list(tmp_path.iterdir()):
        time.sleep(0.02)
    process.send_signal(number)
    assert process.communicate()[1] == "epochreel: interrupted\n"
    assert process.returncode == 130 and list(tmp_path.iterdir()) == []
