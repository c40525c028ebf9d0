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
    mean_places,
    named_confusions,
    readings,
    shown_places,
)
from epochreel.experiments.sheets.sentences import KINDS, Now, kind_of
from epochreel.narration.phases import beginnings
from epochreel.narration.story import Story, Told
from epochreel.narration.telling import Telling

METRICS = declared_metrics.read(Path(narration.__file__).with_name("evaluation.py"))
FLOORS = {
    "one in ten": 0.1,
    "one in five": 0.2,
    "a third": 0.34,
    "half": 0.5,
    "two in three": 0.67,
    "three in four": 0.75,
    "nine in ten": 0.9,
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


def now(truth, read, *told, variant="cells", cast=(0, 1), best=0.0):
    before = (Told(0, "The task."), *(Told(k, words) for k, words in enumerate(told, 1)))
    history = {"accuracy": np.array([np.nan, best, 0.0])}
    reading, data = partial(table, truth.ravel(), read.ravel()), {"variant": variant}
    return Now(Story(5, reading, history, {}, data, told=before, cast=cast))


def found(pattern, truth, read, *told, **options):
    """Return what the kind of sentence with a pattern finds."""
    return kind(pattern).find(now(truth, read, *told, **options))


def kind(pattern):
    return next(each for each in KINDS if pattern in each.pattern)


def show(truth, read, *numbers):
    """Put numbers, as (printed, read), first: the film shows them."""
    for k, pair in enumerate(numbers):
        truth[3 * k : 3 * k + 3], read[3 * k : 3 * k + 3] = ([int(d) for d in n] for n in pair)
    return truth, read


def test_the_first_sentence_says_what_the_task_is():
    for variant, words in (("plain", "of this table below the years"), ("cells", "of these numb")):
        words = f"The task: read every digit {words}"
        assert narration.sentence(Story(0, None, {}, {}, {"variant": variant})).startswith(words)


def test_the_second_sentence_says_how_it_practises():
    assert said(*cells(shares(0.1))).startswith("It practises: it reads a number, sees the right")


def test_a_network_that_guesses_is_said_to_guess():
    assert "about one digit in ten is right" in found("only guess", *cells(shares(0.1)))
    one_answer = cells(np.tile(np.eye(10)[[8, 9]].mean(0), (10, 1)))
    words = found("only guess", *one_answer)
    assert words.endswith("it reads most digits as 8s or 9s.")
    assert kind("only guess").is_true(now(*one_answer), words)
    assert not kind("only guess").is_true(now(*cells(shares(0.1))), words)
    assert found("Luck", *cells(shares(0.15))).startswith("Luck would get one digit in ten right")


MOST_SHOWN = ("444", "444"), ("903", "003")


@pytest.mark.parametrize(
    ("pattern", "grid", "sentence"),
    [
        ("mistake", shares(0.5, _90=0.3), "A frequent mistake: it reads many 9s as 0s."),
        ("mistake", shares(0.5, _90=0.23), "A frequent mistake: it reads some 9s as 0s."),
        ("easie", shares([0.5] * 4 + [0.7] + [0.5] * 5), "4s are the easiest for it: it reads mos"),
        (
            "easie",
            shares([0.3] * 3 + [0.5] * 2 + [0.3] * 5),
            "It finds 3 and 4 easier than all oth",
        ),
        (
            "hardest",
            shares([0.9] * 8 + [0.5, 0.9], _80=0.2, _86=0.25),
            "8s are the hardest: it read",
        ),
    ],
)
def test_a_sentence_ends_when_the_grid_contradicts_it(pattern, grid, sentence):
    before, after = (show(*cells(each), *MOST_SHOWN) for each in (grid, shares(0.96)))
    words = found(pattern, *before)
    assert words.startswith(sentence)
    assert kind(pattern).is_true(now(*before), words)
    assert not kind(pattern).is_true(now(*after), words)
    assert not narration.holds(now(*after, words).story)


@pytest.mark.parametrize(
    ("pattern", "grid"),
    [
        ("mistake", shares(0.5, _90=0.3)),
        ("easie", shares([0.5] * 4 + [0.7] + [0.5] * 5)),
        ("easie", shares([0.3] * 3 + [0.5] * 2 + [0.3] * 5)),
    ],
)
def test_what_the_numbers_shown_contradict_is_not_said(pattern, grid):
    pair = show(*cells(grid), ("904", "907"), ("124", "120"))
    words = found(pattern, *pair)
    assert words is None or ("9s for 0s" not in words and "4" not in words)


def test_what_8s_are_taken_for_is_named_in_order():
    grid = shares([0.9] * 8 + [0.5, 0.9], _80=0.2, _86=0.25)
    assert found("hardest", *cells(grid)).endswith("it reads many of them as 6s and 0s.")
    assert named_confusions(found("hardest", *cells(grid))) == [(8, 6), (8, 0)]


def test_digits_that_are_hardly_ever_answered_are_named_until_they_are():
    grid = np.tile([0.125, 0.125, 0.125, 0.125, 0, 0.125, 0.125, 0, 0.125, 0.125], (10, 1))
    never = cells(grid)
    words = found("ever answers", *never)
    assert words.startswith("It hardly ever answers 4 or 7: ") and len(words) <= 90
    assert kind("ever answers").is_true(now(*never), words)
    assert not kind("ever answers").is_true(now(*cells(shares(0.1))), words)
    assert found("ever answers", *cells(shares(0.1))) is None


def test_a_digit_that_everything_is_taken_for_is_not_easy():
    always_9 = 0.7 * np.eye(10)[np.full(10, 9)] + 0.3 * np.eye(10)
    assert found("easie", *cells(always_9)) is None


def test_an_easy_digit_that_is_lost_again_is_a_setback():
    words = said(*cells(shares([0.8] * 9 + [0.1], _97=0.8)), "9s are the easiest for it: it reads")
    assert words == "A setback: it read most 9s right, but now reads many 9s as 7s."


def test_a_network_that_has_forgotten_is_not_said_to_guess():
    words = said(*cells(shares(0.15)), best=0.9)
    assert words == "A setback: it has lost much of what it had learned."


def test_a_confusion_is_named_twice_and_then_that_it_is_rarer():
    grid = show(*cells(shares(0.5, _90=0.4)), *MOST_SHOWN)
    first = found("mistake", *grid)
    second = found("mistake", *grid, first)
    assert second == "It still reads many 9s as 0s."
    assert found("mistake", *grid, first, second) is None
    later = show(*cells(shares(0.8, _90=0.12)), ("903", "903"))
    words = found("Look", *later, first, cast=(0,))
    assert words == "Look at 9.03: completely right. It reads fewer 9s as 0s now."
    assert kind("Look").is_true(now(*later, cast=(0,)), words)
    assert not kind("Look").is_true(now(*grid), words)


def test_the_first_numbers_are_named_until_one_is_lost():
    truth, read = show(*cells(shares(0.5)), ("123", "123"), ("456", "450"))
    words = found("Already", truth, read)
    assert words == "Already completely right here: 1.23."
    assert kind("Already").is_true(now(truth, read), words)
    read[1] = 9
    assert not kind("Already").is_true(now(truth, read), words)


def test_a_sentence_that_only_gives_the_counter_ends_when_there_is_anything_else_to_say():
    part = "More than half of the digits are right."
    plain = show(*cells(shares(0.6)), ("123", "456"), ("123", "456"))
    assert said(*plain, cast=(0, 1)) == part
    assert narration.holds(now(*plain, part).story)
    mixed = show(*cells(shares(0.6, _90=0.3)), *MOST_SHOWN)
    assert not narration.holds(now(*mixed, part).story)


def test_a_kind_is_not_used_more_often_than_it_may_be():
    grid = cells(shares(0.1))
    words = said(*grid)
    assert said(*grid, words, "It is day.") != words


def test_the_first_digit_of_cells_is_said_to_be_easy():
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 10, (500, 3))
    read = np.where(draw.random((500, 3)) < [0.9, 0.3, 0.3], truth, draw.integers(0, 10, (500, 3)))
    words = found("first digit", truth, read, cast=range(100))
    assert words == "It gets the first digit of most numbers right, but not yet the other two."
    assert not kind("first digit").is_true(now(truth, truth, cast=range(100)), words)


def test_first_digits_of_means_are_said_to_be_usual():
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 10, (50, 436))
    truth[:, mean_places()] = draw.integers(4, 6, (50, 12))
    easy = np.isin(np.arange(436), mean_places())
    right = draw.random(truth.shape) < np.where(easy, 0.9, 0.15)
    read = np.where(right, truth, draw.integers(0, 10, truth.shape))
    words = found("averages", truth, read, variant="plain")
    assert words == "It has noticed that averages (“Means”) often begin with 4 or 5."
    assert not kind("averages").is_true(now(truth, truth, variant="plain"), words)
    assert kind("averages").find(now(*cells(shares(0.3)))) is None


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
    assert said(*page(), variant="plain").startswith("Every digit is right now")
    truth, read = page()
    read[9, 9] = (truth[9, 9] + 1) % 10
    assert said(truth, read, variant="plain").startswith("Every digit shown here is right now")
    assert "misreads only" in said(*page(shown_places()[[0, 3]]), variant="plain")
    assert "misread" not in said(*page(shown_places()[:15]), variant="plain")
    shown = now(*one, variant="plain", cast=(0,)).story
    assert narration.mistakes(shown)[0] == f"In the film it read {mistake[9:-1]} to the end."


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


def test_mistakes_that_are_only_elsewhere_are_said_to_be():
    truth, read = show(*cells(shares([1] * 8 + [0.8, 1])), ("123", "123"), ("456", "456"))
    words = said(truth, read, cast=(0, 1))
    assert words == "Every digit here is right, but elsewhere it gets some 8s wrong."


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
        "first_sentence_snapshots": 1,
    }
    tables = [table(truth.ravel(), read.ravel(), 0.4) for read in reads]
    telling = Telling(pa.table(columns), settings, METRICS, tables.__getitem__)
    narrator = SimpleNamespace(nouns=Nouns(), sentence=narration.sentence, holds=narration.holds)
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
        if "numbers here" not in words:
            assert shown.min() > floor, words
        if words.startswith("More than"):
            assert shown.max() < floor + 0.22, words
        for phrase, most in (
            ("only guess", 0.16),
            ("better now", 0.25),
            ("one digit in ten is", 0.14),
        ):
            assert phrase not in words or shown.max() < most, words
        assert "99" not in words or shown.min() >= 0.98


@pytest.mark.parametrize("variant", ["plain", "cells"])
def test_a_sentence_is_true_at_each_snapshot_while_it_is_shown(variant):
    sentences, tables, _ = run(1, variant)
    cast, places = ((2,), 436) if variant == "plain" else ((3, 5, 8), 3)
    kinds = set()
    for words, rows in zip(sentences[1:], tables[1:], strict=True):
        truth, read = readings(rows, places)
        kinds.add(kind_of(words).pattern)
        assert kind_of(words).is_true(now(truth, read, variant=variant, cast=cast), words), words
    assert len(kinds) > 5


@pytest.mark.parametrize(("variant", "noun"), [("cells", "numbers"), ("perturbed", "pages")])
def test_examples_have_plain_names(variant, noun):
    assert narration.nouns({"variant": variant}).examples == noun


def test_sentences_fit_into_two_lines():
    draw = np.random.default_rng(0)
    for _ in range(100):
        grid = draw.dirichlet(np.full(10, 0.3), 10) + 3 * np.diag(draw.random(10))
        words = said(*cells(grid / grid.sum(1, keepdims=True)), "It now reads most 4s right.")
        assert len(words) <= 90
