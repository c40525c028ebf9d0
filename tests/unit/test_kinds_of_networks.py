"""Kinds of networks: each trains, resumes with the same bytes, is evaluated and has a layer table."""

import json
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from epochreel.artifacts import evaluations
from epochreel.artifacts.dataset_shards import Split
from epochreel.core.errors import UserError
from epochreel.evaluation.evaluator import Evaluator
from epochreel.plan.plan import Plan
from epochreel.provenance.keys import key
from epochreel.training.network_layers import layer_rows

SGD = {"name": "sgd", "learning_rate": 0.1}


class Cells(nn.Module):
    """Looks up the cell of each point in a table with sparse gradients."""

    def __init__(self, bag=False):
        super().__init__()
        kind = nn.EmbeddingBag if bag else nn.Embedding
        self.table, self.out = kind(16, 4, sparse=True), nn.Linear(4, 2)

    def forward(self, points):
        cells = ((points.clamp(-0.99, 0.99) + 1) * 2).long()
        cells = cells[:, 0] * 4 + cells[:, 1]
        return self.out(
            self.table(cells[:, None] if isinstance(self.table, nn.EmbeddingBag) else cells)
        )


class Complex(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 4, dtype=torch.complex64))
        self.out = nn.Linear(4, 2)

    def forward(self, points):
        return self.out((points.to(torch.complex64) @ self.weight).abs())


class Typed(nn.Module):
    """Computes in another dtype; has a scalar weight of it and buffers of others."""

    def __init__(self, dtype):
        super().__init__()
        self.body = nn.Linear(2, 2).to(dtype)
        self.scale = nn.Parameter(torch.ones((), dtype=dtype))
        for other in (torch.float16, torch.bfloat16, torch.int32, torch.bool, torch.complex64):
            self.register_buffer(f"of_{other}"[9:] + "_", torch.ones(2).to(other))
        self.frozen = nn.Parameter(torch.ones(2, dtype=torch.int8), requires_grad=False)
        self.eighth = nn.Parameter(torch.ones(2).to(torch.float8_e4m3fn), requires_grad=False)

    def forward(self, points):
        return (self.body(points.to(self.scale.dtype)) * self.scale).float()


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.out = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)
        self.b.weight = self.a.weight
        self.register_buffer("view", self.out.bias.data[:1])

    def forward(self, points):
        return self.out(self.b(self.a(points.repeat(1, 2))))


class Partly(nn.Module):
    def __init__(self):
        super().__init__()
        self.frozen, self.unused, self.out = nn.Linear(2, 4), nn.Linear(9, 9), nn.Linear(4, 2)
        self.frozen.requires_grad_(False)

    def forward(self, points):
        return self.out(self.frozen(points))


class Extra(nn.Linear):
    """A layer with a state of its own, a tensor."""

    def __init__(self):
        super().__init__(2, 2)
        self.steps = 0

    def forward(self, points):
        self.steps += self.training
        return super().forward(points)

    def get_extra_state(self):
        return torch.tensor(self.steps)

    def set_extra_state(self, state):
        self.steps = int(state)


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.rest = (
            nn.Linear(2, 4),
            nn.Sequential(nn.Dropout(0.5), nn.Tanh(), nn.LayerNorm(4), nn.Linear(4, 2)),
        )

    def forward(self, points):
        return self.rest(self.first(points))


def quietly(make):
    def made():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return make()

    return made


def scripted_part():
    return (
        nn.Sequential(
            torch.jit.script(nn.Linear(2, 8)),
            nn.Dropout(0.1),
            nn.Tanh(),
            torch.jit.script(Plain().rest),
        )
        if 0
        else nn.Sequential(torch.jit.script(Plain()), nn.Linear(2, 2))
    )


NETWORKS = {
    "sparse": Cells,
    "sparse bag": lambda: Cells(bag=True),
    "complex": Complex,
    "float16": lambda: Typed(torch.float16),
    "bfloat16": lambda: Typed(torch.bfloat16),
    "float64": lambda: Typed(torch.float64),
    "tied": Tied,
    "frozen and unused": Partly,
    "weight norm": lambda: nn.Sequential(
        parametrizations.weight_norm(nn.Linear(2, 4, bias=False)), nn.Linear(4, 2)
    ),
    "old weight norm": quietly(
        lambda: nn.Sequential(nn.utils.weight_norm(nn.Linear(2, 4)), nn.Linear(4, 2))
    ),
    "spectral norm": lambda: nn.Sequential(
        parametrizations.spectral_norm(nn.Linear(2, 4)), nn.Linear(4, 2)
    ),
    "orthogonal": lambda: nn.Sequential(
        parametrizations.orthogonal(nn.Linear(2, 2)), nn.Linear(2, 2)
    ),
    "extra state": Extra,
    "scripted": quietly(lambda: torch.jit.script(Plain())),
    "traced": quietly(lambda: torch.jit.trace(Plain().eval(), torch.ones(1, 2))),
    "scripted part": quietly(scripted_part),
}


@pytest.fixture
def using(training, monkeypatch):
    """Return the function that replaces the network of the spirals."""
    model = training().block(0).experiment.load("model")
    return lambda make: monkeypatch.setattr(model, "Network", lambda *settings: make())


OPT = {
    "adam": {"name": "adam", "learning_rate": 0.01},
    "sgd": SGD,
    "mom": SGD | {"momentum": 0.9},
    "nesterov": SGD | {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    **{
        n: {"name": n, "learning_rate": 0.01}
        for n in (
            "adagrad",
            "rmsprop",
            "adadelta",
            "nadam",
            "radam",
            "adamax",
            "asgd",
            "rprop",
            "adafactor",
        )
    },
}


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("opt", OPT)
@pytest.mark.parametrize("name", NETWORKS)
def test_all(using, training, spirals, shards, tmp_path, name, opt, clip):
    using(NETWORKS[name])
    run = {"training": {"optimizer": OPT[opt]} | ({"gradient_clipping": clip} if clip else {})}
    whole = training("whole", size=10, epochs=5, run=run).make()
    parts = training("parts", size=1, epochs=5, run=run).make(range(6))
    assert whole.bytes() == parts.bytes()
    assert len(set(whole.bytes())) == 6
    r = Plan(spirals(), tmp_path).runs["tiny"]
    stage = r.stage_settings("evaluate")
    Evaluator(r.experiment, stage["settings"], Split(shards["test"]), Split([])).evaluate(
        whole.checkpoint(5), tmp_path / "e", 5, key(stage)
    )
    model = training().block(0).experiment.load("model")
    net = model.Network()
    rows = layer_rows(net, lambda: net(torch.zeros(1, 2)))
    print(name, rows)
