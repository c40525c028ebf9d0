"""What the film of the sheet transcriber says.

A sentence names what the film shows: a digit or a confusion in the tiles, a number on the page. It
has to stay true while the network improves, so shares are floors: "more than a third".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from epochreel.experiment_api.interface import Nouns
from epochreel.experiments.sheets import layout
from epochreel.experiments.sheets.readings import (
    FIRST_DIGIT,
    MEANS,
    confusion,
    mean_places,
    named_confusions,
    number_texts,
    place_shares,
    readings,
    shown_places,
)
from epochreel.narration.grades import grade
from epochreel.narration.sentences import confusions
from epochreel.narration.story import Story

_KNOWN, _LOST = 0.65, 0.4
"""Share of a digit that is read correctly from which it is known, and below which it is lost."""
_STRAIGHT = (1, 2, 4, 7)  # digits with a straight stroke, and without one that closes
_FLOORS = {
    0.9: "nine in ten",
    0.8: "four in five",
    0.75: "three in four",
    0.67: "two in three",
    0.6: "six in ten",
    0.5: "half",
    0.4: "four in ten",
    0.34: "a third",
    0.25: "a quarter",
    0.2: "one in five",
}
_LUCK = 0.125  # accuracy up to which it may be guessing
_LATE = 0.75  # accuracy from which a confusion may be gone before the next sentence
_FEW, _NEARLY_ALL = 0.95, 0.99  # accuracy from which mistakes are few, and can be named
_IN_THREES = 3 * (len(layout.YEARS) + 1) * len(layout.MONTHS)  # places of numbers of three digits
_CELLS = 16  # shown if the run does not choose any


def nouns(data: Mapping) -> Nouns:
    """Name the training examples and the answers."""
    return Nouns("numbers" if data["variant"] == "cells" else "pages", "digits")


def sentence(story: Story) -> str:
    """Say what it has to do, then what it has learned, then what it still gets wrong."""
    if not story.snapshot:
        task = "These are numbers" if _is_cells(story) else "These are rainfall tables"
        return f"{task}. It must read every digit; without practice it only guesses."
    now = _Now(story)
    if now.accuracy < 0.6 * np.nanmax(story.history["accuracy"]):
        return "A setback: it has lost much of what it had learned."
    if now.accuracy < 0.2:
        return _guesses(now)
    if now.accuracy >= 0.9:
        return _ending(now)
    return _setback(now) or _discovery(now) or _progress(now)


def mistakes(story: Story) -> list[str]:
    """Say how many digits are misread, and which are confused most often."""
    truth, prediction = (story.predictions[name].to_numpy() for name in ("truth", "prediction"))
    return confusions(truth, prediction, "0123456789", "test digits")


def grades(predictions: pa.Table, count: int) -> np.ndarray:
    """Grade the first `count` pages or cells by their digits."""
    rows = predictions.num_rows // (int(predictions["page"][-1].as_py()) + 1)
    part = predictions.slice(0, count * rows).combine_chunks()
    right = part["truth"].to_numpy() == part["prediction"].to_numpy()
    sure = _sureness(part).astype(float)
    pages = right.reshape(-1, rows).mean(1), sure.reshape(-1, rows).min(1)
    return grade(*pages)


def _sureness(table: pa.Table) -> np.ndarray:
    """Return the probability of each digit read, (rows,)."""
    chunks = table["probabilities"].combine_chunks()
    return chunks.flatten().to_numpy().reshape(-1, 10).max(1)


def _is_cells(story: Story) -> bool:
    return story.data["variant"] == "cells"


@dataclass(frozen=True)
class _Now:
    """The readings at a snapshot, and what has been said before."""

    story: Story

    @cached_property
    def readings(self) -> tuple[np.ndarray, np.ndarray]:
        """The digits printed and read, (pages, places) each."""
        return readings(self.story.predictions, len(layout.places(self.story.data["variant"])))

    @cached_property
    def shares(self) -> np.ndarray:
        """The share of each printed digit that is read as each digit, (10, 10)."""
        return confusion(*self.readings)

    @property
    def own(self) -> np.ndarray:
        """The share of each digit that is read correctly, (10,)."""
        return np.diag(self.shares)

    @cached_property
    def wrong(self) -> np.ndarray:
        """The shares without the diagonal."""
        return np.where(np.eye(10, dtype=bool), 0, self.shares)

    @cached_property
    def accuracy(self) -> float:
        truth, prediction = self.readings
        return float((truth == prediction).mean())

    @property
    def told(self) -> list[str]:
        return [each.sentence for each in self.story.told]

    @cached_property
    def shown(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The numbers that the film shows: printed, read and how surely, (n, 3) each."""
        sure = _sureness(self.story.predictions).reshape(self.readings[0].shape)
        if _is_cells(self.story):
            rows = list(self.story.cast or range(min(_CELLS, len(sure))))
            return tuple(each[rows] for each in (*self.readings, sure))
        page, places = (*self.story.cast, 0)[0], shown_places()
        return tuple(each[page, places].reshape(-1, 3) for each in (*self.readings, sure))


def _guesses(now: _Now) -> str:
    if now.accuracy >= _LUCK:
        return "It does better than luck now, but most digits are still wrong."
    counts = np.bincount(now.readings[1].ravel(), minlength=10) / now.readings[1].size
    favourites = np.flatnonzero(counts >= 0.2)
    if counts[favourites].sum() > 0.5:
        return f"It can only guess so far: it takes most digits for {_plural(favourites, 'or')}."
    return "It can only guess so far: about one digit in ten is right, by luck."


def _ending(now: _Now) -> str:
    """Say what is wrong in the numbers shown, once nearly everything else is right."""
    rare = "Mistakes are becoming rare: more than nine digits in ten are right."
    if now.accuracy <= _NEARLY_ALL:
        # After a new sentence, there may be too little change for one about the last mistakes.
        before = now.story.history["accuracy"][now.story.told[-1].snapshot]
        return now.told[-1] if now.accuracy > _FEW and before > _LATE else rare
    printed, read, _ = now.shown
    wrong = np.flatnonzero((printed != read).any(1))
    names, answers = (number_texts(each[wrong]) for each in (printed, read))
    if not len(wrong):
        return "Every digit shown here is right now, and more than 99 in 100 of all others."
    if len(wrong) > 3:
        return "Nearly perfect: more than 99 digits in 100 are right."
    if len(wrong) > 1:
        return f"Nearly perfect, but of the numbers shown here it still misreads {_listed(names)}."
    lead = f"One number here is still wrong: it reads {names[0]} as {answers[0]}"
    first = int(printed[wrong[0], 0])
    is_mean = not _is_cells(now.story) and wrong[0] >= len(printed) - len(printed) // 4
    if is_mean and first != read[wrong[0], 0] and _mean_starts(now)[first] < 0.1:
        return f"{lead}. Averages rarely begin with {first}."
    return f"{lead}."


def _mean_starts(now: _Now) -> np.ndarray:
    """Return the share of means that begin with each digit, (10,)."""
    firsts = now.readings[0][:, mean_places()]
    return np.bincount(firsts.ravel(), minlength=10) / firsts.size


def _setback(now: _Now) -> str | None:
    """Name a digit that an earlier sentence calls easy, and that it no longer knows."""
    easy = [int(words[0]) for words in now.told if words[1:].startswith(_EASIEST)]
    lost = [digit for digit in easy if now.own[digit] < _LOST]
    if not lost:
        return None
    read = now.wrong[lost[0]].argmax()
    return f"A setback: it read most {lost[0]}s right, but now takes many {lost[0]}s for {read}s."


def _discovery(now: _Now) -> str | None:
    """Say once that the first digits of numbers are much easier than the others."""
    right = place_shares(*now.readings)
    if _is_cells(now.story):
        words = f"It gets the {FIRST_DIGIT} of most numbers right, but not yet the other two."
        is_easier = right[0] > 0.6 and right[1:].max() < 0.5
    else:
        usual = [str(digit) for digit in np.flatnonzero(_mean_starts(now) > 0.25)]
        words = f"It noticed that averages ({MEANS}) mostly begin with {' or '.join(usual)}."
        is_easier = usual and right[mean_places()].mean() > max(0.4, 1.5 * now.accuracy)
    return words if is_easier and words not in now.told else None


def _progress(now: _Now) -> str:
    """Say something of another kind than the last sentences."""
    kinds = (_straight, _number, _easiest, _whole, _confused)
    first = len(now.told) % len(kinds)
    found = (kind(now) for kind in (*kinds[first:], *kinds[:first]))
    return next((words for words in found if words), f"{_part(now.accuracy)} are right.")


def _confused(now: _Now) -> str | None:
    """Name the most frequent confusion, unless that sounds as if it forgot the one before."""
    printed, read = map(int, np.unravel_index(now.wrong.argmax(), now.wrong.shape))
    share = now.wrong[printed, read]
    pairs = [pair for words in now.told for pair in named_confusions(words)]
    times = pairs.count((printed, read))
    is_said = times > 1 or len(pairs) >= _MOST or named_confusions(now.told[-1])
    if share < 0.1 or now.accuracy > _LATE or is_said:
        return None
    amount = "most" if share >= 0.5 else "many" if share >= 0.25 else "some"
    still = "still " if times else ""
    lead = _part(now.accuracy)
    return f"{lead} are right, but it {still}takes {amount} {printed}s for {read}s."


_MOST = 3  # confusions named in a film


def _whole(now: _Now) -> str | None:
    """Say how many numbers it reads without a mistake, of those shown and of all."""
    truth, prediction = now.readings
    pairs = now.shown[:2], (truth[:, :_IN_THREES], prediction[:, :_IN_THREES])
    shares = [(one == other).reshape(-1, 3).all(1).mean() for one, other in pairs]
    if min(shares) - 0.05 < 0.25:
        return None
    floor = _floor(min(shares) - 0.05)
    return f"A number needs all three digits: it gets more than {floor} of them fully right."


def _number(now: _Now) -> str | None:
    """Name a number shown that it reads correctly and surely, once."""
    printed, read, sure = now.shown
    sure = np.where((printed == read).all(1), sure.min(1), 0)
    if sure.max() < 0.2 or any(_WHOLE in words for words in now.told):
        return None
    place = "here" if _is_cells(now.story) else "on this page"
    return f"Find {number_texts(printed)[sure.argmax()]} {place}: it reads {_WHOLE}."


_WHOLE = "all three digits right"


def _easiest(now: _Now) -> str | None:
    """Name the digit that it knows best, once."""
    second, best = np.argsort(now.own)[-2:]
    # A network that takes everything for a 9 does not know 9s.
    is_known = now.own[best] > max(_KNOWN, 0.5 * now.shares[:, best].sum())
    is_said = any(words[1:].startswith(_EASIEST) for words in now.told)
    if is_said or not is_known or now.own[best] < now.own[second] + 0.03:
        return None
    return f"{best}{_EASIEST}: it reads most of them right."


_EASIEST = "s are the easiest for it"


def _straight(now: _Now) -> str | None:
    """Say once that round digits are harder than all others."""
    is_straight = np.isin(np.arange(10), _STRAIGHT)
    words = f"It finds {_listed(_STRAIGHT, 'and')} easier: the round digits look more alike."
    is_true = now.own[is_straight].min() > now.own[~is_straight].max() + 0.02
    return words if is_true and words not in now.told else None


def _part(share: float) -> str:
    """Return a share as a floor, which stays true while it rises."""
    words = _floor(share)
    return f"More than {words} digits" if " in " in words else f"More than {words} of the digits"


def _floor(share: float) -> str:
    return next((words for least, words in _FLOORS.items() if share > least), "one in ten")


def _plural(digits: Iterable[int], last: str = "and") -> str:
    return _listed([f"{digit}s" for digit in digits], last)


def _listed(words: Sequence[object], last: str = "and") -> str:
    *others, final = map(str, words)
    return f"{', '.join(others)} {last} {final}" if others else final
