"""Sentences from metrics alone, for experiments whose narration.py has none.

They are for people who know nothing about neural networks. Each sentence is true at its snapshot
and contains no number. Sentences about surprises are not repeated: answers that get worse, a class
that is forgotten, practice examples known by heart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from epochreel.core.amounts import amount, in_a_line
from epochreel.experiment_api.declared_metrics import main_metric
from epochreel.experiment_api.interface import TIMES, Metric
from epochreel.narration.shares import ALL, Share, all_shares, share
from epochreel.narration.story import Story

_BETTER_THAN_GUESSING = 0.6  # Of two equally frequent answers, guessing gets half right.
_WORSE = 0.1  # fall of a share, or of another metric relative to its range, to report
_HELD, _LOST = 0.8, 0.2  # accuracies on a class before and after it is forgotten
_KNOWN, _KNOWN_BY_CHANCE = 0.3, 1.5
"""A class counts as known only while the mean accuracy on all classes is at least `_KNOWN`, and at
least `_KNOWN_BY_CHANCE` divided by the number of classes."""
_BY_HEART = 0.97  # accuracy on practice examples
_GAP = 0.08  # how much lower the accuracy on the test set is
_LITTLE = 0.02  # change of a share, or of another metric relative to its range
_HARDER = 0.15  # how much lower the accuracy on the hardest class is
_SAME_STEP = 8  # the step from which "so far" means something
_LONGEST_NAME = 30  # characters of a class, label or noun in a sentence


def default(story: Story) -> str:
    """Return the sentence of a phase that begins with the last snapshot of `story`."""
    if not story.snapshot:
        return _untrained(story)
    name = _main(story)
    if name is None:
        return story.told[-1].sentence if len(story.told) > 1 else _practising(story)
    subject = _Subject(story, name)
    for surprise in (_lost, _by_heart, _worse):
        sentence = surprise(subject)
        if sentence and sentence not in {told.sentence for told in story.told}:
            return sentence
    return _of_share(subject) if subject.is_share else _of_value(subject)


def default_holds(story: Story) -> bool:
    """Return whether the fraction in the sentence on the screen, if there is one, is still true."""
    name = _main(story)
    subject = name and _Subject(story, name)
    if not subject or not subject.is_share or math.isnan(subject.now):
        return True
    present = _told_share(subject)
    return present is None or share(subject.now, present) is present


def default_mistakes(story: Story) -> list[str] | None:
    """Return a sentence from the accuracy; [] if nothing is wrong, None without an accuracy."""
    accuracy = float(story.history.get("accuracy", [math.nan])[-1])
    if not 0 <= accuracy <= 1:
        return None
    wrong = amount(1 - accuracy, "%", story.predictions.num_rows)
    return [] if accuracy == 1 else [f"It gets {wrong} of the {story.nouns.answers} wrong."]


@dataclass(frozen=True)
class _Subject:
    """The main metric of a story."""

    story: Story
    name: str

    @property
    def metric(self) -> Metric:
        return self.story.metrics[self.name]

    @cached_property
    def values(self) -> np.ndarray:
        """The defined values so far; the last one is the snapshot's."""
        values = self.story.history[self.name]
        return values[~np.isnan(values)]

    @property
    def now(self) -> float:
        return float(self.values[-1])

    @property
    def first(self) -> float:
        return float(self.values[0])

    @property
    def range(self) -> float:
        return float(np.ptp(self.values))

    @property
    def is_share(self) -> bool:
        """True for a fraction, 0 … 1. An accuracy that is not declared is one too."""
        unit = self.metric.unit or ("%" if self.name == "accuracy" else None)
        return unit == "%" and _are_fractions(self.values)

    @property
    def much(self) -> float:
        """The smallest fall to report."""
        if self.is_share:
            return _WORSE
        return max(_WORSE * self.range, _WORSE / 2 * float(np.abs(self.values).max())) or 1.0

    @property
    def is_lower_better(self) -> bool:
        return self.metric.direction == "lower"

    @property
    def is_accuracy(self) -> bool:
        return self.name == "accuracy" and self.is_share and not self.is_lower_better

    def better(self, values: np.ndarray) -> np.ndarray:
        """Return values for which higher is better."""
        return -values if self.is_lower_better else values

    @property
    def told(self) -> str:
        """The sentence on the screen."""
        return self.story.told[-1].sentence

    @property
    def since(self) -> float:
        """Change of the metric since the sentence on the screen appeared; 0 if it was undefined."""
        before = float(self.story.history[self.name][self.story.told[-1].snapshot])
        return 0.0 if math.isnan(before) else self.now - before

    @property
    def has_doubled(self) -> bool:
        """True if the network has practised twice as long since this sentence appeared."""
        steps = self.story.history["step"]
        begun = steps[self.story.told[-1].snapshot]
        return begun > 0 and steps[-1] >= max(2 * begun, _SAME_STEP)

    @property
    def changes_little(self) -> bool:
        scale = 1.0 if self.is_share else self.range or 1.0
        return self.has_doubled and abs(self.since) <= _LITTLE * scale

    @property
    def answers(self) -> str:
        return _short(self.story.nouns.answers)


def _untrained(story: Story) -> str:
    accuracy = float(story.history.get("accuracy", [math.nan])[0])
    if _BETTER_THAN_GUESSING < accuracy <= 1:
        answers = _short(story.nouns.answers)
        return f"It has not practised yet, but gets {share(accuracy)} of the {answers} right."
    return "It has not practised yet: it is guessing."


def _practising(story: Story) -> str:
    return f"It is practising on one group of {_short(story.nouns.examples)} after another."


def _main(story: Story) -> str | None:
    """Return the main metric of those that are defined at the snapshot."""
    names = (name for name in story.history if name not in TIMES)
    defined = [name for name in names if not math.isnan(story.history[name][-1])]
    return main_metric(defined, story.metrics)


# Surprises


def _lost(subject: _Subject) -> str | None:
    """Name a class that is forgotten; of several, the one whose accuracy fell most."""
    falls = {}
    for classes in _families(subject.story):
        # An untrained network that gives one answer to everything does not know that class.
        means = np.nan_to_num(list(classes.values())).mean(0)
        is_known = means >= max(_KNOWN, _KNOWN_BY_CHANCE / len(classes))
        for label, values in classes.items():
            told = _last_told(subject.story, f"{_FORGOTTEN} {label}:")
            best = np.nanmax(values[told:][is_known[told:]], initial=0.0)
            if best >= _HELD and values[-1] <= _LOST:
                falls[label] = best - values[-1], best, values[-1]
    if not falls:
        return None
    label = max(falls, key=falls.get)
    _, best, now = falls[label]
    before = "all" if best == 1 else "nearly all" if best >= 0.9 else "most"
    after = "none" if now == 0 else "hardly any" if now <= 0.1 else "few"
    return f"{_FORGOTTEN} {label}: it used to get {before} of them right, but now {after}."


_FORGOTTEN = "It has forgotten"


def _by_heart(subject: _Subject) -> str | None:
    """Say that practice examples are known much better than new ones."""
    practice = _practice(subject)
    examples = _short(subject.story.nouns.examples)
    if practice is None:
        return None
    if subject.is_accuracy and practice[-1] >= max(_BY_HEART, subject.now + _GAP):
        return f"It knows its practice {examples} by heart; on new ones it still makes mistakes."
    test = subject.better(subject.values)
    trained = subject.better(practice[~np.isnan(practice)])
    begun = int(test.argmax())
    is_worse = test.max() - test[-1] >= subject.much
    if is_worse and begun and trained[-1] == trained.max() > trained[min(begun, len(trained) - 1)]:
        return f"It keeps getting better on its practice {examples}, but worse on new ones."
    return None


def _worse(subject: _Subject) -> str | None:
    """Say that the answers have got worse since the last such sentence."""
    begun = _last_told(subject.story, _GOT_WORSE)
    since = subject.better(subject.story.history[subject.name][begun:])
    since = since[~np.isnan(since)]
    fall, lasting = since.max() - since[-1], since.max() - np.median(since[-3:])
    # A single outlier is not enough for a small fall.
    if fall < subject.much or (fall < 2 * subject.much and lasting < subject.much):
        return None
    if subject.is_accuracy:
        best, now = share(float(since.max())), share(subject.now)
        return f"{_GOT_WORSE}: {best} of the {subject.answers} were right before, now {now}."
    return f"{_GOT_WORSE}: its {_name(subject)} was better before."


_GOT_WORSE = "It has got worse"


def _last_told(story: Story, beginning: str) -> int:
    """Return the snapshot of the last sentence that begins so, or 0."""
    found = (told.snapshot for told in story.told if told.sentence.startswith(beginning))
    return max(found, default=0)


# Progress


def _told_share(subject: _Subject) -> Share | None:
    """Return the share that the sentence on the screen mentions."""
    forms = _is_now, _is_only, _is_still, _no_better
    said = {text(subject, each): each for each in all_shares() for text in forms}
    return said.get(subject.told)


def _of_share(subject: _Subject) -> str:
    present = _told_share(subject)
    current = share(subject.now, present)
    if current is ALL and not (subject.values[-3:] == 1).all():
        current = all_shares()[-2]  # It may not last.
    start = float(subject.story.history[subject.name][0])
    if abs(subject.now - start) <= _LITTLE and subject.story.history["step"][-1] >= _SAME_STEP:
        return _no_better(subject, current)
    if current is not present:
        has_fallen = present and (current.end < present.end) != subject.is_lower_better
        return (_is_only if has_fallen else _is_now)(subject, current)
    if not subject.changes_little:
        return subject.told
    hardest = _hardest(subject)
    if hardest and hardest not in {told.sentence for told in subject.story.told}:
        return hardest
    return _is_still(subject, current)


def _is_now(subject: _Subject, current: Share) -> str:
    if subject.is_accuracy:
        return f"It now gets {current} of the {subject.answers} right."
    better = " (lower is better)" if subject.is_lower_better else ""
    return f"{_heading(subject.metric)}: now {current.of_a_whole}{better}."


def _is_only(subject: _Subject, current: Share) -> str:
    if not subject.is_accuracy:
        return _is_now(subject, current)
    only = "" if current.words.startswith(("only", "hardly", "none")) else "only "
    return f"Now it gets {only}{current} of the {subject.answers} right."


def _is_still(subject: _Subject, current: Share) -> str:
    if subject.is_accuracy:
        return f"Little has changed: it still gets {current} of the {subject.answers} right."
    return f"Little has changed. {_heading(subject.metric)}: still {current.of_a_whole}."


def _no_better(subject: _Subject, current: Share) -> str:
    if subject.is_accuracy:
        return f"So far, practice has not helped: it gets {current} of the {subject.answers} right."
    return f"So far, practice has not helped. {_is_now(subject, current)}"


def _hardest(subject: _Subject) -> str | None:
    """Name the class that is wrong most often, if it is much harder than the others."""
    if not subject.is_accuracy:
        return None
    families = _families(subject.story)
    now = {label: float(values[-1]) for classes in families for label, values in classes.items()}
    worst = min(now, key=now.get, default=None)
    if worst is None or now[worst] > subject.now - _HARDER:
        return None
    return f"It finds {worst} hardest: it gets {share(now[worst])} of them right."


def _of_value(subject: _Subject) -> str:
    """Compare a metric without a known best value with its value at the start."""
    gain = float(subject.better(np.array(subject.now - subject.first)))
    if abs(gain) < subject.much or len(subject.values) == 1:
        return f"Its {_name(subject)} is no better than at the start."
    if gain < 0:
        return f"Its {_name(subject)} is worse than at the start."
    best = float(subject.better(subject.values).max())
    if best - float(subject.better(np.array(subject.now))) >= subject.much:
        return f"Its {_name(subject)} was better before."
    if subject.changes_little:
        return f"Its {_name(subject)} hardly changes now."
    return f"Its {_name(subject)} {_gained(subject)}."


def _gained(subject: _Subject) -> str:
    first, now = subject.first, subject.now
    if now < 0 or first < 0.05 * np.abs(subject.values).max():
        return "is better than ever before"  # A ratio to the start would mean nothing.
    words = _DOWN if subject.is_lower_better else _UP
    return next(text for end, text in words if now / first < end)


# Ratio to the value at the start → words.
_DOWN = (
    (0.02, "is a tiny fraction of what it was at the start"),
    (0.1, "is less than a tenth of what it was at the start"),
    (0.22, "is less than a quarter of what it was at the start"),
    (0.29, "is about a quarter of what it was at the start"),
    (0.4, "is about a third of what it was at the start"),
    (0.6, "has halved since the start"),
    (0.75, "has fallen by about a third since the start"),
    (math.inf, "has begun to fall: it is getting better"),
)
_UP = (
    (1.4, "has begun to rise: it is getting better"),
    (1.75, "has risen by about half since the start"),
    (2.5, "has doubled since the start"),
    (3.5, "has tripled since the start"),
    (10, "is many times better than at the start"),
    (math.inf, "is more than ten times better than at the start"),
)


# Metrics and their names


def _families(story: Story) -> list[dict[str, np.ndarray]]:
    """Return each family of percentages, such as one per class: name → values so far, (n,).

    A family is declared with a name that ends in `*`. Members without a value at the snapshot are
    left out, as are families of fewer than two.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, values in story.history.items():
        family, label = _family(story.metrics, name)
        metric = story.metrics[name]
        is_higher_better = metric.unit == "%" and metric.direction == "higher"
        is_defined = not math.isnan(values[-1]) and _are_fractions(values[~np.isnan(values)])
        if family and is_higher_better and is_defined:
            found.setdefault(family, {})[label] = values
    return [members for members in found.values() if len(members) > 1]


def _are_fractions(values: np.ndarray) -> bool:
    return bool((values >= 0).all() and (values <= 1).all())


def _family(metrics: Mapping[str, Metric], name: str) -> tuple[str | None, str]:
    """Return the family of a metric, None if it has none, and its name there."""
    declared = list(metrics)  # Any name can be looked up.
    for pattern in declared if name not in declared else ():
        if pattern.endswith("*") and name.startswith(pattern[:-1]):
            return pattern, f"“{_short(' '.join(name.removeprefix(pattern[:-1]).split('_')))}”"
    return None, ""


def _practice(subject: _Subject) -> np.ndarray | None:
    """Return the same metric on practice examples so far, if it is defined at the snapshot."""
    history = subject.story.history
    plain = re.sub(r"(test|validation|val)_|_(test|validation|val)\b", "", subject.name)
    names = (f"{word}_{plain}" for word in ("train", "training"))
    other = (f"{plain}_{word}" for word in ("train", "training"))
    for name in (*names, *other):
        if name in history and not math.isnan(history[name][-1]):
            return history[name]
    return None


def _heading(metric: Metric) -> str:
    return _short(metric.plain or metric.label)


def _name(subject: _Subject) -> str:
    """Return a metric's name within a sentence; a term of the field means little to a layperson."""
    metric = subject.metric
    name, kind = in_a_line(_heading(metric)), "error" if subject.is_lower_better else "score"
    is_plain = metric.plain or re.search(kind, name, re.IGNORECASE)
    return name if is_plain else f"{kind} ({name})"


def _short(text: str) -> str:
    """Return a name with at most `_LONGEST_NAME` characters."""
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1].rstrip()}…"
