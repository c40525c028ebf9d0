"""The record of the plan: jobs load the sources and use the keys that were planned, or end."""

import gzip
import json
import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest
from tools import refusal

from epochreel.experiment_api import declared_metrics
from epochreel.provenance import code_digest, keys, planned

SCRIPTS = planned.LIBRARY.parent
FINE = "from . import colours\n\nWIDTH = colours.COUNT  # px\n"
STAGE = {"settings": {"a": 1}, "code": "c", "versions": {}, "reads": {}}


@pytest.fixture
def experiment(tmp_path):
    """An experiment's folder with two modules, as the planning command sees it."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "figure.py").write_text(FINE)
    (folder / "colours.py").write_text('"""Colours."""\n\nCOUNT = 3\n')
    return folder


@pytest.fixture
def record(experiment, tmp_path):
    """The record of a plan of this experiment and of the module that loads it."""
    files = [experiment / "figure.py", planned.LIBRARY / "experiment_api" / "loader.py"]
    code_digest.modules(files, experiment)
    path = tmp_path / "record.json"
    planned.write(path, code_digest.sources(), [keys.key_digest(STAGE)])
    return path


def load(folder: Path, record: Path, work: str = "print(module.WIDTH)", **variables):
    """Load figure.py as a job does, then do `work`."""
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from epochreel.experiment_api.loader import Experiment\n"
        f"experiment = Experiment(Path({str(folder)!r}), 'epochreel_experiment_x')\n"
        f"module = experiment.load('figure')\n{work}"
    )
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS), planned.RECORD: str(record)} | variables
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)


def ended(done: subprocess.CompletedProcess) -> str:
    """Return the one line with which a job has ended."""
    assert done.returncode == 1 and done.stdout == "", done.stderr
    line, *others = done.stderr.splitlines()
    assert not others
    return line.removeprefix("epochreel: ")


@pytest.fixture(autouse=True)
def panels(experiment):
    """Give figure.py the function that loading requires."""
    with open(experiment / "figure.py", "a") as file:
        file.write("\n\ndef panels(run_info):\n    return []\n")


def test_a_job_loads_what_was_planned(experiment, record):
    done = load(experiment, record)
    assert (done.stdout, done.stderr) == ("3\n", "")


def test_a_module_that_changes_after_planning_ends_the_job(experiment, record):
    (experiment / "colours.py").write_text('"""Colours."""\n\nCOUNT = 4\n')
    words = "changed while the workflow was running: run the same command again"
    assert ended(load(experiment, record)) == f"{experiment / 'colours.py'} {words}"


def test_comments_layout_and_docstrings_may_change(experiment, record):
    (experiment / "colours.py").write_text('"""All colours."""\nCOUNT = (3)  # of them\n')
    assert load(experiment, record).stdout == "3\n"


def test_code_that_catches_everything_cannot_go_on_without_a_changed_module(experiment, record):
    text = (experiment / "figure.py").read_text()
    caught = "try:\n    from . import colours\n    WIDTH = colours.COUNT\nexcept:\n    WIDTH = 5\n"
    (experiment / "figure.py").write_text(text.replace(FINE, caught))
    code_digest._read_module.cache_clear()
    code_digest.modules([experiment / "figure.py"], experiment)
    planned.write(record, code_digest.sources(), [])
    (experiment / "colours.py").write_text("COUNT = 4\n")
    assert "colours.py changed while" in ended(load(experiment, record))


def test_compiled_files_are_ignored(experiment, record):
    source = experiment / "colours.py"
    state, text = source.stat(), source.read_text()
    source.write_text(text.replace("3", "7"))
    compiled = py_compile.compile(str(source), doraise=True)
    source.write_text(text)
    os.utime(source, ns=(state.st_atime_ns, state.st_mtime_ns))
    data = bytearray(Path(compiled).read_bytes())
    data[8:12] = int(state.st_mtime).to_bytes(4, "little")  # Valid for Python's own loader.
    Path(compiled).write_bytes(data)
    assert load(experiment, record).stdout == "3\n"


def test_a_module_without_its_source_is_not_loaded(experiment, record):
    compiled = py_compile.compile(str(experiment / "colours.py"), str(experiment / "ink.pyc"))
    assert Path(compiled).is_file()
    work = "import importlib\nimportlib.import_module('.ink', module.__package__)"
    assert "ink.pyc was loaded, but planning did not find" in ended(load(experiment, record, work))


def test_a_module_that_planning_cannot_see_is_not_loaded(experiment, record):
    (experiment / "ink.py").write_text("")
    work = "import importlib\nimportlib.import_module('.ink', module.__package__)"
    expected = f"{experiment / 'ink.py'} was loaded, but planning did not find its import"
    assert ended(load(experiment, record, work)).startswith(expected)


@pytest.mark.parametrize("way", ["import ink", "from ink import COLOUR"])
def test_a_module_next_to_an_experiment_is_not_loaded_by_an_absolute_import(
    experiment, record, way
):
    (experiment / "ink.py").write_text("COLOUR = 1\n")
    work = f"sys.path.insert(0, {str(experiment)!r})\nimport wave\n{way}"
    expected = f"{experiment / 'ink.py'} was loaded by an absolute import"
    assert ended(load(experiment, record, work)).startswith(expected)


def test_another_copy_of_the_library_is_not_loaded(experiment, record, tmp_path):
    # A link is enough: the path is another one.
    other = tmp_path / "other"
    other.mkdir()
    (other / "epochreel").symlink_to(planned.LIBRARY)
    words = ended(load(experiment, record, PYTHONPATH=str(other)))
    assert words.startswith(f"{other}/epochreel/")
    assert words.endswith(
        f"was loaded instead of the library in {SCRIPTS}: remove it from PYTHONPATH and "
        "site-packages"
    )


def test_the_library_itself_is_checked(experiment, record, tmp_path):
    found = json.loads(gzip.decompress(record.read_bytes()))
    loader = str(planned.LIBRARY / "experiment_api" / "loader.py")
    found["sources"][loader] = ["another", "another"]
    record.write_bytes(gzip.compress(json.dumps(found).encode()))
    assert ended(load(experiment, record)).startswith(f"{loader} changed while")


def test_a_job_without_its_record_ends(experiment, record, tmp_path):
    words = ended(load(experiment, tmp_path / "none"))
    assert words.startswith(f"{tmp_path / 'none'} is missing or damaged, since the command")


def test_the_script_is_the_planned_one(experiment, record, tmp_path):
    script, copy = tmp_path / "render.py", tmp_path / "copy.py"
    script.write_text("import epochreel\nprint('made')\n")
    code_digest.modules([script])
    planned.write(record, code_digest.sources(), [])
    preamble = f"__real_file__ = __file__; __file__ = {str(script)!r}\n"
    preamble += "######## snakemake preamble end #########\n"
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS), planned.RECORD: str(record)}

    def run(text: str) -> subprocess.CompletedProcess:
        copy.write_text(preamble + text)
        command = [sys.executable, str(copy)]
        return subprocess.run(command, capture_output=True, text=True, env=environment)

    assert run(script.read_text()).stdout == "made\n"
    changed = run("import epochreel\nprint('other')\n")
    assert ended(changed).startswith(f"{script} changed while")


@pytest.fixture
def in_job(record, monkeypatch):
    monkeypatch.setenv(planned.RECORD, str(record))
    planned._record.cache_clear()
    yield
    planned._record.cache_clear()


def test_declared_metrics_are_read_from_the_planned_file(in_job, experiment):
    file = experiment / "colours.py"
    assert not declared_metrics.read(file)
    file.write_text("METRICS = {}\n")
    assert refusal(declared_metrics.read, file).startswith(f"{file} changed while the workflow")


def test_a_job_uses_planned_keys_only(in_job):
    assert keys.key(STAGE) == keys.canonical(STAGE)
    words = refusal(keys.key, STAGE | {"settings": {"a": 2}})
    assert words.startswith("the config or the code changed while the workflow was running")


def test_a_job_has_the_packages_of_its_key(in_job):
    words = refusal(keys.key, STAGE | {"versions": {"numpy": "0.1"}})
    assert "this job has numpy" in words and "planned with 0.1" in words
