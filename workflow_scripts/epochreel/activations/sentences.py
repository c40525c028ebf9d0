"""What to look at, in one plain sentence for each phase of a film.

A phase is so many snapshots that its sentence can be read. Its sentence follows from the metrics at
its beginning and at the beginning of the phase before, and so from the past alone: it tells which
classes have come apart since then; where none have, which have come together, which class is told
better; and where little changes any more, what is still hard. It holds for the whole phase, so it
has no numbers: these go on changing beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Metrics = Mapping[str, np.ndarray]
"""Each metric of `evaluation` for snapshots 0, 1, 2, …: (n,)."""

_GAIN, _LOSS = 0.02, 0.06
"""By how much the share that tells how far two classes lie apart (0.5 … 1) must change."""
_LEAVING, _LEFT = 0.8, 0.95
"""From which share on one class is said to leave another, and from which on to have left it."""
_GATHERED = 0.9
"""From which mean share on the clouds of an untrained network are there already."""
_LEARNED = 0.08  # by how much a class's accuracy must grow
_MOST_NAMED = 3


@dataclass(frozen=True)
class Remark:
    """A sentence and the classes that it names."""

    sentence: str
    classes: tuple[int, ...] = ()


def remark(metrics: Metrics, names: Sequence[str], hold: int) -> Remark:
    """What is said of the last snapshot of `metrics`; a phase is `hold` snapshots long."""
    last = len(metrics["accuracy"]) - 1
    start = last - last % hold
    now = {name: float(values[start]) for name, values in metrics.items()}
    if start == 0:
        return _at_first(now)
    before = {name: float(values[start - hold]) for name, values in metrics.items()}
    return next(filter(None, (kind(now, before, names) for kind in _KINDS)))


def _at_first(now: dict) -> Remark:
    shares = [now[name] for _, name in pairs(now)]
    if shares and np.mean(shares) >= _GATHERED:
        return Remark("Images of a kind lie together, but it only guesses: watch the colours")
    return Remark("At first the network only guesses: watch how images of a kind gather")


# Each kind of remark takes the metrics of now and before and the classes' names, and gives a
# remark or, where it has nothing to say, None. The last one always says something.


def _came_apart(now: dict, before: dict, names: Sequence[str]) -> Remark | None:
    """The class that came apart most from others, and from which."""
    gains = {
        pair: now[name] - before[name]
        for pair, name in pairs(now)
        if now[name] >= _LEAVING and now[name] - before[name] >= _GAIN
    }
    if not gains:
        return None
    best = max(gains, key=gains.get)
    from_each = {hub: _partners(gains, hub) for hub in best}
    hub = max(best, key=lambda each: sum(from_each[each].values()))
    others = sorted(from_each[hub], key=from_each[hub].get, reverse=True)[:_MOST_NAMED]
    has_left = all(now[_name(hub, other)] >= _LEFT for other in others)
    verb = "has left" if has_left else "is leaving"
    what = f"The cloud of {names[hub]} {verb} {_those_of(others, names)}"
    return Remark(what, (hub, *others))


def _partners(gains: Mapping[tuple[int, int], float], hub: int) -> dict[int, float]:
    """The classes that `hub` came apart from, with gains not far below the best."""
    least = max(gains.values()) / 2
    return {sum(pair) - hub: gain for pair, gain in gains.items() if hub in pair and gain >= least}


def _came_together(now: dict, before: dict, names: Sequence[str]) -> Remark | None:
    losses = {pair: before[name] - now[name] for pair, name in pairs(now)}
    worst = max(losses, key=losses.get, default=None)
    if worst is None or losses[worst] < _LOSS:
        return None
    both = _and([names[label] for label in worst])
    return Remark(f"The clouds of {both} have drifted together again", worst)


def _learned(now: dict, before: dict, names: Sequence[str]) -> Remark | None:
    """The class whose accuracy grew most."""
    shares, were = _accuracies(now), _accuracies(before)
    gains = {label: shares[label] - were[label] for label in shares}
    best = max(gains, key=gains.get, default=None)
    if best is None or gains[best] < _LEARNED:
        return None
    return Remark(f"It has got better at {names[best]}", (best,))


def _still_mixed(now: dict, before: dict, names: Sequence[str]) -> Remark | None:
    """The two classes that lie nearest to each other."""
    there = {pair: now[name] for pair, name in pairs(now)}
    worst = min(there, key=there.get, default=None)
    if worst is None or there[worst] >= _LEFT:
        return None
    return Remark(f"Still mixed up: {_and([names[label] for label in worst])}", worst)


def _by_heart(now: dict, before: dict, names: Sequence[str]) -> Remark | None:
    """A training set that is known much better than the test set."""
    gap = now.get("train_accuracy", 0.0) - now["accuracy"]
    if gap < 0.05:
        return None
    return Remark("It knows the images that it learns from better than new ones")


def _settled(now: dict, before: dict, names: Sequence[str]) -> Remark:
    shares = _accuracies(now)
    worst = min(shares, key=shares.get, default=None)
    if worst is None or shares[worst] == 1:
        return Remark("Little changes any more")
    return Remark(f"Little changes any more; hardest to tell is {names[worst]}", (worst,))


_KINDS = (_came_apart, _came_together, _learned, _still_mixed, _by_heart, _settled)


def _accuracies(metrics: Mapping[str, float]) -> dict[int, float]:
    """By label, of the classes that have any."""
    found = ((re.fullmatch(r"accuracy_of_(\d+)", name), share) for name, share in metrics.items())
    return {int(match[1]): share for match, share in found if match}


def pairs(metrics: Mapping[str, float]) -> Iterator[tuple[tuple[int, int], str]]:
    """Each two classes, smaller label first, and the metric that tells how far apart they are."""
    for name in metrics:
        if match := re.fullmatch(r"apart_(\d+)_(\d+)", name):
            yield (int(match[1]), int(match[2])), name


def _name(one: int, other: int) -> str:
    return f"apart_{min(one, other)}_{max(one, other)}"


def _those_of(labels: Sequence[int], names: Sequence[str]) -> str:
    return ("that of " if len(labels) == 1 else "those of ") + _and([names[i] for i in labels])


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
