"""What the film of activations says."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from epochreel.experiments.activations import narration
from epochreel.narration.story import Story, Told

SKETCHES = {"source": "sketches"}
CLASSES = 10


def predictions(counts, probabilities=None):
    """A table with `counts` (C, C) test images of each class (row) with each answer."""
    label, answer = np.nonzero(np.ones_like(counts))
    label, answer = (np.repeat(each, np.ravel(counts)).astype(np.int16) for each in (label, answer))
    columns = {"split": ["test"] * len(label), "label": label, "prediction": answer}
    if probabilities is not None:
        shares = np.asarray(probabilities, np.float16)
        values = pa.array(shares.ravel())
        columns["probabilities"] = pa.FixedSizeListArray.from_arrays(values, shares.shape[1])
    return pa.table(columns)


def right(each=20, **moved):
    """Confusion counts of `each` right answers per class; `a5b=3` moves three of class a to b."""
    counts = np.eye(CLASSES, dtype=int) * each
    for name, count in moved.items():
        truth, answer = map(int, name[1:].split("as"))
        counts[truth, [truth, answer]] += (-count, count)
    return counts


def story(
    counts=None, told=("Hello",), settings=SKETCHES, accuracy=(0.1,), cast=(), grades=None, **shares
):
    counts = right() if counts is None else counts
    history = {"accuracy": accuracy} | {f"accuracy_of_{i}": accuracy for i in range(CLASSES)}
    history = {name: np.asarray(each, float) for name, each in (history | shares).items()}
    last = len(history["accuracy"]) - 1
    all_told = tuple(Told(k, each) for k, each in enumerate(told))
    grades = None if grades is None else np.asarray(grades, float)
    options = {"cast": cast, "grades": grades, "told": all_told}
    return Story(last, lambda: predictions(counts), history, {}, settings, **options)


def card(counts, truth, answer):
    """The number of a test image of one class with one answer."""
    return int(np.ravel(counts)[: truth * CLASSES + answer].sum())


def remarks(*arguments, **options):
    return [text for _, text in narration._remarks(narration._Seen(story(*arguments, **options)))]


def holds(sentence, *arguments, **options):
    return narration.holds(story(*arguments, told=("Hello", sentence), **options))


def answers_only(**counts):
    """Confusion counts of a network that gives only these answers: `to4=6` six times per class."""
    few = np.zeros((CLASSES, CLASSES), int)
    for name, count in counts.items():
        few[:, int(name[2:])] = count
    return few


def test_the_first_sentence_says_what_the_task_is():
    assert narration.sentence(story(told=())) == narration._GUESSES
    only = narration.sentence(story(answers_only(to2=10), told=()))
    assert only.startswith(narration._TASK) and only.endswith("nearly all of them cars.")
    assert not narration.holds(story(answers_only(to2=10), told=(only,), accuracy=[0.1] * 2))


def test_few_different_answers_are_named_while_they_are_most():
    said = "Now it calls most pictures faces or boats."
    few = answers_only(to4=6, to1=4)
    assert said in remarks(few) and holds(said, few, accuracy=[0.1] * 2)
    assert not holds(said, answers_only(to4=3, to1=2, to5=5), accuracy=[0.1] * 2)
    assert not holds(said, answers_only(to4=9, to1=0, to5=1), accuracy=[0.1] * 2)
    assert not any("most pictures" in each for each in remarks())


LOST = {"accuracy": [0.7] * 8, "accuracy_of_3": [0.9] * 4 + [0.05] * 4}
FORGOTTEN = "Surprise: it has forgotten cups, which it knew well, and mistakes them for faces."


def test_a_class_that_collapses_is_a_surprise_and_so_is_its_return():
    assert narration.sentence(story(right(t3as4=19), **LOST)) == FORGOTTEN
    assert holds(FORGOTTEN, right(t3as4=19), **LOST)
    again = {"accuracy": [0.7] * 8, "accuracy_of_3": [0.9] * 8}
    assert not holds(FORGOTTEN, **again)
    back = narration.sentence(story(told=("Hello", FORGOTTEN), **again))
    assert back == "It recognises most cups again."
    assert back not in remarks(**again)


def test_a_surprise_ends_a_phase_whose_sentence_is_still_true():
    said = "It now recognises most trees."
    assert holds(said, **{**LOST, "accuracy_of_8": [0.9] * 8, "accuracy_of_3": [0.9] * 8})
    assert not holds(said, right(t3as4=19), **{**LOST, "accuracy_of_8": [0.9] * 8})


def test_a_class_that_was_only_guessed_is_not_forgotten():
    guessed = {"accuracy": [0.2] * 4 + [0.7] * 4, "accuracy_of_3": [1] * 4 + [0] * 4}
    assert not any("forgotten" in each for each in remarks(right(t3as4=20), **guessed))
    once = {"accuracy": [0.7] * 8, "accuracy_of_3": [0.5] * 5 + [0.9, 0.5, 0.05]}
    assert not any("forgotten" in each for each in remarks(right(t3as4=19), **once))


def test_practice_pictures_that_are_known_by_heart_are_a_surprise():
    far = {"accuracy": [0.8] * 4, "train_accuracy": [0.99] * 4}
    said = narration.sentence(story(**far))
    assert said == narration._BY_HEART.text and holds(said, **far)
    for accuracy, train in ((0.8, 0.83), (0.95, 0.99)):
        near = {"accuracy": [accuracy] * 4, "train_accuracy": [train] * 4}
        assert said not in remarks(**near) and not holds(said, **near)


@pytest.mark.parametrize(
    ("sentence", "true", "false"),
    [
        ("It now recognises most trees and cars.", (0.8, 0.61), (0.8, 0.5)),
        ("It begins to recognise trees and cars.", (0.4, 0.6), (0.4, 0.1)),
        ("It recognises hardly any trees and cars.", (0.0, 0.1), (0.0, 0.3)),
        ("It recognises most trees and cars again.", (0.6, 0.8), (0.3, 0.8)),
    ],
)
def test_a_sentence_on_classes_ends_when_one_of_them_contradicts_it(sentence, true, false):
    for shares, expected in ((true, True), (false, False)):
        now = {f"accuracy_of_{i}": [share] for i, share in zip((8, 2), shares, strict=True)}
        assert holds(sentence, accuracy=[0.5], **now) == expected


def test_the_hardest_class_is_the_one_with_the_lowest_bar():
    said = "The hardest for it now: fish."
    assert said in remarks(accuracy=[0.8], accuracy_of_5=[0.4])
    assert said not in remarks(accuracy=[0.8], accuracy_of_5=[0.4], accuracy_of_6=[0.39])
    assert holds(said, accuracy=[0.8], accuracy_of_5=[0.4])
    assert not holds(said, accuracy=[0.8], accuracy_of_5=[0.4], accuracy_of_6=[0.39])


def test_more_than_half_is_more_than_half():
    said = narration._HALF.text
    assert said in remarks(accuracy=[0.51]) and said not in remarks(accuracy=[0.49])
    assert not holds(said, accuracy=[0.49]) and not holds(said, accuracy=[0.8])


def test_answers_that_are_given_to_everything_are_no_recognition():
    only = answers_only(to2=10)
    known = {"accuracy": [0.1] * 2, "accuracy_of_2": [1.0] * 2}
    assert not any("cars" in each for each in remarks(only, **known) if "recognise" in each)


def test_the_most_frequent_confusion_is_named_with_its_direction():
    some, many = "It mistakes some cups for cars now.", "It mistakes many cups for cars now."
    assert some in remarks(right(t3as2=5), accuracy=[0.8])
    assert many in remarks(right(t3as2=8), accuracy=[0.8])
    assert holds(many, right(t3as2=8), accuracy=[0.8])
    assert not holds(many, right(t3as2=3), accuracy=[0.8])
    assert not holds(some, right(t3as2=3, t1as7=15), accuracy=[0.8])
    both = right(t3as2=6, t2as3=5)
    assert "It mixes up cars and cups now." in remarks(both, accuracy=[0.8])
    assert not holds("It mixes up cars and cups now.", right(t3as2=6), accuracy=[0.8])
    assert not any("mistakes" in each for each in remarks(right(t3as2=1), accuracy=[0.8]))


def test_a_class_that_rises_and_falls_wavers_and_one_that_rises_does_not():
    said = "It keeps changing its mind about umbrellas."
    assert said in remarks(accuracy=[0.8] * 6, accuracy_of_9=[0.2, 0.7] * 3)
    again = [0.2, 0.9, 0.2, 0.9, 0.9, 0.9]
    assert said not in remarks(accuracy=[0.8] * 6, accuracy_of_9=again)  # It is full now.
    assert not holds(said, accuracy=[0.8] * 6, accuracy_of_9=[0, 0.2, 0.4, 0.6, 0.8, 1])


def test_no_sentence_comes_twice_and_kinds_take_turns():
    told, options = ["Hello"], {"accuracy": [0.8], "accuracy_of_5": [0.4], "accuracy_of_6": [0.5]}
    for _ in range(4):
        now = story(right(t3as2=8, t1as7=7), told=told, **options)
        told.append(narration.sentence(replace(now, snapshot=len(told) + 9)))
    seen = narration._Seen(story())
    kinds = [narration._parsed(seen, each)[0] for each in dict.fromkeys(told)]
    assert len(kinds) >= 4 and all(one is not other for one, other in pairwise(kinds))


def test_a_true_sentence_stays_for_some_snapshots_and_a_false_one_does_not():
    said = "It now recognises most trees."
    for share, stays in ((0.9, True), (0.2, False)):
        now = story(told=("Hello", said), accuracy=[0.6] * 3, accuracy_of_8=[share] * 3)
        assert (narration.sentence(now) == said) == stays


def test_what_is_said_when_nothing_else_is_true_is_true():
    told, few, many = ("Hello", "It recognises hardly any trees."), *narration._FALLBACKS
    spread = np.full((CLASSES, CLASSES), 2)  # No answer is mostly right.
    assert narration.sentence(story(spread, told=told, accuracy=[0.25])) == few
    assert holds(few, accuracy=[0.69]) and not holds(few, accuracy=[0.72])
    assert holds(many, accuracy=[0.72]) and not holds(many, accuracy=[0.69])


def test_names_of_a_folder_are_quoted_and_long_ones_fit():
    names = [f"A very long name of a class, number {i} and more" for i in range(CLASSES)]
    own = {"source": "folder", "classes": names}
    for counts in (right(t3as4=19), answers_only(to1=5, to2=5)):
        for told in ((), ("Hello",)):
            said = narration.sentence(story(counts, told=told, settings=own, **LOST))
            assert 0 < len(said) <= narration._LONGEST
    short = {"source": "folder", "classes": list("abcdefghij")}
    said = "It mistakes some “d” for “c” now."
    assert said in remarks(right(t3as2=5), settings=short, accuracy=[0.8])


@pytest.mark.parametrize(
    "names", [["and", "or", "a, b", "for", "a"], ["shirt", "T-shirt", "(x", "x)", "x"]]
)
def test_the_classes_of_a_sentence_are_found_again(names):
    own = {"source": "folder", "classes": names + [str(i) for i in range(5)]}
    seen = narration._Seen(story(settings=own))
    for kind in narration._KINDS:
        groups = [[0, 2], [1]][: kind.text.count("{}")]
        text = kind.text.format(*(seen.list(each, kind.last) for each in groups))
        assert narration._parsed(seen, text) == (kind, groups)


def test_mistakes_count_new_pictures_only():
    assert narration.mistakes(story(right(t3as2=8))) == [
        "It gets 8 of 200 new pictures wrong.",
        "Most often it mistakes “cup” for “car”: 8 of 20 times.",
    ]
    assert narration.mistakes(story()) == []


def test_a_surer_right_answer_has_a_better_grade_than_any_wrong_one():
    shares = [[0.9, 0.1], [0.6, 0.4], [0.1, 0.9]]
    table = predictions(np.array([[2, 1], [0, 0]]), shares)
    first, second, wrong = narration.grades(table, 3)
    assert first > second >= 0.5 > wrong


def test_two_classes_without_a_training_sample_can_be_told():
    history = {name: np.array([0.9, 0.9]) for name in ("accuracy", "accuracy_of_0")}
    counts = np.array([[8, 2], [3, 7]])
    own = {"source": "folder", "classes": ["cat", "dog"]}
    now = Story(1, lambda: predictions(counts), history, {}, own, told=(Told(0, "Hello"),))
    assert narration.sentence(now) == "It mixes up “cat” and “dog” now."


def test_practice_is_explained_after_the_first_step():
    first = narration._ONLY_AT_FIRST.format("cars")
    now = story(answers_only(to2=10), told=(first,), accuracy=[0.1] * 2)
    assert narration.sentence(now) == narration._PRACTISES.text
    now = story(answers_only(to2=10), told=(first, "Hello"), accuracy=[0.1] * 3)
    seen = narration._Seen(now)
    assert not any("most pictures cars" in text for _, text in narration._remarks(seen))


@pytest.mark.parametrize(
    ("before", "begins"),
    [
        ([0, 0, 0, 0, 0.1, 0.2, 0.45], True),
        ([0.9, 0, 0, 0, 0.1, 0.2, 0.45], False),  # Its bar was full before.
        ([0, 0, 0, 0.1, 0.6, 0.5, 0.45], False),  # It falls.
        ([0, 0.45, 0.45, 0.45, 0.45, 0.45, 0.46], False),  # It began long ago.
    ],
)
def test_a_class_begins_to_be_recognised_once(before, begins):
    said = "It begins to recognise trees."
    assert (said in remarks(accuracy=[0.3] * 7, accuracy_of_8=before)) == begins


@pytest.mark.parametrize(
    ("shares", "is_news"), [([0.4] * 8 + [0.7, 0.9], True), ([0.4] * 2 + [0.9] * 8, False)]
)
def test_a_class_known_for_long_is_no_news(shares, is_news):
    found = remarks(accuracy=[0.5] * 10, accuracy_of_8=shares)
    assert ("It now recognises most trees." in found) == is_news
    found = remarks(accuracy=[0.5] * 10, accuracy_of_8=shares, accuracy_of_1=[0.9] * 10)
    assert ("It now recognises most trees too." in found) == is_news


CARDS = right(t3as2=8, t3as4=8)  # Cups: 4 right, 8 cars, 8 faces.


def cards(*answers, counts=CARDS):
    return tuple(card(counts, 3, answer) + k for k, answer in enumerate(answers))


@pytest.mark.parametrize(
    ("sentence", "answers", "true"),
    [
        ("It mistakes many cups for cars now.", (2,), True),
        ("It mistakes many cups for cars now.", (4,), False),
        ("It mistakes many cups for cars now.", (4, 4, 2), False),
        ("It recognises most cups again.", (3, 3, 2), True),
        ("It recognises most cups again.", (3, 2, 2), False),
        ("It now recognises most cups.", (3, 2), True),
        ("It now recognises most cups.", (2, 2), False),
        ("It begins to recognise cups.", (3, 2), True),
        ("It begins to recognise cups.", (2,), False),
        ("It recognises hardly any cups.", (2, 4), True),
        ("It recognises hardly any cups.", (2, 3), False),
        ("The hardest for it now: cups.", (2, 3), True),
        ("The hardest for it now: cups.", (3, 3), False),
    ],
)
def test_a_sentence_is_true_of_the_cards(sentence, answers, true):
    shares = 0.02 if "hardly" in sentence else 0.65
    now = {"accuracy": [0.8], "accuracy_of_3": [shares]}
    assert holds(sentence, CARDS, cast=cards(*answers), **now) == true


def test_a_forgotten_class_is_mistaken_for_what_its_cards_say():
    counts = right(t3as4=14, t3as2=4)
    for answers, said in (((2, 4), "faces and cars"), ((4, 4), "faces"), ((3, 3), None)):
        found = remarks(counts, cast=cards(*answers, counts=counts), **LOST)
        surprises = [each for each in found if "forgotten" in each]
        assert [each.split(" for ")[1] for each in surprises] == ([f"{said}."] if said else [])


def test_answers_that_are_most_are_most_on_the_cards():
    said, few = "Now it calls most pictures faces.", answers_only(to4=8, to5=2)
    shown = [tuple(card(few, label, answer) for label in range(4)) for answer in (4, 5)]
    assert holds(said, few, accuracy=[0.1] * 2, cast=shown[0])
    assert not holds(said, few, accuracy=[0.1] * 2, cast=shown[1])


def test_a_class_wavers_only_if_a_card_does():
    options = {"accuracy": [0.8] * 6, "accuracy_of_3": [0.2, 0.7] * 3, "cast": cards(3)}
    said = "It keeps changing its mind about cups."
    assert said in remarks(CARDS, grades=[[0.9], [0.1]] * 3, **options)
    assert said not in remarks(CARDS, grades=[[0.9]] * 6, **options)


def test_a_kind_that_has_been_heard_often_gives_way():
    heard = [f"It recognises hardly any {name}." for name in ("trees", "fish", "boats")]
    spread, few = np.full((CLASSES,) * 2, 2), narration._FALLBACKS[0]
    for count, is_heard in ((2, True), (3, False)):
        now = story(spread, told=("Hello", *heard[:count], few), accuracy=[0.02] * 2)
        said = narration.sentence(replace(now, snapshot=40))
        assert said.startswith("It recognises hardly any") == is_heard


def test_classes_that_are_mixed_up_are_mixed_up_on_cards():
    said, counts = "It mixes up cars and cups now.", right(t3as2=6, t2as3=5)
    for answer, true in ((3, True), (2, False)):
        cast = (card(counts, 3, 2), card(counts, 2, answer))
        assert holds(said, counts, accuracy=[0.8], cast=cast) == true


def test_a_class_that_falls_does_not_begin_to_be_recognised():
    said = "It begins to recognise trees."
    assert holds(said, accuracy=[0.3] * 3, accuracy_of_8=[0.4, 0.6, 0.5])
    assert not holds(said, accuracy=[0.3] * 3, accuracy_of_8=[0.4, 0.6, 0.4])
