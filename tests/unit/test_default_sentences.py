"""Sentences from metrics alone, for the histories of many kinds of runs."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import narrator, told

from epochreel.core.drawable_text import undrawable
from epochreel.experiment_api.interface import Metric, Nouns
from epochreel.narration.narrator import LONGEST

START = "It has not practised yet: it is guessing."
ACCURACY = {"accuracy": Metric("Accuracy", unit="%")}
CLASSES = ACCURACY | {"accuracy_of_*": Metric("Class {}", group="By class", unit="%")}
PAGES, PICTURES = Nouns("pages", "digits"), Nouns("pictures", "pictures")
RIGHT = "It now gets {} of the {} right."


def said(columns, declared=None, nouns=None, steps=None) -> list[str]:
    """Return the sentences of a run whose steps double, 8 at snapshot 1."""
    by = narrator(nouns=lambda data: nouns or Nouns())
    return [sentence for _, sentence in told(columns, declared, steps, by)]


def test_a_network_that_learns_gets_more_and_more_right():
    accuracy = [0.1, 0.12, 0.31, 0.52, 0.7, 0.85, 0.94, 0.98, 0.985, 0.99]
    shares = ["about a third", "about half", "about two thirds", "about eight in ten"]
    shares += ["more than nine in ten", "nearly all"]
    assert said({"accuracy": accuracy}, ACCURACY, PAGES) == [
        START,
        "So far, practice has not helped: it gets about a tenth of the digits right.",
        *(RIGHT.format(share, "digits") for share in shares),
        "Little has changed: it still gets nearly all of the digits right.",
    ]


def test_a_loss_is_compared_with_the_start():
    assert said({"loss": [2.3, 2.25, 1.9, 1.2, 0.7, 0.4, 0.2, 0.1, 0.04, 0.039]}) == [
        START,
        "Its error (loss) is no better than at the start.",
        "Its error (loss) has begun to fall: it is getting better.",
        "Its error (loss) has halved since the start.",
        "Its error (loss) is about a third of what it was at the start.",
        "Its error (loss) is less than a quarter of what it was at the start.",
        "Its error (loss) is less than a tenth of what it was at the start.",
        "Its error (loss) is a tiny fraction of what it was at the start.",
        "Its error (loss) hardly changes now.",
    ]


def test_a_class_that_collapses_is_named_once():
    columns = {
        "accuracy": [0.1, 0.3, 0.5, 0.7, 0.62, 0.65, 0.8],
        "accuracy_of_cat": [0, 0.2, 0.5, 0.7, 0.8, 0.9, 0.9],
        "accuracy_of_big_dog": [0, 0.4, 0.6, 1, 0, 0.0, 0.6],
        "accuracy_of_fish": [0, 0.3, 0.4, 0.5, 0.9, 0.9, 0.9],
    }
    found = said(columns, CLASSES, PICTURES)
    lost = "It has forgotten “big dog”: it used to get all of them right, but now none."
    assert found[3:6] == [
        RIGHT.format("about two thirds", "pictures"),
        lost,
        RIGHT.format("about two thirds", "pictures"),
    ]
    assert found.count(lost) == 1


def test_an_answer_given_to_everything_is_not_forgotten():
    columns = {"accuracy": [0.1, 0.2, 0.3, 0.4], "accuracy_of_7": [1, 1, 0, 0]}
    columns |= {f"accuracy_of_{digit}": [0, 0, 0.3, 0.4] for digit in range(7)}
    assert not any("lost" in sentence for sentence in said(columns, CLASSES))


def test_an_error_in_mm_falls():
    declared = {"error": Metric("Position error", "lower", unit="mm")}
    assert said({"error": [40, 39, 25, 18, 9, 2, 1.8]}, declared) == [
        START,
        "Its position error is no better than at the start.",
        "Its position error has fallen by about a third since the start.",
        "Its position error has halved since the start.",
        "Its position error is about a quarter of what it was at the start.",
        "Its position error is less than a tenth of what it was at the start.",
        "Its position error hardly changes now.",
    ]


def test_a_score_without_unit_rises_from_nothing():
    declared = {"mAP": Metric("mAP")}
    assert said({"mAP": [0.001, 0.002, 0.05, 0.3, 0.41, 0.42, 0.3, 0.3]}, declared) == [
        START,
        "Its score (mAP) has doubled since the start.",
        "Its score (mAP) is better than ever before.",
        "It has got worse: its score (mAP) was better before.",
        "Its score (mAP) was better before.",
    ]


def test_a_metric_that_is_undefined_at_the_start_is_not_compared_with_it():
    assert said({"accuracy": [math.nan, None, 0.2, 0.4]}, ACCURACY) == [
        START,
        "It is practising on one group of examples after another.",
        RIGHT.format("about a fifth", "answers"),
        RIGHT.format("about four in ten", "answers"),
    ]


def test_a_metric_that_is_undefined_for_a_while_changes_no_sentence():
    found = said({"accuracy": [0.1, 0.3, None, None, 0.7]}, ACCURACY)
    assert found[1:] == [RIGHT.format(f"about {s}", "answers") for s in ("a third", "two thirds")]


@pytest.mark.parametrize("name", ["accuracy", "loss"])
def test_a_network_that_never_learns_is_no_better_than_at_the_start(name):
    found = said({name: [0.1, 0.105, 0.1, 0.099, 0.1, 0.1, 0.102]})
    assert len(found) == 2 and ("has not helped" in found[1] or "no better" in found[1])


def test_what_is_learned_and_forgotten_again_is_mentioned():
    found = said({"accuracy": [0.1, 0.4, 0.7, 0.9, 0.6, 0.35, 0.2, 0.1]}, ACCURACY, PAGES)
    assert found[4] == (
        "It has got worse: about nine in ten of the digits were right before, now about six in ten."
    )
    assert found[-1].startswith("It has got worse") and not any("Little" in each for each in found)


def test_practice_examples_known_by_heart_are_mentioned_once():
    test, practice = [0.1, 0.4, 0.6, 0.75, 0.78, 0.8, 0.8], [0.1, 0.4, 0.65, 0.8, 0.98, 1, 1]
    found = said({"accuracy": test, "train_accuracy": practice}, ACCURACY, PICTURES)
    heart = "It knows its practice pictures by heart; on new ones it still makes mistakes."
    assert found.count(heart) == 1
    losses = {"loss": [2, 1, 0.7, 0.9, 1.2], "train_loss": [2, 1, 0.5, 0.3, 0.1]}
    assert "It keeps getting better on its practice examples, but worse on new ones." in said(
        losses
    )


@pytest.mark.parametrize(
    ("name", "metric", "values", "sentence"),
    [
        (
            "cer",
            Metric("Character error rate", "lower", unit="%"),
            [1, 0.5],
            "half (lower is better",
        ),
        ("iou", Metric("IoU", unit="%", plain="Overlap"), [0, 0.34], "Overlap: now about a third."),
        ("iou", Metric("IoU", unit="%", plain="Overlap"), [0, 0.999], "Overlap: now almost every"),
        ("reward", Metric("Reward"), [-200, 20], "Its score (reward) is better than ever before."),
        ("loss", Metric("Loss", "lower"), [2, 50], "It has got worse: its error (loss) was better"),
        (
            "miss",
            Metric("Miss", "lower", plain="Average miss"),
            [4, 2],
            "Its average miss has halv",
        ),
        ("accuracy", Metric("Score"), [40.0, 90.0], "Its score has doubled since the start."),
    ],
)
def test_other_metrics_have_sentences_that_suit_them(name, metric, values, sentence):
    assert sentence in said({name: values}, {name: metric})[-1]


def test_a_network_that_has_learned_elsewhere_is_not_said_to_guess():
    found = said({"accuracy": [0.7, 0.9]}, ACCURACY)
    assert found[0] == "It has not practised yet, but gets about two thirds of the answers right."


def test_the_hardest_class_is_named_when_little_changes():
    columns = {"accuracy": [0.1, 0.8, 0.8, 0.8], "accuracy_of_a": [0.1, 1, 1, 1]}
    columns["accuracy_of_b"] = [0.1, 0.6, 0.6, 0.6]
    assert said(columns, CLASSES)[2] == (
        "It finds “b” hardest: it gets about six in ten of them right."
    )


def test_words_do_not_alternate_at_the_limit_of_a_share():
    accuracy = [0.1, *itertools.islice(itertools.cycle((0.54, 0.56)), 12)]
    assert len(said({"accuracy": accuracy}, ACCURACY)) <= 3


def test_a_run_without_metrics_practises():
    found = said({}, steps=[0, 8, 16, 32], nouns=PAGES)
    assert found == [START, "It is practising on one group of pages after another."]


VALUE = st.one_of(st.none(), st.sampled_from([0.0, 1.0, -1.0]), st.floats(-1e300, 1e300))
NAMES = ["accuracy", "loss", "train_accuracy", "train_loss", "accuracy_of_a", "accuracy_of_b"]


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(NAMES), st.lists(VALUE, min_size=6, max_size=6)),
    st.sampled_from([{}, CLASSES, {"loss": Metric("L" * 200, "lower", plain="É" * 300)}]),
)
def test_any_history_gives_short_drawable_sentences(columns, declared):
    for sentence in said(columns, declared, Nouns("p" * 99, "q" * 99), [0, 8, 16, 32, 64, 128]):
        assert 0 < len(sentence) <= LONGEST and not undrawable(sentence)
