"""What the film of the word reader says.

The sentences name what the pictures show: where the network looks, the letters that it reads, and
the words of the cast.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from string import ascii_uppercase

import numpy as np
import pyarrow as pa

from epochreel.artifacts.evaluations import indices
from epochreel.experiment_api.interface import Nouns
from epochreel.experiments.words.alphabet import END, counted, lengths, letter, spelled, text
from epochreel.narration.grades import grade
from epochreel.narration.sentences import confusions, wrong_of
from epochreel.narration.story import Story

_SHORT, _LONG = 2, 4  # numbers of letters in short and long words
_NARROW = 9.0  # horizontal spread of a mask in px below which the eye sees where it looks; a mask
# that covers the whole picture has 11.5
_WHILE = 5  # snapshots for which a word must stay right or wrong to be named
_LATELY, _TURNS = 16, 4  # snapshots, and how often a word must change within them to be named


def nouns(data: Mapping) -> Nouns:
    """Name the training examples and the answers."""
    return Nouns("words", "words")


def sentence(story: Story) -> str:
    """Say what the network has learned to do, and which words of the cast it still misreads."""
    return next(_sentences(_Reader(story)))


def mistakes(story: Story) -> list[str]:
    """Say how many test words are misread, with an example, and which letters are confused."""
    reader = _Reader(story)
    wrong = [pair for pair in zip(reader.words, reader.answers, strict=True) if pair[0] != pair[1]]
    if not wrong:
        return []
    word, answer = [*reader.misread, *wrong][0]  # one that is in the film, if possible
    sentences = [
        wrong_of(len(wrong), len(reader.words), "test words"),
        f"For example, it reads {word} as {answer or 'nothing'}.",
    ]
    return sentences + confusions(*reader.letters, ascii_uppercase, "letters")[1:]


def grades(predictions: pa.Table, count: int) -> np.ndarray:
    """Grade the first `count` words by their symbols; NaN for words without stored masks."""
    part = predictions.slice(0, count)
    words, read, sure = (indices(part[name]) for name in ("letters", "prediction", "probability"))
    counts = counted(words)
    right = ((words == read) & counts).sum(1) / counts.sum(1)
    found = grade(right, np.where(counts, sure.astype(float), 1).prod(1))
    return np.where(part["mask"].is_valid().to_numpy(), found, np.nan)


def _sentences(reader: _Reader) -> Iterator[str]:
    """Yield the sentences that are true, the most telling one first."""
    now, (common, how_common) = reader.now, reader.most_common
    if not reader.story.history["step"][-1]:
        yield "It has not practised yet: it looks everywhere at once and guesses."
    if how_common > 0.6 and not common:
        yield "It sees no letters yet: nearly every time it looks, it says “end”."
    if how_common > 0.6:
        yield "It reads the same letters, whatever the word."
    if now("place_1") - now("place_2") > 0.25:
        yield "It finds the first letter, but not yet the others."
    if now("accuracy") < 0.4:
        yield _of_letters(reader)
    yield from _news_of_the_cast(reader)
    yield _of_words(reader)


def _of_letters(reader: _Reader) -> str:
    """Return a sentence for the time when few words are right."""
    if reader.looks_along and reader.now("letters") > 0.2:
        return "Its gaze now moves from left to right, and it gets some letters right."
    if reader.looks_along:
        return "Its gaze now moves from left to right, but nearly all letters are wrong."
    if reader.now("letters") > 0.2:
        return "It gets some letters right, but few whole words."
    if reader.now("end") > 0.5:
        return "It sees how long a word is, but not yet which letters it has."
    return "It tries a few letters, but nearly all of them are wrong."


def _news_of_the_cast(reader: _Reader) -> Iterator[str]:
    """Yield news of words of the cast that no sentence has named yet."""
    news = {word: f"It keeps changing its mind about {word}." for word, _ in reader.wavering}
    news |= {
        word: f"It used to read {word} correctly; now it reads {answer}."
        for word, answer in reader.lost
    }
    told = " ".join(told.sentence for told in reader.story.told)
    named = set(re.findall(r"\b[A-Z]+\b", told))
    yield from (each for word, each in news.items() if word not in named)


def _of_words(reader: _Reader) -> str:
    """Return a sentence on the words that are right, and a mistake that the film shows."""
    share = reader.now("accuracy")
    amount = next((name for end, name in _AMOUNTS if share < end), "All")
    lead = f"{amount} words are right"
    if share < 0.8 and reader.right_of(_SHORT) - reader.right_of(_LONG) > 0.1:
        return f"{lead}; long ones often have a wrong letter."
    if share > 0.9 and reader.misread:
        word, answer = reader.misread[0]
        return f"{lead}, but it still reads {word} as {answer}."
    if reader.mixed_up:
        return f"{lead}; it most often mixes up {reader.mixed_up}."
    return f"{lead}."


_AMOUNTS = (
    (0.6, "About half of the"),
    (0.8, "Most"),
    (0.9, "More than four in five"),
    (0.96, "More than nine in ten"),
    (1.0, "Nearly all"),
)
"""Words for the share of words that are read correctly, from 0.4."""


@dataclass(frozen=True)
class _Reader:
    """The network as a reader, at the last snapshot of a story."""

    story: Story

    def now(self, metric: str) -> float:
        """Return a metric's value."""
        return float(self.story.history[metric][-1])

    @cached_property
    def _signs(self) -> tuple[np.ndarray, np.ndarray]:
        """The true signs and those that are read, (n, 5) each."""
        predictions = self.story.predictions
        return indices(predictions["letters"]), indices(predictions["prediction"])

    @cached_property
    def words(self) -> list[str]:
        """All test words."""
        return [text(word) for word in self._signs[0]]

    @cached_property
    def answers(self) -> list[str]:
        """The words that it reads."""
        return [text(read) for read in self._signs[1]]

    @property
    def letters(self) -> tuple[np.ndarray, np.ndarray]:
        """True letters and those that it reads, except where it reads the end of a word."""
        words, read = self._signs
        which = spelled(words) & (read != END)
        return words[which], read[which]

    @property
    def most_common(self) -> tuple[str, float]:
        """Its most common answer, and how often it is given, 0 … 1."""
        (answer, count), *_ = Counter(self.answers).most_common(1)
        return answer, count / len(self.answers)

    def right_of(self, length: int) -> float:
        """Return the share of words of this length that are read correctly; 0 without any."""
        words, read = self._signs
        of_length = lengths(words) == length
        is_right = ((words == read) | ~counted(words)).all(1)
        return float(is_right[of_length].mean()) if of_length.any() else 0.0

    @property
    def looks_along(self) -> bool:
        """True if its gaze moves from left to right, and is narrow enough for that to be seen."""
        return self.now("in_order") > 0.85 and self.now("spread_across") < _NARROW

    @cached_property
    def _right(self) -> np.ndarray:
        """Which words of the cast were right at each snapshot, (n, cast) bool."""
        cast = self.story.cast
        return np.asarray(self.story.grades, float) >= 0.5 if cast else np.ones((1, 0), bool)

    def _of_cast(self, which: np.ndarray) -> list[tuple[str, str]]:
        """Return words of the cast, with its answers."""
        numbers = np.array(self.story.cast, int)[which]
        return [(self.words[number], self.answers[number] or "nothing") for number in numbers]

    @property
    def misread(self) -> list[tuple[str, str]]:
        """Words of the cast that it has misread for a while, the most persistent one first."""
        found = np.flatnonzero(~self._right[-_WHILE:].any(0))
        return self._of_cast(found[np.argsort(self._right.sum(0)[found], kind="stable")])

    @property
    def lost(self) -> list[tuple[str, str]]:
        """Words of the cast that it could read for a while, and has misread since."""
        held = np.zeros(len(self.story.cast), bool)
        for k in range(len(self._right) - 2 * _WHILE + 1):
            held |= self._right[k : k + _WHILE].all(0)
        return self._of_cast(held & ~self._right[-_WHILE:].any(0))

    @property
    def wavering(self) -> list[tuple[str, str]]:
        """Words of the cast that have often changed between right and wrong recently."""
        turns = np.diff(self._right[-_LATELY:].astype(int), axis=0)
        return self._of_cast(np.abs(turns).sum(0) >= _TURNS)

    @property
    def mixed_up(self) -> str:
        """The two letters that are most often mistaken for each other, "O and Q", or ""."""
        true, read = self.letters
        pairs = np.sort(np.stack((true, read), 1)[true != read], axis=1)
        if not len(pairs):
            return ""
        found, counts = np.unique(pairs, axis=0, return_counts=True)
        return " and ".join(map(letter, found[counts.argmax()]))
