"""The table of reruns: the code of each module, and the versions of packages."""

from __future__ import annotations

import copy
import subprocess
from pathlib import Path

import pytest
import reruns
from workflow import copy_code, release

# -- Code


@pytest.fixture(scope="module")
def code(tmp_path_factory) -> Path:
    """A copy of the code, for changes."""
    return copy_code(tmp_path_factory.mktemp("codes") / "code")


@pytest.fixture
def jobs_with(rerun_world, code):
    """Return the function that plans with other text in some files of the code."""

    def plan(changes: dict[Path, str]) -> set[str]:
        held = {path: (code / path).read_text() for path in changes}
        place = copy.copy(rerun_world)
        place.repository = code
        try:
            for path, text in changes.items():
                (code / path).write_text(text)
            return place.jobs(*reruns.TARGETS)
        finally:
            for path, text in held.items():
                (code / path).write_text(text)

    return plan


MODULES = reruns.modules()
# Modules are sorted by name, so every fifth is a mix of scripts and library modules.
SAMPLE = sorted(MODULES)[::5]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.long) for name in MODULES],
)
def test_a_change_in_a_module_reruns_exactly_the_rules_that_run_it(rerun_world, jobs_with, name):
    path, expected = MODULES[name], reruns.jobs_where(rerun_world.config, name, of=0)
    changed = path.read_text() + "\nMORE_IS_SAID = True\n"
    jobs = jobs_with({path.relative_to(reruns.REPOSITORY): changed})
    assert reruns.without_blocks(jobs) == expected


def test_comments_docstrings_and_touches_in_every_module_rerun_nothing(jobs_with):
    changes = {}
    for name, path in MODULES.items():
        text = _with_other_docstring(path.read_text())
        assert text.count("another word") == ('"""' in path.read_text()), name
        changes[path.relative_to(reruns.REPOSITORY)] = text + "\n# A comment.\n"
    assert jobs_with(changes) == set()


def _with_other_docstring(text: str) -> str:
    return text.replace('"""', '"""another word ', 1)


def test_a_fresh_clone_of_the_code_over_existing_results_reruns_nothing(rerun_world, tmp_path):
    code = copy_code(tmp_path / "code")
    for command in (
        "git init -q",
        "git add .",
        "git -c user.name=a -c user.email=a@b commit -q -m a",
        "git clone -q . ../clone",
    ):
        subprocess.run(command.split(), cwd=code, check=True)
    place = copy.copy(rerun_world)
    place.repository = tmp_path / "clone"
    assert place.jobs(*reruns.TARGETS) == set()


# -- Packages


@pytest.mark.parametrize("name", reruns.packages())
def test_another_version_of_a_package_reruns_the_rules_that_compute_with_it(
    rerun_world, tmp_path, name
):
    place = copy.copy(rerun_world)
    place.environment = rerun_world.environment | release(tmp_path, name, "99.9")
    expected = reruns.jobs_where(rerun_world.config, name, of=1)
    assert expected and reruns.without_blocks(place.jobs(*reruns.TARGETS)) == expected
