"""Mistakes in a user-defined experiment: one line says where, before any work is lost."""

import json
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from spirals import SPIRALS
from workflow import REPOSITORY, Workplace

import generate_dataset
import summarize
from epochreel.artifacts import evaluations, metrics
from epochreel.core.errors import UserError
from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.panels.curve import Curve
from epochreel.drawing.time_axis import TimeAxis
from epochreel.plan import fingerprints
from epochreel.plan.plan import Plan
from epochreel.projection import projector
from epochreel.provenance import keys
from epochreel.provenance.keys import digest


@pytest.fixture
def mine(spirals, tmp_path):
    """A copy of the spirals in `mine/`, to put mistakes in, and a config next to it."""
    shutil.copytree(SPIRALS, tmp_path / "mine")
    config = spirals()
    config["datasets"]["points"]["experiment"] = "mine/"
    return Workplace(tmp_path, config)


def plan_of(place: Workplace) -> Plan:
    return Plan(place.config, place.folder)


def mistake(place: Workplace, file: str, old: str, new: str) -> Path:
    """Put a mistake into one of the experiment's files."""
    path = place.folder / "mine" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def told(done: subprocess.CompletedProcess) -> list[str]:
    """Return Epochreel's own lines from the output of a failed command."""
    assert done.returncode != 0 and "Traceback" not in done.stdout
    return [line for line in done.stdout.splitlines() if line.startswith("epochreel: ")]


# -- When the plan is made


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("data.py", "def generate", "def generates", r"data\.py' does not define generate"),
        (
            "model.py",
            "def loss(",
            "def loss",
            r"model\.py cannot be read as Python: .* \(line 17\)",
        ),
        (
            "settings.schema.yaml",
            "type: object",
            "type: intger",
            r"yaml: data\.type: invalid JSON Schema",
        ),
        ("settings.schema.yaml", "data:", "data: [", r"schema\.yaml, line \d+: invalid YAML: "),
    ],
)
def test_a_mistake_in_the_files_is_reported_while_planning(mine, file, old, new, words):
    mistake(mine, file, old, new)
    with pytest.raises(UserError, match=words) as caught:
        plan_of(mine)
    assert len(str(caught.value).splitlines()) == 1


def test_an_error_in_user_checks_is_reported_with_file_and_line(mine):
    checks = mine.folder / "mine" / "checks.py"
    checks.write_text("def contradictions(asked):\n    yield asked['x']\n")
    with pytest.raises(UserError, match=rf"^{checks}, line 2: KeyError: 'x'$"):
        plan_of(mine)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ValueError('\\x1b[2J')", r"line 2: ValueError: \?\[2J$"),
        (
            "raise __import__('epochreel').core.errors.UserError('\\x1b[2J')",
            r"^\?\[2J$",
        ),
        ("return [('\\x1b[1mkey\\n', 'a\\n\\x1bb')]", r"^config: runs\.tiny\.\?\[1mkey a \?b$"),
    ],
)
def test_messages_of_user_checks_cannot_control_the_terminal(mine, code, words):
    (mine.folder / "mine" / "checks.py").write_text(f"def contradictions(asked):\n    {code}\n")
    with pytest.raises(UserError, match=words):
        plan_of(mine)


# -- Signatures of functions

TWO_BATCHES = "network: torch.nn.Module, batches: Iterator[dict[str, torch.Tensor]]"


@pytest.mark.parametrize(("train", "is_called"), [("unbounded", True), (60, False)])
def test_a_draw_with_a_wrong_signature_is_reported_where_it_is_called(mine, train, is_called):
    mistake(mine, "data.py", "def generate", "def draw(rng): ...\n\n\ndef generate")
    mine.config["datasets"]["points"]["train"] = train
    with pytest.raises(UserError, match="draw does not accept") if is_called else nullcontext():
        plan_of(mine)


def test_an_evaluate_that_needs_a_sample_is_accepted_if_all_runs_have_one(mine):
    mistake(mine, "evaluation.py", TWO_BATCHES, "network, test, sample")
    mine.config["runs"]["tiny"]["evaluation"] = {"train_sample": 5}
    assert plan_of(mine).runs


def test_user_checks_cannot_change_the_settings_of_the_plan(mine):
    (mine.folder / "mine" / "checks.py").write_text(
        "def contradictions(asked):\n"
        "    for part in ('data', 'network', 'figure', 'film'):\n"
        "        asked[part].clear()\n"
        "    return []\n"
    )
    run = plan_of(mine).runs["tiny"]
    assert run.network["width"] == 4 and run.settings["film"] and run.dataset.settings["settings"]


# -- In jobs


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ("in indices[:-1]", "yields 19 examples; expected 20"),
        ("in range(99)", "yields more than 20 examples; expected 20"),
        ("in ()", "yields 0 examples; expected 20"),
    ],
)
def test_a_shard_with_a_wrong_number_of_examples_is_not_written(mine, new, words):
    file = mistake(mine, "data.py", "in indices", new)
    stage = json.loads(
        json.dumps(fingerprints.of_shard(plan_of(mine).datasets["points"], "test", "00000"))
    )
    with pytest.raises(UserError, match=rf"^{file}: generate {words}$"):
        generate_dataset.generate_dataset(mine.folder / "shard", stage, mine.folder)
    assert not (mine.folder / "shard").exists()


@pytest.mark.parametrize("counter", ["N = [0]", "import itertools\nN = itertools.count()"])
def test_a_shard_whose_examples_depend_on_earlier_ones_is_refused(mine, counter):
    mistake(mine, "data.py", "import numpy as np\n", f"import numpy as np\n{counter}\n")
    value = "N.append(1) or len(N)" if "[" in counter else "next(N)"
    file = mistake(mine, "data.py", '"label": label}', f'"label": label, "n": {value}}}')
    stage = json.loads(
        json.dumps(fingerprints.of_shard(plan_of(mine).datasets["points"], "test", "00000"))
    )
    with pytest.raises(UserError, match=rf"^{file}: generate yields a different example 19"):
        generate_dataset.generate_dataset(mine.folder / "shard", stage, mine.folder)


def test_a_panel_whose_metric_is_missing_is_reported_with_the_available_ones():
    run_info = RunInfo("A title", (480, 270), {}, {}, {}, TimeAxis(), 40, [])
    history = {name: np.zeros(1) for name in ("snapshot", "epoch", "loss", "f1")}
    frame_data = FrameData(0, 0.0, 0, pa.table({}), history)
    with pytest.raises(
        UserError, match="shows the metric 'accuracy', but evaluate returns f1, loss"
    ):
        Scene(run_info.size, [(Curve(run_info), (0, 0, 900, 900))]).draw(frame_data)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "nothing"),
        (np.zeros(20), r"ndarray of shape \(20,\)"),
        (np.zeros((3, 2)), r"ndarray of shape \(3, 2\)"),
        (np.zeros((20, 0)), r"ndarray of shape \(20, 0\)"),
        ([[1, 2]] * 19 + [[1]], r"\[\[1, 2\].*"),
        ([["a"]] * 20, r"\[\['a'\].*"),
    ],
)
def test_activations_without_a_row_for_each_prediction_are_refused(tmp_path, given, words):
    path = tmp_path / "000000.parquet"
    evaluations.write(path, {"x": np.zeros(20)}, {}, {"snapshot": 0, "key": {}})
    own = SimpleNamespace(__file__="projection.py", activations=lambda predictions: given)
    settings = {"projection": {"name": "linear"}, "seed": 1}
    stage = {"settings": settings, "reads": {"evaluate": digest({})}}
    block = projector.Block(own, stage, 0, [path])
    expected = "an array of numbers with one row"
    words = rf"^projection\.py: activations returns {words}; expected {expected}"
    with pytest.raises(UserError, match=words):
        block.fit(tmp_path / "fit")


def evaluated(folder, count=3) -> list[str]:
    """Write evaluations of a network that knows more and more of four points."""
    paths = [f"{folder}/{number:06d}.parquet" for number in range(count)]
    for number, path in enumerate(paths):
        columns = {"label": np.ones(4, int), "prediction": (np.arange(4) <= number).astype(int)}
        about = {"snapshot": number, "key": {}}
        evaluations.write(path, columns, {"accuracy": (number + 1) / 4}, about)
    return paths


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def sentence(story):\n    return 3\n", "sentence returns 3; expected a sentence: "),
        ("def nouns(data):\n    return 'points'\n", "nouns returns 'points'; expected Nouns"),
        ("def grades(table, count):\n    return [2] * count\n", r"grades returns \[2, 2\]; expe"),
        (
            "CALLS = []\n\n\ndef sentence(story):\n    CALLS.append(1)\n    return f'{CALLS}'\n",
            "sentence returns '.*' for snapshot 2 after other snapshots; expected ",
        ),
    ],
)
def test_a_mistake_in_the_narration_is_reported_with_its_file(mine, tmp_path, code, words):
    file = mine.folder / "mine" / "narration.py"
    file.write_text(code)
    mine.config["runs"]["tiny"]["figure"] = {"examples": [1]}
    run = plan_of(mine).runs["tiny"]
    stage = json.loads(json.dumps(run.stage_settings("summarize")))
    stage |= {"first": 0, "count": 3, "steps": [0, 50, 100]}
    stage["settings"] |= {"sentence_snapshots": 1, "first_sentence_snapshots": 1}
    stage["reads"] = {"evaluate": digest({})}
    with pytest.raises(UserError, match=rf"^{file}: {words}"):
        summarize.summarize(
            evaluated(tmp_path), None, tmp_path / "metrics.parquet", stage, mine.folder
        )


def test_without_narration_sentences_come_from_the_metrics(mine, tmp_path):
    (mine.folder / "mine" / "narration.py").unlink()
    stage = json.loads(json.dumps(plan_of(mine).runs["tiny"].stage_settings("summarize")))
    stage |= {"first": 0, "count": 3, "steps": [0, 50, 100]}
    stage["settings"] |= {"sentence_snapshots": 1, "first_sentence_snapshots": 1}
    stage["reads"] = {"evaluate": digest({})}
    made = tmp_path / "metrics.parquet"
    summarize.summarize(evaluated(tmp_path), None, made, stage, mine.folder)
    assert metrics.sentences(metrics.read(made, 3, digest(stage_key(stage)))) == [
        "It has not practised yet: it is guessing.",
        "It now gets about half of the answers right.",
        "It now gets about three quarters of the answers right.",
    ]


def stage_key(stage) -> dict:
    return json.loads(keys.key(stage))


# -- In the terminal


def test_a_mistake_in_the_schema_stops_the_command_with_one_line(mine):
    file = mistake(mine, "settings.schema.yaml", "data:", "\tdata:")
    lines = told(mine.start("--dry-run"))
    assert len(lines) == 1 and lines[0].startswith(f"epochreel: {file}, line 1: invalid YAML")


def test_an_error_in_a_job_is_one_line_and_its_traceback_is_in_the_log(mine):
    file = mistake(mine, "data.py", "turn / 2.2", "turn / 0")
    lines = told(mine.start("results/datasets/points/test/00000.parquet"))
    log = "results/datasets/points/logs/test/00000.log"
    assert len(lines) == 1 and lines[0].endswith(
        f"ZeroDivisionError: float division by zero (the traceback is in {log})"
    )
    assert lines[0].startswith(f"epochreel: {file}, line ")
    assert "Traceback" in (mine.folder / log).read_text()


def test_an_invalid_yaml_config_stops_the_command_with_one_line(mine):
    (mine.folder / "config.yaml").write_text("main_run: tiny\nruns:\n\ttiny: {}\n")
    command = [sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile"]
    command += ["--workflow-profile", "none", "--cores", "1", "--dry-run"]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=mine.folder
    )
    lines = told(done)
    assert len(lines) == 1 and lines[0].startswith("epochreel: config.yaml, line 3: invalid YAML: ")
