"""The closing picture: what the network learned, and what it still gets wrong."""

import itertools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from drawn_texts import Texts

from epochreel.artifacts.metrics import History
from epochreel.drawing.frame import FrameData, Nouns, RunInfo
from epochreel.drawing.palette import THEMES
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiment_api.interface import Metric
from epochreel.film import closing

METRICS = {
    "accuracy": Metric("Accuracy", unit="%", plain="Points assigned correctly"),
    "loss": Metric("Loss", direction="lower"),
    "spread": Metric("Spread", "lower", unit="px"),
}
SIZES = [(1920, 1080), (1080, 1080), (1080, 1920), (480, 270)]
SENTENCES = {
    "unknown": None,
    "none": [],
    "two": ["It gets 30 of 500 images wrong.", "Most often it mistakes 8 for 1: 5 of 49 times."],
    "long": ["word " * 40],
    "many": [f"Sentence number {number} of a list, as long as most are" for number in range(4)],
}


def run_info(size=(640, 360), theme="light"):
    """Return what all frames of a run share."""
    info = RunInfo("Mine", size, {}, {}, {}, TimeAxis(), 40, [], METRICS)
    return replace(info, theme=THEMES[theme])


def last(rows: int = 500, **history) -> FrameData:
    """The last snapshot of a run with these metrics, evaluated on this many examples."""
    history["step"] = range(max(map(len, history.values()), default=1))
    arrays = History({name: np.array(values, float) for name, values in history.items()})
    return FrameData(len(arrays) - 1, 3.0, 2000, pa.table({"label": np.zeros(rows)}), arrays)


@pytest.fixture
def texts(monkeypatch):
    return Texts(monkeypatch)


def test_the_picture_says_that_a_network_makes_no_mistakes(texts):
    closing.draw(run_info(), last(accuracy=[0, 1]), ["accuracy"], [])
    assert "It makes no more mistakes on the examples that it is tested on." in texts.words
    assert "What it still gets wrong" not in texts.words


class Red:
    """A panel that fills its canvas."""

    def draw_static(self, canvas):
        """Fill it."""
        canvas.fill(0, 0, canvas.width, canvas.height, (250, 0, 0))

    def draw(self, canvas, frame_data):
        """Draw a disc."""
        canvas.disc(canvas.width / 2, canvas.height / 2, 10, (0, 0, 250))


@pytest.mark.parametrize("size", SIZES)
def test_a_panel_takes_the_place_of_the_curve(size, texts):
    data = last(accuracy=[0, 0.5])
    picture = closing.draw(run_info(size), data, ["accuracy"], ["It errs."], Red())
    red = (picture == (250, 0, 0)).all(-1)
    assert red.mean() > 0.1 and not red[:, : size[0] // 30].any() and "start" not in texts.words


def test_the_picture_shows_the_first_and_last_value_and_the_examples(texts):
    frame_data = last(accuracy=[0.1, 0.5, 0.94], loss=[2.3, 1, 0.25])
    closing.draw(run_info(), frame_data, ["accuracy", "loss"], [])
    expected = {"Mine", "Points assigned correctly", "10 %", "94 %", "before practice"}
    expected |= {"after 2,000 examples", "Loss (lower is better): 2.30 → 0.250"}
    assert expected <= {*texts.words}


def test_the_picture_names_the_examples(texts):
    info = replace(run_info(), nouns=Nouns("pages", "digits"))
    closing.draw(info, last(accuracy=[0.1, 0.5]), ["accuracy"], [])
    assert "after 2,000 pages" in texts.words


def test_a_metric_counts_from_its_first_value():
    gain = closing.gains(run_info(), last(accuracy=[np.nan, 0.2, 0.9]), ["accuracy"])[0]
    assert (gain.first, gain.last, gain.is_from_start) == ("20 %", "90 %", False)


def test_a_metric_without_a_last_value_is_left_out(texts):
    frame_data = last(accuracy=[0.1, np.nan], loss=[np.nan, np.nan])
    assert closing.gains(run_info(), frame_data, ["accuracy", "loss"]) == []
    closing.draw(run_info(), frame_data, ["accuracy"], None)
    assert texts.words == ["Mine"]


@pytest.mark.parametrize(("values", "better"), [([2, 1], True), ([1, 2], False), ([1, 1], False)])
def test_a_lower_loss_is_better(values, better):
    assert closing.gains(run_info(), last(loss=values), ["loss"])[0].is_better is better


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5], [np.nan, 0.5], [0, np.nan, 1]])
@pytest.mark.parametrize("name", ["accuracy", "spread"])
def test_every_curve_can_be_drawn(texts, name, values):
    picture = closing.draw(run_info(), last(**{name: values}), [name], [])
    assert picture.shape == (360, 640, 3) and len(texts.all) > 5


@pytest.mark.parametrize("sentences", SENTENCES.values(), ids=list(SENTENCES))
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("names", [["accuracy"], ["loss", "accuracy", "spread"]])
def test_text_is_legible_and_does_not_overlap(texts, size, theme, sentences, names):
    info = run_info(size, theme)
    closing.draw(info, last(accuracy=[0.1, 0.999], loss=[2, 1], spread=[3, 4]), names, sentences)
    high = size[1] * info.theme.units / min(size)
    assert all(line.left > 0 and line.size + 3 < line.baseline < high - 9 for line in texts.all)
    assert all(line.right < size[0] * info.theme.units / min(size) for line in texts.all)
    if sentences != SENTENCES["long"] and not (sentences and len(sentences) == 4):
        assert min(line.size for line in texts.all) >= 27
    for one, other in itertools.permutations(texts.all, 2):
        if one.left < other.right and other.left < one.right and one.baseline <= other.baseline:
            assert one.baseline <= other.baseline - 0.73 * other.size, (one, other)


def test_all_sentences_are_drawn(texts):
    closing.draw(run_info(), last(accuracy=[0.1, 0.9]), ["accuracy"], SENTENCES["many"])
    drawn = " ".join(texts.words)
    assert all(sentence in drawn for sentence in SENTENCES["many"])


@pytest.mark.parametrize("theme", THEMES)
def test_the_picture_has_the_colours_of_the_theme(theme):
    picture = closing.draw(run_info(theme=theme), last(accuracy=[0, 1]), ["accuracy"], ["No."])
    colours = {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}
    palette = THEMES[theme].palette
    assert {palette.paper, palette.ink, palette.slot, palette.wrong, palette.right} <= colours
