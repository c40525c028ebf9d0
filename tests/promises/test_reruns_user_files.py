"""The table of reruns: the files of a user-defined experiment, and the system's ffmpeg."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import reruns
from killing import small
from rerun_rows import USER_FILES
from tools import install_ffmpeg
from workflow import REPOSITORY, Workplace, with_key


@pytest.fixture(scope="module")
def user_run(tmp_path_factory) -> Workplace:
    """A finished run of an experiment in a user's folder. Tests only plan in it."""
    folder = tmp_path_factory.mktemp("user")
    mine = folder / "examples/spirals"
    shutil.copytree(REPOSITORY / "examples/spirals", mine)
    (mine / "helper.py").write_text("SCALE = 1\n")
    with open(mine / "data.py", "a") as data:
        data.write("\nfrom .helper import SCALE  # noqa\n")
    place = Workplace(folder / "place", small(folder))
    place.mine = mine
    place.make()
    return place


def jobs_with(user_run: Workplace, path: Path, more: str) -> set[str]:
    """Return the jobs that would run after `more` is appended to a file."""
    before = path.read_bytes() if path.exists() else None
    try:
        path.write_bytes((before or b"") + more.encode())
        return reruns.without_blocks(user_run.jobs())
    finally:
        path.unlink() if before is None else path.write_bytes(before)


@pytest.mark.parametrize("name", USER_FILES)
def test_a_change_in_a_file_reruns_exactly_the_rules_that_run_it(user_run, name):
    more = "description: More.\n" if name.endswith(".yaml") else "\nMORE = True\n"
    expected = reruns.jobs_of(user_run.config, "spirals", USER_FILES[name])
    assert jobs_with(user_run, user_run.mine / name, more) == expected


def test_every_file_of_the_example_has_a_row(user_run):
    there = {path.name for path in user_run.mine.iterdir() if path.is_file()} - {"config.yaml"}
    assert there == USER_FILES.keys()


def test_comments_in_every_file_and_an_unused_file_rerun_nothing(user_run):
    for name in USER_FILES:
        assert jobs_with(user_run, user_run.mine / name, "\n# A comment.\n") == set(), name
    assert jobs_with(user_run, user_run.mine / "unused.py", "MORE = True\n") == set()


def test_another_version_of_the_systems_ffmpeg_reruns_the_films(user_run, tmp_path):
    shutil.copytree(user_run.folder, tmp_path / "place")
    config = with_key(user_run.config, "runs.spirals.film.ffmpeg", "system")
    place = Workplace(tmp_path / "place", config)
    place.environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    install_ffmpeg(tmp_path / "bin/ffmpeg", "9.9")
    films = {f"encode{name} spirals" for name in ("", "_segment", "_closing")}
    films |= {"write_manifest spirals", "write_report spirals", "publish"}
    assert reruns.without_blocks(place.jobs()) == films
    place.make()
    assert place.jobs() == set()
    install_ffmpeg(tmp_path / "bin/ffmpeg", "10.0")
    assert reruns.without_blocks(place.jobs()) == films
