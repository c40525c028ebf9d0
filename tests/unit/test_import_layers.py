"""Import layers: the contracts of pyproject.toml, and unique module names."""

import subprocess
from collections import Counter
from pathlib import Path

from workflow import REPOSITORY

LIBRARY = REPOSITORY / "workflow_scripts/epochreel"


def test_every_import_respects_the_layers():
    command = ["lint-imports", REPOSITORY / "pyproject.toml", "--no-cache"]
    done = subprocess.run(command, cwd=LIBRARY.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_two_modules_outside_the_experiments_have_the_same_name():
    paths = (path.relative_to(LIBRARY) for path in LIBRARY.rglob("*.py"))
    counts = Counter(path.name for path in paths if path.parts[0] != "experiments")
    del counts["__init__.py"]
    assert [name for name, count in counts.items() if count > 1] == []


def test_every_module_is_in_a_subpackage():
    loose = {path.name for path in Path(LIBRARY).glob("*.py")}
    assert loose == {"__init__.py"}
