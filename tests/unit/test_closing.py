"""Sentences about what the network still gets wrong, for the closing picture."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from epochreel.experiments.activations import narration as activations
from epochreel.experiments.sheets import narration as sheets
from epochreel.experiments.words import narration as words
from epochreel.narration.sentences import confusions


def test_the_most_frequent_confusion_is_named():
    truth, prediction = np.array([[0, 0, 0, 1, 2, 2], [1, 1, 0, 0, 2, 2]])
    assert confusions(truth, prediction, "abc", "tests") == [
        "It gets 3 of 6 tests wrong.",
        "Most often it mistakes a for b: 2 of 3 times.",
    ]
    assert confusions(truth, truth, "abc", "tests") == []


def test_of_equally_frequent_confusions_one_is_an_example():
    truth, prediction = np.array([[0, 1, 2], [1, 0, 2]])
    assert "For example, it mistakes a for b: 1 of 1 times." in confusions(
        truth, prediction, "abc", "tests"
    )


def of(predictions, data=None):
    return SimpleNamespace(data=data, predictions=pa.table(predictions), cast=())


def test_the_sheets_name_the_digits_that_are_confused():
    table = {
        "truth": np.array([8, 8, 3], np.uint8),
        "prediction": np.array([3, 8, 3], np.uint8),
        "probabilities": pa.FixedSizeListArray.from_arrays(np.zeros(30, np.float16), 10),
    }
    assert sheets.mistakes(of(table, {"variant": "cells"})) == [
        "In the film it read 8.83 as 3.83 to the end.",
        "It gets 1 of 3 digits wrong.",
        "Most often it mistakes 8 for 3: 1 of 2 times.",
    ]
    table["prediction"] = table["truth"]
    assert sheets.mistakes(of(table, {"variant": "cells"})) == []


def five(*spelled: str) -> pa.Array:
    signs = [ord(letter) - ord("A") for word in spelled for letter in word.replace(" ", "[")]
    return pa.FixedSizeListArray.from_arrays(np.array(signs, np.uint8), 5)


def test_the_words_name_a_word_and_the_letters_that_are_confused():
    # "[" is the end symbol; what follows the first one does not count.
    letters, prediction = five("CAT  ", "DOG  ", "A    "), five("CAT X", "DCC  ", "     ")
    assert words.mistakes(of({"letters": letters, "prediction": prediction})) == [
        "It gets 2 of 3 new words wrong.",
        "For example, it reads A as nothing.",
        "Its most common mistake with a letter is to read G as C.",
    ]
    told = words.mistakes(of({"letters": five("A    "), "prediction": five("     ")}))
    assert told[1:] == ["For example, it reads A as nothing."]
    assert words.mistakes(of({"letters": letters, "prediction": letters})) == []


def test_the_activations_count_test_images_only():
    table = {"split": ["test", "test", "train"], "label": [0, 1, 1], "prediction": [0, 0, 0]}
    data = {"source": "folder", "classes": ["cat", "dog"]}
    assert activations.mistakes(of(table, data)) == [
        "It gets 1 of 2 new pictures wrong.",
        "Most often it mistakes “dog” for “cat”: 1 of 1 times.",
    ]
