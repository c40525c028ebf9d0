"""What the film of activations says: which pictures the network recognises, and what surprises.

A phase begins with a remark that is true and has not been made yet: a surprise if there is one,
otherwise one of the kind that has been heard least. It ends at the first snapshot at which its
remark is no longer true. Each kind has one condition for both, which is stricter for a new remark:
otherwise it would come and go with every small change. Both must be true of the bars of all test
images and of the cards: of the few test images that the film shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochreel.artifacts.evaluations import indices
from epochreel.experiment_api.interface import Nouns
from epochreel.experiments.activations import classes
from epochreel.narration.grades import grade
from epochreel.narration.sentences import confusions, listed
from epochreel.narration.story import Story

_TASK = "Task: say what each picture shows."
_GUESSES = f"{_TASK} It has not practised yet: it is guessing."
_ONLY_AT_FIRST = f"{_TASK} Unpractised, it calls nearly all of them {{}}."
_KNOWN, _LOST = 0.8, 0.2  # accuracies on a class that is known well, and that is forgotten
_SKILLED = 0.4  # accuracy from which a class is recognised rather than guessed
_LATELY = 6  # snapshots for which something is new
_MANAGES = 0.3  # accuracy from which single confusions can be told apart
_LASTS = 4, 8  # snapshots for which a sentence that is still true stays, of few and many so far
_MANY = 12  # sentences
_OFTEN = 3  # sentences of a kind, after which it is no longer news
_LONGEST, _MOST_IN_LIST = 110, 40  # characters of a sentence, and of the names in a list
_PLURALS = {"fish": "fish", "trousers": "trousers", "dress": "dresses"}
_CODES = 0xE000  # first of the private characters that stand for the names of classes


def nouns(data: Mapping) -> Nouns:
    """Name the training examples and the answers."""
    return Nouns("pictures", "pictures")


def sentence(story: Story) -> str:
    """Say what is new: a surprise, or a remark of the kind that has been heard least."""
    seen = _Seen(story)
    if not story.told:
        return _first(seen)
    told = seen.told
    if told[-1].startswith(_TASK):
        return _PRACTISES.text
    heard = [_parsed(seen, each)[0] for each in told]
    found = [each for each in _remarks(seen) if len(each[1]) <= _LONGEST]
    new = [each for each in found if each[1] not in told and heard.count(each[0]) < _OFTEN]
    if surprises := [each for kind, each in new if kind.is_surprise]:
        return surprises[0]
    is_true = _is_true(seen, story)
    age = story.snapshot - story.told[-1].snapshot
    if is_true and told[-1] not in _FALLBACKS and age < _LASTS[len(told) >= _MANY]:
        return told[-1]
    others = [each for each in new if each[0] is not heard[-1]]
    if choice := others or ([] if is_true else new):
        return min(choice, key=lambda each: heard.count(each[0]))[1]
    return told[-1] if is_true else _FALLBACKS[bool(seen.accuracy[-1] > 0.7)]


def holds(story: Story) -> bool:
    """Return whether the sentence on the screen is still true, and no surprise is to be told."""
    return _is_true(_Seen(story), story)


def _is_true(seen: _Seen, story: Story) -> bool:
    now = seen.told[-1]
    if now.startswith(_TASK):
        return not story.snapshot
    if any(kind.is_surprise and text not in seen.told for kind, text in _remarks(seen)):
        return False
    if now in _FALLBACKS:
        return now == _FALLBACKS[bool(seen.accuracy[-1] > 0.7)]
    kind, groups = _parsed(seen, now)
    return kind is not None and kind.is_true(seen, *groups, slack=1.0)


def mistakes(story: Story) -> list[str]:
    """Say how many test images are misclassified, and which classes are confused most often."""
    label, prediction = _test(story.predictions, "label", "prediction")
    names = [f"“{name}”" for name in classes.names(story.data)]
    return confusions(label, prediction, names, "new pictures")


def grades(predictions: pa.Table, count: int) -> np.ndarray:
    """Grade the first `count` test images by the answer, and by how sure it is."""
    columns = _test(predictions, "label", "prediction", "probabilities")
    label, prediction, probabilities = (column[:count] for column in columns)
    return grade(label == prediction, probabilities.astype(float).max(1))


def _test(table: pa.Table, *names: str) -> list[np.ndarray]:
    """Return columns of the test set."""
    mask = pc.equal(table["split"], "test").to_numpy()
    return [indices(table[name])[mask] for name in names]


class _Seen:
    """What can be seen at a snapshot."""

    def __init__(self, story: Story):
        self.history, self._story = story.history, story
        names = classes.names(story.data)
        is_own = story.data["source"] == "folder"  # Names in any language have no plural here.
        self.names = [f"“{name}”" if is_own else _plural(name) for name in names]
        self.told = [each.sentence for each in story.told]

    @cached_property
    def cards(self) -> np.ndarray:
        """The class and the answer of each test image that the film shows: (n, 2)."""
        return self.answers[list(self._story.cast)]

    @cached_property
    def answers(self) -> np.ndarray:
        """The class and the answer of each test image: (n, 2)."""
        return np.stack(_test(self._story.predictions, "label", "prediction"), 1)

    def on_cards(self, label: int, answers: Sequence[int], default: float) -> float:
        """Return the fraction of a class's cards with one of these answers."""
        given = self.answers_on_cards(label)
        return float(np.isin(given, answers).mean()) if len(given) else default

    def answers_on_cards(self, label: int) -> np.ndarray:
        """Return the answers on a class's cards."""
        return self.cards[self.cards[:, 0] == label, 1]

    def have_cards_changed(self, label: int, default: bool) -> bool:
        """Return whether a card of a class has lately been right and wrong."""
        if not len(self.answers_on_cards(label)) or self._story.grades is None:
            return default
        grades = self._story.grades[-_LATELY:, self.cards[:, 0] == label]
        return bool(((grades >= 0.5).any(0) & (grades < 0.5).any(0)).any())

    def right_on_cards(self, labels: Sequence[int], default: float) -> float:
        """Return the lowest fraction of right cards of any of these classes."""
        return min(self.on_cards(label, [label], default) for label in labels)

    @cached_property
    def confusion(self) -> np.ndarray:
        """Count the test images of each class (row) by the network's answer: (C, C)."""
        counts = np.zeros((len(self.names),) * 2, int)
        np.add.at(counts, tuple(self.answers.T), 1)
        return counts

    @cached_property
    def confused(self) -> np.ndarray:
        """The fraction of each class (row) with each wrong answer: (C, C)."""
        shares = self.confusion / np.maximum(self.confusion.sum(1, keepdims=True), 1)
        return shares * (1 - np.eye(len(shares)))

    @cached_property
    def shown(self) -> np.ndarray:
        """The fractions of the confusions that a card shows, of all if there are no cards."""
        if not len(self.cards):
            return self.confused
        is_shown = np.zeros(self.confused.shape, bool)
        is_shown[tuple(self.cards.T)] = True
        return self.confused * is_shown

    @cached_property
    def answered(self) -> np.ndarray:
        """The fraction of all test images with each answer: (C,)."""
        return self.confusion.sum(0) / max(self.confusion.sum(), 1)

    @property
    def accuracy(self) -> np.ndarray:
        return self.history["accuracy"]

    @cached_property
    def of_class(self) -> dict[int, np.ndarray]:
        """The accuracy on each class that has test images."""
        names = ((label, f"accuracy_of_{label}") for label in range(len(self.names)))
        return {label: self.history[name] for label, name in names if name in self.history}

    def is_right(self, label: int, slack: float) -> bool:
        """Return whether the answer is mostly right where it is given.

        A network that gives the same answer to all pictures does not recognise any.
        """
        given = self.confusion[:, label].sum()
        return self.confusion[label, label] >= (0.5 - 0.15 * slack) * given > 0

    def list(self, labels: Sequence[int], last: str = "and", most: int = _MOST_IN_LIST) -> str:
        """List classes in a sentence, but no more than `most` characters of names."""
        words = [self.names[label] for label in labels]
        while len(words) > 1 and len("".join(words)) > most:
            words.pop()
        return listed(words, last)

    def mentioned(self, *kinds: _Kind) -> set[int]:
        """Return the classes that remarks of these kinds have been about so far."""
        parsed = (_parsed(self, each) for each in self.told)
        return {label for kind, groups in parsed if kind in kinds for label in groups[0]}


def _first(seen: _Seen) -> str:
    answers = _most_given(seen, 0.85)
    only = _ONLY_AT_FIRST.format(seen.list(answers, "or", _LONGEST))
    few = len(answers) <= max(len(seen.names) // 5, 1)
    return only if few and len(only) <= _LONGEST else _GUESSES


def _most_given(seen: _Seen, share: float) -> list[int]:
    """Return the most frequent answers that are together this fraction of all."""
    order = np.argsort(-seen.answered, kind="stable")
    enough = np.searchsorted(np.cumsum(seen.answered[order]), share - 1e-9) + 1
    return order[:enough].tolist()


@dataclass(frozen=True, eq=False)
class _Kind:
    """A kind of remark.

    text         with a {} for each group of classes
    candidates   yields the groups of classes of remarks that may be true
    is_true      returns whether a remark on these groups is true; `slack` is 0 for a new remark and
                 1 for the one on the screen
    """

    text: str
    candidates: Callable[[_Seen], Iterator[Sequence[list[int]]]]
    is_true: Callable[..., bool]
    last: str = "and"
    is_surprise: bool = False

    @cached_property
    def pattern(self) -> re.Pattern:
        """The sentence with a private character for each name."""
        group = f"([{chr(_CODES)}-\uf8ff](?:(?:, | and | or )[{chr(_CODES)}-\uf8ff])*)"
        return re.compile(re.escape(self.text).replace(r"\{\}", group))


def _remarks(seen: _Seen) -> Iterator[tuple[_Kind, str]]:
    """Yield all remarks that are true, the most interesting first."""
    for kind in _KINDS:
        for groups in kind.candidates(seen):
            if all(groups) and kind.is_true(seen, *groups, slack=0.0):
                yield kind, kind.text.format(*(seen.list(each, kind.last) for each in groups))


def _parsed(seen: _Seen, sentence: str) -> tuple[_Kind | None, list[list[int]]]:
    """Return the kind of a remark, None if it is of none, and the classes that it names."""
    labels = {name: label for label, name in enumerate(seen.names)}
    parts = "|".join(map(re.escape, sorted(labels, key=len, reverse=True)))
    # A hyphen is part of a name: "T-shirts" does not name the class "shirt".
    names = rf"(?<![\w-])(?:{parts})(?![\w-])"
    coded = re.sub(names, lambda match: chr(_CODES + labels[match[0]]), sentence)
    for kind in _KINDS:
        if match := kind.pattern.fullmatch(coded):
            groups = [
                [ord(c) - _CODES for c in each if ord(c) >= _CODES] for each in match.groups()
            ]
            return kind, groups
    return None, []


# -- Candidates: the classes that a remark may be about


def _nothing(seen: _Seen) -> Iterator[Sequence[list[int]]]:
    yield ()


def _frequent(seen: _Seen) -> Iterator[Sequence[list[int]]]:
    answers = _most_given(seen, 0.65)
    is_old = seen.told[0].endswith(f" {seen.list(answers, 'or', _LONGEST)}.")
    if not is_old and len(answers) <= min(max(len(seen.names) // 5, 1), 3):
        yield (answers,)


def _lost(seen: _Seen) -> Iterator[Sequence[list[int]]]:
    for label in seen.of_class.keys() - seen.mentioned(_FORGOTTEN):
        taken = set(np.flatnonzero(seen.confused[label] >= 0.25).tolist())
        shown = set(seen.answers_on_cards(label).tolist()) - {label}
        order = sorted(taken | shown, key=lambda each: -seen.confused[label, each])
        yield [label], order[:3]


def _once_lost(seen: _Seen) -> Iterator[Sequence[list[int]]]:
    for label in seen.mentioned(_FORGOTTEN) - seen.mentioned(_FOUND):
        yield ([label],)


def _learned(seen: _Seen) -> Iterator[Sequence[list[int]]]:
    """Yield the classes that are known well since lately, the best first: at most three."""
    named = seen.mentioned(_LEARNED, _LEARNED_TOO, _FORGOTTEN)
    new = [label for label in seen.of_class if label not in named and _is_new(seen, label)]
    yield (_fullest(seen, [label for label in new if _is_learned(seen, [label], 0.0)]),)


def _begun(seen: _Seen) -> Iterator[Sequence[list[int]]]:
    named = seen.mentioned(_BEGUN, _LEARNED, _LEARNED_TOO)
    new = [label for label in seen.of_class if label not in named and _has_risen(seen, label)]
    yield (_fullest(seen, [label for label in new if _is_begun(seen, [label], 0.0)]),)


def _fullest(seen: _Seen, labels: Sequence[int]) -> list[int]:
    return sorted(labels, key=lambda label: -seen.of_class[label][-1])[:3]


def _is_new(seen: _Seen, label: int) -> bool:
    """Return whether a class has been known well for the first time, and not for long."""
    before = seen.of_class[label][:-_LATELY][seen.accuracy[:-_LATELY] >= _SKILLED]
    return before.max(initial=0) < _KNOWN and seen.of_class[label][-_LATELY:].min() < _KNOWN


def _has_risen(seen: _Seen, label: int) -> bool:
    """Return whether a class that was never recognised has been rising lately."""
    shares = seen.of_class[label]
    before, now = shares[:-_LATELY], shares[-_LATELY:]
    is_rising = now[-1] == now.max() > now[:-2].max(initial=0)
    return before.max(initial=0) <= 0.4 and now[:-3].max(initial=0) <= 0.4 and is_rising


def _missed(seen: _Seen) -> Iterator[Sequence[list[int]]]:
    """Yield the classes that are missed, the rarest answers first: they are missed for longest."""
    named, shares = seen.mentioned(_HARDLY), seen.of_class.items()
    missed = [label for label, each in shares if each[-2:].max() <= 0.05 and label not in named]
    missed = [label for label in missed if _is_missed(seen, [label], 0.0)]
    yield (sorted(missed, key=lambda label: seen.answered[label])[:3],)


def _each(seen: _Seen) -> Iterator[Sequence[list[int]]]:
    """Yield each class, the one with the lowest accuracy first."""
    for label in sorted(seen.of_class, key=lambda each: seen.of_class[each][-1]):
        yield ([label],)


def _unsaid(seen: _Seen) -> Iterator[Sequence[list[int]]]:
    """Yield each class whose changes have not been told."""
    named = seen.mentioned(_FORGOTTEN, _FOUND, _WAVERS)
    yield from (labels for labels in _each(seen) if labels[0][0] not in named)


def _pairs(seen: _Seen) -> Iterator[Sequence[list[int]]]:
    """Yield the most frequent confusions, of classes that such remarks were not about."""
    named = seen.mentioned(_MIXES, _MISTAKES_MANY, _MISTAKES_SOME)
    for index in np.argsort(-seen.shown, axis=None, kind="stable")[:6]:
        truth, answer = divmod(int(index), len(seen.names))
        if truth != answer and truth not in named:
            yield [truth], [answer]


def _mutual(seen: _Seen) -> Iterator[Sequence[list[int]]]:
    for (one,), (other,) in _pairs(seen):
        yield (sorted((one, other)),)


# -- Conditions


def _is_only(seen: _Seen, labels: Sequence[int], slack: float) -> bool:
    """A few answers, each more frequent than all others, among all test images and on the cards."""
    cards = np.bincount(seen.cards[:, 1], minlength=len(seen.names))
    if len(seen.cards) and cards[labels].sum() < 0.6 * len(seen.cards):
        return False
    for counts in (seen.answered, cards):
        if counts[labels].min() < np.delete(counts, labels).max(initial=0):
            return False
    given = seen.answered[labels]
    return given.sum() >= 0.65 - 0.1 * slack and given.min() >= 0.12 - 0.04 * slack


def _is_forgotten(seen: _Seen, labels: Sequence[int], taken: Sequence[int], slack: float) -> bool:
    """A class that was known well, when answers were no longer guesses, and is so no more."""
    (label,) = labels
    known = seen.of_class[label][seen.accuracy >= _SKILLED]
    # In two snapshots in a row, so that an outlier is not knowledge.
    best = np.minimum(known[1:], known[:-1]).max(initial=0)
    lost = seen.of_class[label][-1] <= _LOST + 0.1 * slack
    shares = seen.confused[label][taken]
    on_cards = seen.on_cards(label, taken, 1.0) > 0.99 - 0.4 * slack
    is_shown = not len(seen.answers_on_cards(label)) or on_cards
    taken_by = shares.min() >= 0.1 - 0.05 * slack and shares.sum() >= 0.5 - 0.1 * slack
    return best >= _KNOWN and lost and is_shown and taken_by


def _is_found(seen: _Seen, labels: Sequence[int], slack: float) -> bool:
    return _lowest(seen, labels) > 0.55 - 0.05 * slack and _most_cards(seen, labels, slack)


def _most_cards(seen: _Seen, labels: Sequence[int], slack: float) -> bool:
    """Return whether most cards of each class are right; of two, one may turn wrong."""
    return seen.right_on_cards(labels, 1.0) >= 0.51 - 0.01 * slack


def _is_by_heart(seen: _Seen, slack: float) -> bool:
    return seen.accuracy[-1] <= 0.9 and _gap(seen, 0.93) >= 0.08 - 0.03 * slack


def _is_better_at_known(seen: _Seen, slack: float) -> bool:
    return _gap(seen, 0.78) >= 0.06 - 0.03 * slack


def _gap(seen: _Seen, least: float) -> float:
    """Return how far the accuracy on the training sample is above that on the test set."""
    train = seen.history.get("train_accuracy", seen.accuracy)[-1]
    return train - seen.accuracy[-1] if train >= least else 0.0


def _is_setback(seen: _Seen, slack: float) -> bool:
    return seen.accuracy[-_LATELY:].max() - seen.accuracy[-1] >= 0.06 - 0.02 * slack


def _is_learned(seen: _Seen, labels: Sequence[int], slack: float) -> bool:
    right = all(seen.is_right(label, slack) for label in labels)
    known = _lowest(seen, labels) >= _KNOWN - 0.2 * slack
    return right and known and _most_cards(seen, labels, slack)


def _is_learned_too(seen: _Seen, labels: Sequence[int], slack: float) -> bool:
    """Return whether other classes are known too: their bars may be fuller."""
    others = [each[-1] for label, each in seen.of_class.items() if label not in labels]
    is_second = max(others, default=0) >= _KNOWN - 0.2 * slack
    return is_second and _is_learned(seen, labels, slack)


def _is_begun(seen: _Seen, labels: Sequence[int], slack: float) -> bool:
    right = all(seen.is_right(label, slack) for label in labels)
    shares = [seen.of_class[label][-1] for label in labels]
    # It does not fall either while the sentence is on the screen.
    lately = [seen.of_class[label][-3:].max() for label in labels]
    right = right and min(np.subtract(shares, lately)) >= -0.15
    right = right and seen.right_on_cards(labels, 1.0) > 0
    return right and min(shares) >= 0.35 - 0.1 * slack and max(shares) <= 0.75 + 0.1 * slack


def _is_missed(seen: _Seen, labels: Sequence[int], slack: float) -> bool:
    shares = [seen.of_class[label][-1] for label in labels]
    is_shown = all(not seen.on_cards(label, [label], 0.0) for label in labels)
    return is_shown and max(shares) <= 0.05 + 0.05 * slack


def _is_hardest(seen: _Seen, labels: Sequence[int], slack: float) -> bool:
    others = [shares[-1] for label, shares in seen.of_class.items() if label not in labels]
    now = _lowest(seen, labels)
    is_lowest = now <= min(others, default=0) - 0.08 * (1 - slack) and now <= 0.75
    return is_lowest and seen.right_on_cards(labels, 0.0) < 1


def _is_mixed(seen: _Seen, labels: Sequence[int], slack: float) -> bool:
    one, other = labels
    is_shown = _is_on_a_card(seen, one, other) and _is_on_a_card(seen, other, one)
    if seen.accuracy[-1] < _SKILLED or not is_shown:
        return False
    return min(seen.confused[one, other], seen.confused[other, one]) >= 0.1 - 0.03 * slack


def _is_on_a_card(seen: _Seen, truth: int, answer: int) -> bool:
    """Return whether a card shows this confusion, and no more cards another one."""
    if not len(seen.cards):
        return True
    given = np.bincount(seen.answers_on_cards(truth), minlength=len(seen.names))
    given[truth] = 0
    return given[answer] == given.max() > 0


def _mistaken(least: float, most: float) -> Callable[..., bool]:
    def is_taken(seen: _Seen, truth: Sequence[int], answer: Sequence[int], slack: float) -> bool:
        share = seen.confused[truth[0], answer[0]]
        is_skilled = seen.accuracy[-1] >= _MANAGES
        # There is none that is much more frequent, which a viewer would expect to be named.
        leads = share >= (1 - 0.4 * slack) * seen.shown.max() - 0.2
        leads = leads and share >= (1 - 0.3 * slack) * seen.confused[truth[0]].max()
        is_shown = _is_on_a_card(seen, truth[0], answer[0])
        return is_skilled and is_shown and leads and least * (1 - 0.3 * slack) <= share <= most

    return is_taken


def _wavers(seen: _Seen, labels: Sequence[int], slack: float) -> bool:
    """A class whose accuracy has risen and fallen a lot lately."""
    shares = seen.of_class[labels[0]][-_LATELY:]
    rise = (shares - np.minimum.accumulate(shares)).max()
    fall = (np.maximum.accumulate(shares) - shares).max()
    steps = np.diff(shares)
    often = min(steps[steps > 0].sum(), -steps[steps < 0].sum()) > 0.5 - 0.2 * slack
    moves = often and min(rise, fall) > 0.3 and 0.15 < shares[-1] < 0.85
    return moves and seen.have_cards_changed(labels[0], default=True)


def _reaches(level: float) -> Callable[..., bool]:
    """From a level on, until it is far behind."""

    def is_reached(seen: _Seen, slack: float) -> bool:
        cards = (seen.cards[:, 0] == seen.cards[:, 1]).mean() if len(seen.cards) else level
        return level <= seen.accuracy[-1] <= level + 0.1 + 0.15 * slack and cards >= 0.8 * level

    return is_reached


def _lowest(seen: _Seen, labels: Sequence[int]) -> float:
    return min(float(seen.of_class[label][-1]) for label in labels)


_FORGOTTEN = _Kind(
    "Surprise: it has forgotten {}, which it knew well, and mistakes them for {}.",
    _lost,
    _is_forgotten,
    is_surprise=True,
)
_FOUND = _Kind("It recognises most {} again.", _once_lost, _is_found, is_surprise=True)
_BY_HEART = _Kind(
    "It knows its practice pictures almost by heart, yet still gets many new ones wrong.",
    _nothing,
    _is_by_heart,
    is_surprise=True,
)
_ONLY = _Kind("Now it calls most pictures {}.", _frequent, _is_only, "or")
_PRACTISES = _Kind(
    "It practises on other pictures, and is told what each of them shows.",
    lambda seen: iter(()),
    lambda seen, slack: True,
)
_LEARNED_TOO = _Kind("It now recognises most {} too.", _learned, _is_learned_too)
_LEARNED = _Kind(
    "It now recognises most {}.",
    _learned,
    lambda seen, labels, slack: (
        _is_learned(seen, labels, slack) and (slack > 0 or not _is_learned_too(seen, labels, slack))
    ),
)
_BEGUN = _Kind("It begins to recognise {}.", _begun, _is_begun)
_HARDLY = _Kind("It recognises hardly any {}.", _missed, _is_missed)
_HARDEST = _Kind("The hardest for it now: {}.", _each, _is_hardest)
_MIXES = _Kind("It mixes up {} now.", _mutual, _is_mixed)
_MISTAKES_MANY = _Kind("It mistakes many {} for {} now.", _pairs, _mistaken(0.3, 1.0))
_MISTAKES_SOME = _Kind("It mistakes some {} for {} now.", _pairs, _mistaken(0.08, 0.35))
_WAVERS = _Kind("It keeps changing its mind about {}.", _unsaid, _wavers)
_SETBACK = _Kind("A setback: it recognises fewer pictures than before.", _nothing, _is_setback)
_BETTER_AT_KNOWN = _Kind(
    "It does better on its practice pictures than on new ones.", _nothing, _is_better_at_known
)
_HALF = _Kind("It now recognises more than half of all pictures.", _nothing, _reaches(0.5))
_NEARLY_ALL = _Kind("It now recognises more than nine in ten pictures.", _nothing, _reaches(0.9))
_KINDS = (
    _FORGOTTEN,
    _FOUND,
    _BY_HEART,
    _ONLY,
    _PRACTISES,
    _LEARNED_TOO,
    _LEARNED,
    _BEGUN,
    _HARDLY,
    _MIXES,
    _MISTAKES_MANY,
    _MISTAKES_SOME,
    _HARDEST,
    _SETBACK,
    _BETTER_AT_KNOWN,
    _WAVERS,
    _HALF,
    _NEARLY_ALL,
)
_FALLBACKS = (
    "It goes on practising, and still makes many mistakes.",
    "It gets more pictures right than wrong.",
)


def _plural(name: str) -> str:
    return _PLURALS.get(name, f"{name}s")
