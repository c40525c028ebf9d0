"""Tell the story of a run, block by block: a sentence per phase, and the grades of its cast."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from epochreel.artifacts import metrics
from epochreel.core.errors import UserError
from epochreel.experiment_api import user_code
from epochreel.experiment_api.declared_metrics import Metrics
from epochreel.narration.narrator import Narrator
from epochreel.narration.phases import Phases, beginnings
from epochreel.narration.story import Story, Told


@dataclass
class Telling:
    """The narration of a run.

    table     the metrics of all snapshots so far
    settings  the stage's settings: `data`, `figure.examples`, `steps_per_epoch`, `batch_size` and,
              to find phases, `sentence_snapshots` and `first_sentence_snapshots`
    declared  the `Metric` of each name
    read      returns the predictions at a snapshot
    """

    table: pa.Table
    settings: Mapping[str, Any]
    declared: Metrics
    read: Callable[[int], pa.Table]
    asked: list[tuple[Story, str]] = field(default_factory=list)
    """The first and the last story passed to the narrator, and their sentences."""

    @property
    def cast(self) -> tuple[int, ...]:
        """The numbers of the test examples that the film shows; none if the figure chooses."""
        return tuple(self.settings["figure"]["examples"] or ())

    def story(
        self, narrator: Narrator, snapshot: int, grades: np.ndarray, sentences: Sequence[str]
    ) -> Story:
        """Return the story up to a snapshot, with the grades and the sentences so far."""
        lengths = self.settings["steps_per_epoch"], self.settings["batch_size"]
        history = metrics.history(self.table, snapshot, *lengths)
        return Story(
            snapshot=snapshot,
            read=partial(self.read, snapshot),
            history=MappingProxyType(metrics.frozen(history)),
            metrics=self.declared,
            data=user_code.copied(self.settings["data"]["settings"]),
            nouns=narrator.nouns,
            cast=self.cast,
            grades=_frozen(grades[: snapshot + 1].copy()),
            told=tuple(Told(k, sentences[k]) for k in beginnings(sentences) if sentences),
        )

    def last_story(self, narrator: Narrator) -> Story:
        """Return the story up to the last snapshot; the table must have its narration."""
        last, grades = self.table.num_rows - 1, metrics.grades(self.table, self.cast)
        return self.story(narrator, last, grades, metrics.sentences(self.table))

    def sentences(
        self, narrator: Narrator, before: pa.Table | None, grades: np.ndarray
    ) -> list[str]:
        """Return the sentence of each snapshot; `before` is the table of the block before."""
        columns = {name: self.table[name].to_numpy().tolist() for name in metrics.names(self.table)}
        steps = self.table["step"].to_pylist()
        shortest = tuple(
            self.settings[name] for name in ("first_sentence_snapshots", "sentence_snapshots")
        )
        phases, told = Phases(self.declared, columns, steps, shortest), []
        told += [] if before is None else metrics.sentences(before)
        first = beginnings(told)[-1]
        for snapshot in range(len(told), self.table.num_rows):
            sentence = told[-1] if told else None
            if not told or phases.is_over(snapshot, first):
                story = self.story(narrator, snapshot, grades, told)
                may_begin = not told or phases.may_begin(snapshot, first)
                if may_begin or not narrator.holds(story):
                    sentence = narrator.sentence(story)
                    self.asked[1:] = [(story, sentence)]
            if not told or sentence != told[-1]:
                first = snapshot
            told.append(sentence)
        return told

    def grades(self, narrator: Narrator, before: pa.Table | None) -> np.ndarray:
        """Return the grades of the cast at all snapshots, (n, cast); `before` as above."""
        known = [] if before is None else list(metrics.grades(before, self.cast))
        new = range(len(known), self.table.num_rows)
        graded = (self._grades_at(narrator, snapshot) for snapshot in new)
        return np.array([*known, *graded], float)

    def _grades_at(self, narrator: Narrator, snapshot: int) -> np.ndarray:
        cast = list(self.cast)
        if not cast or not narrator.grades_examples:
            return np.full(len(cast), np.nan, np.float32)
        found = narrator.grades(self.read(snapshot), max(cast) + 1, snapshot)[cast]
        return found.astype(np.float32)  # as stored

    def check_repeatable(self, narrator: Narrator, grades: np.ndarray) -> None:
        """Check that the narrator, loaded again, returns the same in the opposite order.

        Raises `UserError` if one of its functions keeps state between calls.
        """
        advice = "make it depend only on its arguments"
        for story, sentence in reversed(self.asked):
            if (other := narrator.sentence(story)) != sentence:
                raise UserError(
                    f"{narrator.file}: sentence returns {other!r} for snapshot {story.snapshot} "
                    f"after other snapshots; expected {sentence!r} as before: {advice}"
                )
        for snapshot in (self.table.num_rows - 1, 0):
            if not np.array_equal(
                self._grades_at(narrator, snapshot), grades[snapshot], equal_nan=True
            ):
                raise UserError(
                    f"{narrator.file}: grades returns other numbers for snapshot {snapshot} after "
                    f"other snapshots; expected the same: {advice}"
                )


def _frozen(array: np.ndarray) -> np.ndarray:
    """Make an array read-only: the functions of an experiment share it."""
    array.setflags(write=False)
    return array
