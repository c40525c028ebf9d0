"""Frames of the sheet transcriber."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from epochreel.core.errors import UserError
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, Nouns, RunInfo, Scene
from epochreel.drawing.grid import whole_frame
from epochreel.drawing.palette import DARK, LIGHT, THEMES
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiment_api import declared_metrics
from epochreel.experiments.sheets import data, figure, layout, printed
from epochreel.experiments.sheets.readings import (
    confusion,
    named_confusions,
    named_tiles,
    number_texts,
    place_shares,
    readings,
)

LIBRARY = Path(__file__).parents[2] / "workflow_scripts"
METRICS = declared_metrics.read(Path(figure.__file__).with_name("evaluation.py"))
FULL = (1920, 1080)
GREY = np.array([0.299, 0.587, 0.114])


def table(sharpness, pages=3, places=436, seed=0):
    """Invented predictions; the larger `sharpness`, the more are correct."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 10, pages * places).astype(np.uint8)
    scores = sharpness * np.eye(10)[truth] + draw.normal(0, 1, (len(truth), 10))
    return pa.table({"truth": truth, "prediction": scores.argmax(-1).astype(np.uint8)})


def frame_data(sharpness, snapshot=3, sentence="", **options):
    predictions = table(sharpness, **options)
    right = predictions["truth"].to_numpy() == predictions["prediction"].to_numpy()
    history = {"epoch": np.arange(snapshot + 1.0), "accuracy": np.full(snapshot + 1, right.mean())}
    return FrameData(
        snapshot, float(snapshot), 40 * snapshot, predictions, history, sentence=sentence
    )


def run_info(size=FULL, variant="plain", cells=0, examples=None, theme="light"):
    settings = {"variant": variant, "fonts": None}
    test = list(data.generate(settings, 0, "test", range(cells or 3)))
    return RunInfo(
        "Reading",
        size,
        settings,
        {},
        {},
        TimeAxis(end=50),
        40,
        test,
        METRICS,
        Nouns("pages", "digits"),
        examples,
        THEMES[theme],
    )


def scene(*arguments, **options):
    film = run_info(*arguments, **options)
    return Scene(film.size, whole_frame(film, figure.panels(film)), film.theme)


def test_a_frame_does_not_depend_on_earlier_frames():
    all_frame_data = [frame_data(sharpness, k) for k, sharpness in enumerate((0, 1, 3, 9))]
    together = scene()
    frames = [together.draw(each) for each in all_frame_data]
    for frame, each in reversed(list(zip(frames, all_frame_data, strict=True))):
        assert np.array_equal(frame, scene().draw(each))
    assert not np.array_equal(frames[1], frames[2])


@pytest.mark.parametrize(
    "size", [(2, 2), (64, 36), (640, 360), (1080, 1080), (500, 1000), (1922, 1080)]
)
@pytest.mark.parametrize(("variant", "places"), [("plain", 436), ("cells", 3)])
@pytest.mark.parametrize("theme", ["dark", "projector"])
def test_every_size_can_be_drawn(size, variant, places, theme):
    frame = scene(size, variant, cells=4, theme=theme).draw(frame_data(2, pages=4, places=places))
    assert frame.shape == (size[1], size[0], 3) and frame.dtype == np.uint8


def test_correct_and_wrong_digits_differ_without_colour():
    grey = np.array([tile.pixels @ GREY for tile in printed.digit_tiles(Canvas(*FULL), 3)])
    ground = grey.max((1, 2), keepdims=True)
    corner = grey[:, 0, 0]
    assert (corner[:10] == ground[:10, 0, 0]).all()  # dark digits on paper
    assert (ground[10:, 0, 0] - corner[10:] > 50).all()  # light ones on a box


def test_confusion_counts_what_each_digit_is_read_as():
    truth, prediction = np.uint8([[3, 3, 3, 8]]), np.uint8([[3, 8, 8, 8]])
    shares = confusion(truth, prediction)
    assert shares[3, [3, 8]] == pytest.approx([1 / 3, 2 / 3]) and shares[8, 8] == 1
    assert not shares[0].any()


def test_a_place_has_the_share_of_pages_that_are_right_there():
    truth, prediction = np.uint8([[1, 2], [3, 4]]), np.uint8([[1, 2], [3, 9]])
    assert place_shares(truth, prediction).tolist() == [1, 0.5]


def test_only_all_or_none_are_shown_as_0_and_100_per_cent():
    assert figure.levels(np.array([0, 0.0001, 0.444, 0.9999, 1])).tolist() == [0, 1, 44, 99, 100]


def tile(panel, canvas, row, column):
    """Return the colour of a corner of a confusion tile."""
    left, top = panel._corner
    x, y = left + (column + 0.2) * panel._side, top + (row + 0.2) * panel._side
    body = panel._body
    return tuple(body.pixels[round(y * body.scale), round(x * body.scale)])


def drawn(panel, now, size=(700, 700)):
    canvas = Canvas(*size)
    panel.draw_static(canvas)
    panel.draw(canvas, now)
    return canvas


def test_row_0_of_the_confusion_tiles_is_on_top_and_right_readings_are_blue():
    panel = figure.ConfusionTiles()
    canvas = drawn(panel, frame_data(30))
    assert tile(panel, canvas, 0, 0) == LIGHT.right and tile(panel, canvas, 0, 5) == LIGHT.slot
    assert panel._corner[1] < 100


def test_the_confusion_that_a_sentence_names_is_outlined():
    plain, marked = (
        drawn(figure.ConfusionTiles(), frame_data(3, sentence=words))
        for words in ("Hello.", "It now reads most 4s right, but reads many 9s as 0s.")
    )
    rows, columns = np.nonzero((plain.pixels != marked.pixels).any(-1))
    assert rows.min() > 500 and np.ptp(rows) == np.ptp(columns) < 80  # one tile of the last row


@pytest.mark.parametrize(
    ("sentence", "pairs"),
    [
        ("It now reads most 1s and 4s right, but reads many 9s as 0s.", [(9, 0)]),
        ("8s are the hardest: it reads many of them as 6s and 0s.", [(8, 6), (8, 0)]),
        ("8s are the hardest: it reads many of them as 0s.", [(8, 0)]),
        ("It can only guess so far: it reads most digits as 8s or 9s.", []),
    ],
)
def test_confusions_are_found_in_sentences(sentence, pairs):
    assert named_confusions(sentence) == pairs


@pytest.mark.parametrize(
    ("sentence", "digits"),
    [
        ("4s are the easiest for it: it reads most of them right.", [4]),
        ("It finds 1, 2, 4 and 7 easier than all other digits.", [1, 2, 4, 7]),
        ("Every digit here is right, but elsewhere it gets some 8s wrong.", [8]),
        ("More than 99 digits in 100 are right.", []),
    ],
)
def test_easy_digits_are_found_in_sentences(sentence, digits):
    assert named_tiles(sentence) == [(digit, digit) for digit in digits]


def test_what_is_right_and_frequent_confusions_are_labelled():
    panel = figure.ConfusionTiles()
    canvas = Canvas(700, 700)
    panel.draw_static(canvas)
    truth = np.repeat(np.arange(10), 10)
    read = np.where(np.arange(100) % 10 < 1, (truth + 1) % 10, truth)  # 10 % each
    read[:4] = 5
    rows = pa.table({"truth": truth.astype(np.uint8), "prediction": read.astype(np.uint8)})
    panel.draw(canvas, replace(frame_data(1), predictions=rows))
    assert is_labelled(panel, 0, 5) and is_labelled(panel, 3, 3)
    assert not is_labelled(panel, 3, 4) and not is_labelled(panel, 3, 6)


def is_labelled(panel, row, column):
    left, top = panel._corner
    x, y = left + column * panel._side + 5, top + row * panel._side + 5
    inner = panel._body.region(x, y, panel._side - 10, panel._side - 10).pixels
    return (inner != inner[0, 0]).any()


def outlined(sentence, variant="plain", places=436, panel=printed.PrintedPage):
    """Return the rows and columns of pixels that differ with the sentence."""
    film, canvas = run_info(variant=variant, cells=4), Canvas(1200, 800)
    panel = panel(film)
    panel.draw_static(canvas)
    static, drawings = canvas.pixels.copy(), []
    for words in ("Hello.", sentence):
        np.copyto(canvas.pixels, static)
        panel.draw(canvas, frame_data(1, sentence=words, pages=4, places=places))
        drawings.append(canvas.pixels.copy())
    return film, np.nonzero((drawings[0] != drawings[1]).any(-1))


def test_the_number_that_a_sentence_names_is_outlined():
    digits = run_info().test[0]["digits"]
    number = number_texts(digits[None, 3:6])[0]  # February 1941
    _, (rows, columns) = outlined(f"Find {number} on this page: it reads all three digits right.")
    assert rows.min() > 200 and 70 < np.ptp(rows) < 130 and 70 < np.ptp(columns) < 150


def test_first_digits_of_means_are_outlined_if_a_sentence_is_about_them():
    _, (rows, columns) = outlined("It has noticed that averages (“Means”) often begin with 4 or 5.")
    assert columns.min() > 900 and np.ptp(columns) < 60 and np.ptp(rows) > 500


def test_first_digits_of_cells_are_outlined_if_a_sentence_is_about_them():
    words = "It gets the first digit of most numbers right, but not yet the other two."
    _, (rows, _) = outlined(words, "cells", 3, printed.PrintedNumbers)
    assert len(rows)
    assert not len(outlined("Hello again.", "cells", 3, printed.PrintedNumbers)[1][0])


def test_readings_are_below_the_digits_and_cover_nothing_printed():
    panel, canvas = printed.PrintedPage(run_info()), Canvas(*FULL)
    panel.draw_static(canvas)
    before = canvas.pixels.copy()
    panel.draw(canvas, frame_data(0))
    is_changed = (before != canvas.pixels).any(-1)
    assert (before[is_changed] == LIGHT.paper).all()
    assert is_changed.any() and (before == LIGHT.ink).all(-1).any()


@pytest.mark.parametrize("variant", ["plain", "shifted", "perturbed"])
def test_the_figure_shows_the_page_that_is_asked_for(variant):
    now = frame_data(1)
    first, second = (scene(variant=variant, examples=(page, 0)).draw(now) for page in (1, 2))
    changed = (first != second).any(-1)
    rows, columns = np.nonzero(changed)
    assert rows.min() > 200 and columns.max() < 1200


def test_a_moved_page_is_shown_straight():
    plain, moved = (
        printed.PrintedPage(run_info(variant=variant, examples=(1,)))._image
        for variant in ("plain", "shifted")
    )
    top = round(layout.TABLE.top)
    for image in (plain, moved):
        assert image[top - 2 : top + 3, 100:600].min(0).mean() < 60  # the uppermost rule


def test_a_page_without_a_table_is_set_in_plain_type():
    film = run_info(variant="perturbed")
    blank = [each | {"image": np.full((1024, 768), 255, np.uint8)} for each in film.test]
    canvas = Canvas(1000, 500)
    printed.PrintedPage(replace(film, test=blank)).draw_static(canvas)
    assert (canvas.pixels[150:] @ GREY).min() < 60


def test_cells_are_those_that_are_asked_for():
    now = frame_data(9, places=3, pages=40)
    some, others = (
        scene(variant="cells", cells=40, examples=cast).draw(now) for cast in ((0, 5), (0, 7))
    )
    rows, columns = np.nonzero((some != others).any(-1))
    assert len(rows) and columns.max() < 1200


def test_a_small_test_set_fills_fewer_cells():
    film = run_info(variant="cells", cells=5)
    assert len(printed.PrintedNumbers(film)._numbers) == 5


def test_an_evaluation_of_fewer_examples_than_are_shown_is_an_error():
    with pytest.raises(UserError, match=r"shows test example 4, .* has 2"):
        scene(variant="cells", cells=5).draw(frame_data(1, places=3, pages=2))


@pytest.mark.parametrize("rows", [0, 435])
def test_rows_that_are_not_whole_pages_are_an_error(rows):
    with pytest.raises(UserError, match=f"{rows} rows"):
        readings(table(1).slice(0, rows), 436)


def test_a_chunked_evaluation_gives_the_same_arrays():
    whole = table(2)
    pieces = pa.concat_tables([whole.slice(0, 500), whole.slice(500)])
    for one, other in zip(readings(whole, 436), readings(pieces, 436), strict=True):
        assert np.array_equal(one, other)


def test_enlarged_pictures_are_sharp_and_in_the_colours_of_the_theme():
    image = np.full((6, 6), 255, np.uint8)
    image[:, 3:] = 0
    large = printed.enlarged(image, DARK)
    assert tuple(large[9, 0]) == DARK.paper and tuple(large[9, -1]) == DARK.ink
    assert ((large != large[:, :1]) & (large != large[:, -1:])).any(-1)[9].sum() <= 4


def test_drawing_needs_neither_torch_nor_matplotlib():
    check = (
        "import sys, epochreel.experiments.sheets.figure as f;"
        "from epochreel.drawing.canvas import Canvas;"
        "Canvas(64, 36).text(0, 0, 'a', 900);"
        "sys.exit(bool({'torch', 'matplotlib', 'pandas'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", check], cwd=LIBRARY, check=True)


def test_misread_digits_of_a_named_confusion_are_ringed():
    _, read = readings(table(1, 4, 3), 3)  # as in `outlined`
    digits = np.array([each["digits"] for each in run_info(variant="cells", cells=4).test])
    for words, is_ringed in (
        (f"It still reads many {digits[1, 2]}s as {read[1, 2]}s.", True),
        (f"It still reads many {digits[1, 2]}s as {(read[1, 2] + 1) % 10}s.", False),
    ):
        _, (rows, _) = outlined(words, "cells", 3, printed.PrintedNumbers)
        assert bool(len(rows)) == is_ringed


def test_whole_numbers_that_are_right_are_counted():
    canvases = [Canvas(1200, 800) for _ in range(2)]
    printed.draw_count(canvases[0], np.array([1, 2, 3, 14, 5, 6]))
    canvases[1].text(
        canvases[1].width, 89, "Numbers completely right: 1 of 2", 27, None, "bold", "right"
    )
    assert np.array_equal(canvases[0].pixels, canvases[1].pixels)


@pytest.mark.parametrize("size", [(700, 480), (968, 300), (300, 60)])
@pytest.mark.parametrize(("variant", "places"), [("plain", 436), ("cells", 3), ("shifted", 436)])
@pytest.mark.parametrize("sharpness", [2, 30])
def test_the_closing_panel_shows_numbers_in_every_shape(size, variant, places, sharpness):
    film = run_info(variant=variant, cells=4, examples=(1,))
    now = frame_data(sharpness, pages=6, places=places)
    assert (drawn(figure.closing(film), now, size).pixels != LIGHT.paper).any()


def test_a_misread_number_of_the_film_is_the_first_on_the_closing_picture():
    panel = figure.closing(run_info(variant="plain", cells=3, examples=(2,)))
    is_wrong = np.zeros((3, 142), bool)
    is_wrong[0, :9] = is_wrong[1, 3] = is_wrong[2, 24] = True
    examples, numbers = panel._chosen(is_wrong)
    assert list(zip(examples, numbers, strict=True))[:3] == [(2, 24), (0, 0), (1, 3)]
    assert len(examples) == 6


def test_examples_without_a_picture_are_not_on_the_closing_picture():
    panel = figure.closing(run_info(variant="cells", cells=2))
    assert panel._chosen(np.ones((5, 1), bool))[0].tolist() == [0, 1]
