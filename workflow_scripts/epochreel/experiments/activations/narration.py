"""What the film of activations says: which pictures the network recognises, and what surprises.

A phase begins with a remark that has not been made yet: a surprise if there is one, otherwise the
kind that has been used least. Remarks on accuracy use medians over the latest three snapshots, so
that a single outlier is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochreel.artifacts.evaluations import indices
from epochreel.experiment_api.interface import Nouns
from epochreel.experiments.activations import classes
from epochreel.narration.grades import grade
from epochreel.narration.sentences import confusions
from epochreel.narration.story import Story

_GUESSES = "It has not practised yet: it is guessing."
_ONLY_AT_FIRST = "It has not practised yet: it guesses, and sees almost nothing but {}."
_ONLY = "So far it sees little but {}."
_FORGOTTEN = "Surprise: it has forgotten {}, which it knew well, and mistakes them for {}."
_FOUND = "It recognises {} again."
_BY_HEART = "It knows its practice pictures almost by heart, yet still gets many new ones wrong."
_SETBACK = "A setback: it recognises fewer pictures than before."
_LEVEL = "It now recognises {} new pictures."
_LEARNED = "It now recognises most {}."
_APART = "Pictures of {} now lie apart from {}."
_MIXES = "It still mixes up {} and {}."
_MISTAKES = "It still mistakes {} {} for {}."
_HARDEST = "It finds {} hardest: it gets {} of them wrong."
_WAVERS = "It keeps changing its mind about {}."
_BETTER_AT_KNOWN = "It does better on its practice pictures than on new ones."
_KINDS = (
    _ONLY,
    _FORGOTTEN,
    _FOUND,
    _BY_HEART,
    _SETBACK,
    _LEVEL,
    _LEARNED,
    _APART,
    _MIXES,
    _MISTAKES,
    _HARDEST,
    _WAVERS,
    _BETTER_AT_KNOWN,
)
_SURPRISES = (_FORGOTTEN, _FOUND, _BY_HEART)

_LEVELS = {
    0.25: "about a quarter of all",
    1 / 3: "about a third of all",
    0.5: "about half of all",
    2 / 3: "two thirds of all",
    0.75: "three quarters of all",
    0.9: "nine out of ten",
    0.97: "nearly all",
}
_KNOWN, _LOST = 0.8, 0.2  # accuracies on a class that is known well, and that is forgotten
_SKILLED = 0.4  # accuracy from which a class is recognised rather than guessed
_SEPARATED, _MIXED = 0.95, 0.85  # separation of two classes, 0.5 … 1
_LONGEST, _MOST_IN_LIST = 110, 40  # characters of a sentence, and of the names in a list
_PLURALS = {"fish": "fish", "trousers": "trousers", "dress": "dresses"}


def nouns(data: Mapping) -> Nouns:
    """Name the training examples and the answers."""
    return Nouns("pictures", "pictures")


def sentence(story: Story) -> str:
    """Say what is new: a surprise, or a remark of the kind that has been used least."""
    told = [each.sentence for each in story.told]
    if not told:
        return _first(_Seen(story))
    heard = [_kind(each) for each in told]
    found = [each for each in _remarks(_Seen(story)) if each not in told and len(each) <= _LONGEST]
    if surprises := [each for each in found if _kind(each) in _SURPRISES]:
        return surprises[0]
    others = [each for each in found if _kind(each) != heard[-1]]
    return min(others, key=lambda each: heard.count(_kind(each)), default=told[-1])


def mistakes(story: Story) -> list[str]:
    """Say how many test images are misclassified, and which classes are confused most often."""
    label, prediction = _test(story.predictions, "label", "prediction")
    names = [f"“{name}”" for name in classes.names(story.data)]
    return confusions(label, prediction, names, "new pictures")


def grades(predictions: pa.Table, count: int) -> np.ndarray:
    """Grade the first `count` test images by the answer and its probability."""
    columns = _test(predictions, "label", "prediction", "probabilities")
    label, prediction, probabilities = (column[:count] for column in columns)
    return grade(label == prediction, probabilities.astype(float).max(1))


def _test(table: pa.Table, *names: str) -> list[np.ndarray]:
    """Return columns of the test set."""
    mask = pc.equal(table["split"], "test").to_numpy()
    return [indices(table[name])[mask] for name in names]


class _Seen:
    """The network at a snapshot."""

    def __init__(self, story: Story):
        self.history, self._story = story.history, story
        names = classes.names(story.data)
        is_own = story.data["source"] == "folder"  # They may be in any language: form no plurals.
        self.names = [f"“{name}”" if is_own else _plural(name) for name in names]
        self.told = [each.sentence for each in story.told]

    @cached_property
    def confusion(self) -> np.ndarray:
        """Count the test images of each class (row) by the network's answer: (C, C)."""
        label, answer = _test(self._story.predictions, "label", "prediction")
        counts = np.zeros((len(self.names),) * 2, int)
        np.add.at(counts, (label, answer), 1)
        return counts

    def median(self, metric: str) -> np.ndarray:
        """Return the median of a metric over each three snapshots in a row: (n,)."""
        values = np.asarray(self.history[metric], float)
        padded = np.concatenate((values[:1], values[:1], values))
        return np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1)

    @cached_property
    def accuracy(self) -> np.ndarray:
        return self.median("accuracy")

    @cached_property
    def of_class(self) -> dict[int, np.ndarray]:
        """The accuracy on each class that has test images."""
        names = ((label, f"accuracy_of_{label}") for label in range(len(self.names)))
        return {label: self.median(name) for label, name in names if name in self.history}

    def answers(self) -> list[int]:
        """Return the classes that make up nine in ten answers, the most frequent first."""
        counts = self.confusion.sum(0)
        order = np.argsort(-counts, kind="stable")
        enough = np.searchsorted(np.cumsum(counts[order]), 0.9 * counts.sum()) + 1
        return order[:enough].tolist()

    def list(self, labels: Sequence[int], most: int = _MOST_IN_LIST) -> str:
        """List classes in a sentence, but no more than `most` characters of names."""
        words = [self.names[label] for label in labels]
        while len(words) > 1 and len("".join(words)) > most:
            words.pop()
        return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _first(seen: _Seen) -> str:
    answers = seen.answers()
    few = len(answers) <= max(len(seen.names) // 5, 1)
    only = _ONLY_AT_FIRST.format(seen.list(answers, _LONGEST))
    return only if few and len(only) <= _LONGEST else _GUESSES


def _remarks(seen: _Seen) -> Iterator[str]:
    """Yield all remarks that are true, the most interesting first."""
    kinds = (_forgotten, _found, _by_heart, _only, _setback, _level, _learned, _apart)
    for kind in (*kinds, _confused, _hardest, _wavers, _better_at_known):
        yield from kind(seen)


def _only(seen: _Seen) -> Iterator[str]:
    answers = seen.answers()
    if len(answers) <= min(len(seen.names) // 3, 4):
        yield _ONLY.format(seen.list(answers, _LONGEST))


def _forgotten(seen: _Seen) -> Iterator[str]:
    """Name a class that was known well, and not by guessing, and is now mostly wrong."""
    for label, shares in seen.of_class.items():
        if shares[seen.accuracy >= _SKILLED].max(initial=0) >= _KNOWN and shares[-1] <= _LOST:
            answers = seen.confusion[label]
            taken = np.flatnonzero(answers >= 0.25 * answers.sum())
            if len(taken) and label not in taken:
                yield _FORGOTTEN.format(seen.names[label], seen.list(taken))


def _found(seen: _Seen) -> Iterator[str]:
    """Name a class that the film has called forgotten, and that is right again."""
    for label, shares in seen.of_class.items():
        lost = re.escape(_FORGOTTEN.split("{}")[0] + seen.names[label]) + ","
        if shares[-1] >= 0.6 and any(re.match(lost, each) for each in seen.told):
            yield _FOUND.format(seen.names[label])


def _by_heart(seen: _Seen) -> Iterator[str]:
    if seen.accuracy[-1] <= 0.9 and _gap(seen, 0.93) >= 0.08:
        yield _BY_HEART


def _better_at_known(seen: _Seen) -> Iterator[str]:
    if _gap(seen, 0.8) >= 0.06:
        yield _BETTER_AT_KNOWN


def _gap(seen: _Seen, least: float) -> float:
    """Return how far the accuracy on the training sample is above that on the test set."""
    if "train_accuracy" not in seen.history:
        return 0.0
    train = seen.median("train_accuracy")[-1]
    return train - seen.accuracy[-1] if train >= least else 0.0


def _setback(seen: _Seen) -> Iterator[str]:
    if seen.accuracy.max() - seen.accuracy[-1] >= 0.06:
        yield _SETBACK


def _level(seen: _Seen) -> Iterator[str]:
    """State the accuracy if it is higher than all that have been mentioned."""
    now = seen.history["accuracy"][-1]
    reached = [words for level, words in _LEVELS.items() if now >= level - 0.02]
    if reached and all(_LEVEL.format(words) not in seen.told for words in _higher(reached[-1])):
        yield _LEVEL.format(reached[-1])


def _higher(words: str) -> list[str]:
    all_words = list(_LEVELS.values())
    return all_words[all_words.index(words) :]


def _learned(seen: _Seen) -> Iterator[str]:
    """Name classes that have become known since the last such remark, the best first."""
    if seen.accuracy[-1] < _SKILLED:
        return
    before = " ".join(each for each in seen.told if _kind(each) == _LEARNED)
    known = {
        label: shares[-1]
        for label, shares in seen.of_class.items()
        if shares[-1] >= _KNOWN and not _mentions(before, seen.names[label])
    }
    if known:
        yield _LEARNED.format(seen.list(sorted(known, key=known.get, reverse=True)[:3]))


def _apart(seen: _Seen) -> Iterator[str]:
    """Name a class that has separated from others, and those from which it has moved most."""
    gains = {}
    for metric in seen.history:
        if match := re.fullmatch(r"apart_(\d+)_(\d+)", metric):
            shares = seen.median(metric)
            if shares[-1] >= _SEPARATED and shares.min() <= _MIXED:
                gains[int(match[1]), int(match[2])] = shares[-1] - shares.min()
    before = " ".join(each for each in seen.told if _kind(each) == _APART)
    hubs = {
        label: {sum(pair) - label: gain for pair, gain in gains.items() if label in pair}
        for label in seen.of_class
        if not _mentions(before, seen.names[label])
    }
    for hub, others in sorted(hubs.items(), key=lambda each: -sum(each[1].values())):
        if others:
            nearest = sorted(others, key=others.get, reverse=True)[:3]
            everything = len(others) == len(seen.of_class) - 1 > 1
            apart = "all others" if everything else seen.list(nearest)
            yield _APART.format(seen.names[hub], apart)


def _confused(seen: _Seen) -> Iterator[str]:
    """Name the two classes that are confused most, once most others are told apart."""
    counts = seen.confusion
    both = (counts + counts.T) / np.maximum(counts.sum(1)[:, None] + counts.sum(1), 1)
    both = np.triu(both, 1)
    for first, second in _largest(both, 3):
        if both[first, second] < 0.06 or seen.accuracy[-1] < 0.5:
            return
        one, other = counts[first, second], counts[second, first]
        if min(one, other) >= max(one, other) / 2:
            yield _MIXES.format(seen.names[first], seen.names[second])
        else:
            pair = (first, second) if one > other else (second, first)
            often = counts[pair] >= 0.3 * counts[pair[0]].sum()
            names = (seen.names[label] for label in pair)
            yield _MISTAKES.format("many" if often else "some", *names)


def _largest(values: np.ndarray, count: int) -> Iterator[tuple[int, int]]:
    for index in np.argsort(-values, axis=None, kind="stable")[:count]:
        yield divmod(int(index), values.shape[1])


def _hardest(seen: _Seen) -> Iterator[str]:
    label = min(seen.of_class, key=lambda each: seen.of_class[each][-1])
    wrong = 1 - seen.of_class[label][-1]
    parts = {0.85: "nearly all", 0.6: "most", 0.45: "about half", 0.3: "a third", 0.22: "a quarter"}
    part = next((words for least, words in parts.items() if wrong >= least), None)
    if part and wrong >= 1 - seen.accuracy[-1] + 0.08:
        yield _HARDEST.format(seen.names[label], part)


def _wavers(seen: _Seen) -> Iterator[str]:
    """Name the class whose accuracy changes most from snapshot to snapshot."""
    moves = {
        label: np.abs(np.diff(seen.history[f"accuracy_of_{label}"][-6:])).mean()
        for label in seen.of_class
        if len(seen.history["accuracy"]) >= 6
    }
    most = max(moves, key=moves.get, default=None)
    if most is not None and moves[most] >= 0.2:
        yield _WAVERS.format(seen.names[most])


def _kind(sentence: str) -> str:
    """Return the template of a sentence; the sentence itself if it has none."""
    patterns = ((kind, re.escape(kind).replace(r"\{\}", ".+")) for kind in _KINDS)
    return next((kind for kind, each in patterns if re.fullmatch(each, sentence)), sentence)


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


def _plural(name: str) -> str:
    return _PLURALS.get(name, f"{name}s")
