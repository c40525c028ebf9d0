"""Seeding: draws depend on a seed and a position, and not on earlier draws."""

import random
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from epochreel.core import seeding
from epochreel.provenance.code_digest import LIBRARY


def drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_all_three_generators_are_reset():
    seeding.seed_all(2**63 - 1)
    first, second = drawn(), drawn()
    seeding.seed_all(2**63 - 1)
    assert (drawn(), drawn()) == (first, second)
    assert all(one != other for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("other", [2, 1 + 2**40])
def test_another_seed_gives_other_draws(other):
    results = []
    for seed in (1, other):
        seeding.seed_all(seeding.derive_seed(seed))
        results.append(drawn())
    assert all(one != another for one, another in zip(*results, strict=True))


def test_torch_is_seeded_as_by_manual_seed():
    seeding.seed_all(5)
    begun = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), begun)


def test_every_position_has_a_different_seed():
    numbers = {seeding.derive_seed(seed, step) for seed in range(20) for step in range(200)}
    assert len(numbers) == 4000 and all(0 <= number < 2**63 for number in numbers)


def test_the_seeds_derived_from_neighbouring_seeds_do_not_overlap():
    one, other = ([seeding.derive_seed(seed, step) for step in range(100)] for seed in (1, 2))
    assert not set(one) & set(other)


def test_different_purposes_have_different_seeds_at_the_same_position():
    assert len({seeding.derive_seed(1, 0, what=what) for what in ("", "example", "stream")}) == 3


def test_the_draws_for_a_value_do_not_depend_on_earlier_values():
    def values(count):
        for _ in range(count):
            yield drawn()

    whole = list(seeding.seed_each(values(5), 7, 1, 10, what="example"))
    assert list(seeding.seed_each(values(2), 7, 1, 13, what="example")) == whole[3:]
    assert len(set(whole)) == 5


class Holder(torch.nn.Module):
    """A network that holds a generator."""

    def __init__(self, generator):
        super().__init__()
        self.parts = [{"generator": generator}]


def suspended(generator):
    def values():
        yield
        yield generator

    found = values()
    next(found)
    return found


@pytest.mark.parametrize("held_by", [Holder, suspended, lambda given: {"rng": given}])
@pytest.mark.parametrize(
    ("generator", "draw"),
    [
        (np.random.default_rng(1), lambda own: own.random()),
        (np.random.RandomState(1), lambda own: own.rand()),
        (random.Random(1), lambda own: own.random()),
        (torch.Generator(), lambda own: float(torch.rand((), generator=own))),
    ],
)
def test_a_generator_held_by_user_code_is_seeded_too(held_by, generator, draw):
    seeding.hold(network=held_by(generator))
    drawn = []
    for seed in (1, 2, 1):
        seeding.seed_all(seed)
        drawn.append(draw(generator))
    seeding.hold(network=None)
    assert drawn[0] == drawn[2] != drawn[1]


def test_generators_in_modules_of_user_experiments_are_found(monkeypatch):
    module = ModuleType("epochreel_experiment_0.model")
    module.one, module.two = np.random.default_rng(1), np.random.default_rng(1)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    seeding.hold()
    seeding.seed_all(1)
    first = module.one.random(), module.two.random()
    seeding.seed_all(1)
    assert (module.one.random(), module.two.random()) == first and first[0] != first[1]
    monkeypatch.undo()
    seeding.hold()


def test_seeding_does_not_load_torch():
    code = "import sys; from epochreel.core.seeding import seed_all; seed_all(1);"
    code += "print('torch' in sys.modules)"
    said = subprocess.check_output([sys.executable, "-c", code], cwd=LIBRARY.parent, text=True)
    assert said == "False\n"
