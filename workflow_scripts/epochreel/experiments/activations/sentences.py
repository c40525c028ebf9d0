"""What to look at, in one plain sentence for each phase of a film.

A phase is so many snapshots that its sentence can be read. Its sentence follows from the snapshots
up to its first, and so from the past alone: the means over the latest of them, as many as a phase
has, are compared with the means over as many before, so that what only comes and goes is no change.
It tells which classes have come apart; where none have, which have come together, which are mixed
up still, which class is told better; and where little changes any more, what is still hard. A large
gain in all goes before what is mixed up still, and no sentence is told in two phases running where
there is another. It holds for the whole phase, so it says what has been, and has no numbers: these
go on changing beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Metrics = Mapping[str, np.ndarray]
"""Each metric of `evaluation` for snapshots 0, 1, 2, …: (n,)."""

_GAIN, _LOSS = 0.05, 0.06
"""By how much the share that tells how far two classes lie apart (0.5 … 1) must change."""
_AWAY, _LEFT = 0.8, 0.95
"""From which share on one class has drawn away from another, and from which on it has left it."""
_GATHERED, _NONE_MIXED = 0.9, 0.8
"""From which mean share on the clouds of an untrained network are there already, and all of them
only from which least one on."""
_LEARNED = 0.08  # by how much a class's accuracy must grow
_CHANGED, _MUCH = 0.02, 0.1
"""By how much the accuracy must change, and how much is the first thing to tell."""
_MOST_NAMED = 3  # classes that one sentence lists


@dataclass(frozen=True)
class Remark:
    """A sentence and the classes that it names."""

    sentence: str
    classes: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Change:
    """Metrics at the beginning of a phase, and what they were before."""

    now: Mapping[str, float]  # means over the latest snapshots
    before: Mapping[str, float]  # means over those before
    last: Mapping[str, float]  # of the latest snapshot
    step: Mapping[str, float]  # from one of these snapshots to the next, root mean square

    def gain(self, name: str) -> float:
        """By how much a metric has grown: on average, and at the latest snapshot at least."""
        return min(self.now[name], self.last[name]) - self.before[name]


def remark(metrics: Metrics, names: Sequence[str], hold: int) -> Remark:
    """What is said of the last snapshot of `metrics`; a phase is `hold` snapshots long."""
    last = len(metrics["accuracy"]) - 1
    start = last - last % hold  # the phase's first snapshot
    if start == 0:
        return _at_first({name: float(values[0]) for name, values in metrics.items()})
    # No two phases in a row have the same sentence, so each depends on the one before it. The
    # chain goes back to a phase whose sentence the next one cannot repeat.
    chain = [_found(metrics, names, hold, start)]
    while len(chain[-1]) > 1 and start > hold:
        start -= hold
        before = _found(metrics, names, hold, start)
        if chain[-1][0] not in before[:2]:
            break
        chain.append(before)
    said = None
    for found in reversed(chain):
        said = found[1] if len(found) > 1 and found[0] == said else found[0]
    return said


def _found(metrics: Metrics, names: Sequence[str], hold: int, start: int) -> list[Remark]:
    """All that can be said at snapshot `start`, what matters most first."""
    # The latest `hold` snapshots and as many before; fewer near the beginning.
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
        who = "Images of a kind" if min(shares) >= _NONE_MIXED else "Images of most kinds"
        return Remark(f"{who} lie together already, but it only guesses: watch the colours")
    return Remark("At first the network only guesses: watch how images of a kind gather")


# Each kind of remark takes what has changed and the classes' names, and gives a remark or, where it
# has nothing to say, None. One of them always says something.


def _came_apart(change: _Change, names: Sequence[str]) -> Remark | None:
    """The class that came apart most from others, and from which."""
    # The lower of mean and latest value: a gain that has just been lost again does not count.
    now = {pair: min(change.now[name], change.last[name]) for pair, name in pairs(change.now)}
    gains = {pair: change.gain(name) for pair, name in pairs(change.now) if now[pair] >= _AWAY}
    gains = {pair: gain for pair, gain in gains.items() if gain >= _GAIN}
    if not gains:
        return None
    best = max(gains, key=gains.get)
    from_each = {hub: _partners(gains, hub) for hub in best}
    # Of the two classes that came apart most, the one that has left more of the others.
    hub = max(best, key=lambda each: sum(from_each[each].values()))
    others = sorted(from_each[hub], key=from_each[hub].get, reverse=True)[:_MOST_NAMED]
    has_left = all(now[min(hub, other), max(hub, other)] >= _LEFT for other in others)
    verb = "has left" if has_left else "has drawn away from"
    what = f"The cloud of {names[hub]} {verb} {_those_of(others, names)}"
    return Remark(what, (hub, *others))


def _partners(gains: Mapping[tuple[int, int], float], hub: int) -> dict[int, float]:
    """The classes that `hub` came apart from, with gains not far below the best."""
    least = max(gains.values()) / 2
    # sum(pair) - hub is the other of the two.
    return {sum(pair) - hub: gain for pair, gain in gains.items() if hub in pair and gain >= least}


def _came_together(change: _Change, names: Sequence[str]) -> Remark | None:
    losses = {
        pair: change.before[name] - max(change.now[name], change.last[name])
        for pair, name in pairs(change.now)
        if change.before[name] >= _AWAY
    }
    worst = max(losses, key=losses.get, default=None)
    if worst is None or losses[worst] < _LOSS:
        return None
    both = _and([names[label] for label in worst])
    return Remark(f"The clouds of {both} have drifted together again", worst)


def _still_mixed(change: _Change, names: Sequence[str]) -> Remark | None:
    """The two classes that lie nearest to each other."""
    there = {pair: change.now[name] for pair, name in pairs(change.now)}
    worst = min(there, key=there.get, default=None)
    if worst is None or there[worst] >= _LEFT:
        return None
    return Remark(f"Still most mixed up: {_and([names[label] for label in worst])}", worst)


def _learned(change: _Change, names: Sequence[str]) -> Remark | None:
    """The class whose accuracy grew most, by more than it varies from snapshot to snapshot."""
    gains = {
        label: change.gain(name)
        for label, name in _of_classes(change.now)
        if change.gain(name) > max(_LEARNED, change.step[name])
    }
    best = max(gains, key=gains.get, default=None)
    return None if best is None else Remark(f"It has got better at {names[best]}", (best,))


def _wavers(change: _Change, names: Sequence[str]) -> Remark | None:
    """The class whose accuracy goes up and down most, and comes to little."""
    steps = {
        label: change.step[name]
        for label, name in _of_classes(change.now)
        if change.step[name] > max(_LEARNED, abs(change.now[name] - change.before[name]))
    }
    most = max(steps, key=steps.get, default=None)
    if most is None:
        return None
    return Remark(f"It wavers over {names[most]}: now more are told right, now fewer", (most,))


def _by_heart(change: _Change, names: Sequence[str]) -> Remark | None:
    """A training set that is known much better than the test set."""
    gap = change.now.get("train_accuracy", 0.0) - change.now["accuracy"]
    if gap < 0.05:
        return None
    return Remark("It knows the images that it learns from better than new ones")


def _much_better(change: _Change, names: Sequence[str]) -> Remark | None:
    """Better by so much that it goes before what is mixed up still."""
    if change.gain("accuracy") < _MUCH:
        return None
    return Remark("It tells many more images right than before")


def _on_the_whole(change: _Change, names: Sequence[str]) -> Remark | None:
    """Better or worse than before, though no class stands out."""
    grown = change.now["accuracy"] - change.before["accuracy"]
    if abs(grown) < _CHANGED:
        return None
    return Remark(f"It tells {'more' if grown > 0 else 'fewer'} images right than before")


def _settled(change: _Change, names: Sequence[str]) -> Remark | None:
    """The class that is hardest to tell, where nothing has changed."""
    if any(kind(change, names) for kind in _CHANGES):
        return None
    shares = {label: change.now[name] for label, name in _of_classes(change.now)}
    worst = min(shares, key=shares.get, default=None)
    if worst is None or shares[worst] == 1:
        return Remark("Little changes any more")
    return Remark(f"Little changes any more; hardest to tell is {names[worst]}", (worst,))


_CHANGES = (_came_apart, _came_together, _learned, _wavers, _on_the_whole)
_KINDS = (
    _came_apart,
    _came_together,
    _much_better,
    _still_mixed,
    _learned,
    _wavers,
    _by_heart,
    _on_the_whole,
    _settled,
)
"""What matters most first."""


def _of_classes(metrics: Mapping[str, float]) -> Iterator[tuple[int, str]]:
    """The label of each class that has test examples, and the metric that is its accuracy."""
    for name in metrics:
        if match := re.fullmatch(r"accuracy_of_(\d+)", name):
            yield int(match[1]), name


def pairs(metrics: Mapping[str, float]) -> Iterator[tuple[tuple[int, int], str]]:
    """Each two classes, smaller label first, and the metric that tells how far apart they are."""
    for name in metrics:
        if match := re.fullmatch(r"apart_(\d+)_(\d+)", name):
            yield (int(match[1]), int(match[2])), name


def _those_of(labels: Sequence[int], names: Sequence[str]) -> str:
    return ("that of " if len(labels) == 1 else "those of ") + _and([names[i] for i in labels])


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
