"""Optimizers: resuming changes nothing, and learning rates do not depend on the run's length."""

import inspect
import os
import subprocess
import sys

import pytest
import torch
from schema_paths import MANUAL

from epochreel.artifacts import checkpoints
from epochreel.config import schema
from epochreel.training import lr_schedule, optimizers

KINDS = MANUAL["$defs"]["optimizers"]
# Arguments that select an implementation or turn the loss around.
LEFT_OUT = {"params", "lr", "foreach", "fused", "capturable", "differentiable", "maximize"}
UNSUPPORTED = {"lbfgs", "sparseadam", "muon"}
# Other values than the defaults, where these leave a part of the state out.
ARGUMENTS = {
    "sgd": {"momentum": 0.9, "dampening": 0.1},
    "rmsprop": {"momentum": 0.5, "centered": True},
    "adam": {"amsgrad": True, "weight_decay": 0.01},
    "asgd": {"t0": 2.0, "weight_decay": 0.01},
}


def settings_of(name, **arguments):
    """The settings of an optimizer as the plan gives them, defaults filled in."""
    given = {"name": name} | ARGUMENTS.get(name, {}) | arguments
    return schema.checked(given, schema.by_name(KINDS))


def torch_class(name):
    return next(kind for key, kind in vars(torch.optim).items() if key.lower() == name)


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


# -- Optimizers


def test_the_schema_has_every_optimizer_of_torch_that_trains_any_network():
    classes = {
        name.lower()
        for name, kind in vars(torch.optim).items()
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)
    }
    assert classes - {"optimizer"} - UNSUPPORTED == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_an_optimizer_has_the_arguments_and_defaults_of_torch(name):
    parameters = inspect.signature(torch_class(name)).parameters
    defaults = {key: one.default for key, one in parameters.items() if key not in LEFT_OUT}
    defaults["learning_rate"] = parameters["lr"].default
    plain = {key: list(v) if isinstance(v, tuple) else v for key, v in defaults.items()}
    assert schema.checked({"name": name}, schema.by_name(KINDS)) == {"name": name} | plain


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("kind", ["dense", "convolutional"])
@pytest.mark.parametrize("resumed_at", [0, 1, 3])
def test_a_resumed_optimizer_continues_like_one_that_never_stopped(
    tmp_path, name, kind, resumed_at
):
    settings = settings_of(name)
    assert trained(settings, kind, 6, resumed_at, tmp_path) == trained(settings, kind, 6)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam"])
def test_an_optimizer_with_less_state_is_resumed_too(tmp_path, name):
    settings = schema.checked({"name": name}, schema.by_name(KINDS))
    assert trained(settings, "dense", 4, 2, tmp_path) == trained(settings, "dense", 4)


@pytest.mark.parametrize("name", KINDS)
def test_resuming_without_the_optimizer_state_changes_the_result(tmp_path, name, monkeypatch):
    """Otherwise the tests above could not fail."""
    monkeypatch.setattr(optimizers, "load_state_tensors", lambda *_: None)
    settings = settings_of(name)
    assert trained(settings, "dense", 6, 3, tmp_path) != trained(settings, "dense", 6)


@pytest.mark.parametrize("name", KINDS)
def test_an_optimizer_computes_what_torch_computes_by_default(name):
    settings = settings_of(name)
    ours, theirs = network("dense"), network("dense")
    train(ours, optimizers.make(settings, ours), range(4))
    arguments = {key: value for key, value in settings.items() if key not in ("name",)}
    arguments["lr"] = arguments.pop("learning_rate")
    train(theirs, torch_class(name)(theirs.parameters(), **arguments), range(4))
    assert torch.allclose(ours[1].weight, theirs[1].weight, atol=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_without_the_compiler_the_results_are_bitwise_equal(name, monkeypatch):
    ours = trained(settings_of(name), "convolutional", 4)
    monkeypatch.setattr(optimizers, "without_compiler", lambda kind: kind)
    assert trained(settings_of(name), "convolutional", 4) == ours


WITHOUT_COMPILER = """
import sys, test_optimizers as tests
from pathlib import Path
for name in tests.KINDS:
    tests.trained(tests.settings_of(name), "dense", 2, 1, Path(sys.argv[1]))
sys.exit(bool({"torch._dynamo", "torch._inductor", "sympy"} & sys.modules.keys()))
"""


def test_no_optimizer_loads_the_compiler_or_makes_a_temporary_folder(tmp_path):
    (tmp_path / "scratch").mkdir()
    where = {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path / "scratch")}
    command = [sys.executable, "-c", WITHOUT_COMPILER, tmp_path]
    subprocess.run(command, env=os.environ | where, check=True)
    assert not list((tmp_path / "scratch").iterdir())


# -- Schedules


def schedule_of(name, **settings):
    """The settings of a schedule as the plan gives them, defaults filled in."""
    kinds = schema.by_name(MANUAL["$defs"]["schedules"])
    return schema.checked({"name": name} | settings, kinds)


def rates(steps, name, **settings):
    at = lr_schedule.rate_at(1.0, schedule_of(name, **settings))
    return [at(step) for step in steps]


def torch_rates(count, scheduler, **settings):
    """The learning rates of the first steps in torch."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)
    schedule, found = scheduler(optimizer, **settings), []
    for _ in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize("name", MANUAL["$defs"]["schedules"])
@pytest.mark.parametrize("learning_rate", [0.5, 3e-4])
def test_a_schedule_scales_the_learning_rate_and_never_grows_at_its_end(name, learning_rate):
    keys = MANUAL["$defs"]["schedules"][name].get("required", [])
    schedule = schedule_of(name, **dict.fromkeys(keys, 20))
    at = lr_schedule.rate_at(learning_rate, schedule)
    found = [at(step) for step in range(20, 500)]
    assert 0 <= min(found) <= max(found) <= learning_rate and found == sorted(found, reverse=True)


def test_a_constant_schedule_never_changes_the_rate():
    assert rates([0, 10, 10**9], "constant") == [1, 1, 1]


@pytest.mark.parametrize("name", ["constant", "plateau"])
def test_the_rate_rises_in_equal_steps_to_its_value(name):
    more = {"plateau_steps": 9} if name == "plateau" else {}
    found = rates(range(6), name, warmup_steps=4, **more)
    linear = torch.optim.lr_scheduler.LinearLR
    assert found == [0.25, 0.5, 0.75, 1, 1, 1]
    assert found == pytest.approx(torch_rates(6, linear, start_factor=0.25, total_iters=3))


def test_the_rate_decays_with_the_inverse_square_root_of_the_step():
    found = rates([0, 99, 399, 9999], "decay", decay_steps=100)
    assert found == pytest.approx([1, 1, 0.5, 0.1])


def test_the_rate_rises_and_then_decays():
    found = rates(range(1000), "decay", warmup_steps=10, decay_steps=100)
    assert found.index(max(found)) == 9 and found[399] == pytest.approx(0.5)


@pytest.mark.parametrize("end", [0.0, 0.1])
def test_cosine_equals_torchs_and_keeps_its_last_value(end):
    found = rates(range(60), "cosine", decay_steps=40, end_factor=end)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR
    assert found[:41] == pytest.approx(torch_rates(41, cosine, T_max=40, eta_min=end), abs=1e-12)
    assert found[40:] == [end] * 20


def test_cosine_begins_after_the_warmup():
    found = rates(range(30), "cosine", decay_steps=25, warmup_steps=5)
    assert found[:6] == [0.2, 0.4, 0.6, 0.8, 1, 1]
    assert found[5:] == rates(range(25), "cosine", decay_steps=20)


@pytest.mark.parametrize("steps", [1, 3, 4, 10, 97])
def test_one_cycle_equals_torchs_and_keeps_its_last_value(steps):
    found = rates(range(steps + 20), "one_cycle", decay_steps=steps)
    cycle = torch.optim.lr_scheduler.OneCycleLR
    theirs = torch_rates(steps, cycle, max_lr=1.0, total_steps=steps, cycle_momentum=False)
    assert found[:steps] == pytest.approx(theirs)
    assert found[steps:] == [found[steps - 1]] * 20 == pytest.approx([1 / 25 / 1e4] * 20)


# -- Plateau


def scales(losses, patience=1) -> list[float]:
    """The scale of the rate after each of these validation losses."""
    plateau = lr_schedule.Plateau(1, patience, 0.1)
    return [plateau.update(loss) or round(plateau.scale, 9) for loss in losses]


def test_consecutive_failures_lower_the_rate_and_restart_the_count():
    assert scales([3, 4, 4, 4, 4]) == [1, 1, 0.1, 0.1, 0.01]


def test_a_new_minimum_restarts_the_count():
    assert scales([3, 4, 2, 4, 1, 4, 4]) == [1, 1, 1, 1, 1, 1, 0.1]


def test_an_equal_loss_is_not_a_new_minimum():
    assert scales([3, 3, 3]) == [1, 1, 0.1]


@pytest.mark.parametrize("patience", [0, 1, 2])
def test_the_plateau_schedule_equals_torchs_with_threshold_0(patience):
    losses = torch.rand(50, generator=torch.Generator().manual_seed(1)).tolist()
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.1, patience=patience, threshold=0, eps=0
    )
    expected = [theirs.step(loss) or optimizer.param_groups[0]["lr"] for loss in losses]
    assert scales(losses, patience) == [round(rate, 9) for rate in expected]
