"""Batches: each pass visits every example once, and (seed, step) determine every draw."""

import numpy as np
import pytest

from epochreel.training import batch_order


def visited(examples, batch, steps, seed=1):
    return np.concatenate([batch_order.indices(seed, step, batch, examples) for step in steps])


@pytest.mark.parametrize(
    ("examples", "batch"), [(10, 1), (10, 5), (10, 3), (7, 10), (3, 10), (1, 4)]
)
def test_every_pass_visits_every_example_once(examples, batch):
    order = visited(examples, batch, range(examples * 3))
    for start in range(0, 3 * examples, examples):
        assert sorted(order[start : start + examples]) == list(range(examples))


def test_each_pass_has_a_different_order():
    order = visited(50, 10, range(10))
    assert not np.array_equal(order[:50], order[50:])
    assert not np.array_equal(order[:50], np.arange(50))


@pytest.mark.parametrize("start", [1, 4, 9, 30])
def test_a_batch_does_not_depend_on_where_training_started(start):
    whole = visited(7, 3, range(40))
    assert np.array_equal(visited(7, 3, range(start, 40)), whole[3 * start :])


def test_batches_are_the_same_in_any_order_of_requests():
    there = {step: batch_order.indices(1, step, 3, 7).tolist() for step in range(20)}
    back = {step: batch_order.indices(1, step, 3, 7).tolist() for step in reversed(range(20))}
    assert there == back


def test_another_seed_gives_another_order():
    assert not np.array_equal(visited(50, 10, range(5)), visited(50, 10, range(5), seed=2))


def test_batch_indices_are_int64():
    assert batch_order.indices(1, 0, 4, 9).dtype == np.int64
