"""Schedules of snapshots: the training steps after which they are taken.

Snapshot 0 is the untrained network, at step 0. No schedule depends on the length of the training:
a longer training only adds steps.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, takewhile
from typing import Any

_DOUBT = 1e-9  # relative; far above the rounding errors of any machine's floating-point power


def steps(schedule: Mapping[str, Any], steps_per_epoch: int, epochs: int) -> Sequence[int]:
    """Return the step of each snapshot of a training of `epochs`, in order.

    The last is at most `epochs` · `steps_per_epoch`.
    """
    end = epochs * steps_per_epoch
    if schedule["schedule"] == "log":
        return [0, *takewhile(lambda step: step <= end, rounded_powers(schedule["per_decade"]))]
    if schedule["schedule"] == "list":
        return [0, *schedule["steps"]]
    per_epoch = schedule["per_epoch"]
    return [k * steps_per_epoch // per_epoch for k in range(epochs * per_epoch + 1)]


def count_snapshots(schedule: Mapping[str, Any], steps_per_epoch: int, epochs: int) -> int:
    """Return the number of snapshots, without listing those of a uniform schedule."""
    if schedule["schedule"] == "uniform":
        return epochs * schedule["per_epoch"] + 1
    return len(steps(schedule, steps_per_epoch, epochs))


def identity(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Return what distinguishes trainings with different schedules, for cache keys.

    Steps may be appended to a list, so they are left out; see `made_snapshots`.
    """
    return {name: value for name, value in schedule.items() if name != "steps"}


def rounded_powers(per_decade: int) -> Iterator[int]:
    """Yield the distinct integers round(10^(i / per_decade)), i = 0, 1, 2, …"""
    last = 0
    for i in count():
        step = _rounded_power(i, per_decade)
        if step != last:
            yield step
        last = step


def _rounded_power(i: int, n: int) -> int:
    """Return round(10^(i / n)), the same on every machine."""
    power = 10.0 ** (i / n)
    if abs(power % 1 - 0.5) > _DOUBT * power:
        return round(power)
    # Too close to x.5, or too large, for floating-point numbers: find the first x for which x + 1/2
    # is greater than the power, by comparing the nth powers of twice both, which are integers and
    # never equal.
    near = range(int(power * (1 - _DOUBT)), int(power * (1 + _DOUBT)) + 2)
    return near[bisect_left(near, 2**n * 10**i, key=lambda x: (2 * x + 1) ** n)]
