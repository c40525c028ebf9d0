"""Sentences of the films of the sheet transcriber."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from epochreel.experiment_api import declared_metrics
from epochreel.experiment_api.interface import Nouns
from epochreel.experiments.sheets import layout, narration
from epochreel.experiments.sheets.readings import (
    confusion,
    mean_places,
    named_confusions,
    named_numbers,
    number_texts,
    readings,
    shown_places,
)
from epochreel.narration.phases import beginnings
from epochreel.narration.story import Story, Told
from epochreel.narration.telling import Telling

METRICS = declared_metrics.read(Path(narration.__file__).with_name("evaluation.py"))
FLOORS = {
    "one in ten": 0.1,
    "one in five": 0.2,
    "a quarter": 0.25,
    "a third": 0.34,
    "four in ten": 0.4,
    "half": 0.5,
    "six in ten": 0.6,
    "two in three": 0.67,
    "three in four": 0.75,
    "four in five": 0.8,
    "nine digits in ten": 0.9,
}


def cells(shares, count=400):
    """Return the digits printed and read in cells, with these shares (10, 10) of readings."""
    truth = np.repeat(np.arange(10), count)
    counts = [np.floor(np.cumsum(row) * count + 0.5).astype(int) for row in shares]
    read = np.concatenate([np.searchsorted(ends, np.arange(count), "right") for ends in counts])
    order = np.random.default_rng(0).permutation(len(truth) // 3 * 3)
    return truth[order], read[order]


def table(truth, read, sure=0.1):
    """Return an evaluation in which each digit is read with the probability `sure`."""
    sure = np.full((len(read), 10), (1 - sure) / 9), np.full(len(read), sure)
    sure[0][np.arange(len(read)), read] = sure[1]
    probabilities = pa.FixedSizeListArray.from_arrays(sure[0].astype(np.float16).ravel(), 10)
    columns = truth.astype(np.uint8), read.astype(np.uint8), probabilities
    return pa.table(dict(zip(("truth", "prediction", "probabilities"), columns, strict=True)))


def said(truth, read, *told, variant="cells", best=0.0, cast=(), sure=0.1):
    before = (Told(0, "Its task."), *(Told(k, words) for k, words in enumerate(told, 1)))
    history = {"accuracy": np.array([np.nan, best, 0.0])}
    reading = partial(table, truth.ravel(), read.ravel(), sure)
    data = {"variant": variant}
    return narration.sentence(Story(5, reading, history, {}, data, told=before, cast=cast))


def shares(own, **pairs):
    """Return shares with `own` on the diagonal, and "_90=0.3": 9s are taken for 0s."""
    grid = np.diag(np.broadcast_to(own, 10).astype(float))
    for name, share in pairs.items():
        grid[int(name[1]), int(name[2])] = share
    rest = 1 - grid.sum(1)
    return grid + rest[:, None] * (1 - np.eye(10)) / 9


def page(wrong=(), pages=50):
    """Return pages that are read correctly, but for `wrong` of those places of the first page."""
    truth = np.random.default_rng(0).integers(0, 10, (pages, 436))
    truth[:, mean_places()] = 4
    read = truth.copy()
    read[0, list(wrong)] = (read[0, list(wrong)] + 1) % 10
    return truth, read


def test_the_first_sentence_says_what_the_task_is():
    for variant, words in (("plain", "rainfall tables"), ("cells", "numbers")):
        words = f"These are {words}. It must read every digit; without practice it only guesses."
        assert narration.sentence(Story(0, None, {}, {}, {"variant": variant})) == words


def test_a_network_that_guesses_is_said_to_guess():
    assert "about one digit in ten is right" in said(*cells(shares(0.1)))
    one_answer = np.tile(np.eye(10)[[8, 9]].mean(0), (10, 1))
    assert said(*cells(one_answer)).endswith("it takes most digits for 8s or 9s.")
    assert said(*cells(shares(0.15))).startswith("It does better than luck")


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        (shares(0.55, _90=0.3), "More than half of the digits are right, but it takes many 9s f"),
        (shares(0.36, _68=0.2), "More than a third of the digits are right, but it takes some 6s"),
        (shares([0.5] * 4 + [0.7] + [0.5] * 5), "4s are the easiest for it: it reads most of th"),
        (shares([0.3, 0.5, 0.5, 0.3, 0.5, 0.3, 0.3, 0.5, 0.3, 0.3]), "It finds 1, 2, 4 and 7 eas"),
        (shares(0.83), "A number needs all three digits: it gets more than "),
        (shares(0.93), "Mistakes are becoming rare: more than nine digits in ten are right."),
    ],
)
def test_a_sentence_names_what_is_known_and_what_is_confused(grid, sentence):
    assert said(*cells(grid)).startswith(sentence)


def test_a_digit_that_everything_is_taken_for_is_not_easy():
    always_9 = 0.7 * np.eye(10)[np.full(10, 9)] + 0.3 * np.eye(10)
    assert "9s are" not in said(*cells(always_9))


def test_an_easy_digit_that_is_lost_again_is_a_setback():
    words = said(*cells(shares([0.8] * 9 + [0.1], _97=0.8)), "9s are the easiest for it: it reads")
    assert words == "A setback: it read most 9s right, but now takes many 9s for 7s."


def test_a_network_that_has_forgotten_is_not_said_to_guess():
    words = said(*cells(shares(0.15)), best=0.9)
    assert words == "A setback: it has lost much of what it had learned."


def test_a_confusion_that_is_named_again_is_there_still_and_is_not_named_thrice():
    grid, other = cells(shares(0.55, _90=0.4)), "Something else."
    first = said(*grid)
    second = said(*grid, first, other)
    assert "but it still takes many 9s for 0s" in second
    assert not named_confusions(said(*grid, first))
    assert not named_confusions(said(*grid, first, other, second, other))


def test_a_number_that_is_surely_right_is_named_once():
    truth, read = cells(shares(0.55, _90=0.4))
    before = ["It is day."] * 5
    words = said(truth, read, *before, sure=0.8)
    right = np.flatnonzero((truth == read).reshape(-1, 3)[:16].all(1))
    assert named_numbers(words) == number_texts(truth.reshape(-1, 3)[right[:1]])
    assert not named_numbers(said(truth, read, *before[1:], words, sure=0.8))
    assert not named_numbers(said(truth, read, *before, sure=0.15))


def test_the_first_digit_of_cells_is_said_to_be_easy_once():
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 10, (500, 3))
    read = np.where(draw.random((500, 3)) < [0.9, 0.3, 0.3], truth, draw.integers(0, 10, (500, 3)))
    words = said(truth, read)
    assert words == "It gets the first digit of most numbers right, but not yet the other two."
    assert said(truth, read, words, "It is day.") != words


def test_first_digits_of_means_are_said_to_be_easy():
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 10, (50, 436))
    truth[:, mean_places()] = draw.integers(4, 6, (50, 12))
    easy = np.isin(np.arange(436), mean_places())
    right = draw.random(truth.shape) < np.where(easy, 0.9, 0.15)
    read = np.where(right, truth, draw.integers(0, 10, truth.shape))
    words = said(truth, read, variant="plain")
    assert words == "It noticed that averages (“Means”) mostly begin with 4 or 5."


def test_places_that_sentences_name_are_first_digits_of_means_and_numbers_shown():
    number = layout.places("plain").number
    assert number[mean_places()].tolist() == list(range(120, 132))
    assert (number[mean_places() - 1] < number[mean_places()]).all()
    assert sorted(set(number[shown_places()])) == [
        *(year * 12 + month for year in (0, 1, 2, 10) for month in range(5))
    ]


def test_the_end_names_the_mistake_that_is_shown():
    one, place = page([shown_places()[4]]), shown_places()[3]
    printed, read = ("".join(map(str, side[0, place : place + 3])) for side in one)
    mistake = f"it reads {printed[0]}.{printed[1:]} as {read[0]}.{read[1:]}."
    assert said(*one, variant="plain") == f"One number here is still wrong: {mistake}"
    assert said(*page(), variant="plain").startswith("Every digit shown here is right now")
    assert "misreads" in said(*page(shown_places()[[0, 3]]), variant="plain")
    assert said(*page(shown_places()[:15]), variant="plain").startswith("Nearly perfect: more")


def test_the_end_says_that_averages_rarely_begin_with_the_digit_misread():
    truth, read = page()
    truth[0, mean_places()[2]] = 7
    words = said(truth, read, variant="plain")
    assert "it reads 7." in words and words.endswith(" Averages rarely begin with 7.")


def test_the_end_is_about_the_page_that_is_shown():
    truth, read = page()
    truth[3, shown_places()[0]] = (read[3, shown_places()[0]] + 1) % 10
    assert said(truth, read, variant="plain", cast=(3,)).startswith("One number here")
    assert said(truth, read, variant="plain", cast=(2,)).startswith("Every digit")


def test_a_late_sentence_stays_until_the_last_mistakes_can_be_named():
    grid = cells(shares(0.97))
    assert said(*grid, "More than half.", best=0.9) == "More than half."
    assert said(*grid, "Most are wrong.", best=0.3).startswith("Mistakes are becoming rare")


def run(seed, variant):
    """Tell a run like the real one; return its sentences and evaluations."""
    draw = np.random.default_rng(seed)
    count, places = (30, 436) if variant == "plain" else (500, 3)
    truth = draw.integers(0, 10, (count, places))
    alike = draw.dirichlet(np.full(10, 0.4), 10)  # which digits look like which
    noise = draw.gumbel(0, 1, (count, places, 10))
    steps = np.unique(np.round(np.geomspace(1, 500, 90))).astype(int)
    steps = np.concatenate([[0], steps])
    scores = np.eye(10)[truth] + 0.6 * alike[truth]
    strength = np.where(steps < 60, steps / 60, 1 + (steps - 60) / 40)
    reads = [(noise + power * scores).argmax(-1) for power in strength]
    accuracy = [(read == truth).mean() for read in reads]
    columns = {"snapshot": np.arange(len(steps)), "step": steps, "accuracy": accuracy}
    settings = {
        "data": {"settings": {"variant": variant}},
        "figure": {"examples": [2] if variant == "plain" else [3, 5, 8]},
        "steps_per_epoch": 10,
        "batch_size": 4,
        "sentence_snapshots": 1,
    }
    tables = [table(truth.ravel(), read.ravel(), 0.4) for read in reads]
    telling = Telling(pa.table(columns), settings, METRICS, tables.__getitem__)
    narrator = SimpleNamespace(nouns=Nouns(), sentence=narration.sentence)
    grades = np.full((len(steps), len(telling.cast)), np.nan)
    return telling.sentences(narrator, None, grades), tables, np.array(accuracy)


@pytest.mark.parametrize("variant", ["plain", "cells"])
@pytest.mark.parametrize("seed", range(3))
def test_no_sentence_contradicts_the_counter_while_it_is_shown(variant, seed):
    sentences, _, accuracy = run(seed, variant)
    starts = beginnings(sentences)
    assert len(starts) > 6
    for first, end in zip(starts, [*starts[1:], len(sentences)], strict=True):
        words, shown = sentences[first], accuracy[first:end]
        floor = next((least for part, least in FLOORS.items() if f"ore than {part}" in words), 0)
        assert len(words) <= 90
        if "of them fully" not in words:
            assert shown.min() > floor, words
        if words.startswith("More than"):
            assert shown.max() < floor + 0.22, words
        for phrase, most in (("only guess", 0.16), ("luck now", 0.35), ("one digit in", 0.14)):
            assert phrase not in words or shown.max() < most, words
        assert "99" not in words or shown.min() >= 0.98


@pytest.mark.parametrize("seed", range(3))
def test_the_confusion_that_is_named_is_the_most_frequent(seed):
    sentences, tables, _ = run(seed, "plain")
    for first in beginnings(sentences):
        grid = confusion(*readings(tables[first], 436)) * (1 - np.eye(10))
        for pair in named_confusions(sentences[first]):
            assert "setback" in sentences[first] or grid[pair] == grid.max()


@pytest.mark.parametrize(("variant", "noun"), [("cells", "numbers"), ("perturbed", "pages")])
def test_examples_have_plain_names(variant, noun):
    assert narration.nouns({"variant": variant}).examples == noun


def test_sentences_fit_into_two_lines():
    draw = np.random.default_rng(0)
    for _ in range(100):
        grid = draw.dirichlet(np.full(10, 0.3), 10) + 3 * np.diag(draw.random(10))
        words = said(*cells(grid / grid.sum(1, keepdims=True)), "It now reads most 4s right.")
        assert len(words) <= 90
