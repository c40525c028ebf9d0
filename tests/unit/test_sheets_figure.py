"""Frames of the sheet transcriber."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from epochreel.core.errors import UserError
from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiment_api import declared_metrics
from epochreel.experiments.sheets import figure

LIBRARY = Path(__file__).parents[2] / "workflow_scripts"
METRICS = declared_metrics.read(Path(figure.__file__).with_name("evaluation.py"))
FULL = (1920, 1080)


def table(sharpness, pages=3, places=436, seed=0):
    """Invented predictions; the larger `sharpness`, the more probable is the correct digit."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 10, (pages, places)).astype(np.uint8)
    shares = np.exp(sharpness * np.eye(10)[truth] + draw.normal(0, min(sharpness, 1), 10))
    shares /= shares.sum(-1, keepdims=True)
    halves = pa.array(shares.astype(np.float16).ravel())
    columns = {
        "truth": truth.ravel(),
        "prediction": shares.argmax(-1).astype(np.uint8).ravel(),
        "probabilities": pa.FixedSizeListArray.from_arrays(halves, 10),
    }
    return pa.table(columns)


def frame_data(sharpness, snapshot=3, **options):
    predictions = table(sharpness, **options)
    right = predictions["truth"].to_numpy() == predictions["prediction"].to_numpy()
    history = {"epoch": np.arange(snapshot + 1.0), "accuracy": np.full(snapshot + 1, right.mean())}
    return FrameData(snapshot, float(snapshot), 40 * snapshot, predictions, history)


def run_info(size=FULL, variant="plain", cells=0, **settings):
    picture = {"image": np.full((36, 48), 200, np.uint8), "digits": np.zeros(3, np.uint8)}
    test = [picture] * cells
    return RunInfo(
        "Reading", size, {"variant": variant}, {}, settings, TimeAxis(end=50), 40, test, METRICS
    )


def scene(*arguments, **options):
    film = run_info(*arguments, **options)
    return Scene(film.size, figure.panels(film))


def test_a_frame_does_not_depend_on_earlier_frames():
    all_frame_data = [frame_data(sharpness, k) for k, sharpness in enumerate((0, 1, 3, 9))]
    together = scene()
    frames = [together.draw(each) for each in all_frame_data]
    assert all(
        np.array_equal(frame, scene().draw(each))
        for frame, each in reversed(list(zip(frames, all_frame_data, strict=True)))
    )
    assert not np.array_equal(frames[1], frames[2])


def test_only_the_data_change_between_frames():
    start, end = scene().draw(frame_data(0, 0)), scene().draw(frame_data(9, 50))
    changed = (start != end).any(-1)
    rows, columns = np.nonzero(changed)
    assert changed[:196].sum() == changed[40:84, 900:1800].sum()  # in the header only the numbers
    assert not changed[:, :116].any() and columns.max() < 1865 and rows.max() < 1040
    assert not changed[572:688, 852:].any()  # between the sheets
    assert not changed[:, 852:985].any()  # names of the months


@pytest.mark.parametrize(
    "size", [(2, 2), (64, 36), (640, 360), (1080, 1080), (500, 1000), (1922, 1080)]
)
@pytest.mark.parametrize("variant", ["shifted", "cells"])
def test_every_size_can_be_drawn(size, variant):
    places = 3 if variant == "cells" else 436
    frame = scene(size, variant, cells=4).draw(frame_data(2, pages=4, places=places))
    assert frame.shape == (size[1], size[0], 3) and frame.dtype == np.uint8


def test_correct_and_wrong_digits_differ_without_colour():
    tiles = figure.digit_tiles(Canvas(*FULL), 14, 22, 19)
    grey = np.array([tile.pixels @ np.array([0.299, 0.587, 0.114]) for tile in tiles])
    ground = grey[:, :1, :1]
    assert (ground[:10] - ground[10:] > 10).all()  # no box, box
    stroke = (ground - grey) / (ground - grey.min((1, 2), keepdims=True))
    assert (stroke[:10].sum((1, 2)) > 1.15 * stroke[10:].sum((1, 2))).all()  # bold, light


def test_correct_and_wrong_bars_differ_without_colour():
    frame = scene().draw(frame_data(0, 0))
    grey = frame @ np.array([0.299, 0.587, 0.114])
    foot = 196 + 48 - 2
    wrong, right = grey[foot, 136:188], grey[foot, 730:780]
    assert np.ptp(right) == 0 and np.ptp(wrong) > 50


def test_rates_are_the_means_of_the_probabilities():
    truth, _, probabilities = figure.answers(table(2), 436)
    rates = figure.reading_rates(truth, probabilities)
    for digit in range(10):
        mean = probabilities[truth == digit].astype(float).mean(0)
        assert rates[digit] == pytest.approx(mean)


def test_the_rate_at_a_position_is_that_of_its_correct_digit():
    truth, _, probabilities = figure.answers(table(2), 436)
    rates = figure.place_rates(truth, probabilities)
    right = [probabilities[page, 17, truth[page, 17]] for page in range(3)]
    assert rates[17] == pytest.approx(np.mean(np.array(right, float)))


def test_rates_do_not_depend_on_the_order_of_pages():
    truth, _, probabilities = figure.answers(table(5, pages=20), 436)
    order = np.random.default_rng(0).permutation(20)
    one = figure.reading_rates(truth, probabilities)
    assert np.array_equal(one, figure.reading_rates(truth[order], probabilities[order]))
    assert np.array_equal(
        figure.place_rates(truth, probabilities),
        figure.place_rates(truth[order], probabilities[order]),
    )


def test_a_digit_that_does_not_occur_has_empty_bars():
    rates = figure.reading_rates(np.zeros((1, 4), np.uint8), np.full((1, 4, 10), 0.1, np.float16))
    assert rates[0] == pytest.approx(0.1, abs=1e-4) and not rates[1:].any()


def test_the_bars_are_as_high_as_the_rates():
    now = frame_data(2.5)
    frame = scene().draw(now)
    truth, _, probabilities = figure.answers(now.predictions, 436)
    rates = figure.reading_rates(truth, probabilities)
    for digit in range(10):
        left, top = round(136 + digit * 592 / 9), 196 + (9 - digit) * 58
        column = frame[top : top + 48, left + 20, 0].astype(float)
        tint, full = palette.RIGHT_TINT[0], palette.RIGHT[0]
        assert ((tint - column) / (tint - full)).sum() == pytest.approx(
            48 * rates[digit, digit], abs=0.05
        )


def test_the_figure_shows_the_page_of_its_settings():
    now = frame_data(1)
    first, second = (scene(example=page).draw(now) for page in (0, 1))
    rows, columns = np.nonzero((first != second).any(-1))
    assert rows.min() > 680 and columns.min() > 985


def test_a_page_beyond_the_test_set_is_an_error():
    with pytest.raises(UserError, match=r"figure\.settings\.example is 7; .* 0 … 2"):
        scene(example=7).draw(frame_data(1))


@pytest.mark.parametrize("rows", [0, 435])
def test_rows_that_are_not_whole_pages_are_an_error(rows):
    with pytest.raises(UserError, match=f"{rows} rows"):
        figure.answers(table(1).slice(0, rows), 436)


def test_a_chunked_evaluation_gives_the_same_arrays():
    whole = table(2)
    pieces = pa.concat_tables([whole.slice(0, 500), whole.slice(500)])
    for one, other in zip(figure.answers(whole, 436), figure.answers(pieces, 436), strict=True):
        assert np.array_equal(one, other)


def test_a_small_test_set_fills_only_part_of_the_wall_of_cells():
    few, many = (
        scene(variant="cells", cells=count).draw(frame_data(9, places=3, pages=40))
        for count in (5, 40)
    )
    assert (few[200:, 1700:] == palette.PAPER).all() and not (few == many).all()


def test_an_evaluation_of_fewer_cells_than_are_shown_is_an_error():
    with pytest.raises(UserError, match="2 cells"):
        scene(variant="cells", cells=5).draw(frame_data(1, places=3, pages=2))


def test_drawing_needs_neither_torch_nor_matplotlib():
    check = (
        "import sys, epochreel.experiments.sheets.figure as f;"
        "from epochreel.drawing.canvas import Canvas;"
        "Canvas(64, 36).text(0, 0, 'a', 900);"
        "sys.exit(bool({'torch', 'matplotlib', 'pandas'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", check], cwd=LIBRARY, check=True)
