"""The table of reruns: the code of each module, and the versions of packages."""

from __future__ import annotations

import ast
import copy
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from queue import Queue

import pytest
import reruns
from rerun_packages import ONLY_IMPORTED, WATCHING
from workflow import Workplace, copy_code

# -- Code


class Codes:
    """Copies of the code, one for each plan at a time."""

    def __init__(self, folder: Path, world: Workplace, count: int = 2):
        self.world, self.free = world, Queue()
        for number in range(count):
            self.free.put(copy_code(folder / str(number)))

    def jobs(self, *changes: tuple[Path, str]) -> set[str]:
        """What would run where these files of the code hold other text."""
        code = self.free.get()
        held = {code / path: (code / path).read_text() for path, _ in changes}
        try:
            for path, text in changes:
                (code / path).write_text(text)
            place = copy.copy(self.world)
            place.repository = code
            return place.jobs(*reruns.TARGETS)
        finally:
            for path, text in held.items():
                path.write_text(text)
            self.free.put(code)


@pytest.fixture(scope="module")
def codes(rerun_world, tmp_path_factory) -> Codes:
    return Codes(tmp_path_factory.mktemp("codes"), rerun_world)


MODULES = reruns.modules()
# Scripts and the library's modules are in their order: every fifth is of each kind.
SAMPLE = sorted(MODULES)[::5]


def module_changed(name: str) -> tuple[Path, str]:
    """A file of the code that now says something more."""
    path = MODULES[name]
    return path.relative_to(reruns.REPOSITORY), path.read_text() + "\nMORE_IS_SAID = True\n"


@pytest.fixture(scope="module")
def coded(codes, request, plans):
    """Module → what would run after a change of what it says."""
    test = "test_a_change_in_a_module_reruns_the_rules_that_run_it_and_no_other"
    names = reruns.selected(request, test, "name")
    return {name: plans.submit(codes.jobs, module_changed(name)) for name in names}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.long) for name in MODULES],
)
def test_a_change_in_a_module_reruns_the_rules_that_run_it_and_no_other(rerun_world, coded, name):
    expected = reruns.jobs_where(rerun_world.config, name, of=0)
    assert reruns.without_blocks(coded[name].result()) == expected


def test_a_comment_a_docstring_or_a_touch_in_every_module_reruns_nothing(codes):
    changes = []
    for name, path in MODULES.items():
        text = _with_other_docstring(path.read_text())
        assert text.count("another word") == ('"""' in path.read_text()), name
        changes.append((path.relative_to(reruns.REPOSITORY), text + "\n# A comment.\n"))
    assert codes.jobs(*changes) == set()


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


IDLE = {"publish", "save_network", "verify", "write_manifest"}
IDLE |= {f"epochreel.core.{name}" for name in ("bundled_fonts", "errors", "lock", "log")}
PLANNING = {"epochreel.config", "epochreel.plan", "epochreel.runtime"}
IDLE |= {f"epochreel.artifacts.{name}" for name in ("manifest", "verification")}
IDLE |= {f"epochreel.experiment_api.{name}" for name in ("import_checks", "signatures")}
IDLE |= {"epochreel.experiment_api.validation"}
IDLE |= {f"epochreel.experiments.{name}.checks" for name in ("activations", "words", "sheets")}


def test_every_module_is_run_by_a_stage_or_known_to_define_no_result():
    planning = {name for name in MODULES if ".".join(name.split(".")[:2]) in PLANNING}
    assert set(reruns.idle()) == IDLE | planning


# -- Packages


@pytest.fixture(scope="module")
def released(rerun_world, tmp_path_factory, request, plans):
    """Package → what would run with another version of it installed, as its metadata say."""
    folder = tmp_path_factory.mktemp("packages")
    test = "test_another_version_of_a_package_reruns_the_rules_that_compute_with_it"

    def plan(name: str) -> set[str]:
        about = folder / name / f"{name.replace('-', '_')}-99.9.dist-info" / "METADATA"
        about.parent.mkdir(parents=True)
        about.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.9\n")
        place = copy.copy(rerun_world)
        place.environment = rerun_world.environment | {"PYTHONPATH": str(folder / name)}
        return place.jobs(*reruns.TARGETS)

    return {name: plans.submit(plan, name) for name in reruns.selected(request, test, "name")}


@pytest.mark.parametrize("name", reruns.packages())
def test_another_version_of_a_package_reruns_the_rules_that_compute_with_it(
    rerun_world, released, name
):
    expected = reruns.jobs_where(rerun_world.config, name, of=1)
    assert expected and reruns.without_blocks(released[name].result()) == expected


@pytest.mark.parametrize("projection", reruns._projections())
@pytest.mark.parametrize("experiment", reruns.experiments_there_are())
def test_each_package_that_a_stage_imports_is_among_those_whose_version_counts(
    experiment, projection
):
    distributions = packages_distributions()
    stages = reruns.stages_of(experiment, projections=[projection])
    for rule, (modules, packages) in stages.items():
        for name in modules:
            imported = {top for top in _imports(MODULES[name]) if top in distributions}
            used = {distributions[top][0].lower() for top in imported} - WATCHING
            assert used <= packages | ONLY_IMPORTED.get(rule, set()), f"{rule}: {name}"


def _imports(path: Path) -> set[str]:
    """The top names of what a module imports, but for the standard library and Epochreel."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"epochreel"}
