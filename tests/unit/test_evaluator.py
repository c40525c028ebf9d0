"""Evaluation: each snapshot is evaluated on all test examples, whatever the batch size."""

import json
import math
import random
import shutil

import numpy as np
import pytest
import torch

from epochreel.artifacts import evaluations
from epochreel.artifacts.dataset_shards import Split
from epochreel.core.errors import UserError
from epochreel.evaluation.evaluator import Evaluator
from epochreel.experiment_api import loader
from epochreel.plan.plan import Plan
from epochreel.provenance.keys import key


@pytest.fixture
def evaluate(spirals, training, shards, tmp_path):
    """Train a little; return the function that evaluates a snapshot and returns the file's path."""
    made = training(size=10).make()

    def of(snapshot=5, name="evaluation", **how):
        run = Plan(spirals(evaluation=how), tmp_path).runs["tiny"]
        stage = run.stage_settings("evaluate")
        evaluator = Evaluator(run.experiment, stage["settings"], Split(shards["test"]), Split([]))
        evaluator.evaluate(made.checkpoint(snapshot), tmp_path / name, snapshot, key(stage))
        return tmp_path / name

    of.made = made
    return of


def test_every_test_example_appears_once_and_in_order(evaluate, shards):
    labels = evaluations.read(evaluate())["label"].to_pylist()
    assert labels == [example["label"] for example in Split(shards["test"])]


def test_the_metrics_match_the_predictions(evaluate):
    path = evaluate()
    table = evaluations.read(path).to_pydict()
    share = np.mean(np.array(table["label"]) == np.array(table["prediction"]))
    assert evaluations.read_metadata(path)["metrics"] == {"accuracy": pytest.approx(share)}


def test_snapshot_and_settings_are_recorded(evaluate):
    about = evaluations.read_metadata(evaluate(snapshot=3))
    assert about["snapshot"] == 3
    assert about["key"]["settings"]["evaluation"]["batch_size"] == 10


def test_the_same_snapshot_gives_the_same_bytes(evaluate):
    assert evaluate(name="first").read_bytes() == evaluate(name="second").read_bytes()


def test_random_draws_of_an_evaluation_depend_only_on_its_snapshot(
    evaluate, spirals, tmp_path, monkeypatch
):
    own = Plan(spirals(), tmp_path).runs["tiny"].experiment.load("evaluation")

    def drawing(network, batches):
        drawn = [torch.rand(20).numpy(), np.random.rand(20), [random.random()] * 20]
        return dict(zip("abc", drawn, strict=True)), {}

    monkeypatch.setattr(own, "evaluate", drawing)
    first, other, again = (evaluate(snapshot, str(n)) for n, snapshot in enumerate((3, 4, 3)))
    assert first.read_bytes() == again.read_bytes()
    assert evaluations.read(first).equals(evaluations.read(other)) is False


def spoil(network, batches):
    """Change all arguments of `evaluate`, and count the calls."""
    columns = {"x": np.zeros(20), "training": [network.training] * 20}
    for batch in batches:
        columns["x"][: len(batch["point"])] += network(batch["point"]).detach().numpy()[:, 0]
        batch["point"] -= 0.1
        batch["label"].fill_(7)
    network.calls = getattr(network, "calls", 0) + 1
    columns["calls"] = [network.calls] * 20
    network[0].register_forward_hook(lambda layer, given, output: output + 1)
    network.train().half().requires_grad_(False)
    return columns, {}


def test_what_evaluate_changes_does_not_reach_the_next_snapshot(
    evaluate, spirals, shards, tmp_path, monkeypatch
):
    run = Plan(spirals(), tmp_path).runs["tiny"]
    monkeypatch.setattr(run.experiment.load("evaluation"), "evaluate", spoil)
    stage, found = run.stage_settings("evaluate"), []
    evaluator = Evaluator(run.experiment, stage["settings"], Split(shards["test"]), Split([]))
    for snapshot in (5, 0, 5):
        path = tmp_path / str(snapshot)
        evaluator.evaluate(evaluate.made.checkpoint(snapshot), path, snapshot, key(stage))
        found.append(path.read_bytes())
    assert found[0] == found[2] != found[1]
    evaluator.check_repeatable(evaluate.made.checkpoint(5), path, 5, key(stage))


def test_an_evaluate_that_keeps_its_first_result_is_refused(
    evaluate, spirals, shards, tmp_path, monkeypatch
):
    run = Plan(spirals(), tmp_path).runs["tiny"]
    shutil.copytree(run.experiment.folder, tmp_path / "own")
    with (tmp_path / "own/evaluation.py").open("a") as file:
        file.write(
            "\nplain, kept = evaluate, {}\n"
            "def evaluate(network, batches):\n"
            "    columns, metrics = plain(network, batches)\n"
            "    bias = float(network[0].bias[0])\n"
            "    return columns, metrics | {'change': bias - kept.setdefault('first', bias)}\n"
        )
    own = loader.find("./own", tmp_path)
    stage = run.stage_settings("evaluate")
    evaluator = Evaluator(own, stage["settings"], Split(shards["test"]), Split([]))
    for n in (0, 5):
        evaluator.evaluate(evaluate.made.checkpoint(n), tmp_path / str(n), n, key(stage))
    given = evaluate.made.checkpoint(5), tmp_path / "5", 5, key(stage)
    evaluator.check_repeatable(*given)  # In the same process it does.
    evaluator.load(own.afresh())
    words = (
        r"evaluation\.py: evaluate returns a different result for snapshot 5 after other snapshots"
    )
    with pytest.raises(UserError, match=words):
        evaluator.check_repeatable(*given)


def test_an_evaluate_that_counts_is_refused(evaluate, spirals, shards, tmp_path, monkeypatch):
    run, calls = Plan(spirals(), tmp_path).runs["tiny"], []

    def counting(network, batches):
        calls.append(1)
        return {"x": [len(calls)] * 20}, {}

    monkeypatch.setattr(run.experiment.load("evaluation"), "evaluate", counting)
    stage = run.stage_settings("evaluate")
    evaluator = Evaluator(run.experiment, stage["settings"], Split(shards["test"]), Split([]))
    given = evaluate.made.checkpoint(0), tmp_path / "counted", 0, key(stage)
    evaluator.evaluate(*given)
    words = r"evaluation\.py: evaluate returns a different result for snapshot 0 after other"
    with pytest.raises(UserError, match=words):
        evaluator.check_repeatable(*given)


def test_a_training_sample_is_evaluated_with_the_test_set(
    spirals, training, shards, tmp_path, monkeypatch
):
    made = training().make()
    run = Plan(spirals(), tmp_path).runs["tiny"]
    settings = run.stage_settings("evaluate")["settings"]
    settings |= {"evaluation": settings["evaluation"] | {"train_sample": 7, "batch_size": 5}}
    with pytest.raises(UserError, match="evaluate takes no training sample"):
        Evaluator(run.experiment, settings, Split(shards["test"]), Split(shards["train"]))
    labels = []

    def evaluate(network, test, sample):
        labels.extend(label for batch in sample for label in batch["label"].tolist())
        return {"label": torch.cat([batch["label"] for batch in test]).numpy()}, {}

    monkeypatch.setattr(run.experiment.load("evaluation"), "evaluate", evaluate)
    evaluator = Evaluator(run.experiment, settings, Split(shards["test"]), Split(shards["train"]))
    evaluator.evaluate(made.checkpoint(0), tmp_path / "evaluation", 0, "{}")
    first = [example["label"] for example in Split(shards["train"])][:7]
    assert labels == first


def test_an_evaluate_with_variadic_arguments_receives_the_sample(
    spirals, shards, tmp_path, monkeypatch
):
    run = Plan(spirals(), tmp_path).runs["tiny"]
    settings = run.stage_settings("evaluate")["settings"]
    settings |= {"evaluation": settings["evaluation"] | {"train_sample": 7}}
    module = run.experiment.load("evaluation")
    monkeypatch.setattr(module, "evaluate", lambda network, *batches: ({}, {}))
    assert Evaluator(run.experiment, settings, Split(shards["test"]), Split(shards["train"]))


@pytest.mark.parametrize("batch", [1, 3, 20, 100])
def test_the_batch_size_changes_only_rounding(evaluate, batch):
    one, other = (evaluations.read(evaluate(name=str(b), batch_size=b)) for b in (10, batch))
    assert one["label"].equals(other["label"])
    assert np.allclose(one["probability"], other["probability"], atol=1e-2)


def test_the_untrained_network_gives_other_results(evaluate):
    first = evaluate(snapshot=0, name="first").read_bytes()
    assert first != evaluate(name="last").read_bytes()


def test_an_evaluation_does_not_depend_on_earlier_ones(evaluate, spirals, shards, tmp_path):
    run = Plan(spirals(), tmp_path).runs["tiny"]
    stage = run.stage_settings("evaluate")
    evaluator = Evaluator(run.experiment, stage["settings"], Split(shards["test"]), Split([]))
    for snapshot in (5, 0, 5):
        path = tmp_path / str(snapshot)
        evaluator.evaluate(evaluate.made.checkpoint(snapshot), path, snapshot, key(stage))
    assert path.read_bytes() == evaluate().read_bytes()


def test_a_damaged_checkpoint_is_reported_and_nothing_is_written(evaluate, tmp_path):
    path = evaluate.made.checkpoint(2)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"000002\.safetensors is damaged"):
        evaluate(snapshot=2)
    assert not (tmp_path / "evaluation").exists()


def test_the_key_is_json(evaluate):
    key = evaluations.read_metadata(evaluate())["key"]
    assert set(key) == {"settings", "code", "versions", "reads"} and json.dumps(key)


# -- What an experiment returns

FINE = {"x": [1, 2] * 10, "y": np.zeros(20)}


@pytest.fixture
def returning(evaluate, spirals, shards, tmp_path, monkeypatch):
    """Return the function that evaluates with an `evaluate` that returns its argument."""

    def of(given) -> dict:
        run = Plan(spirals(), tmp_path).runs["tiny"]
        module = run.experiment.load("evaluation")
        monkeypatch.setattr(module, "evaluate", lambda network, batches: given)
        stage = run.stage_settings("evaluate")
        evaluator = Evaluator(run.experiment, stage["settings"], Split(shards["test"]), Split([]))
        evaluator.evaluate(evaluate.made.checkpoint(0), tmp_path / "given", 0, key(stage))
        return evaluations.read_metadata(tmp_path / "given")["metrics"]

    return of


@pytest.mark.parametrize("number", [0.5, 1, np.float32(0.5), np.array(0.5), torch.tensor(0.5)])
def test_a_metric_may_be_any_number(returning, number):
    assert returning((FINE, {"accuracy": number})) == {"accuracy": float(number)}


@pytest.mark.parametrize("number", [None, math.nan, np.float32("nan"), torch.tensor(math.nan)])
def test_an_undefined_metric_is_null(returning, caplog, number):
    with caplog.at_level("INFO", "epochreel"):
        assert returning((FINE, {"f1": number, "loss": 1})) == {"f1": None, "loss": 1.0}
    assert "snapshot 0: f1 –, loss 1.0000" in caplog.text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "returns nothing; expected two dicts"),
        (FINE, "expected two dicts"),
        ((FINE, 0.5), "expected two dicts"),
        ((FINE, {}, {}), "expected two dicts"),
        (({**FINE, "z": [1]}, {}), r"columns of different lengths \(x 20, y 20, z 1\)"),
        (({"x": np.zeros((2, 2))}, {}), "returns an invalid column 'x': only handle 1-dimensional"),
        (
            ({"x": [1, 2, 3]}, {}),
            "returns 3 rows; expected a multiple of the number of examples, 20",
        ),
        (({"x": [1, "a"]}, {}), "returns an invalid column 'x'"),
        (({"x": 3}, {}), "returns an invalid column 'x'"),
        (({1: [1, 2]}, {}), "returns an invalid column 1: column names are strings"),
        ((FINE, {"loss": math.inf}), "returns inf as loss; expected a finite number, or None or"),
        ((FINE, {"loss": -math.inf}), "returns -inf as loss"),
        ((FINE, {"loss": torch.zeros(2)}), r"returns tensor\(\[0., 0.\]\) as loss"),
        ((FINE, {"loss": "low"}), "returns 'low' as loss"),
        ((FINE, {"epoch": 1.0}), "a metric named 'epoch'; expected a string other"),
        ((FINE, {1: 1.0}), "a metric named 1; expected a string other"),
    ],
)
def test_an_invalid_evaluation_is_refused_in_one_line(returning, tmp_path, given, words):
    with pytest.raises(UserError, match=rf"spirals/evaluation\.py: evaluate .*{words}") as caught:
        returning(given)
    assert len(str(caught.value).splitlines()) == 1 and not (tmp_path / "given").exists()
