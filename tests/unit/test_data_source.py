"""Batches from shards and generated batches: the same examples, however they are made."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from epochreel.artifacts.dataset_shards import Split
from epochreel.core.errors import UserError
from epochreel.training import batch_order
from epochreel.training.data_source import GeneratedSource, ShardedSource

CPU = torch.device("cpu")


def generate(settings, seed, split, indices):
    """Yield examples that carry their index."""
    for index in indices:
        yield {"image": np.full((2, 3), index, np.uint8), "label": seed + settings["more"]}


def draw(settings, seed, split, indices):
    """Return the same examples as one batch."""
    image = np.broadcast_to(indices[:, None, None], (len(indices), 2, 3)).astype(np.uint8)
    return {"image": image, "label": np.full(len(indices), seed + settings["more"])}


def stream(**functions) -> GeneratedSource:
    data = SimpleNamespace(__file__="data.py", **functions)
    return GeneratedSource(data, {"more": 4}, seed=3, batch=5, device=CPU)


@pytest.mark.parametrize("functions", [{"generate": generate}, {"generate": None, "draw": draw}])
def test_generated_batches_never_end(functions):
    batch = stream(**functions).batch(7)
    assert batch["image"].shape == (5, 2, 3) and batch["image"].dtype == torch.uint8
    assert batch["image"][:, 0, 0].tolist() == [35, 36, 37, 38, 39]
    assert batch["label"].tolist() == [7] * 5


def test_the_example_of_a_generated_source_is_its_first():
    assert stream(draw=draw).example()["image"].tolist() == [[[0] * 3] * 2]


def test_a_batch_in_an_array_that_is_returned_again_is_copied():
    array = np.zeros((5, 2))
    source = stream(draw=lambda *given: {"x": array})
    source.batch(0)["x"] += 1
    assert not source.batch(1)["x"].any()


def test_the_example_of_a_sharded_source_is_a_copy(shards):
    source = ShardedSource(Split(shards["train"]), 3, 8, CPU)
    source.example()["point"] += 1
    assert (source.example()["point"] < 1).all()


@pytest.mark.parametrize(
    ("functions", "words"),
    [
        ({"generate": lambda *given: iter([])}, "yields 0 examples; expected 5"),
        ({"draw": lambda *given: {"label": np.zeros(4)}}, "columns of 5 examples"),
        ({"draw": lambda *given: 1}, "draw returns 1"),
        (
            {"draw": lambda *given: {"x": np.array(["a"] * 5)}},
            "draw produces a value that column 'x' can",
        ),
        (
            {"generate": lambda *given: [{"x": "a"}] * 5},
            "generate produces a value that column 'x' can",
        ),
        (
            {"generate": lambda *given: [{"x": None}] * 5},
            "generate produces a value that column 'x' can",
        ),
    ],
)
def test_an_invalid_batch_is_reported(functions, words):
    with pytest.raises(UserError, match=words):
        stream(**functions).batch(0)


def test_stored_examples_come_in_the_order_of_the_batch_indices(shards):
    split = Split(shards["train"])
    labels = torch.tensor(split.arrays()["label"])
    batch = ShardedSource(split, 3, 8, CPU).batch(11)
    assert torch.equal(batch["label"], labels[batch_order.indices(3, 11, 8, len(split))])
