"""What the film of the word reader says."""

from dataclasses import replace

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
LATE = {"in_order": 0.1}  # so that the gaze is no news
ALL = [[1, 1, 1, 1]]


def still_holds(sentence, *arguments, **options):
    """Return whether a sentence on the screen still holds."""
    return narration.holds(story(*arguments, told=[sentence], **options))


@pytest.mark.parametrize(
    ("read", "values", "expected"),
    [
        (
            ("E",) * 4,
            {"step": 0},
            'to name the letters of a word, then "end". It has not practised',
        ),
        (("EEEEE",) * 4, {}, "says E at nearly every look, whatever the word is"),
        (("",) * 4, {"end": 0.7}, 'says "end" at nearly every look, whatever the word is'),
        (("E", "", "CEE", "C"), {}, 'it says only C, E or "end"'),
        (("", "AB", "EEE", "M"), {}, "tries letters now, but most of them are wrong"),
        (("E", "A", "BEE", "MMMM"), {}, "Longer words now get more letters, but most"),
        (("T", "SX", "BOE", "AMMM"), {"letters": 0.4}, "letters are right, but few whole words"),
    ],
)
def test_an_early_sentence_says_what_the_rows_show(read, values, expected):
    sentence = said(read, **EARLY | values)
    assert expected in sentence
    assert still_holds(sentence, read, **EARLY | values)
    assert not still_holds(sentence, TRUE, accuracy=0.9)


def test_a_few_signs_remain_few_signs_if_one_of_them_is_no_longer_said():
    sentence = said(("E", "", "CEE", "C"), **EARLY)
    assert still_holds(sentence, ("", "", "CC", "CCC"), **EARLY)
    assert not still_holds(sentence, ("", "", "MM", "CCC"), **EARLY)


def test_the_gaze_is_named_once_it_moves_and_can_be_seen():
    looks = EARLY | {"in_order": 0.95, "spread_across": 6}
    read = ("T", "SX", "BO", "AMMM")
    gaze = said(read, **looks)
    assert "from letter to letter, from left to right" in gaze
    assert gaze != said(read, told=[gaze], **looks)
    assert still_holds(gaze, read, **looks)
    for other in ({"spread_across": 11}, {"in_order": 0.5}):
        assert "left to right" not in said(read, **looks | other)
        assert not still_holds(gaze, read, **looks | other)


def test_a_word_is_named_once_it_has_been_right_for_a_while():
    read = ("T", "XX", "BXX", "AXXX")
    news = said(read, right=[[1, 0, 0, 0]] * 9, accuracy=0.5, **LATE)
    assert news == "It can now read T."
    assert "can now" not in said(
        right=[[0, 0, 0, 0]] * 4 + [[1, 0, 0, 0]] * 5, accuracy=0.5, **LATE
    )
    assert "can now" not in said(read, right=[[0.6, 0, 0, 0]] * 9, accuracy=0.5, **LATE)  # unsure
    assert news != said(read, right=[[1, 0, 0, 0]] * 9, told=[news], accuracy=0.5, **LATE)
    assert still_holds(news, right=ALL, accuracy=0.5)
    assert not still_holds(news, ("I", *NEARLY[1:]), right=ALL, accuracy=0.5)


def test_a_word_with_one_wrong_letter_is_named_with_its_reading():
    news = said(right=[[1, 1, 0, 1]] * 9, accuracy=0.5, **LATE)
    assert news == "Only one letter of BOD is wrong: it reads O as Q."
    assert "BOD" not in said(right=[[1, 1, 1, 1]] * 8 + [[1, 1, 0, 1]], accuracy=0.5, **LATE)
    assert still_holds(news, right=[[1, 1, 0, 1]], accuracy=0.5)
    for other in ("BOD", "BXD", "QQD", "BQ"):
        assert not still_holds(news, (*TRUE[:2], other, *NEARLY[3:]), right=ALL, accuracy=0.5)


def test_a_word_that_stays_wrong_is_named_when_nearly_all_others_are_right():
    news = said(right=[[1, 1, 0, 1]] * 9, **LATE)
    assert news == "Nearly all words are right, but in BOD it still reads O as Q."
    assert still_holds(news, right=[[1, 1, 0, 1]], accuracy=0.93)
    assert not still_holds(news, right=[[1, 1, 0, 1]], accuracy=0.85)
    assert not still_holds(news, TRUE, right=ALL)


def test_an_event_ends_a_state_once_that_has_been_shown_for_a_while():
    state = "It often mixes up O and Q."
    right = [[1, 1, 0, 1]]
    assert still_holds(state, right=right * 5, accuracy=0.5)
    assert not still_holds(state, right=right * 9, accuracy=0.5)


@pytest.mark.parametrize("share", [0.4, 0.5, 0.7, 0.85, 0.93, 0.98])
def test_without_a_cast_the_letters_that_are_mixed_up_are_named(share):
    read = ("T", "SH", "BQD", "AOWL")
    sentence = said(read, accuracy=share, **LATE)
    assert sentence == "It often mixes up O and Q."
    assert still_holds(sentence, read, accuracy=share)
    assert not still_holds(sentence, ("T", "SH", "BXD", "AQWL"), accuracy=share)


def test_of_several_mistakes_the_most_frequent_one_is_named_first():
    read = ("I", "SH", "BOD", "AQWL") + ("T", "SH", "BQD", "AOWL") * 2
    first = said(read, accuracy=0.85, **LATE)
    assert "mixes up O and Q" in first
    assert "mixes up I and T" in said(read, accuracy=0.85, told=[first], **LATE)


def test_nothing_is_wrong_if_all_words_are_right():
    values = {"accuracy": 1.0, "letters": 1.0} | LATE
    assert said(TRUE, **values) == "All words are right."
    assert not still_holds("All words are right.", **values | {"accuracy": 0.99})
    assert narration.mistakes(story(TRUE)) == []


def test_mistakes_give_the_first_wrong_word_of_the_cast_as_an_example():
    read = ("I", "SH", "BQD", "AQWL")
    found = narration.mistakes(replace(story(read), cast=(1, 2, 0)))
    assert found == [
        "It gets 2 of 4 new words wrong.",
        "For example, it reads BOD as BQD.",
        "Its most common mistake with a letter is to read O as Q.",
    ]
    assert "reads T as I" in narration.mistakes(story(read))[1]


def test_grades_tell_right_words_from_wrong_ones_and_leave_out_those_without_masks():
    grades = narration.grades(evaluation(("T", "SH", "BQD", "AQWL"), masks=3), 4)
    assert grades[0] > grades[1] > 0.5 > grades[2] > 0 and np.isnan(grades[3])
