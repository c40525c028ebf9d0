"""What the film of activations says."""

from itertools import pairwise
from types import SimpleNamespace

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


def story(counts=None, told=("Hello",), settings=SKETCHES, accuracy=(0.1,), **of_metrics):
    counts = right() if counts is None else counts
    history = {"accuracy": accuracy} | {f"accuracy_of_{i}": accuracy for i in range(CLASSES)}
    history = {name: np.asarray(each, float) for name, each in (history | of_metrics).items()}
    last = len(history["accuracy"]) - 1
    all_told = tuple(Told(k, each) for k, each in enumerate(told))
    return Story(last, lambda: predictions(counts), history, {}, settings, told=all_told)


def remarks(*arguments, **options):
    return list(narration._remarks(narration._Seen(story(*arguments, **options))))


def test_an_untrained_network_guesses():
    assert narration.sentence(story(told=())) == narration._GUESSES
    only = np.zeros((CLASSES, CLASSES), int)
    only[:, 2] = 10
    assert narration.sentence(story(only, told=())).endswith("almost nothing but cars.")


def test_few_different_answers_are_named():
    few = np.zeros((CLASSES, CLASSES), int)
    few[:, 4], few[:, 1] = 6, 4
    assert "So far it sees little but faces and boats." in remarks(few)
    assert not any("little but" in each for each in remarks())


def test_a_class_that_collapses_is_a_surprise_and_so_is_its_return():
    lost = {"accuracy": [0.7] * 8, "accuracy_of_3": [0.9] * 4 + [0.05] * 4}
    expected = "Surprise: it has forgotten cups, which it knew well, and mistakes them for faces."
    assert narration.sentence(story(right(t3as4=19), **lost)) == expected
    again = {"accuracy": [0.7] * 8, "accuracy_of_3": [0.9] * 8}
    back = narration.sentence(story(told=("Hello", expected), **again))
    assert back == "It recognises cups again."
    assert "It recognises cups again." not in remarks(**again)


def test_a_class_that_was_only_guessed_is_not_forgotten():
    guessed = {"accuracy": [0.2] * 4 + [0.7] * 4, "accuracy_of_3": [1] * 4 + [0] * 4}
    assert not any("forgotten" in each for each in remarks(right(t3as4=20), **guessed))


def test_a_single_outlier_is_ignored():
    once = {"accuracy": [0.7] * 8, "accuracy_of_3": [0.9] * 7 + [0.05]}
    assert not any("forgotten" in each for each in remarks(right(t3as4=19), **once))


def test_practice_pictures_that_are_known_by_heart_are_a_surprise():
    far = {"accuracy": [0.8] * 4, "train_accuracy": [0.99] * 4}
    assert narration.sentence(story(**far)) == narration._BY_HEART
    for accuracy, train in ((0.8, 0.85), (0.95, 0.99)):
        near = {"accuracy": [accuracy] * 4, "train_accuracy": [train] * 4}
        assert narration._BY_HEART not in remarks(**near)


@pytest.mark.parametrize(
    ("accuracy", "words"), [(0.2, None), (0.33, "a third"), (0.76, "three quarters"), (1, "nearly")]
)
def test_the_accuracy_is_stated_in_words(accuracy, words):
    told = [each for each in remarks(accuracy=[accuracy]) if each.startswith("It now recognises")]
    assert any(words in each for each in told) if words else not told


def test_no_lower_level_is_stated_after_a_higher_one():
    told = ("It now recognises about half of all new pictures.",)
    assert not any("a third" in each for each in remarks(told=told, accuracy=[0.34]))


def test_classes_that_separate_are_named():
    apart = {f"apart_4_{i}": [0.6] * 3 + [0.98] * 3 for i in (5, 6)}
    found = remarks(accuracy=[0.5] * 6, **apart)
    assert "Pictures of faces now lie apart from fish and flowers." in found
    mixed = {name: [0.6] * 5 + [0.98] for name in apart}
    assert not any("apart" in each for each in remarks(accuracy=[0.5] * 6, **mixed))


def test_the_most_frequent_confusion_is_named_with_its_direction():
    assert "It still mistakes some cups for cars." in remarks(right(t3as2=5), accuracy=[0.8])
    assert "It still mistakes many cups for cars." in remarks(right(t3as2=8), accuracy=[0.8])
    both = right(t3as2=6, t2as3=5)
    assert "It still mixes up cars and cups." in remarks(both, accuracy=[0.8])
    assert not any("still" in each for each in remarks(right(t3as2=1), accuracy=[0.8]))


def test_the_hardest_class_and_a_fluctuating_one_are_named():
    hard = remarks(accuracy=[0.8], accuracy_of_5=[0.4])
    assert "It finds fish hardest: it gets most of them wrong." in hard
    swings = remarks(accuracy=[0.8] * 6, accuracy_of_9=[0.2, 0.9] * 3)
    assert "It keeps changing its mind about umbrellas." in swings


def test_no_sentence_comes_twice_and_kinds_take_turns():
    told, options = ["Hello"], {"accuracy": [0.8], "accuracy_of_5": [0.4], "accuracy_of_6": [0.5]}
    for _ in range(6):
        told.append(narration.sentence(story(right(t3as2=8, t1as7=7), told=told, **options)))
    kinds = [narration._kind(each) for each in dict.fromkeys(told)]
    assert len(kinds) >= 5 and all(one != other for one, other in pairwise(kinds))
    assert told[-1] == told[-2] or len(set(told)) == len(told)


def test_a_sentence_stays_rather_than_change_to_one_of_its_kind():
    told = [
        "It now recognises two thirds of all new pictures.",
        "It still mistakes many cups for cars.",
    ]
    confused = {"counts": right(t3as2=8, t1as7=7), "accuracy": [0.7]}
    assert "It still mistakes many boats for houses." in remarks(told=told, **confused)
    assert narration.sentence(story(told=told, **confused)) == told[-1]


def test_names_of_a_folder_are_quoted_and_long_ones_fit():
    names = [f"A very long name of a class, number {i}" for i in range(CLASSES)]
    own = {"source": "folder", "classes": names}
    lost = {
        "accuracy": [0.7] * 8,
        "accuracy_of_3": [0.9] * 4 + [0.05] * 4,
        "accuracy_of_5": [0.3] * 8,
    }
    few = np.zeros((CLASSES, CLASSES), int)
    few[:, 1:4] = 5
    for counts in (right(t3as4=19), few):
        for told in ((), ("Hello",)):
            said = narration.sentence(story(counts, told=told, settings=own, **lost))
            assert 0 < len(said) <= narration._LONGEST
    short = {"source": "folder", "classes": list("abcdefghij")}
    assert "It still mistakes many “d” for “c”." in remarks(
        right(t3as2=8), settings=short, accuracy=[0.8]
    )


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


def test_two_classes_without_a_training_sample_have_sentences():
    history = {name: np.array([0.5, 0.9]) for name in ("accuracy", "accuracy_of_0")}
    counts = np.array([[9, 1], [3, 7]])
    own = {"source": "folder", "classes": ["cat", "dog"]}
    seen = SimpleNamespace(
        predictions=predictions(counts), history=history, data=own, told=(Told(0, "Hello"),)
    )
    assert narration.sentence(seen) == "It now recognises nine out of ten new pictures."
