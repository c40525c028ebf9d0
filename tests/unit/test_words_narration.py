"""What the film of the word reader says."""

import numpy as np
import pyarrow as pa
import pytest

from epochreel.experiments.words import narration
from epochreel.experiments.words.alphabet import END, STEPS
from epochreel.narration.story import Story, Told

TRUE = ("T", "SH", "BOD", "AQWL")
NEARLY = ("T", "SH", "BQD", "AQWL") + TRUE * 9  # 39 of 40


def signs(*words):
    """Words as rows of signs."""
    rows = [[ord(letter) - ord("A") for letter in word] for word in words]
    return np.array([row + [END] * (STEPS - len(row)) for row in rows], np.uint8)


def evaluation(read, masks=None):
    """An evaluation of the words `TRUE`, repeated, which are read as `read`."""
    columns = {"letters": signs(*TRUE * (len(read) // 4)), "prediction": signs(*read)}
    columns["probability"] = np.full(columns["letters"].shape, 0.9, np.float16)
    lists = {
        name: pa.FixedSizeListArray.from_arrays(values.ravel(), STEPS)
        for name, values in columns.items()
    }
    masks = len(read) if masks is None else masks
    rows = [[0]] * masks + [None] * (len(read) - masks)
    return pa.table(lists | {"mask": pa.array(rows, pa.list_(pa.uint8()))})


def story(read=NEARLY, right=None, told=(), step=100, **values):
    """A story whose last snapshot has these metrics; `right` (n, cast) says what was right."""
    values = {"accuracy": 0.97, "letters": 0.9, "place_1": 0.9, "place_2": 0.9} | values
    values = {"end": 0.9, "in_order": 1.0, "spread_across": 3.0, "step": step} | values
    grades = None if right is None else np.array(right, float)
    return Story(
        snapshot=len(right) - 1 if right is not None else 1,
        read=lambda: evaluation(read),
        history={name: np.array([value]) for name, value in values.items()},
        metrics={},
        data={},
        cast=() if right is None else tuple(range(grades.shape[1])),
        grades=grades,
        told=tuple(Told(k, sentence) for k, sentence in enumerate(told)),
    )


def said(*arguments, **options):
    """Return the sentence of a story; check that it fits into a frame."""
    sentence = narration.sentence(story(*arguments, **options))
    assert len(sentence) <= 90
    return sentence


EARLY = {"accuracy": 0.0, "letters": 0.05, "end": 0.1, "in_order": 0.1, "spread_across": 11}


@pytest.mark.parametrize(
    ("read", "values", "expected"),
    [
        (("E",) * 4, {"step": 0}, "has not practised yet"),
        (("E",) * 4, {}, "reads the same letters, whatever"),
        (("",) * 4, {}, "nearly every time it looks, it says “end”"),
        (("E", "AB", "EEE", "M"), {}, "nearly all of them are wrong"),
        (("E", "AB", "EEE", "MMMM"), {"end": 0.7}, "how long a word is, but not yet which letters"),
        (("T", "SX", "BOE", "AMMM"), {"letters": 0.4}, "some letters right, but few whole words"),
        (("T", "SX", "BO", "AMMM"), {"place_1": 0.8, "place_2": 0.5}, "the first letter, but not"),
    ],
)
def test_an_early_sentence_says_what_the_network_can_do(read, values, expected):
    assert expected in said(read, **EARLY | values)


def test_the_gaze_is_named_once_it_moves_and_can_be_seen():
    looks = EARLY | {"in_order": 0.95, "spread_across": 6}
    read = ("T", "SX", "BO", "AMMM")
    assert "from left to right, but nearly all" in said(read, **looks)
    assert "from left to right, and it gets some" in said(read, **looks | {"letters": 0.3})
    assert "left to right" not in said(read, **looks | {"spread_across": 11})


def test_long_words_are_named_while_they_are_harder():
    read = ("T", "SH", "BOD", "AQML")
    assert said(read, accuracy=0.7).endswith("long ones often have a wrong letter.")
    assert "mixes up M and W" in said(read, accuracy=0.85)


def test_a_word_of_the_cast_that_stays_wrong_is_named_with_its_reading():
    wrong = [[1, 1, 0, 1]] * 9
    assert said(right=wrong).endswith("but it still reads BOD as BQD.")
    assert "BOD" not in said(right=[[1, 1, 1, 1]] * 8 + [[1, 1, 0, 1]])  # only now


def test_a_word_that_is_lost_again_is_news_once():
    right = [[1, 1, 1, 1]] * 5 + [[1, 1, 0, 1]] * 5
    news = said(right=right)
    assert news == "It used to read BOD correctly; now it reads BQD."
    assert said(right=right, told=[news]) != news


def test_a_word_that_is_right_and_wrong_in_turn_is_news_once():
    right = [[1, 1, k % 2, 1] for k in range(9)]
    news = said(right=right)
    assert news == "It keeps changing its mind about BOD."
    assert said(right=right, told=[news]) != news


@pytest.mark.parametrize("share", [0.4, 0.5, 0.7, 0.85, 0.93, 0.98])
def test_without_a_cast_the_letters_that_are_mixed_up_are_named(share):
    read = ("T", "SH", "BQD", "AOWL")
    assert "mixes up O and Q" in said(read if share > 0.8 else read[:3] + TRUE[3:], accuracy=share)


def test_of_several_mistakes_the_most_frequent_one_is_named():
    read = ("I", "SH", "BOD", "AQWL") + ("T", "SH", "BQD", "AOWL") * 2
    assert "mixes up O and Q" in said(read, accuracy=0.85)


def test_nothing_is_wrong_if_all_words_are_right():
    assert said(TRUE, accuracy=1.0, letters=1.0) == "All words are right."
    assert narration.mistakes(story(TRUE)) == []


def test_mistakes_give_an_example_of_the_cast():
    read = ("I", "SH", "BQD", "AQWL")
    found = narration.mistakes(story(read, right=[[1, 1, 0]] * 9))
    assert found[:2] == ["It gets 2 of 4 test words wrong.", "For example, it reads BOD as BQD."]
    assert "reads T as I" in narration.mistakes(story(read))[1]


def test_grades_separate_right_from_wrong_and_are_nan_without_masks():
    grades = narration.grades(evaluation(("T", "SH", "BQD", "AQWL"), masks=3), 4)
    assert grades[0] > grades[1] > 0.5 > grades[2] > 0 and np.isnan(grades[3])
