"""Optimizers: resuming changes nothing, and learning rates do not depend on the run's length."""

import math
import os
import subprocess
import sys

import pytest
import torch

from epochreel.artifacts import checkpoints
from epochreel.training import lr_schedule, optimizers

SETTINGS = {
    "rate": 0.05,
    "weight_decay": 0.01,
    "rho": 0.9,
    "epsilon": 1e-7,
    "momentum": 0.9,
    "beta1": 0.9,
    "beta2": 0.99,
    "warmup_batches": 0,
    "decay_batches": None,
}
KINDS = ["adadelta", "sgd", "adam", "adamw"]


def network(kind):
    """Return a dense or a convolutional network; the latter channels-last, as in training."""
    torch.manual_seed(0)
    if kind == "dense":
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4))
    layers = torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 4, 3)
    return torch.nn.Sequential(*layers).to(memory_format=torch.channels_last)


def train(net, optimizer, steps):
    for step in steps:
        torch.manual_seed(step)
        optimizer.zero_grad(set_to_none=True)
        net(torch.randn(2, 3, 8, 8)).square().mean().backward()
        optimizer.step()


def trained(settings, kind, steps, resumed_at=None, folder=None):
    net = network(kind)
    optimizer = optimizers.make(settings, net)
    train(net, optimizer, range(steps if resumed_at is None else resumed_at))
    if resumed_at is not None:
        (folder / "w").write_bytes(checkpoints.pack(net.state_dict(), {}))
        (folder / "o").write_bytes(checkpoints.pack(optimizers.state_tensors(optimizer), {}))
        net = network(kind)
        optimizer = optimizers.make(settings, net)
        checkpoints.load_into(net, folder / "w")
        optimizers.load_state_tensors(optimizer, checkpoints.load(folder / "o"))
        train(net, optimizer, range(resumed_at, steps))
    return checkpoints.pack(net.state_dict(), {})


@pytest.mark.parametrize("optimizer", KINDS)
@pytest.mark.parametrize("kind", ["dense", "convolving"])
@pytest.mark.parametrize("resumed_at", [0, 1, 3])
def test_a_resumed_optimizer_continues_as_if_never_stopped(tmp_path, optimizer, kind, resumed_at):
    settings = SETTINGS | {"optimizer": optimizer}
    resumed = trained(settings, kind, 6, resumed_at, tmp_path)
    assert resumed == trained(settings, kind, 6)


def test_sgd_without_momentum_is_resumed_too(tmp_path):
    settings = SETTINGS | {"optimizer": "sgd", "momentum": 0.0}
    assert trained(settings, "dense", 4, 2, tmp_path) == trained(settings, "dense", 4)


@pytest.mark.parametrize("optimizer", KINDS)
def test_a_lost_optimizer_state_would_be_detected(tmp_path, optimizer, monkeypatch):
    """Without this, the tests above could pass even if the state were ignored."""
    monkeypatch.setattr(optimizers, "load_state_tensors", lambda *_: None)
    settings = SETTINGS | {"optimizer": optimizer}
    assert trained(settings, "dense", 6, 3, tmp_path) != trained(settings, "dense", 6)


REFERENCES = {
    "adadelta": lambda p: torch.optim.Adadelta(p, 0.05, 0.9, 1e-7, 0.01),
    "sgd": lambda p: torch.optim.SGD(p, 0.05, 0.9, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, 0.05, (0.9, 0.99), 1e-7, 0.01),
    "adamw": lambda p: torch.optim.AdamW(p, 0.05, (0.9, 0.99), 1e-7, 0.01),
}


@pytest.mark.parametrize("name", KINDS)
def test_each_optimizer_matches_that_of_torch_with_these_settings(name):
    ours, theirs = network("dense"), network("dense")
    train(ours, optimizers.make(SETTINGS | {"optimizer": name}, ours), range(4))
    train(theirs, REFERENCES[name](theirs.parameters()), range(4))
    assert torch.allclose(ours[1].weight, theirs[1].weight, atol=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_without_the_compiler_the_results_are_bitwise_equal(name, monkeypatch):
    settings = SETTINGS | {"optimizer": name}
    ours = trained(settings, "convolving", 4)
    monkeypatch.setattr(optimizers, "without_compiler", lambda kind: kind)
    assert trained(settings, "convolving", 4) == ours


WITHOUT_COMPILER = """
import sys, test_optimizers as tests
from pathlib import Path
for kind in tests.KINDS:
    tests.trained(tests.SETTINGS | {"optimizer": kind}, "dense", 2, 1, Path(sys.argv[1]))
sys.exit(bool({"torch._dynamo", "torch._inductor", "sympy"} & sys.modules.keys()))
"""


def test_no_optimizer_loads_the_compiler_or_creates_a_temporary_folder(tmp_path):
    (tmp_path / "scratch").mkdir()
    where = {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path / "scratch")}
    command = [sys.executable, "-c", WITHOUT_COMPILER, tmp_path]
    subprocess.run(command, env=os.environ | where, check=True)
    assert not list((tmp_path / "scratch").iterdir())


def test_an_unknown_optimizer_is_refused():
    with pytest.raises(ValueError, match="'adan'"):
        optimizers.make(SETTINGS | {"optimizer": "adan"}, network("dense"))


def rates(steps, **settings):
    at = lr_schedule.rate_at(SETTINGS | {"rate": 1.0} | settings)
    return [at(step) for step in steps]


def test_the_rate_is_constant_by_default():
    assert rates([0, 10, 10**9]) == [1, 1, 1]


def test_the_rate_warms_up_in_equal_steps():
    assert rates(range(6), warmup_batches=4) == [0.25, 0.5, 0.75, 1, 1, 1]


def test_the_rate_decays_with_the_square_root_of_the_batches():
    assert rates([0, 99, 399, 9999], decay_batches=100) == pytest.approx([1, 1, 0.5, 0.1])


def test_the_rate_warms_up_and_then_decays():
    warmed = rates(range(1000), warmup_batches=10, decay_batches=100)
    assert warmed.index(max(warmed)) == 9 and math.isclose(warmed[399], 0.5)


def scales(losses, failures=2) -> list[float]:
    """Return the plateau rule's factor after each of these validation losses."""
    plateau = lr_schedule.Plateau(1, failures, 0.1)
    return [plateau.note(loss) or round(plateau.scale, 9) for loss in losses]


def test_failures_in_a_row_lower_the_rate_and_reset_the_count():
    assert scales([3, 4, 4, 4, 4]) == [1, 1, 0.1, 0.1, 0.01]


def test_an_improvement_resets_the_failures_before_it():
    assert scales([3, 4, 2, 4, 1, 4, 4]) == [1, 1, 1, 1, 1, 1, 0.1]


def test_an_equal_loss_is_not_an_improvement():
    assert scales([3, 3, 3]) == [1, 1, 0.1]
