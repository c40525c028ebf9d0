"""One plain sentence for each phase of a film, about what to watch.

A phase lasts long enough for its sentence to be read. The sentence depends only on the snapshots up
to the first of the phase. Metrics are averaged over the latest of these, as many as a phase has,
and compared with their mean over the same number before them, so that short fluctuations are
ignored.

The sentence says which classes have separated. If none have, it says which have drifted back
together, which are hard to separate, or which class is classified better; if little changes, which
class is hardest. A large gain in accuracy takes precedence over classes that are hard to separate.
Two phases in a row have the same sentence only if no other applies. A sentence has no numbers,
because those in the frame keep changing during a phase.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Metrics = Mapping[str, np.ndarray]
"""Each metric of `evaluation` for snapshots 0, 1, 2, …: (n,)."""

_GAIN, _LOSS = 0.05, 0.06
"""Smallest growth and decline in the separation of two classes (0.5 … 1) to report."""
_MOVING_APART, _SEPARATED = 0.8, 0.95
"""The separation from which two classes are moving apart, and from which they are separated."""
_GATHERED, _ALL_GATHERED = 0.9, 0.8
"""The mean separation from which an untrained network shows clusters, and the smallest separation
from which every class has one."""
_LEARNED = 0.08  # smallest gain in a class's accuracy to report
_CHANGED, _MUCH = 0.02, 0.1
"""Smallest change in accuracy to report, and smallest gain that is called large."""
_MOST_NAMED = 3  # classes that one sentence lists


@dataclass(frozen=True)
class Remark:
    """A sentence, and the classes that it names."""

    sentence: str
    classes: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Change:
    """Metrics at the beginning of a phase, and before it."""

    now: Mapping[str, float]  # means over the latest snapshots
    before: Mapping[str, float]  # means over the snapshots before those
    last: Mapping[str, float]  # of the latest snapshot
    step: Mapping[str, float]  # root mean square change between consecutive snapshots

    def gain(self, name: str) -> float:
        """Return how much a metric has grown, on average and at the latest snapshot."""
        return min(self.now[name], self.last[name]) - self.before[name]


def remark(metrics: Metrics, names: Sequence[str], hold: int) -> Remark:
    """Return the remark on the last snapshot of `metrics`; a phase lasts `hold` snapshots."""
    last = len(metrics["accuracy"]) - 1
    start = last - last % hold  # the phase's first snapshot
    if start == 0:
        return _at_first({name: float(values[0]) for name, values in metrics.items()})
    # Phases in a row differ, so the remark depends on the phase before. Go back to a phase whose
    # remark the next one cannot repeat, then forward again.
    chain = [_found(metrics, names, hold, start)]
    while len(chain[-1]) > 1 and start > hold:
        start -= hold
        before = _found(metrics, names, hold, start)
        if chain[-1][0] not in before[:2]:
            break
        chain.append(before)
    chosen = None
    for found in reversed(chain):
        chosen = found[1] if len(found) > 1 and found[0] == chosen else found[0]
    return chosen


def _found(metrics: Metrics, names: Sequence[str], hold: int, start: int) -> list[Remark]:
    """Return all remarks that hold at snapshot `start`, the most important first."""
    # The latest `hold` snapshots and the same number before them; fewer near the beginning.
    since, until = max(start - 2 * hold + 1, 0), start + 1
    parts = {name: values[since:until] for name, values in metrics.items()}
    change = _Change(
        now={name: float(np.mean(part[-hold:])) for name, part in parts.items()},
        before={name: float(np.mean(part[:-hold])) for name, part in parts.items()},
        last={name: float(part[-1]) for name, part in parts.items()},
        step={
            name: float(np.sqrt(np.square(np.diff(part)).mean())) for name, part in parts.items()
        },
    )
    return [each for each in (kind(change, names) for kind in _KINDS) if each]


def _at_first(now: dict) -> Remark:
    shares = [now[name] for _, name in pairs(now)]
    if shares and np.mean(shares) >= _GATHERED:
        which = "All classes" if min(shares) >= _ALL_GATHERED else "Most classes"
        return Remark(f"{which} cluster before training: now watch the colours")
    return Remark("The network starts by guessing: watch the classes separate")


# Each kind of remark takes the change and the names of the classes, and returns a remark, or None
# if it does not apply. At least one of them always applies.


def _separated(change: _Change, names: Sequence[str]) -> Remark | None:
    """The class that separated most from others, and those others."""
    # The lower of mean and latest value, so that a gain that was lost again does not count.
    now = {pair: min(change.now[name], change.last[name]) for pair, name in pairs(change.now)}
    gains = {
        pair: change.gain(name) for pair, name in pairs(change.now) if now[pair] >= _MOVING_APART
    }
    gains = {pair: gain for pair, gain in gains.items() if gain >= _GAIN}
    if not gains:
        return None
    best = max(gains, key=gains.get)
    from_each = {hub: _partners(gains, hub) for hub in best}
    # Of the two classes that separated most, the one that separated from more of the others.
    hub = max(best, key=lambda each: sum(from_each[each].values()))
    others = sorted(from_each[hub], key=from_each[hub].get, reverse=True)[:_MOST_NAMED]
    is_separated = all(now[min(hub, other), max(hub, other)] >= _SEPARATED for other in others)
    verb = "have separated from" if is_separated else "have moved away from"
    listed = _and([names[other] for other in others])
    return Remark(f"Images of {names[hub]} {verb} {listed}", (hub, *others))


def _partners(gains: Mapping[tuple[int, int], float], hub: int) -> dict[int, float]:
    """Return the classes that `hub` separated from, with at least half of the best gain."""
    least = max(gains.values()) / 2
    # sum(pair) - hub is the other class of the pair.
    return {sum(pair) - hub: gain for pair, gain in gains.items() if hub in pair and gain >= least}


def _drifted_together(change: _Change, names: Sequence[str]) -> Remark | None:
    losses = {
        pair: change.before[name] - max(change.now[name], change.last[name])
        for pair, name in pairs(change.now)
        if change.before[name] >= _MOVING_APART
    }
    worst = max(losses, key=losses.get, default=None)
    if worst is None or losses[worst] < _LOSS:
        return None
    both = _and([names[label] for label in worst])
    return Remark(f"Images of {both} have drifted back together", worst)


def _hard_to_separate(change: _Change, names: Sequence[str]) -> Remark | None:
    """The two classes that are separated least."""
    separations = {pair: change.now[name] for pair, name in pairs(change.now)}
    worst = min(separations, key=separations.get, default=None)
    if worst is None or separations[worst] >= _SEPARATED:
        return None
    return Remark(f"Still hard to separate: {_and([names[label] for label in worst])}", worst)


def _learned(change: _Change, names: Sequence[str]) -> Remark | None:
    """The class whose accuracy grew most, and by more than it fluctuates."""
    gains = {
        label: change.gain(name)
        for label, name in _of_classes(change.now)
        if change.gain(name) > max(_LEARNED, change.step[name])
    }
    best = max(gains, key=gains.get, default=None)
    return None if best is None else Remark(f"Accuracy on {names[best]} has improved", (best,))


def _fluctuates(change: _Change, names: Sequence[str]) -> Remark | None:
    """The class whose accuracy fluctuates most without a trend."""
    steps = {
        label: change.step[name]
        for label, name in _of_classes(change.now)
        if change.step[name] > max(_LEARNED, abs(change.now[name] - change.before[name]))
    }
    most = max(steps, key=steps.get, default=None)
    if most is None:
        return None
    return Remark(f"Accuracy on {names[most]} keeps going up and down", (most,))


def _overfits(change: _Change, names: Sequence[str]) -> Remark | None:
    """A training accuracy far above the test accuracy."""
    gap = change.now.get("train_accuracy", 0.0) - change.now["accuracy"]
    if gap < 0.05:
        return None
    return Remark("The network does better on training images than on new ones")


def _much_better(change: _Change, names: Sequence[str]) -> Remark | None:
    """A large gain in accuracy."""
    if change.gain("accuracy") < _MUCH:
        return None
    return Remark("Accuracy has improved a lot")


def _changed(change: _Change, names: Sequence[str]) -> Remark | None:
    """A change in accuracy to which no class contributes more than others."""
    grown = change.now["accuracy"] - change.before["accuracy"]
    if abs(grown) < _CHANGED:
        return None
    return Remark(f"Accuracy has {'improved' if grown > 0 else 'dropped'}")


def _stagnates(change: _Change, names: Sequence[str]) -> Remark | None:
    """The class with the lowest accuracy, if nothing has changed."""
    if any(kind(change, names) for kind in _CHANGES):
        return None
    shares = {label: change.now[name] for label, name in _of_classes(change.now)}
    worst = min(shares, key=shares.get, default=None)
    if worst is None or shares[worst] == 1:
        return Remark("Little is changing now")
    return Remark(f"Little is changing now; accuracy is lowest on {names[worst]}", (worst,))


_CHANGES = (_separated, _drifted_together, _learned, _fluctuates, _changed)
_KINDS = (
    _separated,
    _drifted_together,
    _much_better,
    _hard_to_separate,
    _learned,
    _fluctuates,
    _overfits,
    _changed,
    _stagnates,
)
"""The most important first."""


def _of_classes(metrics: Mapping[str, float]) -> Iterator[tuple[int, str]]:
    """Yield the label of each class that has test examples, and the metric that is its accuracy."""
    for name in metrics:
        if match := re.fullmatch(r"accuracy_of_(\d+)", name):
            yield int(match[1]), name


def pairs(metrics: Mapping[str, float]) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield each pair of classes, smaller label first, and the metric that is their separation."""
    for name in metrics:
        if match := re.fullmatch(r"apart_(\d+)_(\d+)", name):
            yield (int(match[1]), int(match[2])), name


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
