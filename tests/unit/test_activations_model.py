"""The network that classifies images."""

import numpy as np
import pytest
import torch
from schema_paths import schema_of

from epochreel.config import schema
from epochreel.experiments.activations import checks, data, model
from epochreel.projection import MOST_POINTS

PARTS = schema_of("activations")
NETWORKS = schema.by_name(PARTS["networks"])


def settings(**own):
    return schema.checked({"name": "published"} | own, NETWORKS)


def data_settings(**own):
    return schema.checked({"size": 16} | own, PARTS["data"])


def network_of(own=None, seed=1, **of_data):
    torch.manual_seed(seed)
    return model.Network(settings(**own or {}), data_settings(**of_data))


def batch(count=20, **of_data):
    examples = list(data.generate(data_settings(**of_data), 1, "train", range(count)))
    return {
        "image": torch.from_numpy(np.stack([example["image"] for example in examples])),
        "label": torch.tensor([example["label"] for example in examples]),
    }


def test_the_published_network_has_the_published_layers():
    network = network_of(size=128)
    shapes = {name: tuple(weight.shape) for name, weight in network.named_parameters()}
    assert shapes == {
        "features.0.weight": (32, 1, 5, 5),
        "features.0.bias": (32,),
        "features.3.weight": (64, 32, 5, 5),
        "features.3.bias": (64,),
        "neurons.weight": (100, 64 * 32 * 32),
        "neurons.bias": (100,),
        "classes.weight": (10, 100),
        "classes.bias": (10,),
    }


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("size", [8, 17, 30])
def test_there_is_one_logit_per_class(colour, size):
    network = network_of(size=size, colour=colour, source="folder", classes=["a", "b", "c"])
    shape = (4, size, size, 3) if colour else (4, size, size)
    assert network(torch.zeros(shape, dtype=torch.uint8)).shape == (4, 3)
    assert network.activations(torch.zeros(shape, dtype=torch.uint8)).shape == (4, 100)


def test_pixels_are_normalized_by_mean_and_standard_deviation():
    network = network_of()
    seen = []
    network.features[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    network(torch.tensor([0, 204], dtype=torch.uint8).expand(16, 8, 2).reshape(1, 16, 16))
    assert seen[0].unique().tolist() == pytest.approx([-4, 0], abs=1e-5)


def test_logits_are_linear_in_the_activations():
    network, images = network_of().eval(), batch()["image"]
    activations = network.activations(images)
    assert (activations < 0).any()
    assert torch.equal(network(images), network.classes(activations))


def test_dropout_is_active_only_in_training():
    network, images = network_of(), batch()["image"]
    assert not torch.equal(network(images), network(images))
    network.eval()
    assert torch.equal(network(images), network(images))


def test_the_initial_weights_depend_only_on_the_seed():
    first, again, other = (network_of(seed=seed).neurons.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_network_can_memorize_twenty_sketches():
    network, examples = network_of({"dropout": 0.0}), batch()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.003)
    for _ in range(60):
        optimizer.zero_grad()
        model.loss(network, examples).backward()
        optimizer.step()
    assert model.loss(network, examples) < 0.1


# -- Contradictions ----------------------------------------------------------------------------


def told(of_data=None, test=90, train_sample=0, **network):
    asked = {
        "data": data_settings(**of_data or {}),
        "network": settings(**network),
        "test": test,
        "train_sample": train_sample,
    }
    return dict(checks.contradictions(asked))


def test_built_in_data_and_the_published_network_are_compatible():
    assert not told()


def test_more_test_images_than_can_be_projected_are_refused():
    assert "10001 test examples" in told(test=MOST_POINTS + 1)["dataset"]
    assert not told(test=MOST_POINTS)


@pytest.mark.parametrize(
    ("test", "train_sample", "words"),
    [
        (9_990, 11, "is 11; expected at most 10 (with the 9990 test examples, a projection"),
        (12, 7, "is 7; expected at least 8 (with the 12 test examples, a projection"),
        (9_990, 10, None),
        (12, 8, None),
    ],
)
def test_a_sample_that_makes_too_many_or_too_few_points_is_refused(test, train_sample, words):
    said = told(test=test, train_sample=train_sample).get("evaluation.train_sample")
    assert said is None if words is None else said.startswith(words)


def test_more_convolutions_than_an_image_has_room_for_are_refused():
    assert "at most 4" in told(channels=[1] * 5)["network.channels"]
    assert not told(channels=[1] * 4)
    network_of({"channels": [1] * 4})


@pytest.mark.parametrize(
    ("of_data", "words"),
    [
        ({"source": "folder", "classes": ["a", "b"]}, "folder but no folder; expected"),
        ({"source": "fashion"}, "no fashion_files; expected"),
        ({"source": "digits", "folder": "x"}, "expected no folder"),
        ({"source": "folder", "folder": "x"}, "no classes; expected"),
        ({"source": "sketches", "classes": ["a", "b"]}, "expected no classes"),
        ({"test_share": 0.6, "validation_share": 0.4}, "expected a sum below 1"),
    ],
)
def test_contradictory_data_settings_are_reported(of_data, words):
    assert words in told(of_data)["dataset"]


def test_a_folder_with_named_classes_is_accepted():
    assert not told({"source": "folder", "folder": "x", "classes": ["a", "b"]})
