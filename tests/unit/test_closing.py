"""The closing picture: what the network learned, and what it still gets wrong."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from epochreel.film.sentences import confusions
from tools import refusal

from epochreel.artifacts.metrics import History
from epochreel.drawing.canvas import WIDTH, Canvas
from epochreel.drawing.frame import FrameData
from epochreel.drawing.panels import MARGIN
from epochreel.experiment_api.declared_metrics import Metrics
from epochreel.experiment_api.interface import Metric
from epochreel.experiments.activations import figure as activations
from epochreel.experiments.sheets import figure as sheets
from epochreel.experiments.words import figure as words
from epochreel.film import closing, render
from epochreel.plan.plan import Plan

DECLARED = Metrics(
    {
        "accuracy": Metric("Accuracy", unit="%", plain="Points assigned correctly"),
        "loss": Metric("Loss", direction="lower"),
        "spread": Metric("Spread", "lower", unit="px"),
    }
)


@pytest.fixture
def run_info(spirals, tmp_path):
    """What is constant in a run of spirals, of the smallest size."""
    config = spirals(title="Mine", figure={"width": 640, "height": 360})
    settings = Plan(config, tmp_path).main.stage_settings("render_closing")["settings"]
    return render.run_info(settings, [], DECLARED)


def last(rows: int = 500, **history) -> FrameData:
    """The last snapshot of a run with these metrics, evaluated on this many examples."""
    history["step"] = range(max(map(len, history.values()), default=1))
    arrays = History({name: np.array(values, float) for name, values in history.items()})
    return FrameData(len(arrays) - 1, 3.0, 2000, pa.table({"label": np.zeros(rows)}), arrays)


def drawn(monkeypatch, run_info, frame_data, names, sentences) -> list[tuple[str, float, float]]:
    """Draw the picture; return each text with its width and its size before it is made to fit."""
    found, text = [], Canvas.text

    def record(canvas, x, y, line, size, *arguments, **options):
        weight = options.get("weight") or (arguments[1:] or ["regular"])[0]
        found.append((line, canvas.measure(line, size, weight), size, options.get("fit", 1e9)))
        assert MARGIN <= x <= WIDTH - MARGIN and 0 < y < 1080
        return text(canvas, x, y, line, size, *arguments, **options)

    monkeypatch.setattr(Canvas, "text", record)
    assert closing.draw(run_info, frame_data, names, sentences).shape == (360, 640, 3)
    return found


@pytest.mark.parametrize(
    ("value", "unit", "count", "text"),
    [
        (0.0987, "%", 43600, "9.9 %"),
        (0.99761, "%", 43600, "99.8 %"),
        (0.9376, "%", 500, "94 %"),
        (0.998, "%", 500, "99.8 %"),
        (0.9999, "%", 500, "99.9 %"),
        (0.002, "%", 500, "0.2 %"),
        (1, "%", 500, "100 %"),
        (1, "%", 43600, "100 %"),
        (0, "%", 12, "0 %"),
        (2.30259, None, 500, "2.30"),
        (0.012345, "nats", 500, "0.0123 nats"),
        (12.345, "px", 500, "12.3 px"),
        (1234567.8, None, 500, "1,234,568"),
        (-0.5, None, 500, "-0.500"),
        (0, None, 500, "0"),
    ],
)
def test_a_value_has_no_more_digits_than_are_significant(value, unit, count, text):
    assert closing.amount(value, unit, count) == text


def test_the_picture_says_from_where_to_where_and_after_how_much(monkeypatch, run_info):
    frame_data = last(accuracy=[0.1, 0.5, 0.94], loss=[2.3, 1, 0.25])
    names = ["accuracy", "loss"]
    texts = [line for line, *_ in drawn(monkeypatch, run_info, frame_data, names, [])]
    for line in ("Mine", "Points assigned correctly", "10 %", "94 %", "untrained"):
        assert line in texts
    assert "after 2,000 training examples" in texts
    assert "Loss (lower is better): 2.30 → 0.250" in texts


def test_a_metric_counts_from_its_first_value(run_info):
    gain = closing.gains(run_info, last(accuracy=[np.nan, 0.2, 0.9]), ["accuracy"])[0]
    assert (gain.first, gain.last, gain.is_from_start) == ("20 %", "90 %", False)


def test_a_metric_without_a_last_value_is_left_out(monkeypatch, run_info):
    frame_data = last(accuracy=[0.1, np.nan], loss=[np.nan, np.nan])
    assert closing.gains(run_info, frame_data, ["accuracy", "loss"]) == []
    assert [t[0] for t in drawn(monkeypatch, run_info, frame_data, ["accuracy"], None)] == ["Mine"]


@pytest.mark.parametrize(("values", "better"), [([2, 1], True), ([1, 2], False), ([1, 1], False)])
def test_a_lower_loss_is_better(run_info, values, better):
    assert closing.gains(run_info, last(loss=values), ["loss"])[0].is_better is better


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5], [np.nan, 0.5], [0, np.nan, 1]])
@pytest.mark.parametrize("name", ["accuracy", "spread"])
def test_every_curve_can_be_drawn(monkeypatch, run_info, name, values):
    assert len(drawn(monkeypatch, run_info, last(**{name: values}), [name], [])) > 5


SENTENCES = [
    ["It gets 30 of 500 test images wrong.", "Most often it mistakes “8” for “1”: 5 of 49 times."],
    ["word " * 80],
    [f"Sentence number {number} of a long list" for number in range(4)],
]


@pytest.mark.parametrize("sentences", [[], *SENTENCES], ids=["none", "two", "long", "many"])
def test_all_text_is_legible_at_640_px(monkeypatch, run_info, sentences):
    found = drawn(monkeypatch, run_info, last(accuracy=[0.1, 0.999]), ["accuracy"], sentences)
    assert min(size for _, _, size, _ in found) * 640 / WIDTH >= 10
    assert [line for line, wide, _, fit in found if wide > min(fit, WIDTH - 2 * MARGIN)] == []


def test_text_that_is_too_wide_is_drawn_smaller(monkeypatch, run_info):
    found = drawn(monkeypatch, run_info, last(accuracy=[0.1, 1]), ["accuracy"], ["x" * 300])
    assert "x" * 300 in [line for line, *_ in found]


def figure(result) -> SimpleNamespace:
    return SimpleNamespace(__file__="figure.py", mistakes=lambda run_info, frame_data: result)


@pytest.mark.parametrize(
    "result", [None, "a sentence", [3], [""], [" "], 3, {"a": 1}, [["a"]], ["a"] * 5]
)
def test_anything_but_a_list_of_sentences_is_refused(run_info, result):
    told = refusal(closing.mistakes, figure(result), run_info, last(accuracy=[1]))
    assert told.startswith("figure.py: mistakes returns ")
    assert told.endswith("; expected a list of at most 4 sentences, empty if there are no mistakes")


def test_sentences_may_come_from_a_generator(run_info):
    assert closing.mistakes(figure(iter(("It\n fails",))), run_info, last(accuracy=[1])) == [
        "It fails"
    ]


@pytest.mark.parametrize(
    ("history", "sentences"),
    [
        ({"accuracy": [0, 0.97]}, ["It is wrong in 3 % of cases."]),
        ({"accuracy": [0, 1]}, []),
        ({"accuracy": [1, np.nan]}, None),
        ({"loss": [1]}, None),
    ],
)
def test_without_a_function_the_accuracy_says_what_is_wrong(run_info, history, sentences):
    plain = SimpleNamespace(__file__="figure.py")
    assert closing.mistakes(plain, run_info, last(**history)) == sentences


def test_the_picture_says_that_a_network_makes_no_mistakes(monkeypatch, run_info):
    found = drawn(monkeypatch, run_info, last(accuracy=[0, 1]), ["accuracy"], [])
    assert "It no longer makes mistakes on the test examples." in [line for line, *_ in found]
    assert "What it still gets wrong" not in [line for line, *_ in found]


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
    frame_data = FrameData(1, 1.0, 10, pa.table(predictions), {})
    return SimpleNamespace(data=data), frame_data


def test_the_sheets_name_the_digits_that_are_confused():
    table = {
        "truth": np.array([8, 8, 3], np.uint8),
        "prediction": np.array([3, 8, 3], np.uint8),
        "probabilities": pa.FixedSizeListArray.from_arrays(np.zeros(30, np.float16), 10),
    }
    assert sheets.mistakes(*of(table)) == [
        "It gets 1 of 3 test digits wrong.",
        "Most often it mistakes 8 for 3: 1 of 2 times.",
    ]
    table["prediction"] = table["truth"]
    assert sheets.mistakes(*of(table)) == []


def five(*spelled: str) -> pa.Array:
    signs = [ord(letter) - ord("A") for word in spelled for letter in word.replace(" ", "[")]
    return pa.FixedSizeListArray.from_arrays(np.array(signs, np.uint8), 5)


def test_the_words_name_a_word_and_the_letters_that_are_confused():
    # "[" is the end symbol; what follows the first one does not count.
    letters, prediction = five("CAT  ", "DOG  ", "A    "), five("CAT X", "DCC  ", "     ")
    assert words.mistakes(*of({"letters": letters, "prediction": prediction})) == [
        "It gets 2 of 3 test words wrong.",
        "For example, it reads DOG as DCC.",
        "For example, it mistakes G for C: 1 of 1 times.",
    ]
    told = words.mistakes(*of({"letters": five("A    "), "prediction": five("     ")}))
    assert told[1:] == ["For example, it reads A as an empty word."]
    assert words.mistakes(*of({"letters": letters, "prediction": letters})) == []


def test_the_activations_count_test_images_only():
    table = {"split": ["test", "test", "train"], "label": [0, 1, 1], "prediction": [0, 0, 0]}
    data = {"source": "folder", "classes": ["cat", "dog"]}
    assert activations.mistakes(*of(table, data)) == [
        "It gets 1 of 2 test images wrong.",
        "Most often it mistakes “dog” for “cat”: 1 of 1 times.",
    ]
