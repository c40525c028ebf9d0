"""Times of snapshots in a film: holds, an even pace, and a pace by change."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochreel.core.errors import UserError
from epochreel.film import timing

HOLDS = {"opening_seconds": 2, "hold_seconds": 1, "closing_seconds": 0}
FILM = HOLDS | {"seconds": 20, "max_seconds_per_snapshot": 1}
NO_HOLDS = dict.fromkeys(HOLDS, 0)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(1 / 24, 1), (0.042, 1), ("1/24", 1), (0.125, 3), (0.333, 8), (2, 48)]
)
def test_a_snapshot_is_shown_for_a_whole_number_of_film_frames(seconds, shown):
    assert timing.frames_per_snapshot({"seconds_per_snapshot": seconds}) == shown


@pytest.mark.parametrize("seconds", [0, 0.01, 0.05, -1, "soon", None, math.nan, math.inf])
def test_invalid_times_are_refused_in_one_line(seconds):
    with pytest.raises(UserError, match=r"^seconds_per_snapshot is .* expected .*$"):
        timing.frames_per_snapshot({"seconds_per_snapshot": seconds})


@pytest.mark.parametrize("hold", ["opening_seconds", "hold_seconds"])
def test_a_negative_hold_is_refused(hold):
    with pytest.raises(UserError, match=f"{hold} is -1"):
        timing.even(3, HOLDS | {"seconds_per_snapshot": 1, hold: -1})


def test_an_even_film_adds_the_holds_to_the_first_and_the_last_snapshot():
    times = timing.even(4, HOLDS | {"seconds_per_snapshot": 7 / 24})
    assert times.frames == [7 + 48, 7, 7, 7 + 24]
    assert times.first_frames() == [0, 55, 62, 69]
    assert [time * 24 for time in times.times()] == [0, 55, 62, 69, 100]


def test_a_single_snapshot_has_both_holds():
    assert timing.even(1, HOLDS | {"seconds_per_snapshot": 1}).frames == [24 + 48 + 24]


def test_an_even_film_that_is_extended_keeps_its_times():
    short, long = (timing.even(n, HOLDS | {"seconds_per_snapshot": 1}) for n in (5, 9))
    assert short.first_frames() == long.first_frames()[:5]


# -- A pace by change

WEIGHT = st.one_of(st.just(0.0), st.floats(0, 1), st.floats(0, 1.7e308))
WEIGHTS = st.lists(WEIGHT, min_size=1, max_size=60)


def shared(weights, frames, most=24, beginnings=()) -> list[int]:
    film = NO_HOLDS | {"seconds": f"{frames}/24", "max_seconds_per_snapshot": f"{most}/24"}
    return timing.by_change(weights, film, beginnings).frames


@settings(max_examples=300, deadline=None)
@given(WEIGHTS, st.integers(1, 2000), st.integers(1, 48))
def test_times_are_within_their_bounds_and_their_sum_is_exact(weights, frames, most):
    found = shared(weights, frames, most)
    assert len(found) == len(weights) and all(1 <= each <= most for each in found)
    assert sum(found) == min(max(frames, len(weights)), most * len(weights))


@settings(max_examples=300, deadline=None)
@given(WEIGHTS, st.integers(1, 2000))
def test_a_larger_weight_gets_at_most_one_frame_less(weights, frames):
    pairs = sorted(zip(weights, shared(weights, frames), strict=True))
    most = 0
    for _, each in pairs:
        assert each >= most - 1
        most = max(most, each)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1e-320, 1e300])
@pytest.mark.parametrize(("snapshots", "frames"), [(7, 100), (100, 250), (251, 300), (3, 24)])
def test_equal_weights_are_shown_evenly(weight, snapshots, frames):
    found = shared([weight] * snapshots, frames)
    starts = [sum(found[:k]) for k in range(snapshots)]
    assert all(abs(s - k * frames / snapshots) <= 0.5 for k, s in enumerate(starts))


def test_times_are_proportional_to_weights_between_the_bounds():
    assert shared([0, 1, 2, 3, 4], 1 + 10 * 2) == [1, 2, 4, 6, 8]
    assert shared([0, 1, 1, 1000], 1 + 3 + 3 + 24) == [1, 3, 3, 24]


def test_the_length_includes_the_holds():
    times = timing.by_change([0, 1, 2, 3] * 20, FILM)
    assert times.length == 20 * 24
    assert times.frames[0] == 1 + 48 and times.frames[-1] > 24


def test_a_film_of_too_many_snapshots_is_longer_than_requested():
    assert shared([0, 5, 1], 2) == [1, 1, 1]


def test_a_film_of_few_snapshots_is_shorter_than_requested():
    assert shared([0, 5, 1], 1000) == [24, 24, 24]


def test_snapshots_without_change_share_what_the_others_cannot_use():
    assert shared([0, 0, 1, 0, 0], 24 + 12) == [3, 3, 24, 3, 3]


def test_holds_that_take_the_whole_film_are_refused():
    with pytest.raises(UserError, match=r"^seconds is 3; expected more than 3 \(opening_seconds"):
        timing.by_change([1], FILM | {"seconds": 3})


def test_a_single_outlier_in_the_metrics_gets_no_time():
    flat = [0.5] * 12
    assert timing.change([[*flat[:6], 0.9, *flat[7:]]], 12) == [0] * 12


def test_the_change_is_that_of_a_causal_median():
    rise = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert timing.change([rise], 10) == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    longer = timing.change([[*rise, 5, 7]], 12)
    assert longer[:10] == timing.change([rise], 10)


def test_changes_of_several_metrics_are_added_whatever_their_direction():
    up, down = [0, 1, 2], [0, -2, -2]
    assert timing.change([up, down], 3) == [0, 0.5 + 1, 0.5 + 1]


@pytest.mark.parametrize("missing", [math.nan, math.inf, -math.inf])
def test_undefined_values_change_nothing(missing):
    assert timing.change([[missing] * 4], 4) == [0] * 4
    assert timing.change([[missing, missing, 2, 2]], 4) == [0] * 4
    assert timing.change([[2, missing, 2]], 3) == [0] * 3


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(), min_size=1, max_size=30))
def test_any_metric_gives_finite_weights(values):
    weights = timing.change([values, values], len(values))
    assert all(math.isfinite(weight) and weight >= 0 for weight in weights)
    assert sum(shared(weights, 200)) == min(200, 24 * len(values))


def test_a_run_without_metrics_is_shown_evenly():
    assert shared(timing.change([], 4), 12) == [3, 3, 3, 3]


# -- Phases

BEGINNINGS = st.lists(st.integers(1, 59), max_size=12, unique=True)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([0, 1e-6, 0.1, 1]), min_size=60, max_size=60),
    BEGINNINGS,
    st.integers(1, 2000),
    st.integers(1, 60),
)
def test_every_phase_lasts_two_seconds_and_the_sum_is_exact(weights, firsts, frames, most):
    firsts = [0, *sorted(firsts)]
    found = shared(weights, frames, most, firsts)
    lengths = [sum(found[a:b]) for a, b in pairwise([*firsts, 60])]
    assert min(lengths) >= timing.SENTENCE_FRAMES and min(found) >= 1
    counts = [b - a for a, b in pairwise([*firsts, 60])]
    least = sum(max(count, timing.SENTENCE_FRAMES) for count in counts)
    greatest = sum(max(count * most, timing.SENTENCE_FRAMES) for count in counts)
    assert sum(found) == min(max(frames, least), greatest)


def test_phases_that_are_long_enough_change_nothing():
    weights = [1, 2, 3, 4] * 15
    assert shared(weights, 2000, 48, [0, 20, 40]) == shared(weights, 2000, 48)


def test_a_short_phase_gets_its_time_from_the_others_in_proportion():
    assert shared([0, 0.1, 0, 1, 1, 1], 48 + 300, 200, [0, 3]) == [1, 46, 1, 100, 100, 100]


def test_a_single_snapshot_may_exceed_its_maximum_to_be_read():
    assert shared([1, 1, 1], 100, 24, [0, 1])[0] == 48


def test_the_holds_count_for_the_first_and_the_last_phase():
    film = FILM | {"seconds": 60, "max_seconds_per_snapshot": 1 / 24}
    times = timing.by_change([1] * 3, film, [0, 1, 2])
    assert times.frames == [1 + 48, 48, 24 + 24]


# -- Tweens


def test_all_tweens_are_shown_if_they_fit():
    assert timing.tween_numbers(12, 18) == list(range(12))
    assert timing.tween_numbers(0, 5) == []


@pytest.mark.parametrize(
    ("drawn", "frames", "shown"),
    [(12, 1, []), (12, 2, [6]), (3, 2, [1]), (3, 3, [0, 2]), (11, 4, [2, 5, 8])],
)
def test_as_many_tweens_as_fit_are_shown_evenly_spaced(drawn, frames, shown):
    assert timing.tween_numbers(drawn, frames) == shown


@given(st.integers(0, 200), st.integers(1, 200))
def test_tweens_are_in_order_and_leave_the_snapshot_a_frame(drawn, frames):
    shown = timing.tween_numbers(drawn, frames)
    assert len(shown) == min(drawn, frames - 1) and shown == sorted(set(shown))
    assert all(0 <= number < drawn for number in shown)
