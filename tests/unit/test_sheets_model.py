"""The networks of the sheet transcriber."""

import numpy as np
import pytest
import torch
from schema_paths import schema_of

from epochreel.config import schema
from epochreel.experiments.sheets import data, layout, model

NETWORKS = schema_of("sheets")["network"]

SMALL = {
    "tuned": {"name": "tuned", "channels": [2, 2, 2, 2, 1]},
    "deep": {"name": "deep", "channels": [2, 2, 2, 2, 2, 4]},
    "cells": {"name": "cells"},
    "local": {"name": "local"},
}
each_network = pytest.mark.parametrize("name", SMALL)


def settings_of_data(name):
    return {"variant": "cells" if name == "cells" else "plain", "fonts": None}


def build(settings, of_data):
    """Build a network as the plan does: with the defaults of its name."""
    return model.Network(schema.checked(settings, NETWORKS), of_data)


def network_of(name, seed=1, **settings):
    torch.manual_seed(seed)
    return build(SMALL[name] | settings, settings_of_data(name))


def batch_for(name, count=4):
    examples = list(data.generate(settings_of_data(name), 5, "train", range(count)))
    return {
        key: torch.from_numpy(np.stack([example[key] for example in examples]))
        for key in ("image", "digits")
    }


def learn(network, batch, steps, rate):
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    network.train()
    for _ in range(steps):
        optimizer.zero_grad()
        (model.loss(network, batch) + model.penalty(network)).backward()
        optimizer.step()
    return network.eval()


@each_network
def test_there_are_ten_logits_per_digit(name):
    batch = batch_for(name, 2)
    logits = network_of(name)(batch["image"])
    assert logits.shape == (*batch["digits"].shape, 10)
    assert logits.dtype == torch.float32


@each_network
def test_the_untrained_network_gives_all_digits_similar_probabilities(name):
    network = network_of(name).eval()
    probabilities = network(batch_for(name)["image"]).softmax(-1)
    assert probabilities.max(-1).values.mean() < 0.2


@each_network
def test_two_pages_can_be_memorized(name):
    batch = batch_for(name, 2)
    network = learn(network_of(name), batch, steps=40, rate=0.02)
    right = network(batch["image"]).argmax(-1) == batch["digits"]
    assert right.float().mean() > 0.98


@each_network
def test_weights_depend_on_the_seed_alone(name):
    first, again, other = (list(network_of(name, s).parameters()) for s in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


@each_network
def test_the_same_training_gives_the_same_bits(name):
    def weights():
        return list(learn(network_of(name), batch_for(name, 2), 3, 0.01).parameters())

    assert all(torch.equal(a, b) for a, b in zip(weights(), weights(), strict=True))


@each_network
def test_a_page_is_read_the_same_alone_or_in_a_batch(name):
    network, images = network_of(name).eval(), batch_for(name)["image"]
    together = network(images)
    torch.testing.assert_close(network(images[2:3])[0], together[2], rtol=1e-4, atol=1e-5)


@each_network
def test_inference_is_deterministic(name):
    network, images = network_of(name).eval(), batch_for(name, 2)["image"]
    assert torch.equal(network(images), network(images))


@pytest.mark.parametrize("name", ["deep", "cells"])
def test_published_dropout_is_active_only_in_training(name):
    network, images = network_of(name).train(), batch_for(name, 2)["image"]
    assert not torch.equal(network(images), network(images))


@pytest.mark.parametrize("name", ["tuned", "local"])
def test_networks_published_without_dropout_have_none(name):
    network, images = network_of(name).train(), batch_for(name, 2)["image"]
    assert torch.equal(network(images), network(images))


@pytest.mark.parametrize(
    ("name", "dense", "total"),
    [
        ("tuned", 248_694_400, 248_737_710),
        ("deep", 368_332_800, 369_909_640),
        ("cells", 192_000, 297_902),
    ],
)
def test_published_networks_have_the_published_number_of_weights(name, dense, total):
    with torch.device("meta"):
        network = build({"name": name}, settings_of_data(name))
    counts = [parameter.numel() for parameter in network.parameters()]
    assert max(counts) == dense
    assert sum(counts) == total


def test_the_weights_of_local_are_small_enough_to_keep_250_times():
    state = network_of("local").state_dict()
    assert sum(tensor.nbytes for tensor in state.values()) < 1e6


def test_the_penalty_is_the_l1_norm_of_the_dense_weights():
    network = network_of("tuned", l1=0.5)
    dense = dict(network.named_parameters())["reader.dense.weight"]
    expected = 0.5 * np.abs(dense.detach().numpy().astype(float)).sum()
    assert model.penalty(network).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["deep", "cells", "local"])
def test_no_other_network_has_a_penalty(name):
    assert model.penalty(network_of(name)).item() == 0


def test_the_penalty_pulls_dense_weights_towards_zero():
    network = network_of("tuned", l1=0.5)
    model.penalty(network).backward()
    weight = dict(network.named_parameters())["reader.dense.weight"]
    assert torch.equal(weight.grad, 0.5 * weight.detach().sign())


def test_the_loss_of_equal_logits_is_that_of_guessing():
    def guess(images):
        return torch.zeros(len(images), 436, 10)

    assert model.loss(guess, batch_for("local")).item() == pytest.approx(np.log(10))


def test_local_sees_only_the_patch_of_a_digit():
    network, images = network_of("local").eval(), batch_for("local", 1)["image"]
    places, place = layout.places("plain"), 200
    changed = images.clone()
    x, y = int(places.x[place]), int(places.y[place])
    changed[:, y - 2 : y + 3, x - 2 : x + 3] = 255 - changed[:, y - 2 : y + 3, x - 2 : x + 3]
    differs = (network(images) != network(changed)).any(-1)[0].numpy()
    near = np.hypot(places.x - places.x[place], places.y - places.y[place]) < 16
    assert differs[place]
    assert not differs[~near].any()


def test_local_reads_single_cells_too():
    network = build({"name": "local"}, settings_of_data("cells"))
    assert network(batch_for("cells")["image"]).shape == (4, 3, 10)
