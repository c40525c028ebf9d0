"""What the film of the word reader says."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase

import numpy as np
import pyarrow as pa

from epochreel.artifacts.evaluations import indices
from epochreel.experiment_api.interface import Nouns
from epochreel.experiments.words.alphabet import END, counted, spelled, text
from epochreel.narration.grades import grade
from epochreel.narration.sentences import confusions, wrong_of
from epochreel.narration.story import Story


def nouns(data: Mapping) -> Nouns:
    """Name the training examples and the answers."""
    return Nouns("words", "words")


def mistakes(story: Story) -> list[str]:
    """Say how many test words are misread, with an example, and which letters are confused."""
    words, read = (indices(story.predictions[name]) for name in ("letters", "prediction"))
    pairs = list(zip(map(text, words), map(text, read), strict=True))
    wrong = [(word, answer) for word, answer in pairs if word != answer]
    if not wrong:
        return []
    word, answer = wrong[0]
    sentences = [
        wrong_of(len(wrong), len(words), "test words"),
        f"For example, it reads {word} as {answer or 'an empty word'}.",
    ]
    # Leave out letters that the network takes for the end of the word.
    letters = spelled(words) & (read != END)
    return sentences + confusions(words[letters], read[letters], ascii_uppercase, "letters")[1:]


def grades(predictions: pa.Table, count: int) -> np.ndarray:
    """Grade the first `count` words by their symbols; NaN for words without stored masks."""
    part = predictions.slice(0, count)
    words, read, sure = (indices(part[name]) for name in ("letters", "prediction", "probability"))
    counts = counted(words)
    right = ((words == read) & counts).sum(1) / counts.sum(1)
    found = grade(right, np.where(counts, sure.astype(float), 1).prod(1))
    return np.where(part["mask"].is_valid().to_numpy(), found, np.nan)
