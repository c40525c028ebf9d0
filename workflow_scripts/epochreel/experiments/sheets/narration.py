"""What the film of the sheet transcriber says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from epochreel.experiment_api.interface import Nouns
from epochreel.experiments.sheets import layout
from epochreel.experiments.sheets.readings import (
    confusion,
    named_confusions,
    place_shares,
    readings,
)
from epochreel.narration.grades import grade
from epochreel.narration.sentences import confusions
from epochreel.narration.story import Story, Told

_KNOWN, _LOST = 0.65, 0.4
"""Share of a digit that is read correctly from which it is known, and below which it is lost."""


def nouns(data: Mapping) -> Nouns:
    """Name the training examples and the answers."""
    return Nouns("numbers" if data["variant"] == "cells" else "pages", "digits")


def sentence(story: Story) -> str:
    """Say which digits it knows, which it confuses, and where: the most surprising thing first."""
    truth, prediction = readings(story.predictions, len(layout.places(story.data["variant"])))
    shares, accuracy = confusion(truth, prediction), float((truth == prediction).mean())
    if accuracy < 0.6 * np.nanmax(story.history["accuracy"]):
        return "A setback: it has lost much of what it had learned."
    if accuracy < 0.2:
        return _guesses(prediction, accuracy)
    if accuracy >= 0.9:
        return _rare_mistakes(story.told, shares, accuracy)
    return (
        _setback(story.told, shares)
        or _discovery(story, truth, prediction, accuracy)
        or _knowledge(story.told, shares, accuracy)
    )


def mistakes(story: Story) -> list[str]:
    """Say how many digits are misread, and which are confused most often."""
    truth, prediction = (story.predictions[name].to_numpy() for name in ("truth", "prediction"))
    return confusions(truth, prediction, "0123456789", "test digits")


def grades(predictions: pa.Table, count: int) -> np.ndarray:
    """Grade the first `count` pages or cells by their digits."""
    rows = predictions.num_rows // (int(predictions["page"][-1].as_py()) + 1)
    part = predictions.slice(0, count * rows).combine_chunks()
    right = part["truth"].to_numpy() == part["prediction"].to_numpy()
    sure = part["probabilities"].chunk(0).flatten().to_numpy().reshape(-1, 10).max(1)
    pages = right.reshape(-1, rows).mean(1), sure.astype(float).reshape(-1, rows).min(1)
    return grade(*pages)


def _guesses(prediction: np.ndarray, accuracy: float) -> str:
    if accuracy >= 0.14:
        return "It still guesses most digits, but is right a little more often than by chance."
    counts = np.bincount(prediction.ravel(), minlength=10) / prediction.size
    favourites = np.flatnonzero(counts >= 0.2)
    if counts[favourites].sum() > 0.5:
        return f"It can only guess so far: it takes most digits for {_plural(favourites, 'or')}."
    return "It can only guess so far: about one digit in ten is right."


def _rare_mistakes(told: Iterable[Told], shares: np.ndarray, accuracy: float) -> str:
    """Say what stays true until the end of a run, since there may be no later sentence."""
    if accuracy >= 0.985 and (confused := _confused(shares)):
        return f"Nearly every digit is right now, though it still {confused}."
    words = "Mistakes are becoming rare: more than nine in ten digits are right."
    if accuracy < 0.95 or any(each.sentence == words for each in told):
        return words
    return "It is nearly perfect now: few mistakes are left."


def _setback(told: Iterable[Told], shares: np.ndarray) -> str | None:
    """Name a digit that an earlier sentence says it knows, and that it no longer does."""
    lost = [digit for digit in sorted(_known(told)) if shares[digit, digit] < _LOST]
    if not lost:
        return None
    digit = min(lost, key=lambda each: shares[each, each])
    read = _wrong(shares)[digit].argmax()
    return f"A setback: it read most {digit}s right, but now takes many {digit}s for {read}s."


def _discovery(
    story: Story, truth: np.ndarray, prediction: np.ndarray, accuracy: float
) -> str | None:
    """Say once that some places of a number or of a page are much easier than the others."""
    right = place_shares(truth, prediction)
    if story.data["variant"] == "cells":
        words = "It gets the first digit of most numbers right, but not yet the other two."
        is_easier = right[0] > 0.6 and right[1:].max() < 0.5
    else:
        starts = np.flatnonzero(np.diff(layout.places("plain").number, prepend=-1))
        first = starts[len(layout.YEARS) * len(layout.MONTHS) :]  # of means and totals
        usual = np.sort(np.argsort(-np.bincount(truth[:, first].ravel()))[:3])
        words = f"It has noticed that means and totals mostly begin with {_listed(usual, 'or')}."
        is_easier = right[first].mean() > max(0.4, 1.5 * accuracy)
    is_new = all(each.sentence != words for each in story.told)
    return words if is_easier and is_new else None


def _knowledge(told: Sequence[Told], shares: np.ndarray, accuracy: float) -> str:
    """Say which digits it knows, and which confusion is the most frequent."""
    own = np.diag(shares)
    # A network that takes everything for a 9 does not know 9s.
    is_known = (own >= _KNOWN) & (own > 0.5 * shares.sum(0))
    known, unknown = np.flatnonzero(is_known), np.flatnonzero(~is_known)
    new = sorted({*known.tolist()} - _known(told))
    if not len(unknown):
        lead = "It now reads most digits right"
    elif len(unknown) <= 4:
        return f"It now reads most digits right, but {_plural(unknown)} are still hard."
    elif 0 < len(new) <= 4:
        also = "also " if len(new) < len(known) else ""
        lead = f"It now {also}reads most {_plural(new)} right"
    else:
        lead = f"It now reads {_part(accuracy)} of the digits right"
    confused = _confused(shares, named_confusions(told[-1].sentence) if told else ())
    return f"{lead}, but {confused}." if confused else f"{lead}."


def _known(told: Iterable[Told]) -> set[int]:
    """Return the digits of which the sentences so far say that it knows them."""
    lists = (re.search(r"reads most ((?:\ds(?:, | and )?)+)", each.sentence) for each in told)
    return {int(digit) for each in lists if each for digit in re.findall(r"\d", each[1])}


def _confused(shares: np.ndarray, told: Sequence[tuple[int, int]] = ()) -> str | None:
    """Name the most frequent confusion, in words that `named_confusions` finds.

    Prefers one that the last sentence has not `told`, unless it is much rarer.
    """
    wrong = _wrong(shares)
    others = wrong.copy()
    for pair in told:
        others[pair] = 0
    wrong = others if others.max() > 0.6 * wrong.max() else wrong
    printed, read = np.unravel_index(wrong.argmax(), wrong.shape)
    share = wrong[printed, read]
    if share < 0.003:
        return None
    if share > 0.1 and wrong[read, printed] > 0.6 * share:
        return f"mixes up {min(printed, read)}s and {max(printed, read)}s"
    bounds = {0.5: "most", 0.25: "many", 0.08: "some"}
    amount = next((word for least, word in bounds.items() if share >= least), "a few")
    return f"takes {amount} {printed}s for {read}s"


def _wrong(shares: np.ndarray) -> np.ndarray:
    return np.where(np.eye(10, dtype=bool), 0, shares)


def _part(share: float) -> str:
    parts = {0.29: "about a quarter", 0.4: "about a third", 0.6: "about half"}
    return next((words for most, words in parts.items() if share < most), "more than half")


def _plural(digits: Iterable[int], last: str = "and") -> str:
    return _listed([f"{digit}s" for digit in digits], last)


def _listed(words: Iterable[object], last: str) -> str:
    *others, final = map(str, words)
    return f"{', '.join(others)} {last} {final}" if others else final
