"""The kinds of sentences that a film of the sheet transcriber has.

Each kind finds a sentence to begin with, and checks one that is shown. A sentence begins with a
margin, so that it is not checked in vain at the next snapshot. What it says of all test digits is
also true of those that the film shows: viewers look there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from epochreel.experiments.sheets import layout
from epochreel.experiments.sheets.readings import (
    FIRST_DIGIT,
    MEANS,
    confusion,
    mean_places,
    named_confusions,
    named_numbers,
    named_tiles,
    number_texts,
    place_shares,
    readings,
    shown_places,
)
from epochreel.narration.sentences import listed
from epochreel.narration.story import Story

_LUCK = 0.125  # accuracy up to which it may be guessing
_KNOWN, _LOST = 0.6, 0.45
"""Share of a digit that is read correctly from which it is known, and below which it is lost."""
_CELLS = 16  # shown if the run does not choose any
_FLOORS = {
    0.9: "nine in ten",
    0.75: "three in four",
    0.67: "two in three",
    0.5: "half",
    0.34: "a third",
    0.2: "one in five",
    0.1: "one in ten",
}


@dataclass(frozen=True)
class Now:
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
        """The share of all digits that are read correctly."""
        truth, prediction = self.readings
        return float((truth == prediction).mean())

    @property
    def told(self) -> list[str]:
        """The sentences so far."""
        return [each.sentence for each in self.story.told]

    @property
    def is_cells(self) -> bool:
        """True if the network reads single numbers, not pages."""
        return self.story.data["variant"] == "cells"

    @cached_property
    def shown(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers that the film shows: printed and read, (n, 3) each."""
        if self.is_cells:
            rows = list(self.story.cast or range(min(_CELLS, len(self.readings[0]))))
            return tuple(each[rows] for each in self.readings)
        page, places = (*self.story.cast, 0)[0], shown_places()
        return tuple(each[page, places].reshape(-1, 3) for each in self.readings)

    @cached_property
    def shown_pairs(self) -> np.ndarray:
        """How often each digit shown (row) is read as each digit (column), (10, 10)."""
        printed, read = (each.ravel().astype(np.intp) for each in self.shown)
        return np.bincount(printed * 10 + read, minlength=100).reshape(10, 10)

    @cached_property
    def right(self) -> np.ndarray:
        """Which of the numbers shown are read correctly, (n,)."""
        printed, read = self.shown
        return (printed == read).all(1)

    @cached_property
    def texts(self) -> list[str]:
        """The numbers that the film shows, as printed."""
        return number_texts(self.shown[0])

    @cached_property
    def mean_starts(self) -> np.ndarray:
        """The share of means that begin with each digit, (10,)."""
        firsts = self.readings[0][:, mean_places()]
        return np.bincount(firsts.ravel(), minlength=10) / firsts.size


@dataclass(frozen=True)
class Kind:
    """A kind of sentence.

    pattern  finds its sentences
    find     returns one that is true with a margin, or None
    is_true  returns whether one that is shown is still true
    most     how many of them a film may have
    """

    pattern: str
    find: Callable[[Now], str | None]
    is_true: Callable[[Now, str], bool]
    most: int = 2

    def has(self, words: str) -> bool:
        """Return whether a sentence is of this kind."""
        return re.search(self.pattern, words) is not None


def kind_of(words: str) -> Kind | None:
    """Return the kind of a sentence; None if it has none, such as the first one."""
    return next((kind for kind in KINDS if kind.has(words)), None)


# At the beginning


def _practises(now: Now) -> str | None:
    example = "number" if now.is_cells else "page"
    words = (
        f"It practises: it reads a {example}, sees the right digits, and corrects itself a little."
    )
    return words if now.accuracy < 0.3 else None


def _guesses(now: Now) -> str | None:
    if now.accuracy >= _LUCK:
        return None
    counts = np.bincount(now.readings[1].ravel(), minlength=10) / now.readings[1].size
    favourites = np.flatnonzero(counts >= 0.2)
    if counts[favourites].sum() > 0.5 and np.isin(now.shown[1], favourites).mean() > 0.5:
        return f"It can only guess so far: it reads most digits as {plural(favourites, 'or')}."
    return "It can only guess so far: about one digit in ten is right, by luck."


def _still_guesses(now: Now, words: str) -> bool:
    favourites = [int(digit) for digit in re.findall(r"(\d)s", words)]
    reads = now.readings[1], now.shown[1]
    is_true = all(np.isin(each, favourites).mean() >= 0.5 for each in reads)
    return now.accuracy < _LUCK + 0.01 and (is_true or not favourites)


def _rarely(now: Now) -> str | None:
    """Name digits that it hardly ever answers, if they are few."""
    digits = np.flatnonzero(now.shares.mean(0) < 0.002)
    if not 0 < len(digits) <= 4 or now.accuracy >= 0.25:
        return None
    words = (
        f"It hardly ever answers {listed(digits, 'or')}: their columns of tiles are nearly empty."
    )
    return words if _is_rarely(now, words) else None


def _is_rarely(now: Now, words: str) -> bool:
    digits = [digit for digit, _ in named_tiles(words)]
    is_rare = now.shares.mean(0)[digits].max() < 0.005
    return bool(is_rare) and not np.isin(now.shown[1], digits).any()


def _has_luck(now: Now) -> str | None:
    words = "Luck would get one digit in ten right. It does better now, but not by much."
    return words if _LUCK <= now.accuracy < 0.2 else None


# What comes first


def _bets(now: Now) -> str | None:
    """Say that it answers the usual first digits of means, before it can read."""
    if now.is_cells:
        return None
    usual = [str(digit) for digit in np.flatnonzero(now.mean_starts > 0.25)]
    words = f"It has noticed that averages ({MEANS}) often begin with {' or '.join(usual)}."
    return words if usual and _still_bets(now, words) else None


def _still_bets(now: Now, words: str) -> bool:
    usual = [int(digit) for digit in re.findall(r"\d", words)]
    printed, read = (each[-(len(each) // 4) :, 0] for each in now.shown)
    is_usual = np.isin(now.readings[1][:, mean_places()], usual).mean() > 0.6
    is_seen = np.isin(read, usual).mean() > 0.6 and np.isin(printed, usual).mean() >= 0.5
    right = place_shares(*now.readings)[mean_places()].mean()
    return bool(is_usual and is_seen and right > max(0.4, 1.4 * now.accuracy))


def _first_digit(now: Now) -> str | None:
    words = f"It gets the {FIRST_DIGIT} of most numbers right, but not yet the other two."
    return words if _is_first_best(now, 0.6, 0.5) else None


def _is_first_best(now: Now, least: float, most: float) -> bool:
    pairs = now.readings, now.shown
    return now.is_cells and all(
        right[0] > least and right[1:].max() < most for right in (place_shares(*p) for p in pairs)
    )


def _first_numbers(now: Now) -> str | None:
    names = [now.texts[k] for k in np.flatnonzero(now.right)]
    if not 0 < len(names) <= 3 or now.accuracy > 0.7:
        return None
    return f"Already completely right here: {listed(names)}."


def _are_right(now: Now, words: str) -> bool:
    right = {now.texts[k] for k in np.flatnonzero(now.right)}
    return right.issuperset(named_numbers(words)) and len(right) <= len(now.texts) // 2


def _leaders(now: Now) -> str | None:
    """Name the digits that are ahead of all others."""
    order = np.argsort(-now.own)
    gaps = now.own[order[:4]] - now.own[order[1:5]]
    digits = sorted(map(int, order[: gaps.argmax() + 1]))
    if len(digits) == 1:
        words = f"{digits[0]}s are the easiest for it: it reads most of them right."
    else:
        words = f"It finds {listed(digits)} easier than all other digits."
    is_ahead = gaps.max() > 0.025 and now.own[digits].min() > (_KNOWN if len(digits) < 2 else 0.3)
    # A network that reads everything as a 9 does not know 9s.
    is_known = (now.own[digits] > 0.4 * now.shares[:, digits].sum(0)).all()
    is_clear = is_ahead and is_known and now.accuracy < 0.75
    return words if is_clear and _are_ahead(now, words) else None


def _are_ahead(now: Now, words: str) -> bool:
    is_named = np.isin(np.arange(10), [digit for digit, _ in named_tiles(words)])
    shown, right = now.shown_pairs.sum(1), np.diag(now.shown_pairs)
    here = right[is_named].sum() / max(shown[is_named].sum(), 1)
    others = right[~is_named].sum() / max(shown[~is_named].sum(), 1)
    least, best = now.own[is_named].min(), now.own[~is_named].max()
    is_most = is_named.sum() > 1 or (least > 0.55 and here > 0.5)
    return bool(least > best and here > others and is_most and now.accuracy < 0.8)


# What is mixed up


def _mixes_up(now: Now) -> str | None:
    """Name the most frequent confusion of those that can be seen in what is shown."""
    seen = np.where(now.shown_pairs > 0, now.wrong, 0)
    pair = printed, read = tuple(map(int, np.unravel_index(seen.argmax(), seen.shape)))
    if seen[pair] < 0.2 or not 0.2 < now.accuracy < 0.75:
        return None
    amount = "many" if seen[pair] >= 0.27 else "some"
    times = sum(pair in named_confusions(words) for words in now.told)
    if times > 1:
        return None
    lead = "It still reads" if times else "A frequent mistake: it reads"
    return f"{lead} {amount} {printed}s as {read}s."


def _is_seen(now: Now, words: str) -> bool:
    pair = named_confusions(words)[0]
    return bool(now.shown_pairs[pair] and now.wrong[pair] >= (0.2 if "many" in words else 0.12))


def _recovers(now: Now) -> str | None:
    """Name a number that is right although it has a digit of a confusion that was named."""
    pairs = [
        pair for words in now.told if re.search(_OFTEN, words) for pair in named_confusions(words)
    ]
    for printed, read in dict.fromkeys(pairs):
        names = [now.texts[k] for k in np.flatnonzero(now.right) if str(printed) in now.texts[k]]
        if names and now.accuracy > 0.75 and 0.08 < now.wrong[printed, read] < 0.19:
            # A number that begins with the digit shows it best.
            name = max(names, key=lambda name: name.startswith(str(printed)))
            return f"Look at {name}: completely right. It reads fewer {printed}s as {read}s now."
    return None


_OFTEN = "^A frequent mistake|^It still reads"


def _is_recovered(now: Now, words: str) -> bool:
    rights = {now.texts[k] for k in np.flatnonzero(now.right)}
    return (
        rights.issuperset(named_numbers(words))
        and 0.05 < now.wrong[named_confusions(words)[0]] < 0.2
    )


def _hardest(now: Now) -> str | None:
    """Name the digit that is far behind all others, and what it is taken for."""
    second, digit = (int(each) for each in np.argsort(now.own)[1::-1])
    first, other = (int(each) for each in np.argsort(-now.wrong[digit])[:2])
    if now.accuracy < 0.78 or now.own[second] - now.own[digit] < 0.04 or now.own[digit] > 0.85:
        return None
    reads = f"{first}s and {other}s" if now.wrong[digit, other] >= 0.08 else f"{first}s"
    words = f"{digit}s are the hardest: it reads many of them as {reads}."
    return words if _is_hardest(now, words) else None


def _is_hardest(now: Now, words: str) -> bool:
    pairs = tuple(np.transpose(named_confusions(words)))
    digit = pairs[0][0]
    worst = now.wrong[digit].argsort()[::-1][: len(pairs[0])]
    return bool(
        now.own[digit] == now.own.min()
        and now.wrong[pairs].sum() >= 0.2
        and set(worst) == set(pairs[1])
    )


# Setbacks


def _forgets(now: Now) -> str | None:
    words = "A setback: it has lost much of what it had learned."
    return words if now.accuracy < 0.6 * np.nanmax(now.story.history["accuracy"]) else None


def _still_forgets(now: Now, _words: str) -> bool:
    return now.accuracy < 0.75 * np.nanmax(now.story.history["accuracy"])


def _loses(now: Now) -> str | None:
    """Name a digit that an earlier sentence calls easy, and that it no longer knows."""
    easy = [int(words[0]) for words in now.told if "s are the easiest" in words]
    lost = [digit for digit in easy if now.own[digit] < _LOST]
    if not lost:
        return None
    read = now.wrong[lost[0]].argmax()
    return f"A setback: it read most {lost[0]}s right, but now reads many {lost[0]}s as {read}s."


def _is_lost(now: Now, words: str) -> bool:
    pair = named_confusions(words)[0]
    return bool(now.own[pair[0]] < 0.5 and now.wrong[pair] >= 0.2)


# At the end


def _half(now: Now) -> str | None:
    words = "At least half of the numbers here are completely right now."
    return words if 0.5 <= now.right.mean() < 0.75 else None


def _few(now: Now) -> str | None:
    """Name the last numbers shown that are wrong; say why, if one is a mean of a rare kind."""
    printed, read = (each[~now.right] for each in now.shown)
    names, answers = number_texts(printed), number_texts(read)
    if not 0 < len(names) <= 2 or now.accuracy < 0.95:
        return None
    if len(names) > 1:
        return f"Of all the numbers here, it misreads only {listed(names)}."
    lead = f"One number here is still wrong: it reads {names[0]} as {answers[0]}"
    return f"{lead}.{rarity(now, printed[0], read[0])}"


def rarity(now: Now, printed: np.ndarray, read: np.ndarray) -> str:
    """Return the reason why a number shown is misread: it is a mean with a rare first digit."""
    if now.is_cells or printed[0] == read[0] or now.mean_starts[printed[0]] >= 0.1:
        return ""
    places = [k for k, each in enumerate(now.shown[0]) if (each == printed).all()]
    is_mean = min(places) >= len(now.right) - len(now.right) // 4
    return f" Averages rarely begin with {printed[0]}." if is_mean else ""


def _all_here(now: Now) -> str | None:
    words = f"Every digit here is right, but elsewhere it gets some {now.own.argmin()}s wrong."
    return words if _is_all_here(now, words) and now.accuracy <= 0.99 else None


def _is_all_here(now: Now, words: str) -> bool:
    digit = named_tiles(words)[0][0]
    return bool(now.right.all() and now.own[digit] < 0.98)


def _nearly_all(now: Now) -> str | None:
    words = "Every digit shown here is right now, and more than 99 in 100 of all others."
    return words if now.right.all() and 0.99 < now.accuracy < 1 else None


def _all(now: Now) -> str | None:
    words = "Every digit is right now: here, and in all other tests."
    return words if now.accuracy == 1 else None


def _part(now: Now) -> str | None:
    """Return a share as a floor, if there is nothing else to say."""
    words = next((words for least, words in _FLOORS.items() if now.accuracy > least), None)
    if words is None:
        return "Most digits are still wrong."
    return f"More than {words}{'' if ' in ' in words else ' of the'} digits are right."


def _is_part(now: Now, words: str) -> bool:
    return words == _part(now)


def _again(find: Callable[[Now], str | None]) -> Callable[[Now, str], bool]:
    """Return the check of a kind whose sentences are true as long as they are found."""
    return lambda now, words: find(now) == words


KINDS = (
    Kind("lost much", _forgets, _still_forgets),
    Kind("A setback: it read", _loses, _is_lost),
    Kind("^It practises", _practises, lambda now, _words: now.accuracy < 0.3, most=1),
    Kind("all other tests", _all, _again(_all)),
    Kind("99 in 100", _nearly_all, _again(_nearly_all)),
    Kind("Every digit here is", _all_here, _is_all_here),
    Kind("still wrong: it reads|misreads only", _few, _again(_few), most=4),
    Kind("s are the hardest", _hardest, _is_hardest),
    Kind("half of the numbers here", _half, lambda now, _w: 0.5 <= now.right.mean() < 0.9, 1),
    Kind("averages", _bets, _still_bets, most=1),
    Kind(FIRST_DIGIT, _first_digit, lambda now, _words: _is_first_best(now, 0.5, 0.6), most=1),
    Kind("^Already completely", _first_numbers, _are_right, most=1),
    Kind("easie(r|st)", _leaders, _are_ahead),
    Kind("^Look at", _recovers, _is_recovered, most=1),
    Kind(_OFTEN, _mixes_up, _is_seen, most=3),
    Kind("only guess", _guesses, _still_guesses, most=1),
    Kind("ever answers", _rarely, _is_rarely, most=1),
    Kind("^Luck would", _has_luck, lambda now, _words: _LUCK <= now.accuracy < 0.25, most=1),
    Kind("^(More than|Most digits).*(right|wrong).$", _part, _is_part, most=100),
)
"""All kinds; of those that find a sentence, the first one that is not used up has its turn."""


def sureness(table: pa.Table) -> np.ndarray:
    """Return the probability of each digit read, (rows,)."""
    chunks = table["probabilities"].combine_chunks()
    return chunks.flatten().to_numpy().reshape(-1, 10).max(1)


def plural(digits: Iterable[int], last: str = "and") -> str:
    """List digits: "8s or 9s"."""
    return listed([f"{digit}s" for digit in digits], last)
