"""Phases: where a film's sentence may change."""

import math

import pytest
from stories import narrator, told

from epochreel.experiment_api.declared_metrics import Metrics
from epochreel.experiment_api.interface import Metric
from epochreel.narration.phases import Phases, beginnings

ACCURACY = {"accuracy": Metric("Accuracy", unit="%")}


def phases(steps=None, shortest=1, declared=ACCURACY, **columns) -> Phases:
    count = len(next(iter(columns.values())))
    steps = steps or [k + 100 * (k > 0) for k in range(count)]
    return Phases(Metrics(declared), columns, steps, (shortest, shortest))


def test_a_phase_may_begin_after_enough_change():
    found = phases(accuracy=[0, 0, 0.07, 0.07, 0.07, 0.09, 0.09, 0.09])
    assert not found.may_begin(4, 1) and found.may_begin(7, 1)


def test_changes_in_both_directions_add_up():
    found = phases(accuracy=[0.5] * 5 + [0.55] * 5 + [0.5] * 5)
    assert found.change(1, 14) == pytest.approx(0.1)


def test_a_single_outlier_is_no_change():
    assert phases(accuracy=[0.5] * 4 + [0.9] + [0.5] * 5).change(1, 9) == 0


def test_metrics_without_percentages_change_relative_to_their_range_so_far():
    losses = [4.0] * 5 + [3.0] * 5 + [0.0] * 5
    found = phases(declared={"loss": Metric("Loss", "lower")}, loss=losses)
    assert found.change(0, 9) == 1 and found.change(7, 14) == 0.75


def test_a_phase_may_begin_after_twice_the_steps_but_not_before_step_8():
    steps = [0, 1, 2, 4, 8, 12, 16, 20]
    found = phases(steps, accuracy=[0.5] * 8)
    assert [k for k in range(2, 8) if found.may_begin(k, 1)] == [4, 5, 6, 7]
    assert [k for k in range(5, 8) if found.may_begin(k, 4)] == [6, 7]


def test_the_phase_of_the_untrained_network_may_end_at_once():
    assert phases([0, 1, 2], accuracy=[0.5] * 3).may_begin(1, 0)


def test_a_phase_has_enough_snapshots_to_be_read():
    found = phases([0, 10, 100, 1000], shortest=2, accuracy=[0, 0.5, 1, 1])
    assert [k for k in range(1, 4) if found.may_begin(k, 0)] == [2, 3]


def test_a_phase_depends_on_no_metric_that_only_later_snapshots_have():
    later = {"accuracy": [math.nan] * 4 + [0.5] * 2, "loss": [5.0, 4, 3, 2, 1, 0]}
    without = {"loss": later["loss"][:4]}
    found = [phases(declared=ACCURACY, **columns).change(0, 3) for columns in (later, without)]
    assert found[0] == found[1] > 0


def test_beginnings_are_where_the_sentence_changes():
    assert beginnings(["a", "a", "b", "a", "a"]) == [0, 2, 3]


def test_the_same_sentence_continues_its_phase():
    by = narrator(sentence=lambda story: "a" if story.snapshot < 3 else "b")
    assert told({"accuracy": [0, 0.5, 1, 1, 1, 1]}, ACCURACY, by=by) == [(0, "a"), (3, "b")]


def test_a_sentence_that_no_longer_holds_ends_its_phase():
    functions = {
        "sentence": lambda story: f"It is at {story.history['loss'][-1]:.0f}.",
        "holds": lambda story: f"{story.history['loss'][-1]:.0f}" in story.told[-1].sentence,
    }
    losses, steps = {"loss": [5, 5, 5.1, 7, 7, 7, 7, 7]}, [0, 100, 101, 102, 103, 104, 105, 106]
    assert [k for k, _ in told(losses, steps=steps, by=narrator(**functions))] == [0, 3]
    slow = told(losses, steps=steps, by=narrator(**functions), sentence_snapshots=4)
    assert [k for k, _ in slow] == [0, 3]
