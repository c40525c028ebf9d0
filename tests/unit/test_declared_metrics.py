"""The metrics that an experiment declares: their form, families, defaults and errors."""

import shutil
import subprocess
import sys

import pytest
from spirals import SPIRALS
from workflow import REPOSITORY

from epochreel.core.errors import UserError
from epochreel.experiment_api import declared_metrics, loader, source_checks
from epochreel.experiment_api.interface import Metric

LIBRARY = REPOSITORY / "workflow_scripts"


def declared(tmp_path, text):
    file = tmp_path / "evaluation.py"
    file.write_text(f"import nothing_of_this_name\n{text}\n")
    return declared_metrics.read(file)


def test_metrics_are_read_without_running_the_file(tmp_path):
    found = declared(tmp_path, 'METRICS = {"wer": Metric("Word error rate", "lower", unit="%")}')
    assert dict(found) == {"wer": Metric("Word error rate", "lower", None, "%")}


def test_a_family_is_declared_by_its_prefix(tmp_path):
    found = declared(
        tmp_path, 'METRICS: dict = {"of_*": Metric("Class {}", group="Accuracy by class")}'
    )
    assert found["of_ankle_boot"] == Metric("Class ankle boot", group="Accuracy by class")


def test_an_exact_name_wins_over_a_family(tmp_path):
    found = declared(tmp_path, 'METRICS = {"a*": Metric("{}"), "ab": Metric("AB")}')
    assert found["ab"].label == "AB" and found["ac"].label == "c"


@pytest.mark.parametrize(
    ("name", "label", "direction"),
    [
        ("f1_score", "F1 score", "higher"),
        ("val_loss", "Val loss", "lower"),
        ("Error", "Error", "lower"),
        ("_", "_", "higher"),
    ],
)
def test_a_metric_that_is_not_declared_is_labelled_with_its_name(tmp_path, name, label, direction):
    assert declared(tmp_path, "")[name] == Metric(label, direction)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("METRICS = 3", "line 2: METRICS is not a dict literal; expected {name: Metric(…)}"),
        ("from .a import METRICS", "line 2: METRICS is imported; define it in this file"),
        ("METRICS = {**a}", "line 2: METRICS has a key that is not a string literal"),
        ('METRICS = {\n"a": "A"}', "line 3: METRICS['a'] is \"'A'\"; expected Metric(label,"),
        ('METRICS = {"a": Metric()}', "METRICS['a'] is 'Metric()'; expected Metric(label,"),
        ('METRICS = {"a": Metric("A", better="up")}', "; expected Metric(label, direction, group"),
        ('METRICS = {"a": Metric(name)}', "with literal values; only the label is required"),
        ('METRICS = {"a": Metric("A", label="B")}', "expected Metric(label,"),
        (
            'METRICS = {"a": Metric("A", "higher", None, None, True, "B", 1)}',
            "expected Metric(label,",
        ),
        ('METRICS = {"a": Metric("A", pace=1)}', "METRICS['a']: pace is 1; expected True or"),
        ('METRICS = {"a": Metric("A", **b)}', "expected Metric(label,"),
        (
            'METRICS = {"a": Metric("A", "up")}',
            "line 2: METRICS['a']: direction is 'up'; expected 'higher' or 'lower'",
        ),
        (
            'METRICS = {"a": Metric(" ")}',
            "line 2: METRICS['a']: label is ' '; expected a non-empty string",
        ),
        ('METRICS = {"a": Metric("A", group=1)}', "METRICS['a']: group is 1; expected a non-empty"),
    ],
)
def test_a_wrong_declaration_is_named_in_one_line(tmp_path, text, words):
    with pytest.raises(UserError) as caught:
        declared(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/evaluation.py, line ") and words in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    "file",
    [*sorted(LIBRARY.glob("epochreel/experiments/*/evaluation.py")), SPIRALS / "evaluation.py"],
    ids=lambda file: file.parent.name,
)
def test_every_experiment_here_declares_its_accuracy_as_a_percentage(file):
    found = declared_metrics.read(file)
    assert found["accuracy"].unit == "%" and "accuracy" in list(found)


def test_reading_them_needs_neither_torch_nor_numpy():
    check = (
        "import sys, epochreel.experiment_api.declared_metrics;"
        "sys.exit(bool({'torch', 'numpy'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", check], cwd=LIBRARY, check=True)


def test_a_wrong_declaration_stops_the_plan(tmp_path):
    shutil.copytree(SPIRALS, tmp_path / "mine")
    file = tmp_path / "mine" / "evaluation.py"
    file.write_text(file.read_text().replace('Metric("Accuracy", unit', 'Metric("Accuracy", units'))
    with pytest.raises(UserError, match=r"METRICS\['accuracy'\] is .* expected Metric\(label, "):
        source_checks.validate_experiment(loader.find("mine/", tmp_path))
