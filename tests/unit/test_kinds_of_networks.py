"""Kinds of networks: each trains, resumes with the same bytes, is evaluated and has a layer table.

Also kinds of losses and evaluations: those that compute gradients.
"""

import warnings
import weakref

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, weight_norm

from epochreel.artifacts import evaluations
from epochreel.artifacts.dataset_shards import Split
from epochreel.core.errors import UserError
from epochreel.evaluation.evaluator import Evaluator
from epochreel.experiment_api import loader
from epochreel.plan.plan import Plan
from epochreel.provenance.keys import key
from epochreel.training.network_layers import layer_rows


class _Cells(nn.Module):
    """Looks up the cell of each point in a table with sparse gradients."""

    def __init__(self, kind):
        super().__init__()
        self.table, self.out = kind(16, 4, sparse=True), nn.Linear(4, 2)

    def forward(self, points):
        column, row = ((points.clamp(-0.99, 0.99) + 1) * 2).long().unbind(1)
        return self.out(self.table((column + 4 * row)[:, None]).flatten(1))


class _Typed(nn.Module):
    """Computes in `dtype`, with a scalar weight, and weights and buffers of other dtypes."""

    def __init__(self, dtype):
        super().__init__()
        self.body = nn.Linear(2, 4).to(dtype)
        self.scale = nn.Parameter(torch.ones((), dtype=dtype))
        self.out = nn.Linear(4, 2)
        for other in (torch.float16, torch.bfloat16, torch.int32, torch.bool, torch.complex64):
            self.register_buffer(f"{other}".replace(".", "_"), torch.ones(2).to(other))
        for other in (torch.int8, torch.float8_e4m3fn):
            frozen = nn.Parameter(torch.ones(2).to(other), requires_grad=False)
            self.register_parameter(f"frozen_{other}".replace(".", "_"), frozen)

    def forward(self, points):
        found = self.body(points.to(self.scale.dtype)) * self.scale
        return self.out(found.abs().float())


class _Tied(nn.Module):
    """Two layers share their weights, and a buffer shares the memory of a third."""

    def __init__(self):
        super().__init__()
        self.one, self.other, self.out = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)
        self.other.weight = self.one.weight
        self.register_buffer("view", self.out.bias.detach()[:1])

    def forward(self, points):
        return self.out(self.other(self.one(points)))


class _Partly(nn.Module):
    """Some weights are frozen, others never used."""

    def __init__(self):
        super().__init__()
        self.frozen, self.unused, self.out = nn.Linear(2, 4), nn.Linear(9, 9), nn.Linear(4, 2)
        self.frozen.requires_grad_(False)

    def forward(self, points):
        return self.out(self.frozen(points))


class _Counting(nn.Linear):
    """Has an extra state: a tensor, or an object that no checkpoint can hold."""

    def __init__(self, kind=torch.tensor):
        super().__init__(2, 2)
        self.steps, self.kind = 0, kind

    def forward(self, points):
        self.steps += self.training
        return super().forward(points)

    def get_extra_state(self):
        return self.kind(self.steps)

    def set_extra_state(self, state):
        self.steps = int(state)


class _Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 4)
        self.rest = nn.Sequential(nn.Dropout(0.5), nn.GELU(), nn.LayerNorm(4), nn.Linear(4, 2))

    def forward(self, points):
        return self.rest(self.first(points))


def before(layer):
    return nn.Sequential(layer, nn.Linear(layer.out_features, 2))


def norm(how):
    return lambda: before(how(nn.Linear(2, 4, bias=False)))


NETWORKS = {
    "sparse": lambda: _Cells(nn.Embedding),
    "sparse bag": lambda: _Cells(nn.EmbeddingBag),
    "complex": lambda: _Typed(torch.complex64),
    "float16": lambda: _Typed(torch.float16),
    "bfloat16": lambda: _Typed(torch.bfloat16),
    "float64": lambda: _Typed(torch.float64),
    "tied": _Tied,
    "frozen and unused": _Partly,
    "weight norm": norm(parametrizations.weight_norm),
    "weight norm by a hook": norm(weight_norm),
    "spectral norm": norm(parametrizations.spectral_norm),
    "extra state": _Counting,
    "scripted": lambda: torch.jit.script(_Deep()),
    "traced": lambda: torch.jit.trace(_Deep().eval(), torch.ones(1, 2)),
    "scripted part": lambda: nn.Sequential(torch.jit.script(_Deep()), nn.Linear(2, 2)),
}


@pytest.fixture
def model(training, monkeypatch):
    """The spirals' model, whose `Network` and `loss` may be replaced."""
    model = training().block(0).experiment.load("model")
    for name in ("Network", "loss"):
        monkeypatch.setattr(model, name, getattr(model, name))
    monkeypatch.setattr(loader.Experiment, "afresh", lambda experiment: experiment)
    return model


def quietly(make):
    """Make a network without torch's deprecation warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


SGD = {"name": "sgd", "learning_rate": 0.1}
OPTIMIZERS = {
    "momentum": SGD | {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    "adam": {"name": "adam", "learning_rate": 0.01, "eps": 1e-4},
    "adagrad": {"name": "adagrad", "learning_rate": 0.01},
    "nadam": {"name": "nadam", "learning_rate": 0.01, "eps": 1e-4},
}
TYPED = ("complex", "float16", "bfloat16", "float64")
CASES = [(kind, "momentum") for kind in NETWORKS]
CASES += [(kind, "nadam") for kind in TYPED]  # whose scalar state is float32
CASES += [("sparse", "adagrad"), ("sparse bag", "adam"), ("scripted", "adam"), ("complex", "adam")]


@pytest.mark.parametrize(("kind", "optimizer"), CASES)
def test_a_training_interrupted_at_each_snapshot_gives_the_same_bytes(
    model, training, kind, optimizer
):
    model.Network = lambda *settings: quietly(NETWORKS[kind])
    clipping = {} if optimizer == "adagrad" else {"gradient_clipping": 0.5}
    run = {"training": {"optimizer": OPTIMIZERS[optimizer], **clipping}}
    whole = training("whole", size=10, epochs=3, run=run).make()
    parts = training("parts", size=1, epochs=3, run=run).make(range(4))
    assert whole.bytes(range(4)) == parts.bytes(range(4))
    assert len(set(whole.bytes(range(4)))) == 4


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_layer_table_has_all_weights_that_are_used(kind):
    network = quietly(NETWORKS[kind])
    rows = layer_rows(network, lambda: network(torch.zeros(1, 2)))
    tied, unused = (4, 0) if kind == "tied" else (0, 90 if kind == "frozen and unused" else 0)
    found = sum(row["parameters"] for row in rows) - tied + unused
    assert found == sum(weight.numel() for weight in network.parameters())


def test_a_parametrized_layer_that_runs_twice_has_one_row_with_its_class():
    network = norm(parametrizations.weight_norm)()
    rows = layer_rows(network, lambda: network(network(torch.zeros(1, 2))))
    assert [(row["name"], row["kind"]) for row in rows] == [("0", "Linear"), ("1", "Linear")]


def test_layers_inside_a_scripted_part_have_no_shape():
    network = quietly(NETWORKS["scripted part"])
    rows = layer_rows(network, lambda: network(torch.zeros(1, 2)))
    assert [row["kind"] for row in rows] == [
        "Linear",
        "Dropout",
        "GELU",
        "LayerNorm",
        "Linear",
        "Linear",
    ]
    assert [row["output_shape"] for row in rows] == [None] * 5 + [[2]]


def test_a_scripted_layer_has_a_shape():
    layer = quietly(lambda: torch.jit.script(nn.Linear(2, 3)))
    rows = layer_rows(layer, lambda: layer(torch.zeros(1, 2)))
    assert rows == [{"name": "", "kind": "Linear", "output_shape": [3], "parameters": 9}]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: _Counting(int), "'_extra_state' is 0, not a tensor.* from get_extra_state, or do"),
        (lambda: nn.LazyLinear(2), "'weight' is a lazy parameter.*: give its layer the size of"),
        (lambda: _Typed(torch.complex128), "of dtype complex128; .*: convert it, or leave it out"),
    ],
)
def test_a_network_that_no_checkpoint_can_hold_is_refused(model, training, make, words):
    model.Network = lambda *settings: make()
    with pytest.raises(UserError, match=rf"model\.py: Network: state_dict entry .*{words}"):
        training().make()


def test_an_optimizer_that_refuses_complex_weights_is_named(model, training):
    model.Network = lambda *settings: _Typed(torch.complex64)
    run = {"training": {"optimizer": {"name": "adafactor", "learning_rate": 0.01}}}
    with pytest.raises(UserError, match="'adafactor', which torch does not support for complex"):
        training(run=run).make()


# -- Gradients in losses


def penalised(network, points):
    points = points.clone().requires_grad_()
    out = network(points)
    (slope,) = torch.autograd.grad(out.sum(), points, create_graph=True)
    return out, slope.square().mean()


def backward(network, points):
    """Compute a gradient that is also added to those of the weights."""
    points = points.clone().requires_grad_()
    out = network(points)
    out.sum().backward(retain_graph=True)
    return out, points.grad.square().mean()


def functional(network, points):
    weights = dict(network.named_parameters())

    def one(point):
        return torch.func.functional_call(network, weights, (point[None],))[0]

    jacobians = torch.func.vmap(torch.func.jacrev(one))(points)
    return network(points), jacobians.square().mean()


def of_weights(network, points):
    out = network(points)
    slopes = torch.autograd.grad(out.sum(), list(network.parameters()), create_graph=True)
    return out, sum(slope.square().mean() for slope in slopes)


LOSSES = [penalised, backward, functional, of_weights]


@pytest.fixture(params=LOSSES)
def loss(request):
    def loss(network, batch):
        out, penalty = request.param(network, batch["point"])
        return nn.functional.cross_entropy(out, batch["label"]) + 0.1 * penalty

    return loss


def _trainer(block):
    return block._trainer(steps=(0, 4))


def test_a_loss_may_compute_gradients_in_training_and_validation(model, training, loss):
    model.loss = loss
    trainer = _trainer(training().block(0))
    assert trainer.sample().training["validation_loss"] > 0 < trainer.advance().training["loss"]


def test_a_loss_may_compute_gradients_in_the_layer_table(model, loss):
    network = model.Network({"width": 4}, {})
    batch = {"point": torch.zeros(1, 2), "label": torch.zeros(1, dtype=torch.int64)}
    rows = layer_rows(network, lambda: loss(network, batch))
    assert [row["name"] for row in rows] == list("01234")


def test_validation_changes_no_gradient_of_the_training_table(model, training):
    model.loss = lambda network, batch: sum(backward(network, batch["point"])).square().mean()
    trainer = _trainer(training().block(0))
    trainer.advance()
    before = [weight.grad.clone() for weight in trainer.network.parameters()]
    trainer._validate()
    after = [weight.grad for weight in trainer.network.parameters()]
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))


def test_no_graph_of_a_validation_batch_is_kept(model, training):
    losses, kept = [], []

    def loss(network, batch):
        kept.append([each() is not None for each in losses])
        out, penalty = backward(network, batch["point"])
        losses.append(weakref.ref(out))
        return out.square().mean() + penalty

    model.loss = loss
    _trainer(training().block(0))._validate()
    assert kept == [[], [False]]


# -- Gradients in evaluations


@pytest.fixture
def evaluate(spirals, training, shards, tmp_path, monkeypatch):
    """Return a function that evaluates snapshots with a given `evaluate`, and returns metrics."""
    made = training(size=10, epochs=2).make()
    run = Plan(spirals(), tmp_path).runs["tiny"]
    stage = run.stage_settings("evaluate")

    def of(function, *snapshots):
        monkeypatch.setattr(run.experiment.load("evaluation"), "evaluate", function)
        evaluator = Evaluator(run.experiment, stage["settings"], Split(shards["test"]), Split([]))
        for snapshot in snapshots:
            path = tmp_path / "evaluation"
            evaluator.evaluate(made.checkpoint(snapshot), path, snapshot, key(stage))
        return evaluations.read_metadata(path)["metrics"]

    return of


def saliency(network, batches):
    with torch.enable_grad():
        points = torch.cat([batch["point"] for batch in batches]).requires_grad_()
        network(points).square().mean().backward()
    norm = torch.stack([weight.grad.norm() for weight in network.parameters()]).norm()
    return {"x": points.grad[:, 0].numpy()}, {"slope": points.grad.norm(), "norm": norm}


def test_an_evaluation_may_compute_gradients_of_its_snapshot_alone(evaluate):
    assert evaluate(saliency, 0, 1, 2) == evaluate(saliency, 2)
    assert evaluate(saliency, 2)["slope"] > 0


def test_an_evaluation_records_no_gradients_unless_it_asks_for_them(evaluate):
    def plain(network, batches):
        out = torch.cat([network(batch["point"]) for batch in batches])
        return {"x": out[:, 0].numpy()}, {"recorded": out.requires_grad}

    assert evaluate(plain, 2) == {"recorded": 0}
