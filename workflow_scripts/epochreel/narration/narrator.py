"""The narrator of a film: the functions of an experiment's narration.py, or their defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from epochreel.core import seeding
from epochreel.core.drawable_text import undrawable
from epochreel.core.errors import UserError, raise_wrong_result, single_line
from epochreel.experiment_api.interface import Nouns
from epochreel.experiment_api.loader import Experiment
from epochreel.narration import default_sentences
from epochreel.narration.story import Story

LONGEST = 120
"""Maximum length of a sentence. Up to 90 characters fit into two lines of a frame at full size."""
MOST_MISTAKES = 4
"""Maximum number of sentences about mistakes on a closing picture."""


class Narrator:
    """Tells the story of a run. Raises `UserError` if a function returns an invalid value.

    `data` holds the dataset's settings.
    """

    def __init__(self, experiment: Experiment, data: Mapping[str, Any]):
        file = experiment.file("narration")
        self._module = experiment.load("narration") if file.is_file() else ModuleType("none")
        self._data = data
        self.nouns = self._nouns()

    @property
    def file(self) -> str:
        """The experiment's narration.py."""
        return getattr(self._module, "__file__", "epochreel")

    @property
    def grades_examples(self) -> bool:
        """True if the experiment grades examples."""
        return hasattr(self._module, "grades")

    def sentence(self, story: Story) -> str:
        """Return the sentence of a phase that begins with the last snapshot of `story`."""
        found = self._call("sentence", default_sentences.default, story.snapshot, story)
        expected = f"a sentence: a line of 1 to {LONGEST} characters, as a string"
        is_line = isinstance(found, str) and found == single_line(found)
        if not is_line or not 0 < len(found) <= LONGEST:
            raise_wrong_result(self._source("sentence"), found, expected)
        self._check_drawable("sentence", found)
        return found

    def holds(self, story: Story) -> bool:
        """Return whether the sentence on the screen, the last one told, is still true."""
        default = default_sentences.default_holds
        if hasattr(self._module, "sentence"):
            default = _always  # Only the experiment knows when its sentences are no longer true.
        return bool(self._call("holds", default, story.snapshot, story))

    def mistakes(self, story: Story) -> list[str] | None:
        """Return sentences about what is still wrong; [] if nothing is, None if that is unknown."""
        found = self._call("mistakes", default_sentences.default_mistakes, story.snapshot, story)
        if found is None and not hasattr(self._module, "mistakes"):
            return None
        expected = f"a list of at most {MOST_MISTAKES} sentences, empty if there are no mistakes"
        if isinstance(found, str | Mapping) or not isinstance(found, Iterable):
            raise_wrong_result(self._source("mistakes"), found, expected)
        told = list(found)
        if len(told) > MOST_MISTAKES:
            raise_wrong_result(self._source("mistakes"), told, expected)
        for sentence in told:
            if not isinstance(sentence, str) or not sentence.strip():
                raise_wrong_result(self._source("mistakes"), sentence, expected)
        self._check_drawable("mistakes", *(single_line(sentence) for sentence in told))
        return [single_line(sentence) for sentence in told]

    def grades(self, predictions: pa.Table, count: int, snapshot: int) -> np.ndarray:
        """Grade the first `count` test examples: floats (count,) from 0 to 1, or NaN."""
        found = self._call("grades", None, snapshot, predictions, count)
        expected = f"{count} numbers from 0 to 1, or NaN"
        try:
            graded = np.asarray(found, float)
        except (TypeError, ValueError):
            raise_wrong_result(self._source("grades"), found, expected)
        # NaN is neither below 0 nor above 1.
        if graded.shape != (count,) or (graded < 0).any() or (graded > 1).any():
            raise_wrong_result(self._source("grades"), found, expected)
        return graded

    def _nouns(self) -> Nouns:
        found = self._call("nouns", lambda _data: Nouns(), 0, self._data)
        if not isinstance(found, Nouns):
            expected = "Nouns(examples, answers) of epochreel.experiment_api.interface"
            raise_wrong_result(self._source("nouns"), found, expected)
        self._check_drawable("nouns", found.examples, found.answers)
        return found

    def _call(self, name: str, default: Callable | None, snapshot: int, *arguments: Any) -> Any:
        seeding.seed_all(seeding.derive_seed(snapshot, what=name))
        return getattr(self._module, name, default)(*arguments)

    def _check_drawable(self, function: str, *texts: str) -> None:
        if problem := undrawable(*texts):
            raise UserError(f"{self._source(function)} returns a text that {problem}")

    def _source(self, function: str) -> str:
        return f"{self.file}: {function}"


def _always(_story: Story) -> bool:
    return True
