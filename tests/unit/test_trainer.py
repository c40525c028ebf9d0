"""The training loop: it learns, it is deterministic, and it reports when it does not learn."""

import random
import shutil
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from epochreel.artifacts.dataset_shards import Split
from epochreel.core.errors import UserError
from epochreel.experiment_api import loader
from epochreel.training.data_source import ShardedSource
from epochreel.training.snapshot_store import Store
from epochreel.training.trainer import Trainer, TrainingConfig

RUNAWAY = {"name": "sgd", "learning_rate": 1000.0}


def adam(learning_rate: float) -> dict:
    return {"name": "adam", "learning_rate": learning_rate}


@pytest.fixture
def config(spirals, training):
    """Return the function that makes a training configuration of the spirals."""

    def make(**run) -> TrainingConfig:
        stage = training(size=10, run=run).block(0).stage
        return TrainingConfig.of(stage["settings"], stage["steps"])

    return make


@pytest.fixture
def trainer(config, training, shards):
    """Return the function that makes a trainer of the spirals."""

    def make(model=None, validation=True, afresh=None, **run) -> Trainer:
        how = config(**run)
        source = partial(ShardedSource, Split(shards["train"]), how.seed, how.batch_size)
        tried = Split(shards["validation"] if validation else [])
        model = model or training().block(0).experiment.load("model")
        return Trainer(model, how, source, tried, afresh)

    return make


def test_the_trainer_can_memorize_its_examples(trainer):
    network = {"name": "perceptron", "width": 32}
    settings = {"optimizer": adam(0.03), "batch_size": 60, "steps_per_epoch": 100}
    at_work = trainer(network=network, training=settings)
    rows = [at_work.advance().training for _ in range(3)]
    assert rows[-1]["loss"] < 0.1 < 0.2 < rows[0]["loss"]


def drawing(trainer) -> SimpleNamespace:
    """Return the spirals' model with a loss that adds draws from the global generators."""
    own = trainer().model

    def loss(network, batch):
        return own.loss(network, batch) + random.random() + np.random.rand() + torch.rand(())

    return SimpleNamespace(__file__="model.py", Network=own.Network, loss=loss)


def test_training_is_deterministic_even_with_random_draws_in_the_loss(trainer):
    losses, model = [], drawing(trainer)
    for _ in range(2):
        # Earlier draws do not matter.
        torch.rand(7), np.random.rand(7), random.random()
        losses.append(trainer(model).advance().training["loss"])
    assert losses[0] == losses[1]


PLATEAU = {"name": "plateau", "plateau_steps": 2, "patience": 1, "factor": 0.5}


def test_the_rate_falls_when_the_validation_loss_stops_improving(trainer):
    settings = {"optimizer": adam(1e-9), "steps_per_epoch": 20, "schedule": PLATEAU}
    at_work = trainer(training=settings)
    at_work.plateau.best = 0.0  # No loss is below it.
    rates = [at_work.advance().training["learning_rate"] for _ in range(2)]
    assert rates == [1e-9 * 0.5**4, 1e-9 * 0.5**9]  # of the last steps, before their checks


def test_a_resumed_training_restores_its_plateau(trainer, tmp_path):
    whole = trainer(training={"schedule": PLATEAU})
    whole.advance()
    store = Store(tmp_path, "a" * 16)
    store.add(1, whole.network.state_dict(), whole.state_tensors(), {})
    resumed = trainer(training={"schedule": PLATEAU})
    resumed.resume(store, 1)
    assert resumed.plateau == whole.plateau != trainer(training={"schedule": PLATEAU}).plateau
    assert resumed.advance().training["loss"] == whole.advance().training["loss"]


@pytest.mark.parametrize("validation", [True, False])
@pytest.mark.parametrize(
    ("function", "given", "words"),
    [
        (
            "loss",
            torch.zeros(3),
            r"Tensor of shape \(3,\); expected one number, the mean loss",
        ),
        ("loss", 0.5, "0.5; expected one number"),
        ("loss", None, "nothing; expected one number"),
        (
            "loss",
            torch.tensor(0.5),
            r"tensor\(0.5000\); expected a tensor with a gradient",
        ),
        ("penalty", "much", "'much'; expected one number"),
        ("penalty", torch.zeros(1), r"Tensor of shape \(1,\); expected one number"),
        ("penalty", None, "nothing; expected one number"),
    ],
)
def test_an_invalid_loss_or_penalty_is_reported(
    trainer, training, validation, function, given, words
):
    model = training().block(0).experiment.load("model")
    broken = SimpleNamespace(**vars(model) | {function: lambda *given_to_it: given})
    with pytest.raises(UserError, match=rf"spirals/model\.py: {function} returns {words}"):
        at_work = trainer(broken, validation)
        at_work.sample()
        at_work.advance()


@pytest.mark.parametrize("network", [torch.nn.Tanh(), torch.nn.Linear(2, 2).eval, None])
def test_a_network_that_cannot_be_trained_is_reported(trainer, training, network):
    model = training().block(0).experiment.load("model")
    broken = SimpleNamespace(**vars(model) | {"Network": lambda *settings: network})
    words = rf"spirals/model\.py: Network returns an object of type {type(network).__name__}; "
    with pytest.raises(UserError, match=words):
        trainer(broken)


def test_a_network_that_cannot_be_saved_is_reported_before_training(trainer, training):
    model = training().block(0).experiment.load("model")
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.LazyLinear(2))
    broken = SimpleNamespace(**vars(model) | {"Network": lambda *settings: network})
    with pytest.raises(
        UserError, match=r"spirals/model\.py: Network: state_dict entry '1\.weight' is a lazy"
    ):
        trainer(broken)


def test_random_layers_depend_only_on_the_step(trainer, training):
    model = SimpleNamespace(**vars(training().block(0).experiment.load("model")))
    whole = model.Network
    model.Network = lambda *given: torch.nn.Sequential(torch.nn.Dropout(0.5), whole(*given))
    # Evaluating the validation set in between, without such draws, does not matter either.
    one, other = trainer(model), trainer(model, validation=False)
    one.advance()
    rows = [one.advance().training["loss"]]
    other.advance()
    torch.rand(7)
    np.random.rand(7)
    assert rows == [other.advance().training["loss"]]
    plain = trainer(validation=False)
    plain.advance()
    assert rows != [plain.advance().training["loss"]]


def of_layer(layer: torch.nn.Module) -> SimpleNamespace:
    """Return a model whose network begins with a layer."""

    def network(settings, data):
        return torch.nn.Sequential(layer(), torch.nn.Linear(2, 2))

    def loss(network, batch):
        return torch.nn.functional.cross_entropy(network(batch["point"]), batch["label"])

    return SimpleNamespace(__name__="m.model", __file__="model.py", Network=network, loss=loss)


class Counting(torch.nn.Module):
    """Multiplies by the number of its calls; `keep` is the form of the counter."""

    def __init__(self, keep: str):
        super().__init__()
        self.keep, self.number, self.calls = keep, 0, []
        self.register_buffer("buffer", torch.zeros(()), persistent=keep == "checkpoint")

    def forward(self, x):
        """Count, and remember the last input."""
        if self.keep in ("buffer", "checkpoint"):
            self.buffer += 1
        self.number += self.keep == "number"
        self.calls += [1] * (self.keep == "list")
        self.last_shape, self.last = tuple(x.shape), x.detach()  # Harmless.
        return x * (1 + 0.1 * (self.number + len(self.calls) + self.buffer))


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        ("number", r"network\.0\.number"),
        ("buffer", r"network\.0\.buffer"),
        ("list", "the loss"),
        ("checkpoint", None),
        ("nothing", None),
    ],
)
def test_state_that_no_checkpoint_holds_is_refused(trainer, keep, words):
    model = of_layer(lambda: Counting(keep))
    at_work = trainer(model, afresh=model)
    at_work.sample()
    expected = pytest.raises(UserError, match=f"^model.py: loss: {words} differs at step 1")
    with expected if words else nullcontext():
        at_work.advance()


STEPS = "{} = {} + 1\n    factor = 1.0 if {} < 6 else 0.5"


@pytest.mark.parametrize(
    ("before", "step", "words"),
    [
        ("kept = {'calls': 0}", STEPS.replace("{}", "kept['calls']"), r"model\.kept\.calls"),
        ("class Kept:\n    calls = 0", STEPS.replace("{}", "Kept.calls"), r"model\.Kept\.calls"),
        ("", STEPS.replace("{}", "loss.calls"), r"model\.loss\.calls"),
        ("", STEPS.replace("{}", "given['n']"), r"model\.loss\.given\.n"),
        ("calls = 0", "global calls\n    " + STEPS.replace("{}", "calls"), r"model\.calls"),
        ("first = []", "first.append(batch['point'].mean())\n    factor = first[0]", "the loss"),
        ("calls = 0", "global calls\n    calls += 1\n    factor = calls % 2", "the loss"),
        ("calls = 0", "global calls\n    factor = 1\n    calls += 1", None),
        ("kept = {'sum': 0.0}", "factor = 1\n    kept['sum'] += float(batch['point'].sum())", None),
        ("import time\nSTART = time.monotonic_ns()", "factor = 1", None),
        ("history = []", "factor = 1\n    history.append(float(batch['point'].sum()))", None),
        ("@functools.cache\ndef table(n): return [n] * n", "factor = table(2)[0]", None),
        ("kept = {}", "factor = kept.setdefault(len(batch), len(batch))", None),
    ],
)
def test_what_modules_keep_is_refused_if_a_step_depends_on_it(
    trainer, training, tmp_path, before, step, words
):
    folder = training().block(0).experiment.folder
    shutil.copytree(folder, tmp_path / "own")
    (tmp_path / "own/model.py").write_text(
        "import functools\n"
        "from torch.nn import BatchNorm1d, Linear, Sequential, functional\n"
        f"{before}\n"
        "def Network(settings, data): return Sequential(BatchNorm1d(2), Linear(2, 2))\n"
        "def loss(network, batch, given={'n': 0}):\n"
        f"    {step}\n"
        "    return factor * functional.cross_entropy(network(batch['point']), batch['label'])\n"
        "loss.calls = 0\n"
    )
    own = loader.find("./own", tmp_path)
    at_work = trainer(own.load("model"), afresh=own.afresh().load("model"))
    at_work.sample()
    expected = pytest.raises(UserError, match=f"model.py: loss: {words} differs at step 1")
    with expected if words else nullcontext():
        at_work.advance()


def test_each_step_trains_in_train_mode_and_on_its_own_batch(trainer):
    model, seen = of_layer(lambda: torch.nn.Dropout(0.5)), []
    whole = model.loss

    def loss(network, batch):
        seen.append((network.training, network[0].training))
        loss = whole(network, batch)
        batch["point"] += 1
        network[0].eval()
        return loss

    model.loss = loss
    trainer(model, validation=False).advance()
    assert seen == [(True, True)] * 4


def test_a_loss_that_changes_its_batch_leaves_the_validation_set_unchanged(trainer):
    at_work = trainer()
    before, whole = at_work.validation["point"].clone(), at_work.model.loss

    def loss(network, batch):
        batch["point"] -= 1
        return whole(network, batch)

    at_work.model = SimpleNamespace(**vars(at_work.model) | {"loss": loss})
    at_work.sample()
    assert torch.equal(at_work.validation["point"], before)


def test_two_seeds_draw_different_numbers_at_the_same_step(trainer, training):
    model = SimpleNamespace(**vars(training().block(0).experiment.load("model")))
    whole, drawn = model.loss, []

    def loss(network, batch):
        drawn.append(float(torch.rand(())))
        return whole(network, batch)

    model.loss = loss
    numbers = []
    for seed in (1, 1, 2):
        at_work = trainer(model, validation=False, seed=seed)
        drawn.clear()  # A loss was drawn for the layer table.
        at_work.advance()
        numbers.append(tuple(drawn))
    one, again, other = numbers
    assert one == again and not set(one) & set(other)
    assert len(set(one)) == len(one) == 4


def test_a_penalty_moves_the_weights_but_is_not_part_of_the_loss(trainer, training):
    model = SimpleNamespace(**vars(training().block(0).experiment.load("model")))
    pull = {"penalty": lambda network: sum(p.abs().sum() for p in network.parameters())}
    both = plain, pulled = trainer(model), trainer(SimpleNamespace(**vars(model), **pull))
    rows = [plain.advance().training, pulled.advance().training]
    size = [sum(float(p.detach().abs().sum()) for p in t.network.parameters()) for t in both]
    assert size[1] < size[0] and rows[1]["loss"] < rows[0]["loss"] + 0.1


def test_the_loss_of_a_snapshot_is_the_mean_of_its_batches(trainer):
    whole, halves = trainer(), trainer(snapshots={"per_epoch": 2})
    one = whole.advance().training["loss"]
    two = [halves.advance().training["loss"] for _ in range(2)]
    assert one == pytest.approx(sum(two) / 2)


def test_the_untrained_network_has_a_row_without_a_loss(trainer):
    row = trainer().sample().training
    assert row["epoch"] == 0
    assert (row["snapshot"], row["step"], row["examples"], row["loss"]) == (0, 0, 0, None)
    assert row["validation_loss"] > 0


def test_without_validation_only_the_validation_loss_is_missing(trainer):
    both = trainer(), trainer(validation=False)
    with_it, without = (one.advance().training for one in both)
    assert without["validation_loss"] is None and without["loss"] == with_it["loss"]


def test_the_logged_rate_is_the_one_used(trainer):
    at_work = trainer(training={"schedule": {"name": "constant", "warmup_steps": 8}})
    assert at_work.sample().training["learning_rate"] == 0.01 / 8
    rates = [at_work.advance().training["learning_rate"] for _ in range(3)]
    assert rates == pytest.approx([0.005, 0.01, 0.01])


def test_a_lower_rate_moves_the_weights_less(trainer):
    schedule = {"name": "constant", "warmup_steps": 1000}
    whole, warming = trainer(), trainer(training={"schedule": schedule})
    start = trainer().network[0].weight
    moved = []
    for at_work in (whole, warming):
        at_work.advance()
        moved.append(float((at_work.network[0].weight - start).detach().abs().max()))
    assert 0 < moved[1] < 0.1 * moved[0]


def test_bfloat16_rounds_and_keeps_the_weights_in_float32(trainer):
    exact, rounded = trainer(), trainer(training={"precision": "bfloat16"})
    assert exact.advance().training["loss"] != rounded.advance().training["loss"]
    assert {p.dtype for p in rounded.network.parameters()} == {torch.float32}


@pytest.mark.parametrize("steps", [1, 4])
def test_a_diverging_training_is_reported_in_one_line(trainer, training, steps):
    model = SimpleNamespace(**vars(training().block(0).experiment.load("model")))
    model.loss = lambda network, batch: network(batch["point"]).square().sum() * 1e3
    at_work = trainer(model, training={"optimizer": RUNAWAY, "steps_per_epoch": steps})
    with pytest.raises(UserError, match=r"not finite at step \d+: lower training\.opt") as caught:
        for _ in range(8):
            at_work.advance()
    assert len(str(caught.value).splitlines()) == 1


def test_weights_that_diverge_at_the_last_batch_are_reported(trainer, training):
    model = SimpleNamespace(**vars(training().block(0).experiment.load("model")))
    model.loss = lambda network, batch: network(batch["point"]).square().sum() * 1e37
    settings = {"optimizer": RUNAWAY, "steps_per_epoch": 1}
    with pytest.raises(UserError, match="the weights are not finite"):
        trainer(model, validation=False, training=settings).advance()


def test_gradients_are_clipped_to_the_norm_in_the_config(trainer):
    free, clipped = trainer(), trainer(training={"gradient_clipping": 0.01})
    rows = [one.advance().training["gradient_norm"] for one in (free, clipped)]
    assert rows[0] > 0.01 and rows[1] == pytest.approx(0.01, rel=1e-3)


def test_clipping_above_all_gradient_norms_changes_no_bit(trainer):
    free, clipped = trainer(), trainer(training={"gradient_clipping": 1e6})
    one, other = (t.advance() and t.network.state_dict() for t in (free, clipped))
    assert all(torch.equal(one[name], other[name]) for name in one)
