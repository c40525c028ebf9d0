"""Schedules of snapshots: their steps, whatever the length of the training."""

import json
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tools import refusal

from epochreel.plan import made_snapshots, snapshot_schedule

LOG = st.fixed_dictionaries({"schedule": st.just("log"), "per_decade": st.integers(1, 1000)})
UNIFORM = st.fixed_dictionaries({"schedule": st.just("uniform"), "per_epoch": st.integers(1, 20)})
LENGTHS = st.integers(20, 300), st.integers(1, 30)


@pytest.mark.parametrize(
    ("steps_per_epoch", "per_epoch", "steps"),
    [(4, 1, [0, 4, 8]), (4, 4, [0, 1, 2]), (10, 3, [0, 3, 6, 10, 13]), (7, 2, [0, 3, 7, 10, 14])],
)
def test_uniform_snapshots_are_at_the_documented_steps(steps_per_epoch, per_epoch, steps):
    schedule = {"schedule": "uniform", "per_epoch": per_epoch}
    assert snapshot_schedule.steps(schedule, steps_per_epoch, 9)[: len(steps)] == steps


@pytest.mark.parametrize(
    ("per_decade", "steps"),
    [
        (1, [0, 1, 10, 100, 1000]),
        (3, [0, 1, 2, 5, 10, 22, 46, 100, 215, 464, 1000]),
        (10, [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 63, 79, 100, 126]),
    ],
)
def test_logarithmic_snapshots_are_at_the_documented_steps(per_decade, steps):
    schedule = {"schedule": "log", "per_decade": per_decade}
    assert snapshot_schedule.steps(schedule, 1000, 1)[: len(steps)] == steps


POWERS = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, 14 * n), st.just(n)))


@given(POWERS)
@example((14 * 60, 60))
@example((41, 3))
def test_a_power_is_rounded_to_the_nearest_integer_exactly(power):
    i, n = power
    step = snapshot_schedule._rounded_power(i, n)
    assert (2 * step - 1) ** n < 2**n * 10**i < (2 * step + 1) ** n


@given(POWERS)
def test_a_power_does_not_depend_on_floating_point_rounding(power):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_schedule, "_DOUBT", 1.0)  # in doubt about every power
        exact = snapshot_schedule._rounded_power(*power)
    assert exact == snapshot_schedule._rounded_power(*power)


@given(LOG | UNIFORM, *LENGTHS, st.integers(0, 30))
def test_a_longer_training_only_adds_steps(schedule, steps_per_epoch, epochs, more):
    short = snapshot_schedule.steps(schedule, steps_per_epoch, epochs)
    long = snapshot_schedule.steps(schedule, steps_per_epoch, epochs + more)
    assert list(long[: len(short)]) == list(short)
    assert all(step > epochs * steps_per_epoch for step in long[len(short) :])


@given(LOG | UNIFORM, *LENGTHS)
def test_steps_increase_from_0_and_end_within_the_training(schedule, steps_per_epoch, epochs):
    steps = snapshot_schedule.steps(schedule, steps_per_epoch, epochs)
    assert steps[0] == 0 and all(before < after for before, after in pairwise(steps))
    assert steps[-1] <= steps_per_epoch * epochs
    length = steps_per_epoch, epochs
    assert len(steps) == snapshot_schedule.count_snapshots(schedule, *length)


@pytest.mark.parametrize("per_decade", [1, 7, 100, 1000])
def test_every_decade_has_at_most_the_chosen_number_of_snapshots(per_decade):
    steps = list(islice(snapshot_schedule.rounded_powers(per_decade), 4 * per_decade))
    for power in (1, 10, 100):
        assert power in steps and sum(power <= s < 10 * power for s in steps) <= per_decade


# -- Lists are only appended to

KEY = "a" * 64


def index(folder: Path, name: str, steps: list[int], key: str = KEY) -> None:
    """Write the part of a checkpoint index that the check reads."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"key": key, "steps": steps}))


def check(folder: Path, *steps: int) -> None:
    made_snapshots.check_appended([0, *steps], folder, KEY, "runs.a.snapshots.steps")


@pytest.mark.parametrize("steps", [(1, 5, 10), (1, 5, 10, 20), (1, 5), ()])
def test_a_list_may_be_appended_to_and_shortened(tmp_path, steps):
    index(tmp_path, "000000", [0, 1, 5, 10])
    check(tmp_path, *steps)


@pytest.mark.parametrize(
    ("steps", "place", "made"),
    [((1, 3, 5, 10), 1, 5), ((5, 10), 0, 1), ((1, 5, 11, 20), 2, 10), ((2,), 0, 1)],
)
def test_a_list_changed_below_its_end_is_refused(tmp_path, steps, place, made):
    index(tmp_path, "000000", [0, 1])
    index(tmp_path, "000003", [0, 1, 5, 10])
    line = refusal(check, tmp_path, *steps)
    assert line.startswith(f"config: runs.a.snapshots.steps.{place} is {steps[place]}; ")
    assert f"expected {made}, the step of the existing snapshot {place + 1}, since" in line
    assert "restore the list, or use the changed one in a new run" in line


def test_another_training_may_have_another_list(tmp_path):
    check(tmp_path / "missing", 7)
    index(tmp_path, "0000", [0, 1, 5], key="b" * 64)
    check(tmp_path, 7)
    index(tmp_path, "00000", [0, 7, 9])
    check(tmp_path, 7)


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", '{"key": 1}'])
def test_a_damaged_index_is_left_to_the_job_that_reads_it(tmp_path, text):
    index(tmp_path, "000000", [0, 1])
    (tmp_path / "000009.json").write_text(text)
    check(tmp_path, 1)
    assert "steps.0 is 2" in refusal(check, tmp_path, 2)
