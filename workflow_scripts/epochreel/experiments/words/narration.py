"""What the film of the word reader says.

The sentences name what the pictures show: where the network looks, the letters that it reads, and
the words in its rows. Each is a claim, which is checked again at every snapshot.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from epochreel.artifacts.evaluations import indices
from epochreel.experiment_api.interface import Nouns
from epochreel.experiments.words.alphabet import END, SYMBOLS, counted, lengths, spelled, text
from epochreel.experiments.words.readings import examples
from epochreel.narration.grades import grade
from epochreel.narration.sentences import wrong_of
from epochreel.narration.story import Story

_NARROW = 9.0  # horizontal spread of a mask in px below which the eye sees where it looks; a mask
# that covers the whole picture has 11.5
_NEARLY = 0.8  # of the looks
_WHILE = 6  # snapshots in which a word has to stay right or wrong to be named
_LIKELY, _SURE = 0.4, 0.7  # probability of a word, and of a wrong letter, likely to be read again
_GOOD = 0.95  # share of right words from which they are nearly all
_SLACK = 0.05  # of shares, while a sentence is on the screen
# Pairs of letters that are said to be mixed up often: at first, and while that is on the screen.
_MOST_FREQUENT, _FREQUENT = 2, 4


def nouns(data: Mapping) -> Nouns:
    """Name the training examples and the answers."""
    return Nouns("words", "words")


def sentence(story: Story) -> str:
    """Return the latest event in the pictures, or else what the network can do so far."""
    reader = _Reader(story)
    if news := reader.fresh(_news(reader, False)):
        return news[0]
    state = next(_states(reader, False))
    told = [each.sentence for each in story.told]
    return told[-1] if state in told and told[-1] in _states(reader, True) else state


def holds(story: Story) -> bool:
    """Return whether the sentence on the screen is true of this frame, and no event is waiting."""
    reader, told = _Reader(story), story.told[-1].sentence
    if told in _news(reader, True):
        return True
    is_short = story.snapshot - story.told[-1].snapshot < _WHILE
    return told in _states(reader, True) and (is_short or not reader.fresh(_news(reader, False)))


def mistakes(story: Story) -> list[str]:
    """Say how many test words are misread, with an example, and which letters are confused."""
    reader = _Reader(story)
    wrong = [pair for pair in zip(reader.words, reader.answers, strict=True) if pair[0] != pair[1]]
    if not wrong:
        return []
    word, answer = [*(pair for pair in reader.rows if pair[0] != pair[1]), *wrong][0]
    sentences = [
        wrong_of(len(wrong), len(reader.words), "new words"),
        f"For example, it reads {word} as {answer or 'nothing'}.",
    ]
    if reader.confused:
        true, read = reader.confused[0]
        sentences.append(f"Its most common mistake with a letter is to read {true} as {read}.")
    return sentences


def grades(predictions: pa.Table, count: int) -> np.ndarray:
    """Grade the first `count` words by their symbols; NaN for words without stored masks."""
    part = predictions.slice(0, count)
    words, read, sure = (indices(part[name]) for name in ("letters", "prediction", "probability"))
    counts = counted(words)
    right = ((words == read) & counts).sum(1) / counts.sum(1)
    found = grade(right, np.where(counts, sure.astype(float), 1).prod(1))
    return np.where(part["mask"].is_valid().to_numpy(), found, np.nan)


def _news(reader: _Reader, holding: bool) -> Iterator[str]:
    """Yield the events that the rows show, the most telling one first; each is told once.

    With `holding`, yield all those that are still true if they have been told before.
    """
    if reader.looks_along:
        yield "Its gaze (green) now moves from letter to letter, from left to right."
    yield from _last_mistakes(reader, holding)
    for row in reader.hardest_first:
        word, answer = reader.rows[row]
        slip = reader.slips.get(word)
        if slip and (holding or (reader.repeats(row) and reader.now("accuracy") <= _GOOD)):
            yield f"Only one letter of {word} is wrong: it reads {slip.true} as {slip.read}."
        if word == answer and (holding or reader.right_lately[row]) and reader.now("letters") > 0.3:
            yield f"It can now read {word}."


def _last_mistakes(reader: _Reader, holding: bool) -> Iterator[str]:
    """Yield the words in the rows that stay wrong when nearly all others are right."""
    if reader.now("accuracy") > _GOOD - (_SLACK if holding else 0):
        for row in reader.hardest_first:
            word, _ = reader.rows[row]
            slip = reader.slips.get(word)
            if slip and (holding or reader.repeats(row)):
                change = f"in {word} it still reads {slip.true} as {slip.read}"
                yield f"Nearly all words are right, but {change}."


def _states(reader: _Reader, holding: bool) -> Iterator[str]:
    """Yield what is true of the network as a reader, the most telling sentence first.

    With `holding`, the bounds are wider, so that a sentence does not come and go.
    """
    now, slack = reader.now, _SLACK if holding else 0.0
    if not reader.story.history["step"][-1]:
        yield 'The network is to name the letters of a word, then "end". It has not practised yet.'
        return
    (sign, often), *others = reader.signs
    if often >= _NEARLY - slack:
        yield f"It says {sign} at nearly every look, whatever the word is."
    if 1 <= len(others) <= 2 and now("letters") < 0.2:
        signs = {said for said, _ in reader.signs}
        told = set(re.findall(r'"end"|\b[A-Z]\b', reader.told)) if holding else signs
        yield _says_only(sorted(told if signs <= told else signs))
    if now("letters") < 0.2 + slack and reader.right_letters <= 0.35 + slack:
        if reader.sees_length and (holding or all(answer for _, answer in reader.rows)):
            yield "Longer words now get more letters, but most of the letters are wrong."
        yield "It tries letters now, but most of them are wrong."
    share = now("accuracy")
    if share < 0.35 + slack and now("letters") > 0.2 - slack:
        yield "More and more letters are right, but few whole words."
    yield from _last_mistakes(reader, holding)
    if share == 1:
        yield "All words are right."
    mixed_up = [f"It often mixes up {one} and {two}." for one, two in reader.mixed_up]
    frequent = mixed_up[: _FREQUENT if holding else _MOST_FREQUENT]
    yield from frequent if holding else [*reader.fresh(frequent), *frequent][:1]
    yield "Most of what it says is right." if share > 0.5 else "It makes many mistakes."


def _says_only(signs: list[str]) -> str:
    """Return the sentence for a few signs in order, of which "end" is the first."""
    first, *others = signs
    return f"Whatever the word is, it says only {', '.join(others)} or {first}."


@dataclass(frozen=True)
class _Slip:
    """The one letter of a word that is wrong: which it is, what is read, and how surely."""

    true: str
    read: str
    sure: float


@dataclass(frozen=True)
class _Reader:
    """The network as a reader, at the last snapshot of a story."""

    story: Story

    def now(self, metric: str) -> float:
        """Return a metric's value."""
        return float(self.story.history[metric][-1])

    @property
    def told(self) -> str:
        """The sentence on the screen."""
        return self.story.told[-1].sentence if self.story.told else ""

    def fresh(self, sentences: Iterable[str]) -> list[str]:
        """Return those sentences that have not been told."""
        told = {told.sentence for told in self.story.told}
        return [sentence for sentence in sentences if sentence not in told]

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

    @cached_property
    def _numbers(self) -> list[int]:
        """The numbers of the words that the film shows."""
        return list(self.story.cast) or examples(self._signs[0])

    @cached_property
    def rows(self) -> list[tuple[str, str]]:
        """The words that the film shows, with its answers."""
        return [(self.words[number], self.answers[number]) for number in self._numbers]

    @cached_property
    def _shown(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The true signs and those that are read in the rows, (rows, 5) each; which are shown."""
        words, read = (signs[self._numbers] for signs in self._signs)
        return words, read, counted(words)

    @property
    def signs(self) -> list[tuple[str, float]]:
        """The signs that it says in the rows, as words, and how often, the most frequent first."""
        _, read, shown = self._shown
        counts = Counter(read[shown].tolist())
        return [(_quoted(sign), count / shown.sum()) for sign, count in counts.most_common()]

    @property
    def right_letters(self) -> float:
        """The share of right letters in the rows."""
        words, read, _ = self._shown
        which = spelled(words)
        return float((words == read)[which].mean())

    @property
    def sees_length(self) -> bool:
        """True if the rows of longer words have more letters, on average for words of a length."""
        words, read, _ = self._shown
        true, said = lengths(words), lengths(read)
        means = [said[true == length].mean() for length in np.unique(true)]
        return len(means) > 1 and means[-1] > means[0] and bool((np.diff(means) >= 0).all())

    @cached_property
    def slips(self) -> dict[str, _Slip]:
        """The words of the rows in which one letter is read as another, and all else is right."""
        sure = indices(self.story.predictions["probability"])[self._numbers]
        words, read, shown = self._shown
        wrong = (words != read) & shown
        found = {}
        for row in np.flatnonzero(wrong.sum(1) == 1):
            place = int(wrong[row].argmax())
            if END not in (words[row, place], read[row, place]):
                true, other = (SYMBOLS[signs[row, place]] for signs in (words, read))
                found[self.rows[row][0]] = _Slip(true, other, float(sure[row, place]))
        return found

    @property
    def looks_along(self) -> bool:
        """True if its gaze moves from left to right, and is narrow enough for that to be seen."""
        return self.now("in_order") > 0.85 and self.now("spread_across") < _NARROW

    @cached_property
    def _right(self) -> np.ndarray:
        """Which rows have been right at each snapshot, (n, rows) bool; none if that is unknown."""
        if not self.story.cast:
            return np.zeros((0, len(self._numbers)), bool)
        return np.asarray(self.story.grades, float) >= 0.5

    @property
    def hardest_first(self) -> list[int]:
        """The rows, those that have least often been right first."""
        return np.argsort(self._right.sum(0), kind="stable").tolist()

    @property
    def right_lately(self) -> np.ndarray:
        """Whether each row has been right for a while and is surely so now, (rows,)."""
        if len(self._right) < _WHILE:
            return np.zeros(len(self._numbers), bool)
        is_sure = np.asarray(self.story.grades[-1], float) > (1 + _LIKELY) / 2
        return self._right[-_WHILE:].all(0) & is_sure

    @property
    def wrong_lately(self) -> np.ndarray:
        """Whether each row has been wrong for a while, (rows,)."""
        return ~self._right[-_WHILE:].any(0) & (len(self._right) >= _WHILE)

    def repeats(self, row: int) -> bool:
        """Return whether the word of a row, wrong for a while, is likely to be misread again."""
        slip = self.slips.get(self.rows[row][0])
        return bool(slip and self.wrong_lately[row] and slip.sure > _SURE)

    @property
    def _mistakes(self) -> list[tuple[str, str]]:
        """Every letter that is read as another one: which it is, and what is read."""
        words, read = self._signs
        which = spelled(words) & (read != END) & (words != read)
        return [
            (SYMBOLS[one], SYMBOLS[two]) for one, two in zip(words[which], read[which], strict=True)
        ]

    @property
    def confused(self) -> list[tuple[str, str]]:
        """Letters and what they are read as instead, the most frequent mistake first."""
        return _by_frequency(self._mistakes)

    @property
    def mixed_up(self) -> list[tuple[str, str]]:
        """Pairs of letters, either of which is read as the other, the most frequent one first."""
        return _by_frequency(tuple(sorted(pair)) for pair in self._mistakes)


def _by_frequency(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each pair once; of equally frequent ones, the first in the alphabet comes first."""
    counts = Counter(pairs)
    return sorted(counts, key=lambda pair: (-counts[pair], pair))


def _quoted(sign: int) -> str:
    return f'"{SYMBOLS[sign]}"' if sign == END else SYMBOLS[sign]
