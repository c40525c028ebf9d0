"""Chance: what is drawn follows from a seed and a place, and not from what was drawn before."""

import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from epochreel.core import seeding
from epochreel.provenance.code_digest import LIBRARY


def drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_all_three_generators_begin_anew():
    seeding.seed_all(2**63 - 1)
    first, second = drawn(), drawn()
    seeding.seed_all(2**63 - 1)
    assert (drawn(), drawn()) == (first, second)
    assert all(one != other for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("other", [2, 1 + 2**40])
def test_another_seed_draws_otherwise(other):
    results = []
    for seed in (1, other):
        seeding.seed_all(seeding.derive_seed(seed))
        results.append(drawn())
    assert all(one != another for one, another in zip(*results, strict=True))


def test_torch_begins_as_with_its_own_function():
    seeding.seed_all(5)
    begun = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), begun)


def test_every_place_has_a_number_of_its_own():
    numbers = {seeding.derive_seed(seed, step) for seed in range(20) for step in range(200)}
    assert len(numbers) == 4000 and all(0 <= number < 2**63 for number in numbers)


def test_the_numbers_of_one_seed_are_not_those_of_the_next_shifted():
    one, other = ([seeding.derive_seed(seed, step) for step in range(100)] for seed in (1, 2))
    assert not set(one) & set(other)


def test_two_kinds_of_work_that_begin_at_the_same_numbers_have_other_seeds():
    assert len({seeding.derive_seed(1, 0, what=what) for what in ("", "example", "stream")}) == 3


def test_what_is_drawn_for_a_value_does_not_depend_on_those_before_it():
    def values(count):
        for _ in range(count):
            yield drawn()

    whole = list(seeding.seed_each(values(5), 7, 1, 10, what="example"))
    assert list(seeding.seed_each(values(2), 7, 1, 13, what="example")) == whole[3:]
    assert len(set(whole)) == 5


def test_torch_is_not_loaded_for_it():
    code = "import sys; from epochreel.core.seeding import seed_all; seed_all(1);"
    code += "print('torch' in sys.modules)"
    said = subprocess.check_output([sys.executable, "-c", code], cwd=LIBRARY.parent, text=True)
    assert said == "False\n"
