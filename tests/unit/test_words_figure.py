"""Frames and loops of the word reader."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest
from tools import grey

from epochreel.core.errors import UserError
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.grid import whole_frame
from epochreel.drawing.palette import THEMES
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiment_api import declared_metrics
from epochreel.experiments.words import checks, data, figure, panels, readings, strips
from epochreel.experiments.words.alphabet import SIDE, STEPS, lengths, text
from epochreel.experiments.words.masked_words import MASKED
from epochreel.formats import gif

LIBRARY = Path(__file__).parents[2] / "workflow_scripts"
METRICS = declared_metrics.read(Path(figure.__file__).with_name("evaluation.py"))
FULL = (1920, 1080)
WORDS = 60
CAST = (27, 23, 20, 10, 15)
TEST = data.draw({"noise": 0.1, "background": "none"}, 1, "test", np.arange(WORDS))


def table(skill, words=WORDS, masks=MASKED):
    """Invented readings, of which a share of about `skill`, 0 … 1, is correct."""
    draw = np.random.default_rng(0)
    truth, masks = TEST["letters"][:words], min(words, masks)
    luck, other = draw.random(truth.shape), draw.integers(0, 27, truth.shape)
    read = np.where(luck < skill, truth, other).astype(np.uint8)
    lists = {
        name: pa.FixedSizeListArray.from_arrays(np.ascontiguousarray(values).ravel(), STEPS)
        for name, values in (("letters", truth), ("prediction", read))
    }
    looked = draw.integers(0, 256, (masks, STEPS * SIDE * SIDE)) * skill
    rows = [*looked.astype(np.uint8), *[None] * (words - masks)]
    return pa.table(lists | {"mask": pa.array(rows, pa.list_(pa.uint8()))})


def frame_data(skill, snapshot=3, **options):
    history = {"epoch": np.arange(snapshot + 1.0)}
    history |= {name: np.full(snapshot + 1, float(skill)) for name in ("accuracy", "letters")}
    return FrameData(snapshot, float(snapshot), 32 * snapshot, table(skill, **options), history)


def run_info(size=FULL, words=WORDS, examples=CAST, theme="light"):
    test = [{name: column[i] for name, column in TEST.items()} for i in range(words)]
    info = RunInfo("Reading", size, {}, {}, {}, TimeAxis(end=50), 32, test, METRICS)
    return replace(info, examples=examples, theme=THEMES[theme])


def scene(*arguments, **options):
    film = run_info(*arguments, **options)
    return Scene(film.size, whole_frame(film, figure.panels(film)), film.theme)


class Recorder(Canvas):
    """A canvas that keeps the texts drawn on it and on its regions."""

    texts: ClassVar = []

    def text(self, x, y, words, *arguments, **options):
        """Draw text, and keep it."""
        self.texts.append(words)
        return super().text(x, y, words, *arguments, **options)

    def region(self, *place):
        """Return a region that keeps its texts too."""
        part = super().region(*place)
        part.__class__ = Recorder
        return part


def texts(panel, skill, size=(1200, 830)):
    """Return what a panel writes in a frame, without its static parts."""
    canvas = Recorder(*size, units=min(size))
    panel.draw_static(canvas)
    Recorder.texts = []
    panel.draw(canvas, frame_data(skill))
    return Recorder.texts


def test_a_frame_does_not_depend_on_earlier_frames():
    all_frame_data = [frame_data(skill, k) for k, skill in enumerate((0, 0.3, 0.6, 1))]
    together = scene()
    frames = [together.draw(each) for each in all_frame_data]
    alone = [scene().draw(each) for each in reversed(all_frame_data)]
    assert all(np.array_equal(one, other) for one, other in zip(frames, alone[::-1], strict=True))
    assert not np.array_equal(frames[1], frames[2])


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [(480, 270), (640, 360), (480, 480), (480, 900), (1922, 1080)])
def test_every_format_and_theme_can_be_drawn(size, theme):
    frame = scene(size, theme=theme).draw(frame_data(0.5))
    assert frame.shape == (size[1], size[0], 3) and frame.dtype == np.uint8


@pytest.mark.parametrize("examples", [(3,), None, range(32)])
def test_a_cast_of_any_size_can_be_drawn(examples):
    assert scene((640, 360), examples=examples and tuple(examples)).draw(frame_data(0.5)).any()


@pytest.mark.parametrize("width", [700, 970, 1200])
@pytest.mark.parametrize("height", [500, 1000])
@pytest.mark.parametrize("words", [1, 5, 12])
def test_the_rows_of_words_fit_the_panel(width, height, words):
    rows = panels.arrangement(width, height, words)
    assert rows.side >= 20 and (rows.pitch * STEPS + panels.READ) * rows.columns <= width
    high = rows.side + rows.tile if rows.is_below else max(rows.side, 2 * rows.tile)
    assert high <= rows.row and rows.row * -(-words // rows.columns) <= height


def test_without_a_cast_the_film_shows_words_of_all_lengths():
    numbers = panels.cast(run_info(examples=None))
    shown = lengths(TEST["letters"][numbers])
    assert len(numbers) == 5 and {*shown} == {1, 2, 3, 4} and shown.tolist() == sorted(shown)
    assert len(panels.cast(run_info(words=3, examples=None))) == 3


def test_the_true_word_is_written_below_a_wrong_one():
    words = [text(TEST["letters"][number]) for number in CAST]
    panel = panels.Words(run_info())
    assert texts(panel, 1) == words
    told = texts(panel, 0)
    assert [f"should be {word}" for word in words] == told[::2] and not {*words} & {*told[1::2]}


def test_a_reading_has_the_letters_of_the_looks_that_are_shown():
    now = frame_data(0)
    read = readings.steps(now.predictions, "prediction")
    for number, shown in zip(CAST, texts(panels.Words(run_info()), 0)[1::2], strict=True):
        word, answer = text(TEST["letters"][number]), text(read[number])
        room = min(len(word) + 1, STEPS)
        assert shown == (answer if len(answer) <= room else answer[:room] + "…") or not answer


@pytest.mark.parametrize("row", range(len(CAST)))
def test_the_row_that_a_sentence_names_is_framed(row):
    word = text(TEST["letters"][CAST[row]])
    canvas, panel = Canvas(1200, 830, units=830), panels.Words(run_info())
    panel.draw_static(canvas)
    blank = canvas.pixels.copy()
    drawn = {}
    for sentence in ("It often mixes up O and Q.", f"It can now read {word}."):
        canvas.pixels[:] = blank
        panel.draw(canvas, replace(frame_data(1), sentence=sentence))
        drawn[sentence] = canvas.pixels.copy()
    plain, framed = drawn.values()
    changed = np.flatnonzero((plain != framed).any((1, 2)))
    high = changed[-1] - changed[0]
    assert abs(high - panel.rows.row) < 12
    top = plain.shape[0] - panel.body.height + row * panel.rows.row
    assert abs(changed[0] - top) < 20
    edge = framed[changed[0] : changed[-1], 0]
    assert (edge == canvas.palette.ink).all()


def test_the_letters_that_a_sentence_names_are_framed():
    canvas, panel = Canvas(540, 480, units=480), panels.Alphabet()
    panel.draw_static(canvas)
    blank = canvas.pixels.copy()
    inks = []
    for sentence in ("It can now read T.", "It often mixes up O and Q."):
        canvas.pixels[:] = blank
        panel.draw(canvas, replace(frame_data(1), sentence=sentence))
        inks.append((canvas.pixels == canvas.palette.ink).all(-1).sum())
    assert inks[1] > inks[0] + 500


def test_sentences_name_words_of_the_cast_and_letters():
    words = ["T", "BOD", "Q", "O"]
    for sentence, expected in {
        "It can now read T.": [True, False, False, False],
        "Only one letter of BOD is wrong: it reads O as Q.": [False, True, False, False],
        "Nearly all words are right, but in BOD it still reads O as Q.": [
            False,
            True,
            False,
            False,
        ],
        "It often mixes up O and Q.": [False] * 4,
        'It says "end" at nearly every look, whatever the word is.': [False] * 4,
    }.items():
        assert readings.named_words(sentence, words) == expected
    assert readings.named_letters("It often mixes up O and Q.") == [14, 16]
    assert readings.named_letters("It can now read T.") == []


@pytest.mark.parametrize("size", [(700, 480), (968, 300), (300, 480)])
@pytest.mark.parametrize("skill", [0, 1])
def test_the_closing_panel_shows_misread_words_with_answer_and_truth(size, skill):
    told = texts(figure.closing(run_info()), skill, size)
    words = [text(TEST["letters"][number]) for number in CAST[:4]]
    if skill:
        assert told[1:] == [f"reads {word}" for word in words]
    else:
        assert told[2::2] == [f"should be {word}" for word in words] and len(told) == 9


def test_the_part_of_a_picture_with_its_word_has_all_of_it():
    clean = data.draw({"noise": 0.0, "background": "none"}, 1, "test", np.arange(WORDS))["image"]
    for noisy, image in zip(TEST["image"], clean, strict=True):
        part = panels.part_with_word(noisy)
        tops = [top for top in range(SIDE) if np.array_equal(noisy[top : top + len(part)], part)]
        rows = np.flatnonzero(image.any(1))
        assert tops[0] <= rows[0] and rows[-1] < tops[0] + len(part)


@pytest.mark.parametrize("skill", [0, 1])
def test_the_true_letter_stands_next_to_a_wrong_one(skill):
    canvas = Canvas(1200, 830, units=830)
    panel = panels.Words(run_info())
    panel.draw_static(canvas)
    panel.draw(canvas, frame_data(skill))
    left, top = panel.rows.side + 6, panel.rows.tile + 6  # the letter below the first sign
    below = panel.body.region(left, top, panel.rows.tile, panel.rows.tile)
    assert (grey(below.pixels) < 100).any() == (not skill)


def test_each_picture_shows_the_mask_of_its_step():
    canvas, now = Canvas(1200, 830, units=830), frame_data(1)
    panel = panels.Words(run_info())
    panel.draw_static(canvas)
    panel.draw(canvas, now)
    looked = readings.masks(now.predictions, CAST)
    seen = strips.looks(TEST["image"][CAST[2]], looked[2, 1])
    rows = panel.rows
    left, top = rows.pitch, 2 * rows.row
    side = round(rows.side)
    found = panel.body.pixels[round(top) :, round(left) :][:side, :side]
    middle = (np.arange(SIDE) * side + side // 2) // SIDE
    assert np.array_equal(found[middle][:, middle], seen)


def test_counts_are_those_of_the_letters_of_true_words():
    words = np.array([[0, 1, 26, 26, 26], [0, 26, 26, 26, 26]], np.uint8)
    read = np.array([[0, 2, 26, 5, 5], [3, 26, 7, 7, 7]], np.uint8)
    counts = readings.reading_counts(words, read)
    assert counts[0, 0] == counts[0, 3] == counts[1, 2] == 1 and counts.sum() == 3


@pytest.mark.parametrize("skill", [0, 1])
def test_the_alphabet_shows_mistakes_and_none_if_there_are_none(skill):
    canvas = Canvas(540, 480, units=480)
    panel = panels.Alphabet()
    panel.draw_static(canvas)
    panel.draw(canvas, frame_data(skill))
    is_boxed = (canvas.pixels == canvas.palette.wrong_tint).all(-1).any()
    is_filled = (canvas.pixels == canvas.palette.right).all(-1).any()
    assert is_boxed == (not skill) and (is_filled or not skill)


def test_correct_and_wrong_symbols_differ_without_colour():
    canvas = Canvas(*FULL)
    shades = np.array([grey(tile.pixels) for tile in strips.sign_tiles(canvas, 50)])
    right, wrong = shades[:26], shades[27:53]
    assert (right[:, 0] > 220).all() and (wrong[:, 0] < 200).all()  # no box, box
    inner = np.s_[:, 6:44, 6:44]
    dark = [(each[inner].max() - each[inner]).sum((1, 2)) for each in (right, wrong)]
    assert (dark[0] > 1.3 * dark[1]).all()  # bold, regular


def test_a_mask_highlights_what_it_selects_and_letters_stay_legible():
    letter, ground = np.full((SIDE, SIDE), 128, np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    for mask in (0, 128, 255):
        looked = np.full((SIDE, SIDE), mask, np.uint8)
        light, dark = (grey(strips.looks(each, looked))[0, 0] for each in (letter, ground))
        assert light - dark > 80
    through, hidden = (grey(strips.looks(ground, ground + mask))[0, 0] for mask in (255, 0))
    assert through - hidden > 60


def test_an_evaluation_without_masks_is_an_error():
    with pytest.raises(UserError, match=r"lacks the masks of word 27: .*\bbelow 32"):
        scene().draw(frame_data(1, masks=8))


def test_a_chunked_evaluation_gives_the_same_frame():
    now = frame_data(0.5)
    whole = now.predictions
    pieces = pa.concat_tables([whole.slice(0, 5), whole.slice(5)])
    assert np.array_equal(scene().draw(now), scene().draw(replace(now, predictions=pieces)))


def test_drawing_needs_neither_torch_nor_matplotlib():
    check = (
        "import sys, epochreel.experiments.words.figure;"
        "sys.exit(bool({'torch', 'matplotlib', 'pandas'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", check], cwd=LIBRARY, check=True)


# -- Loops -------------------------------------------------------------------------------------


def test_a_loop_has_a_picture_per_step_and_one_of_the_result():
    made = figure.loops(run_info(), table(0.5))
    read = readings.steps(table(0.5), "prediction")[:8]
    taken = np.minimum(lengths(read) + 1, STEPS)
    assert [len(made[f"word-{word + 1}"]) for word in range(8)] == [*(taken + 1)]
    assert len(made["reading"]) == taken.max() + 1 and len(made) == 9
    assert {picture.shape for picture in made["reading"]} == {(560, 960, 3)}
    assert {picture.shape for picture in made["word-1"]} == {(376, 320, 3)}


def test_a_loop_shows_each_mask_and_then_the_image_alone():
    predictions = table(1)
    looked = readings.masks(predictions, [0])[0]
    pictures = figure.loops(run_info(), predictions)["word-1"]
    image = TEST["image"][0]
    masks = [*looked[: len(pictures) - 1], np.zeros_like(image)]
    for picture, mask in zip(pictures, masks, strict=True):
        seen = picture[20 + 3 : 300 : 7, 20 + 3 : 300 : 7]
        assert np.array_equal(seen, strips.looks(image, mask))


def test_letters_appear_when_they_are_read():
    pictures = figure.loops(run_info(), table(1))["word-3"]
    ink = [(grey(picture[310:360]) < 240).any(0) for picture in pictures]
    letters = [int(row[20:300].reshape(5, 56).any(1).sum()) for row in ink]
    assert letters == [1, 2, 3, 4, 4]  # three letters and the end


def test_the_true_letter_stands_below_a_wrong_one():
    below = [figure.loops(run_info(), table(skill))["word-3"][-1][362:374] for skill in (0, 1)]
    assert [(grey(each) < 150).any() for each in below] == [True, False]


def test_a_small_test_set_has_fewer_loops(tmp_path):
    made = figure.loops(run_info(words=3), table(0.5, words=3))
    assert list(made) == ["reading", "word-1", "word-2", "word-3"]
    gif.write(tmp_path / "a.gif", made["reading"])
    assert (tmp_path / "a.gif").stat().st_size > 10_000


# -- Settings ----------------------------------------------------------------------------------


def contradictions(background="none", backgrounds=None, examples=None):
    settings = {"background": background, "backgrounds": backgrounds}
    return list(checks.contradictions({"data": settings, "examples": examples}))


def test_backgrounds_from_a_folder_need_a_folder():
    ((key, words),) = contradictions("folder")
    assert key == "dataset" and "no backgrounds; expected" in words
    assert not contradictions("folder", "photos") and not contradictions()


def test_a_cast_consists_of_words_with_masks():
    assert not contradictions(examples=[0, MASKED - 1])
    ((key, words),) = contradictions(examples=[0, MASKED])
    assert key == "figure.examples" and "contains 32; expected numbers below 32" in words
