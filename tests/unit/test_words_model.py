"""The networks of the word reader."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from epochreel.experiments.words import data, model

DATA = {"noise": 0.1, "background": "none", "backgrounds": None, "background_strength": 96}
SETTINGS = {
    "published": {"channels": 16, "hidden": 256},
    "compact": {
        "channels": [16, 16],
        "line": 32,
        "keys": 32,
        "waves": 6,
        "window": 11,
        "hidden": 64,
        "dense": 128,
    },
}
SMALL = SETTINGS | {"published": {"channels": 4, "hidden": 64}}
each_network = pytest.mark.parametrize("name", SETTINGS)


def network_of(name, seed=1, settings=SMALL):
    torch.manual_seed(seed)
    return model.Network({"name": name} | settings[name], DATA)


def batch_of(count=4):
    columns = data.draw(DATA, 5, "train", np.arange(count))
    return {name: torch.from_numpy(column) for name, column in columns.items()}


def learn(network, batch, steps, rate=0.003):
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        model.loss(network, batch).backward()
        optimizer.step()
    return network


def gradients(network, batch):
    network.zero_grad()
    model.loss(network, batch).backward()
    return {name: parameter.grad.clone() for name, parameter in network.named_parameters()}


@each_network
def test_there_are_27_logits_for_each_of_five_steps(name):
    logits = network_of(name)(batch_of(3)["image"])
    assert logits.shape == (3, 5, 27)
    assert logits.dtype == torch.float32


@each_network
def test_each_step_has_a_mask_of_the_size_of_the_image(name):
    with torch.no_grad():
        _, masks = network_of(name).attend(batch_of(3)["image"])
    assert masks.shape == (3, 5, 40, 40)
    assert masks.min() >= 0
    assert masks.max() <= 1


@each_network
def test_requesting_the_masks_does_not_change_the_logits(name):
    network, images = network_of(name), batch_of()["image"]
    assert torch.equal(network.attend(images)[0], network(images))


@each_network
def test_logits_are_the_same_without_gradients(name):
    network, images = network_of(name), batch_of()["image"]
    with torch.no_grad():
        without = network(images)
    torch.testing.assert_close(without, network(images))


@each_network
def test_training_and_evaluation_modes_are_the_same(name):
    network, images = network_of(name), batch_of()["image"]
    assert torch.equal(network.train()(images), network.eval()(images))


@each_network
def test_two_words_can_be_memorized(name):
    batch = batch_of(2)
    network = learn(network_of(name), batch, steps=200)
    assert model.loss(network, batch) < 0.05


@each_network
def test_weights_depend_on_the_seed_alone(name):
    first, again, other = (list(network_of(name, seed).parameters()) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


@each_network
def test_the_same_training_gives_the_same_bits(name):
    first, again = (learn(network_of(name), batch_of(), 3).parameters() for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@each_network
def test_a_word_is_read_the_same_alone_or_in_a_batch(name):
    network, images = network_of(name), batch_of()["image"]
    together = network(images)
    torch.testing.assert_close(network(images[2:3])[0], together[2], rtol=1e-4, atol=1e-5)


@each_network
def test_bfloat16_gives_nearly_the_same_logits_and_trains(name):
    network, batch = network_of(name), batch_of()
    exact = network(batch["image"])
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(batch["image"])
        loss = model.loss(network, batch)
    loss.backward()
    torch.testing.assert_close(rounded.float(), exact, rtol=0.1, atol=0.1)
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


class Plain(nn.Module):
    """`published` written with plain torch layers, with the weights of `reader`."""

    def __init__(self, reader):
        super().__init__()
        self.convolutions, self.mask, self.name = reader.convolutions, reader.mask, reader.name
        channels = reader.convolutions[-1].out_channels
        self.cell = nn.LSTMCell(34 * 34 * channels, reader.cell.hidden_size)
        self.cell.load_state_dict(reader.cell.state_dict())

    def forward(self, images):
        """Return logits (B, 5, 27) and masks (B, 5, 40, 40)."""
        images = (images.float() - 20) / 50
        mask = torch.ones_like(images)
        state = 2 * (torch.zeros(len(images), self.cell.hidden_size),)
        logits, masks = [], []
        for _ in range(5):
            features = (images * mask).unsqueeze(1)
            for convolution in self.convolutions:
                features = torch.relu(convolution(features))
            state = self.cell(features.permute(0, 2, 3, 1).reshape(len(images), -1), state)
            logits.append(self.name(state[0]))
            masks.append(mask)
            mask = torch.sigmoid(self.mask(state[0])).view(-1, 40, 40)
        return torch.stack(logits, 1), torch.stack(masks, 1)


def test_published_gives_the_same_results_as_plain_layers():
    network, images = network_of("published"), batch_of()["image"]
    for ours, plain in zip(network.attend(images), Plain(network.reader)(images), strict=True):
        torch.testing.assert_close(ours, plain)


def test_published_has_the_same_gradients_as_plain_layers():
    network, batch = network_of("published"), batch_of()
    ours, plain = gradients(network, batch), Plain(network.reader)
    network.zero_grad()
    model.loss(lambda images: plain(images)[0], batch).backward()
    for name, parameter in plain.named_parameters():
        torch.testing.assert_close(ours[f"reader.{name}"], parameter.grad, rtol=1e-4, atol=1e-6)


def test_published_has_the_same_gradients_when_added_step_by_step(monkeypatch):
    network, batch = network_of("published"), batch_of()
    gathered = gradients(network, batch)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    added = gradients(network, batch)
    for name, gradient in gathered.items():
        torch.testing.assert_close(gradient, added[name], rtol=1e-4, atol=1e-6)


def test_two_backward_passes_add_their_gradients():
    network, batch = network_of("published"), batch_of()
    once = gradients(network, batch)["reader.cell.weight_ih"]
    model.loss(network, batch).backward()
    torch.testing.assert_close(network.reader.cell.weight_ih.grad, 2 * once)


def test_published_has_the_published_number_of_weights():
    with torch.device("meta"):
        network = network_of("published", settings=SETTINGS)
    counts = {name: parameter.numel() for name, parameter in network.named_parameters()}
    assert counts["reader.cell.weight_ih"] == 4 * 256 * 16 * 34 * 34
    assert sum(counts.values()) == 19_627_035


def test_the_first_mask_of_published_covers_the_whole_image():
    _, masks = network_of("published").attend(batch_of()["image"])
    assert (masks[:, 0] == 1).all()
    assert (masks[:, 1:] < 1).all()


def test_compact_initially_weights_all_columns_equally():
    looked = network_of("compact").reader(batch_of()["image"])[1]
    torch.testing.assert_close(looked.columns[0], torch.full((4, 40), 1 / 40))


def test_the_masks_of_compact_have_a_maximum_of_one():
    _, masks = network_of("compact").attend(batch_of()["image"])
    assert (masks.amax((2, 3)) == 1).all()


def test_the_window_of_compact_weights_its_centre_most():
    reader, images = network_of("compact").reader, torch.rand(2, 40, 40)
    rows = F.one_hot(torch.tensor([20, 30]), 40).float()
    shown = reader._windows(images, rows)[1, 17].view(11, 11)
    bell = torch.outer(reader.window, reader.window)
    torch.testing.assert_close(shown, images[1, 25:36, 12:23] * 2 * bell)


def words(*texts):
    """Return words (B, 5), uint8, with end symbols after their letters."""
    signs = [[*(ord(sign) - ord("A") for sign in text), *[model.END] * 5][:5] for text in texts]
    return torch.tensor(signs, dtype=torch.uint8)


def loss_of(logits, letters):
    return model.loss(lambda images: logits, {"image": None, "letters": letters})


def test_the_loss_of_equal_logits_is_that_of_guessing():
    loss = loss_of(torch.zeros(2, 5, 27), words("CAT", "I"))
    assert loss.item() == pytest.approx(np.log(27))


def test_the_first_end_symbol_counts_and_nothing_after_it():
    logits = torch.randn(1, 5, 27, requires_grad=True)
    loss_of(logits, words("IT")).backward()
    assert logits.grad[0, :3].abs().sum(1).min() > 0
    assert not logits.grad[0, 3:].any()


def test_all_symbols_of_a_batch_have_equal_weight():
    logits, letters = torch.randn(2, 5, 27), words("A", "DOGS")
    counted = torch.cat([logits[0, :2], logits[1]]), torch.cat([letters[0, :2], letters[1]]).long()
    assert loss_of(logits, letters).item() == pytest.approx(F.cross_entropy(*counted).item())
