"""Frames and loops of the word reader."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tools import grey

from epochreel.core.errors import UserError
from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiment_api import declared_metrics
from epochreel.experiments.words import checks, data, figure, panels, strips
from epochreel.experiments.words.alphabet import END, SIDE, STEPS, counted, lengths
from epochreel.formats import gif

LIBRARY = Path(__file__).parents[2] / "workflow_scripts"
METRICS = declared_metrics.read(Path(figure.__file__).with_name("evaluation.py"))
FULL = (1920, 1080)
WORDS = 60
TEST = data.draw({"noise": 0.1, "background": "none"}, 1, "test", np.arange(WORDS))
SHARES = ("accuracy", "letters", "place_1", "place_2", "place_3", "place_4", "end", "in_order")


def table(skill, words=WORDS, masks=panels.SHOWN):
    """Invented readings, of which a share of about `skill`, 0 … 1, is correct."""
    draw = np.random.default_rng(0)
    truth = TEST["letters"][:words]
    luck, other = draw.random(truth.shape), draw.integers(0, 27, truth.shape)
    read = np.where(luck < skill, truth, other).astype(np.uint8)
    sure = (0.1 + 0.9 * skill * draw.random(truth.shape)).astype(np.float16)
    columns = {"letters": truth, "prediction": read, "probability": sure}
    lists = {
        name: pa.FixedSizeListArray.from_arrays(np.ascontiguousarray(values).ravel(), STEPS)
        for name, values in columns.items()
    }
    looked = draw.integers(0, 256, (masks, STEPS * SIDE * SIDE)) * skill
    rows = [*looked.astype(np.uint8), *[None] * (words - masks)]
    return pa.table(lists | {"mask": pa.array(rows, pa.list_(pa.uint8()))})


def frame_data(skill, snapshot=3, **options):
    history = {"epoch": np.arange(snapshot + 1.0)}
    history |= {name: np.full(snapshot + 1, float(skill)) for name in SHARES}
    history |= {f"spread_{way}": np.full(snapshot + 1, 11.5 - skill) for way in ("across", "down")}
    return FrameData(snapshot, float(snapshot), 32 * snapshot, table(skill, **options), history)


def run_info(size=FULL, words=WORDS):
    test = [{name: column[i] for name, column in TEST.items()} for i in range(words)]
    return RunInfo("Reading", size, {}, {}, {}, TimeAxis(end=50), 32, test, METRICS)


def scene(*arguments, **options):
    film = run_info(*arguments, **options)
    return Scene(film.size, figure.panels(film))


@pytest.mark.parametrize("size", [FULL, (640, 360)])
@pytest.mark.parametrize("wide", [54, 70])
def test_every_percentage_fits_its_tile(size, wide):
    for tile in strips.percent_tiles(Canvas(*size), wide, 30):
        assert (tile.pixels[:, 0] == palette.PAPER).all()


def test_a_frame_does_not_depend_on_earlier_frames():
    all_frame_data = [frame_data(skill, k) for k, skill in enumerate((0, 0.3, 0.6, 1))]
    together = scene()
    frames = [together.draw(each) for each in all_frame_data]
    alone = [scene().draw(each) for each in reversed(all_frame_data)]
    assert all(np.array_equal(one, other) for one, other in zip(frames, alone[::-1], strict=True))
    assert not np.array_equal(frames[1], frames[2])


def test_only_the_data_change_between_frames():
    changed = (scene().draw(frame_data(0, 0)) != scene().draw(frame_data(1, 50))).any(-1)
    assert changed[:196].sum() == changed[40:84, 900:1800].sum()  # of the head only the numbers
    strip = changed[317:363, 56:1344]  # the line below the first pictures
    assert not strip[:, :30].any() and strip[:, 30:120].any()
    assert not changed[190:640, 1345:1418].any()  # between the columns, and the matrix's letters
    assert not changed[880:910].any() and not changed[1012:].any()  # headings, epochs


@pytest.mark.parametrize(
    "size", [(2, 2), (64, 36), (480, 270), (640, 360), (1080, 1080), (500, 1000), (1922, 1080)]
)
@pytest.mark.parametrize("words", [3, WORDS])
def test_every_size_and_number_of_words_can_be_drawn(size, words):
    frame = scene(size, words).draw(frame_data(0.5, words=words, masks=min(words, panels.SHOWN)))
    assert frame.shape == (size[1], size[0], 3) and frame.dtype == np.uint8


def test_correct_and_wrong_symbols_differ_without_colour():
    tiles = strips.sign_tiles(Canvas(*FULL), 36, 36)
    shades = np.array([grey(tile.pixels) for tile in tiles])
    right, wrong = shades[:27], shades[27:54]
    assert (right[:, :2] > 250).all() and (wrong[:, 0] < 200).all()  # no box, box
    inner = np.s_[:, 5:31, 5:31]
    dark = [(each[inner].max() - each[inner]).sum((1, 2)) for each in (right, wrong)]
    assert (dark[0] > 1.3 * dark[1]).all()  # bold or full, light or empty


def test_the_end_of_a_word_has_its_own_symbol():
    tiles = strips.sign_tiles(Canvas(*FULL), 36, 36)
    assert (tiles[END].pixels[12:24, 12:24] == palette.RIGHT).all()


def test_a_mask_highlights_what_it_selects_and_letters_stay_legible():
    letter, ground = np.full((SIDE, SIDE), 128, np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    for mask in (0, 128, 255):
        looked = np.full((SIDE, SIDE), mask, np.uint8)
        light, dark = (grey(strips.looks(each, looked))[0, 0] for each in (letter, ground))
        assert light - dark > 80
    through, hidden = (grey(strips.looks(ground, ground + mask))[0, 0] for mask in (255, 0))
    assert through - hidden > 60


def test_each_picture_shows_the_mask_of_its_step():
    now = frame_data(1)
    frame = scene().draw(now)
    looked = panels.masks(now.predictions, panels.SHOWN)
    for word, step, x, y in ((0, 0, 56, 196), (3, 1, 720 + 126, 196 + 168)):
        seen = strips.looks(TEST["image"][word], looked[word, step])
        assert np.array_equal(frame[y + 1 : y + 120 : 3, x + 1 : x + 120 : 3], seen)


def test_steps_after_the_end_are_pale_and_not_scored():
    frame = scene().draw(frame_data(0))
    for word in range(panels.SHOWN):
        row, column = divmod(word, 2)
        for step in range(STEPS):
            x, y = 56 + 664 * column + 126 * step, 196 + 168 * row
            is_counted = counted(TEST["letters"][word][None])[0, step]
            assert (grey(frame[y : y + 120, x : x + 120]).mean() < 120) == is_counted
            box = (frame[y + 126 : y + 162, x + 30 : x + 66] == palette.WRONG_TINT).all(-1).any()
            assert is_counted or not box


def test_rates_are_the_fractions_of_symbols_read_as_each_symbol():
    words = np.array([[0, 1, END, END, END], [0, END, END, END, END]], np.uint8)
    read = np.array([[0, 2, END, 5, 5], [3, END, 7, 7, 7]], np.uint8)
    rates = panels.reading_rates(words, read)
    assert rates[0, 0] == rates[0, 3] == 0.5 and rates[1, 2] == rates[END, END] == 1
    assert rates.sum() == 3


def test_the_confusion_matrix_has_true_letters_as_rows():
    now = frame_data(0.5)
    frame = scene().draw(now)
    rates = panels.reading_rates(
        *(panels.steps(now.predictions, name) for name in ("letters", "prediction"))
    )
    cells = frame[196 + 7 : 196 + 405 : 15, 1424 + 7 : 1424 + 405 : 15]
    assert np.array_equal(cells, panels.shades(rates))


def test_a_larger_share_has_a_darker_shade():
    steps = [grey(panels.shades(np.full((2, 2), share))[0]) for share in (0, 0.01, 0.1, 0.5, 1)]
    assert (np.diff(steps, axis=0) < -5).all()


def test_the_height_of_a_bar_is_the_accuracy_at_its_position():
    now = frame_data(0.5)
    now.history["place_3"][-1] = 0.25
    column = scene().draw(now)[716:800, 1400 + 196 + 30, 0].astype(float)
    full, empty = palette.RIGHT[0], palette.SLOT[0]
    assert ((empty - column) / (empty - full)).sum() == pytest.approx(84 * 0.25, abs=0.05)


def test_an_evaluation_without_masks_is_an_error():
    with pytest.raises(UserError, match="lacks masks of the first 8"):
        scene().draw(frame_data(1, masks=4))


def test_a_chunked_evaluation_gives_the_same_frame():
    now = frame_data(0.5)
    whole = now.predictions
    pieces = pa.concat_tables([whole.slice(0, 5), whole.slice(5)])
    cut = FrameData(now.snapshot, now.epoch, now.examples, pieces, now.history)
    assert np.array_equal(scene().draw(now), scene().draw(cut))


def test_drawing_needs_neither_torch_nor_matplotlib():
    check = (
        "import sys, epochreel.experiments.words.figure;"
        "sys.exit(bool({'torch', 'matplotlib', 'pandas'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", check], cwd=LIBRARY, check=True)


# -- Loops -------------------------------------------------------------------------------------


def test_a_loop_has_a_picture_per_step_and_one_of_the_result():
    made = figure.loops(run_info(), table(0.5))
    read = panels.steps(table(0.5), "prediction")[: panels.SHOWN]
    taken = np.minimum(lengths(read) + 1, STEPS)
    assert [len(made[f"word-{word + 1}"]) for word in range(8)] == [*(taken + 1)]
    assert len(made["reading"]) == taken.max() + 1 and len(made) == 9
    assert {picture.shape for picture in made["reading"]} == {(560, 960, 3)}
    assert {picture.shape for picture in made["word-1"]} == {(376, 320, 3)}


def test_a_loop_shows_each_mask_and_then_the_image_alone():
    predictions = table(1)
    looked = panels.masks(predictions, panels.SHOWN)[0]
    pictures = figure.loops(run_info(), predictions)["word-1"]
    image = TEST["image"][0]
    masks = [*looked[: len(pictures) - 1], np.zeros_like(image)]
    for picture, mask in zip(pictures, masks, strict=True):
        seen = picture[20 + 3 : 300 : 7, 20 + 3 : 300 : 7]
        assert np.array_equal(seen, strips.looks(image, mask))


def test_letters_appear_when_they_are_read():
    pictures = figure.loops(run_info(), table(1))["word-3"]
    ink = [(grey(picture[310:360]) < 200).any(0) for picture in pictures]
    letters = [int(row[20:300].reshape(5, 56).any(1).sum()) for row in ink]
    assert letters == [1, 2, 3, 4, 4]  # three letters and the end


def test_a_small_test_set_has_fewer_loops(tmp_path):
    made = figure.loops(run_info(words=3), table(0.5, words=3, masks=3))
    assert list(made) == ["reading", "word-1", "word-2", "word-3"]
    gif.write(tmp_path / "a.gif", made["reading"])
    assert (tmp_path / "a.gif").stat().st_size > 10_000


# -- Settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("background", "folder", "fits"),
    [("none", None, True), ("folder", None, False), ("folder", "photos", True)],
)
def test_backgrounds_from_a_folder_need_a_folder(background, folder, fits):
    settings = {"background": background, "backgrounds": folder}
    found = list(checks.contradictions({"data": settings}))
    assert (
        not found
        if fits
        else found[0][0] == "dataset" and "no backgrounds; expected" in found[0][1]
    )
