"""Phases of a film: where its sentence may change.

A phase begins only if enough has changed or the network has practised for long enough since the
current one began, and if there has been time to read its sentence. All of this depends only on the
snapshots so far, so phases do not depend on the length of the run or on its blocks.

The module needs no packages, since planning times films too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from statistics import median

from epochreel.experiment_api import declared_metrics
from epochreel.experiment_api.declared_metrics import Metrics

_WINDOW = 5  # snapshots of the causal median: one outlier, or a spike of two, changes nothing
_ENOUGH = 0.08  # mean change of the pace metrics after which there is something new to say
_FIRST_STEP = 8  # earlier, twice the steps is still too little practice for a new phase


class Phases:
    """Decides where a phase may begin.

    `columns` holds the values of each metric and `steps` the training step, at all snapshots so
    far. `shortest` are the smallest numbers of snapshots of the first phase and of all others.
    """

    def __init__(
        self,
        declared: Metrics,
        columns: Mapping[str, Sequence[float]],
        steps: Sequence[int],
        shortest: tuple[int, int],
    ):
        self._declared, self._columns = declared, columns
        self._steps, self._shortest = steps, shortest
        self._medians = cache(lambda name: causal_median(columns[name]))
        # The table has a column if any snapshot of the block has the metric, even a later one.
        self._first = {name: _first_finite(values) for name, values in columns.items()}

    def may_begin(self, snapshot: int, first: int) -> bool:
        """Return whether a phase may begin at `snapshot`, after one that began at `first`."""
        if not self.is_over(snapshot, first):
            return False
        if not self._steps[first]:
            return True  # What is said of the untrained network ends with the first step.
        is_later = self._steps[snapshot] >= max(2 * self._steps[first], _FIRST_STEP)
        return is_later or self.change(first, snapshot) >= _ENOUGH

    def is_over(self, snapshot: int, first: int) -> bool:
        """Return whether a phase that began at `first` has been shown for long enough."""
        return snapshot - first >= self._shortest[first > 0]

    def change(self, first: int, snapshot: int) -> float:
        """Return how much the metrics that set the pace have changed since the snapshot `first`.

        It is the mean over these metrics of the sum of their absolute changes, each smoothed by a
        median; percentages count as fractions, others relative to their range so far.
        """
        known = [name for name, begun in self._first.items() if begun <= snapshot]
        names = declared_metrics.setting_pace(known, self._declared)
        changes = [self._change_of(name, first, snapshot) for name in names]
        return sum(changes) / len(changes) if changes else 0.0

    def _change_of(self, name: str, first: int, snapshot: int) -> float:
        values = self._medians(name)[: snapshot + 1]
        changes = (abs(after - before) for before, after in pairwise(values[first:]))
        total = sum(change for change in changes if not math.isnan(change))
        if self._declared[name].unit == "%" or not total:
            return total
        finite = [value for value in values if not math.isnan(value)]
        return total / (max(finite) - min(finite))


def beginnings(sentences: Sequence[str]) -> list[int]:
    """Return the first snapshot of each phase of a film whose snapshots have these sentences."""
    return [0] + [k for k, (one, other) in enumerate(pairwise(sentences), 1) if one != other]


def causal_median(values: Sequence[float]) -> list[float]:
    """Return the median of each value and the four before it, of the finite ones only, or NaN."""
    windows = (values[max(k + 1 - _WINDOW, 0) : k + 1] for k in range(len(values)))
    finite = ([value for value in window if math.isfinite(value)] for window in windows)
    return [median(window) if window else math.nan for window in finite]


def _first_finite(values: Sequence[float]) -> float:
    found = (k for k, value in enumerate(values) if math.isfinite(value))
    return next(found, math.inf)
