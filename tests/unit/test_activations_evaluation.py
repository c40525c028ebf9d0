"""The columns and metrics of the image classifier's evaluation."""

from fnmatch import fnmatch

import numpy as np
import pyarrow as pa
import pytest
import test_activations_model
import torch

from epochreel.artifacts import evaluations
from epochreel.core.errors import UserError
from epochreel.evaluation import evaluator
from epochreel.experiments.activations import evaluation
from epochreel.experiments.activations.classes import SKETCHES


@pytest.fixture(scope="module")
def network():
    return test_activations_model.network_of().eval()


@pytest.fixture(scope="module")
def examples():
    return test_activations_model.batch(30)


def tried(network, test, sample=None, size=7):
    batches = [evaluator.batches(part, size) for part in (test, sample) if part is not None]
    with torch.inference_mode():
        return evaluation.evaluate(network, *batches)


def some(examples, rows):
    return {name: column[rows] for name, column in examples.items()}


def test_rows_are_the_test_set_and_then_the_sample(network, examples):
    columns, _ = tried(network, some(examples, slice(20)), some(examples, slice(20, 30)))
    assert columns["split"].to_pylist() == ["test"] * 20 + ["train"] * 10
    assert columns["example"].to_pylist() == [*range(20), *range(10)]
    assert columns["label"].to_pylist() == [SKETCHES[label] for label in examples["label"]]


def test_activations_and_probabilities_are_those_of_the_network(network, examples):
    columns, _ = tried(network, examples, size=30)
    with torch.inference_mode():
        neurons = network.activations(examples["image"])
        probabilities = network.classes(neurons).softmax(1)
    for name, truth in (("activations", neurons), ("probabilities", probabilities)):
        assert columns[name].type == pa.list_(pa.float16(), truth.shape[1])
        stored = columns[name].values.to_numpy(zero_copy_only=False).reshape(truth.shape)
        assert np.allclose(stored, truth, rtol=1e-3, atol=1e-5)
    predicted = [SKETCHES[label] for label in probabilities.argmax(1)]
    assert columns["prediction"].to_pylist() == predicted


def test_metrics_cover_the_test_set_its_classes_and_the_sample(network, examples):
    _, metrics = tried(network, some(examples, slice(20)), some(examples, slice(20, 30)))
    with torch.inference_mode():
        logits = network(examples["image"])
    right = (logits.argmax(1) == examples["label"]).double()
    losses = torch.nn.functional.cross_entropy(logits, examples["label"], reduction="none")
    assert metrics["accuracy"] == right[:20].mean()
    assert metrics["train_accuracy"] == right[20:].mean()
    assert metrics["loss"] == pytest.approx(float(losses[:20].mean()), rel=1e-5)
    assert metrics["train_loss"] == pytest.approx(float(losses[20:].mean()), rel=1e-5)
    for label in range(10):
        mine = examples["label"][:20] == label
        assert metrics[f"accuracy_of_{label}"] == right[:20][mine].mean()


def test_every_metric_is_declared(network, examples):
    _, metrics = tried(network, examples, some(examples, slice(10)))
    assert all(any(fnmatch(name, one) for one in evaluation.METRICS) for name in metrics)


def test_a_class_without_test_examples_has_no_accuracy(network, examples):
    _, metrics = tried(network, some(examples, slice(3)))
    assert [name for name in metrics if "_of_" in name] == [f"accuracy_of_{i}" for i in range(3)]


def test_without_a_sample_there_are_test_examples_only(network, examples):
    columns, metrics = tried(network, examples)
    assert set(columns["split"].to_pylist()) == {"test"}
    assert not any(name.startswith("train") for name in metrics)


@pytest.mark.parametrize("scale", [1e9, float("nan")])
def test_activations_beyond_half_precision_are_an_error(scale, examples):
    network = test_activations_model.network_of().eval()
    with torch.no_grad():
        network.neurons.weight.mul_(scale)
    with pytest.raises(UserError, match=r"lower the learning rate \(training\.optimizer"):
        tried(network, examples)


def test_an_evaluation_survives_a_round_trip_to_disk(network, examples, tmp_path):
    columns, metrics = tried(network, examples, some(examples, slice(5)))
    evaluations.write(tmp_path / "x.parquet", columns, metrics, {"snapshot": 3, "key": {}})
    assert evaluations.read_metadata(tmp_path / "x.parquet")["metrics"] == metrics
    assert evaluations.read(tmp_path / "x.parquet").column("activations").type.list_size == 100


def apart(points, truth):
    logits = torch.zeros(len(truth), 100)
    return evaluation._apart(evaluation._Seen(torch.tensor(truth), logits, torch.tensor(points)))


def test_separation_is_one_half_for_mixed_classes_and_one_for_others():
    draw = np.random.default_rng(0)
    points = draw.normal(0, 1, (300, 5))
    truth = np.arange(300) % 3 * 2
    points[truth == 4] += 50
    found = apart(points, truth)
    assert found["apart_0_2"] == pytest.approx(0.5, abs=0.05)
    assert found["apart_0_4"] == found["apart_2_4"] == 1


def test_separation_hardly_depends_on_the_sizes_of_classes():
    draw, found = np.random.default_rng(0), []
    for count in (1000, 100):
        truth = np.repeat([0, 1], (1000, count))
        found.append(apart(draw.normal(0, 1, (len(truth), 2)) + 2 * truth[:, None], truth))
    assert found[0]["apart_0_1"] == pytest.approx(found[1]["apart_0_1"], abs=0.05)


def test_no_example_is_its_own_neighbour():
    assert apart([[0.0], [1.0], [5.0]], [0, 1, 1])["apart_0_1"] < 0.5


def test_neighbours_do_not_depend_on_the_number_of_rows_at_a_time(monkeypatch):
    points = np.random.default_rng(0).normal(0, 1, (50, 4))
    whole = apart(points, np.arange(50) % 4)
    monkeypatch.setattr(evaluation, "_ROWS", 7)
    assert apart(points, np.arange(50) % 4) == pytest.approx(whole)


def test_more_than_sixteen_classes_have_no_separations():
    assert apart(np.zeros((40, 3)), np.arange(40) % 20) == {}
