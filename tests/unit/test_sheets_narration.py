"""Sentences of the films of the sheet transcriber."""

import numpy as np
import pyarrow as pa
import pytest

from epochreel.experiments.sheets import layout, narration
from epochreel.experiments.sheets.readings import named_confusions
from epochreel.narration.story import Story, Told


def cells(shares, count=400):
    """Return the digits printed and read in cells, with these shares (10, 10) of readings."""
    truth = np.repeat(np.arange(10), count)
    counts = [np.floor(np.cumsum(row) * count + 0.5).astype(int) for row in shares]
    read = np.concatenate([np.searchsorted(ends, np.arange(count), "right") for ends in counts])
    order = np.random.default_rng(0).permutation(len(truth) // 3 * 3)
    return truth[order], read[order]


def said(truth, read, *told, variant="cells", best=0.0):
    table = pa.table({"truth": truth.astype(np.uint8), "prediction": read.astype(np.uint8)})
    before = tuple(Told(k, sentence) for k, sentence in enumerate(told))
    data = {"variant": variant}
    history = {"accuracy": np.array([np.nan, best, 0.0])}
    return narration.sentence(Story(5, lambda: table, history, {}, data, told=before))


def shares(own, **pairs):
    """Return shares with `own` on the diagonal, and "_90=0.3": 9s are taken for 0s."""
    grid = np.diag(np.broadcast_to(own, 10).astype(float))
    for name, share in pairs.items():
        grid[int(name[1]), int(name[2])] = share
    rest = 1 - grid.sum(1)
    return grid + rest[:, None] * (1 - np.eye(10)) / 9


def test_a_network_that_guesses_is_said_to_guess():
    assert said(*cells(shares(0.1))).endswith("about one digit in ten is right.")
    one_answer = np.tile(np.eye(10)[[8, 9]].mean(0), (10, 1))
    assert said(*cells(one_answer)).endswith("it takes most digits for 8s or 9s.")


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        (
            shares(0.5, _90=0.3),
            "It now reads about half of the digits right, but takes many 9s for 0s.",
        ),
        (
            shares(0.3, _68=0.3, _86=0.25),
            "about a third of the digits right, but mixes up 6s and 8s.",
        ),
        (
            shares([0.5] * 4 + [0.9] * 2 + [0.5] * 4, _35=0.3),
            "It now reads most 4s and 5s right, but takes many 3s for 5s.",
        ),
        (
            shares([0.95] * 9 + [0.4], _90=0.5),
            "It now reads most digits right, but 9s are still hard.",
        ),
        (shares(0.85, _90=0.12), "It now reads most digits right, but takes some 9s for 0s."),
        (shares(0.93), "Mistakes are becoming rare: more than nine in ten digits are right."),
        (shares(0.97), "It is nearly perfect now: few mistakes are left."),
        (
            shares(0.99, _68=0.01),
            "Nearly every digit is right now, though it still takes a few 6s for 8s.",
        ),
    ],
)
def test_a_sentence_names_what_is_known_and_what_is_confused(grid, sentence):
    assert said(*cells(grid)).endswith(sentence)


def test_a_digit_that_everything_is_taken_for_is_not_known():
    always_9 = 0.7 * np.eye(10)[np.full(10, 9)] + 0.3 * np.eye(10)
    assert "9s right" not in said(*cells(always_9))


def test_a_digit_that_is_lost_again_is_a_setback():
    words = said(*cells(shares([0.8] * 9 + [0.1], _97=0.8)), "It now reads most 4s and 9s right.")
    assert words == "A setback: it read most 9s right, but now takes many 9s for 7s."


def test_a_network_that_has_forgotten_is_not_said_to_guess():
    words = said(*cells(shares(0.15)), best=0.9)
    assert words == "A setback: it has lost much of what it had learned."


def test_digits_are_said_to_be_known_once():
    grid = shares([0.5] * 4 + [0.9] * 2 + [0.5] * 4, _35=0.3)
    words = said(*cells(grid), "It now reads most 4s right.")
    assert words.startswith("It now also reads most 5s right")


def test_another_confusion_is_named_next_if_it_is_about_as_frequent():
    grid = shares(0.5, _90=0.3, _68=0.25)
    first = said(*cells(grid))
    assert named_confusions(first) == [(9, 0)]
    assert named_confusions(said(*cells(grid), first)) == [(6, 8)]


def test_the_first_digit_of_cells_is_said_to_be_easy_once():
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 10, (500, 3))
    read = np.where(draw.random((500, 3)) < [0.9, 0.3, 0.3], truth, draw.integers(0, 10, (500, 3)))
    words = said(truth.ravel(), read.ravel())
    assert words == "It gets the first digit of most numbers right, but not yet the other two."
    assert said(truth.ravel(), read.ravel(), words, "It is day.") != words


def test_first_digits_of_means_and_totals_are_said_to_be_easy():
    draw = np.random.default_rng(0)
    numbers = layout.places("plain").number
    is_first = (np.diff(numbers, prepend=-1) > 0) & (numbers >= 120)
    truth = draw.integers(0, 10, (50, 436))
    truth[:, is_first] = draw.integers(4, 7, (50, is_first.sum()))
    right = draw.random(truth.shape) < np.where(is_first, 0.9, 0.15)
    read = np.where(right, truth, draw.integers(0, 10, truth.shape))
    words = said(truth.ravel(), read.ravel(), variant="plain")
    assert words == "It has noticed that means and totals mostly begin with 4, 5 or 6."


@pytest.mark.parametrize(("variant", "noun"), [("cells", "numbers"), ("perturbed", "pages")])
def test_examples_have_plain_names(variant, noun):
    assert narration.nouns({"variant": variant}).examples == noun


def test_sentences_fit_into_two_lines():
    draw = np.random.default_rng(0)
    for _ in range(100):
        grid = draw.dirichlet(np.full(10, 0.3), 10) + 3 * np.diag(draw.random(10))
        words = said(*cells(grid / grid.sum(1, keepdims=True)), "It now reads most 4s right.")
        assert len(words) <= 90
