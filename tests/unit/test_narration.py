"""Narration: what an experiment's narration.py receives and returns, block by block."""

import numpy as np
import pyarrow as pa
import pytest
from stories import SETTINGS, narrator, table, telling, told
from tools import refusal

from epochreel.artifacts import metrics
from epochreel.core.errors import UserError
from epochreel.experiment_api.interface import Metric, Nouns
from epochreel.narration.narrator import LONGEST
from epochreel.narration.story import Told

ACCURACY = {"accuracy": Metric("Accuracy", unit="%")}
RISING = [0.1, 0.12, 0.3, 0.31, 0.5, 0.7, 0.72, 0.9, 0.95, 0.97, 0.99, 1.0]
CAST = {"figure": {"examples": [2, 0]}}


# -- What is returned


@pytest.mark.parametrize(
    "result", [None, 3, "", " ", "two\nlines", "a\tb", " a", "x" * (LONGEST + 1), b"a", ["a"]]
)
def test_anything_but_a_sentence_of_one_line_is_refused(result):
    told_by = narrator(sentence=lambda story: result)
    line = refusal(told, {"accuracy": RISING}, ACCURACY, None, told_by)
    assert line.startswith("narration.py: sentence returns ") and "; expected a sentence: a" in line


@pytest.mark.parametrize("function", ["sentence", "mistakes", "nouns"])
def test_text_that_cannot_be_drawn_is_refused(function):
    found = {"sentence": "😀", "mistakes": ["😀"], "nouns": Nouns("😀")}[function]

    def tell():
        by = narrator(**{function: lambda _: found})
        run = telling(table({"accuracy": RISING}), ACCURACY)
        run.sentences(by, None, run.grades(by, None))
        by.mistakes(run.last_story(by))

    assert refusal(tell).startswith(f"narration.py: {function} returns a text that contains '😀'")


@pytest.mark.parametrize("result", [None, "pages", ("pages", "digits")])
def test_anything_but_nouns_is_refused(result):
    line = refusal(narrator, nouns=lambda data: result)
    assert line.startswith("narration.py: nouns returns ") and "expected Nouns(" in line


@pytest.mark.parametrize("words", [("", "b"), ("a", " "), (None, "b"), ("a", 3)])
def test_nouns_are_words(words):
    with pytest.raises(ValueError, match="expected a non-empty string"):
        Nouns(*words)


@pytest.mark.parametrize(
    "result", [None, [1, 1], [0, 1, 2], [0, 1, -0.1], "abc", [[1, 1, 1]], [1, None, "a"]]
)
def test_anything_but_a_grade_per_example_is_refused(result):
    by = narrator(grades=lambda predictions, count: result)
    run = telling(table({"accuracy": RISING}), ACCURACY, **CAST)
    line = refusal(run.grades, by, None)
    assert line.startswith("narration.py: grades returns ")
    assert line.endswith("; expected 3 numbers from 0 to 1, or NaN")


@pytest.mark.parametrize(
    "result", [None, "a sentence", [3], [""], [" "], 3, {"a": 1}, [["a"]], ["a"] * 5]
)
def test_anything_but_a_list_of_mistakes_is_refused(result):
    by = narrator(mistakes=lambda story: result)
    line = refusal(by.mistakes, story(by, accuracy=[0.5]))
    assert line.startswith("narration.py: mistakes returns ")
    assert line.endswith("; expected a list of at most 4 sentences, empty if there are no mistakes")


def test_mistakes_may_come_from_a_generator():
    by = narrator(mistakes=lambda story: iter(("It\n fails",)))
    assert by.mistakes(story(by, accuracy=[0.5])) == ["It fails"]


@pytest.mark.parametrize(
    ("history", "sentences"),
    [
        ({"accuracy": [0, 0.97]}, ["It gets 3 % of the answers wrong."]),
        ({"accuracy": [0, 1]}, []),
        ({"accuracy": [1, np.nan]}, None),
        ({"loss": [1]}, None),
    ],
)
def test_without_a_function_the_accuracy_says_what_is_wrong(history, sentences):
    assert narrator().mistakes(story(narrator(), **history)) == sentences


def story(by, **history):
    read = lambda _snapshot: pa.table({"x": range(500)})  # noqa: E731
    return telling(table(history), read=read).last_story(by)


# -- What is received


def test_a_story_ends_at_its_snapshot():
    stories = []
    by = narrator(sentence=lambda story: (stories.append(story), f"At {story.snapshot}")[1])
    told({"accuracy": RISING, "late": [None] * 6 + [1.0] * 6}, ACCURACY, by=by)
    for each in stories:
        assert {len(values) for values in each.history.values()} == {each.snapshot + 1}
        assert len(each.grades) == each.snapshot + 1 and ("late" in each.history) == (
            each.snapshot > 5
        )
    assert stories[2].told == (Told(0, "At 0"), Told(1, "At 1")) and stories[0].told == ()
    assert stories[1].history["examples"][1] == 32 and stories[1].metrics["accuracy"].unit == "%"


def test_predictions_are_read_only_if_a_sentence_needs_them():
    read = []
    by = narrator(sentence=lambda story: "a" if story.snapshot < 5 else story.predictions and "b")
    told({"accuracy": RISING}, ACCURACY, by=by, read=lambda k: read.append(k) or "rows")
    assert read == [5, 6, 7, 8, 9, 10, 11]


def test_a_function_cannot_change_what_others_receive():
    def sentence(story):
        story.data["seen"] = story.data.get("seen", 0) + 1
        with pytest.raises(ValueError, match="read-only"):
            story.history["accuracy"][0] = 1
        return f"{story.data['seen']}"

    assert told({"accuracy": RISING}, ACCURACY, by=narrator(sentence=sentence)) == [(0, "1")]


def graded(predictions, count):
    return np.full(count, predictions / 100) + np.arange(count) / 10


def test_the_cast_is_graded_at_each_snapshot():
    by = narrator(grades=graded)
    run = telling(table({"accuracy": RISING}), ACCURACY, read=lambda k: k, **CAST)
    found = run.grades(by, None)
    assert np.allclose(found[:, 0] - 0.2, found[:, 1]) and np.allclose(found[:, 1] * 100, range(12))
    assert run.story(by, 3, found, ["a"] * 3).grades.shape == (4, 2)


def test_without_a_cast_nothing_is_graded():
    by = narrator(grades=lambda predictions, count: 1 / 0)
    run = telling(table({"accuracy": RISING}), ACCURACY)
    assert run.grades(by, None).shape == (12, 0)


# -- Blocks


def whole(size: int, columns, by) -> pa.Table:
    """Return the narrated table of a run, made in blocks of `size`."""
    before, count = None, 12
    steps = table(columns)["step"].to_pylist()
    for first in range(0, count, size):
        rows = [
            {"snapshot": k, "step": steps[k]}
            | {name: values[k] for name, values in columns.items() if values[k] is not None}
            for k in range(first, min(first + size, count))
        ]
        run = telling(metrics.extend(before, rows), ACCURACY, read=lambda k: k, **CAST)
        grades = run.grades(by, before)
        before = metrics.with_narration(run.table, run.sentences(by, before, grades), grades)
    return before


def numbered(story):
    return f"{len(story.told)}: {story.grades[-1][0]!r}"


@pytest.mark.parametrize("functions", [{}, {"sentence": numbered}])
@pytest.mark.parametrize("accuracy", [RISING, RISING[::-1], [None] * 7 + RISING[:5]])
def test_sentences_and_grades_do_not_depend_on_blocks(functions, accuracy):
    columns = {"loss": [1 - value for value in RISING], "accuracy": accuracy}
    by = narrator(grades=graded, **functions)
    tables = [whole(size, columns, by) for size in (1, 5, 12)]
    assert tables[0].equals(tables[1]) and tables[1].equals(tables[2])
    assert len(set(metrics.sentences(tables[0]))) > 2


def test_a_run_that_ends_earlier_has_the_same_narration():
    long = told({"accuracy": RISING}, ACCURACY)
    for count in (1, 4, 9):
        short = told({"accuracy": RISING[:count]}, ACCURACY)
        assert short == [each for each in long if each[0] < count]


def test_narration_is_not_a_metric():
    narrated = whole(5, {"accuracy": RISING}, narrator(grades=graded))
    assert narrated.column_names == ["snapshot", "step", "accuracy", "sentence", "cast"]
    assert narrated.schema.field("cast").type == pa.list_(pa.float32())
    assert metrics.names(narrated) == ["accuracy"]
    assert metrics.rows(narrated)[2].keys() == {"snapshot", "step", "accuracy"}
    lengths = SETTINGS["steps_per_epoch"], SETTINGS["batch_size"]
    names = {"snapshot", "step", "accuracy", "epoch", "examples"}
    assert metrics.history(narrated, 2, *lengths).keys() == names


@pytest.mark.parametrize("name", ["sentence", "grades"])
def test_a_function_that_keeps_state_is_refused(name):
    calls = []

    def sentence(story):
        calls.append(story)
        return f"Call {len(calls)}"

    def grades(predictions, count):
        calls.append(predictions)
        return np.full(count, 1 / len(calls))

    by = narrator(**{name: {"sentence": sentence, "grades": grades}[name]})
    run = telling(table({"accuracy": RISING}), ACCURACY, **CAST)
    found = run.grades(by, None)
    run.sentences(by, None, found)
    with pytest.raises(
        UserError, match=rf"^narration\.py: {name} .* depend only on its arguments$"
    ):
        run.check_repeatable(by, found)


def test_narration_is_the_same_in_the_opposite_order():
    by = narrator(sentence=lambda s: f"{np.random.random():.3f}", grades=graded)
    run = telling(table({"accuracy": RISING}), ACCURACY, read=lambda k: k, **CAST)
    found = run.grades(by, None)
    assert len(set(run.sentences(by, None, found))) > 2
    run.check_repeatable(by, found)
