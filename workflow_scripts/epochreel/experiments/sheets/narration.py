"""What the film of the sheet transcriber says.

A sentence names what the film shows: a digit or a confusion in the tiles, a number on the page. It
ends when it is no longer true of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from epochreel.experiment_api.interface import Nouns
from epochreel.experiments.sheets.readings import number_texts
from epochreel.experiments.sheets.sentences import (
    KINDS,
    Kind,
    Now,
    kind_of,
    rarity,
    sureness,
)
from epochreel.narration.grades import grade
from epochreel.narration.sentences import confusions, listed
from epochreel.narration.story import Story


def nouns(data: Mapping) -> Nouns:
    """Name the training examples and the answers."""
    return Nouns("numbers" if data["variant"] == "cells" else "pages", "digits")


def sentence(story: Story) -> str:
    """Say what it has to do, then what it has learned, then what it still gets wrong."""
    if not story.snapshot:
        if story.data["variant"] == "cells":
            return "The task: read every digit of these numbers. It has not practised yet."
        return "The task: read every digit of this table below the years. It has not practised yet."
    now = Now(story)
    words, present = _found(now), kind_of(now.told[-1])
    if words is None and present and present.is_true(now, now.told[-1]):
        return now.told[-1]
    return words or KINDS[-1].find(now)


def holds(story: Story) -> bool:
    """Return whether the sentence on the screen is true of the counter, the tiles and the page.

    One that only gives the counter in words ends when there is anything else to say.
    """
    now, words = Now(story), story.told[-1].sentence
    kind = kind_of(words)
    if kind is None:
        return not story.snapshot
    return kind.is_true(now, words) and not (kind is KINDS[-1] and _found(now))


def _found(now: Now) -> str | None:
    """Return a sentence of a kind that may have another one, except the last kind's."""
    found = (kind.find(now) for kind in KINDS[:-1] if _is_left(kind, now))
    return next((words for words in found if words), None)


def _is_left(kind: Kind, now: Now) -> bool:
    """Return whether another sentence of a kind may begin."""
    told = [kind.has(words) for words in now.told]
    is_shown = told[-1:] == [True] and kind.is_true(now, now.told[-1])
    return sum(told) < kind.most and not is_shown


def mistakes(story: Story) -> list[str]:
    """Say which numbers shown are misread, how many digits are, and the most common confusion."""
    now = Now(story)
    truth, prediction = (story.predictions[name].to_numpy() for name in ("truth", "prediction"))
    return _shown_mistakes(now) + confusions(truth, prediction, "0123456789", "digits")


def _shown_mistakes(now: Now) -> list[str]:
    printed, read = (each[~now.right] for each in now.shown)
    if not 0 < len(printed) <= 3:
        return []
    pairs = zip(number_texts(printed), number_texts(read), strict=True)
    told = listed([f"{name} as {answer}" for name, answer in pairs])
    reason = rarity(now, printed[0], read[0]) if len(printed) == 1 else ""
    return [f"In the film it read {told} to the end.{reason}"]


def grades(predictions: pa.Table, count: int) -> np.ndarray:
    """Grade the first `count` pages or cells by their digits."""
    rows = predictions.num_rows // (int(predictions["page"][-1].as_py()) + 1)
    part = predictions.slice(0, count * rows).combine_chunks()
    right = part["truth"].to_numpy() == part["prediction"].to_numpy()
    sure = sureness(part).astype(float)
    pages = right.reshape(-1, rows).mean(1), sure.reshape(-1, rows).min(1)
    return grade(*pages)
