"""Frames of the film of activations."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tools import grey

from epochreel.core.errors import UserError
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.grid import whole_frame
from epochreel.drawing.palette import DARK, LIGHT, THEMES
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiment_api import declared_metrics
from epochreel.experiments.activations import (
    clouds,
    colours,
    figure,
    labels,
    legend,
    mistakes,
    thumbnails,
)
from epochreel.film import render

METRICS = declared_metrics.read(Path(figure.__file__).with_name("evaluation.py"))
FULL = (1920, 1080)
TEST, TRAIN = 120, 40
NAMES = ("cat", "dog", "fish")
INK = LIGHT.ink


def data(kinds=3):
    return {"source": "folder", "classes": [*NAMES, *(f"kind {i}" for i in range(3, 100))][:kinds]}


def run_info(size=FULL, kinds=3, shape=(28, 28), count=TEST, theme="light", cast=None):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (count, *shape), dtype=np.uint8)
    test = [{"image": image, "label": i % kinds} for i, image in enumerate(images)]
    settings = data(kinds), {}, {}, TimeAxis(end=10), 100, test, METRICS
    return RunInfo("Learning", size, *settings, examples=cast, theme=THEMES[theme])


def frame_data(skill=0.5, snapshot=5, kinds=3, train=TRAIN, count=TEST, sentence=""):
    """Invented predictions and layout; `skill` is the accuracy and the distance of clusters."""
    draw = np.random.default_rng(1)
    label = np.concatenate((np.arange(count), np.arange(train))) % kinds
    right = draw.random(len(label)) < skill
    table = {
        "split": ["test"] * count + ["train"] * train,
        "label": label.astype(np.int16),
        "prediction": np.where(right, label, draw.integers(0, kinds, len(label))).astype(np.int16),
    }
    turn = 2 * np.pi * label / kinds
    middle = np.column_stack((np.cos(turn), np.sin(turn))) * skill
    layout = (middle + draw.normal(0, 0.3, (len(label), 2))).astype(np.float32)
    shares = ("accuracy", "train_accuracy", *(f"accuracy_of_{i}" for i in range(kinds)))
    history = {"epoch": np.arange(snapshot + 1.0)}
    history |= {name: np.full(snapshot + 1, float(skill)) for name in shares}
    return FrameData(snapshot, snapshot, 0, pa.table(table), history, layout, sentence=sentence)


def scene(*arguments, **options):
    film = run_info(*arguments, **options)
    return Scene(film.size, whole_frame(film, figure.panels(film)), film.theme)


def sheet(width=1200, height=840):
    """A canvas whose units are pixels."""
    return Canvas(width, height, units=min(width, height))


def settled(panel, size=(1200, 840)):
    canvas = sheet(*size)
    panel.draw_static(canvas)
    return canvas, panel


def answered(now, answers):
    """Replace all predictions."""
    answers = pa.array(np.asarray(answers, np.int16))
    return replace(now, predictions=now.predictions.set_column(2, "prediction", answers))


def between(before, after):
    return next(render._between(before, after, 1))


def recorded(monkeypatch, draw):
    """Return every text that `draw` draws: (words, size)."""
    drawn, text = [], Canvas.text

    def record(canvas, x, y, words, size, *arguments, **options):
        drawn.append((words, size, options.get("weight", "regular")))
        return text(canvas, x, y, words, size, *arguments, **options)

    monkeypatch.setattr(Canvas, "text", record)
    draw()
    return drawn


def test_a_frame_does_not_depend_on_earlier_frames():
    all_frame_data = [frame_data(skill, k) for k, skill in enumerate((0, 0.3, 0.6, 1))]
    together = scene()
    frames = [together.draw(each) for each in all_frame_data]
    alone = [scene().draw(each) for each in reversed(all_frame_data)]
    assert all(np.array_equal(one, other) for one, other in zip(frames, alone[::-1], strict=True))
    assert not np.array_equal(frames[1], frames[2])


def test_names_of_an_earlier_sentence_leave_no_trace():
    now, film = frame_data(sentence="It sees cats"), scene()
    film.draw(now)
    other = replace(now, sentence="It sees dogs")
    assert np.array_equal(film.draw(other), scene().draw(other))


def test_names_that_another_snapshot_enlarges_leave_no_trace():
    panels = [settled(clouds.Clouds(run_info(kinds=10)))[1] for _ in range(2)]
    now, names = frame_data(kinds=10), np.arange(10)
    panels[0]._boxes(now, (names, np.ones(10, bool)))
    small, alone = (panel._boxes(now, (names, np.zeros(10, bool))) for panel in panels)
    assert all(np.array_equal(*both) for both in zip(small, alone, strict=True))


@pytest.mark.parametrize("size", [(2, 2), (64, 36), (640, 360), (500, 1000), (1080, 1080)])
@pytest.mark.parametrize(("kinds", "shape"), [(2, (8, 8)), (3, (64, 64, 3)), (100, (28, 28))])
@pytest.mark.parametrize("theme", THEMES)
def test_every_size_and_number_of_classes_can_be_drawn(size, kinds, shape, theme):
    frame = scene(size, kinds, shape, theme=theme).draw(frame_data(kinds=kinds))
    assert frame.shape == (size[1], size[0], 3) and frame.dtype == np.uint8


@pytest.mark.parametrize(("kinds", "count"), [(2, 72), (2, 3), (3, 3), (100, 1000), (10, 10_000)])
def test_every_number_of_images_can_be_drawn(kinds, count):
    assert scene(kinds=kinds, count=count).draw(frame_data(kinds=kinds, count=count)).any()


def test_during_a_transition_only_marks_move():
    now, film = frame_data(), scene()
    moved = replace(now, layout=now.layout[::-1].copy())
    changed = (film.draw(now) != film.draw(moved)).any(-1)
    assert changed[300:, :1250].any() and not changed[:180].any() and not changed[:, 1310:].any()


def test_between_snapshots_answers_and_numbers_are_of_the_one_before():
    before, after = frame_data(0.2), frame_data(0.9, 6)
    other = answered(after, np.zeros(TEST + TRAIN))
    frames = [scene().draw(between(before, each)) for each in (after, other)]
    right = np.s_[:, 1310:]
    assert np.array_equal(frames[0][right], scene().draw(before)[right])
    colour = colours.of_classes(LIGHT, 3)[0]
    counts = [(frame == colour).all(-1).sum() for frame in (*frames, scene().draw(other))]
    assert abs(counts[0] - counts[1]) < 0.1 * counts[0] and counts[2] > 1.5 * counts[0]


def test_between_snapshots_names_and_pictures_move_steadily():
    _, panel = settled(clouds.Clouds(run_info()))
    before, after = frame_data(0.4), frame_data(0.8, 6)
    after.layout[:] = after.layout[::-1]
    named = panel._named(before)
    ways = [before, *render._between(before, after, 12), after]
    for places in zip(*(panel._boxes(each, named) for each in ways), strict=True):
        steps, whole = np.diff(places, axis=0), np.subtract(places[-1], places[0])
        # Pictures that meet step aside, so single steps may go back.
        assert np.median(steps * whole) >= -1e-6 and np.abs(whole).max() > 50
        assert np.abs(steps).max() < np.abs(whole).max() / 3


def test_a_frame_does_not_depend_on_the_number_of_its_snapshot():
    now = frame_data()
    assert np.array_equal(scene().draw(now), scene().draw(replace(now, snapshot=6)))


# -- The cast


def test_by_default_the_cast_is_the_first_of_each_class():
    test = run_info(kinds=10).test
    assert thumbnails.cast(test).tolist() == list(range(20))
    assert thumbnails.cast(test[:7]).tolist() == list(range(7))
    many = thumbnails.cast(run_info(kinds=100, count=1000).test)
    assert many.tolist() == list(range(thumbnails.MOST))


def test_the_run_may_name_the_cast():
    _, panel = settled(clouds.Clouds(run_info(cast=(7, 3))))
    assert panel._pictures.shown.tolist() == [7, 3]


def test_a_small_panel_shows_fewer_pictures_of_a_legible_size():
    panels = [settled(clouds.Clouds(run_info()), size)[1] for size in ((1200, 840), (600, 420))]
    large, small = (each._pictures for each in panels)
    assert 2 < len(small.shown) < 10 < len(large.shown) < thumbnails.MOST
    assert small.side >= thumbnails._SIDES[0]


def test_pictures_do_not_change_their_size():
    _, panel = settled(clouds.Clouds(run_info()))
    side = panel._pictures.side
    for skill in (0, 0.5, 1):
        scene().draw(frame_data(skill))
    assert panel._pictures.side == side and {len(p.pixels) for p in panel._pictures._pictures} == {
        panel._pictures._pictures[0].pixels.shape[0]
    }


def one_picture(label, answer, shape=(28, 28, 3)):
    canvas, film = sheet(), run_info(shape=shape)
    shades = colours.of_classes(LIGHT, 3)
    pictures = thumbnails.Pictures(canvas, film.test, np.array([0]), NAMES, shades)
    pictures.draw(np.array([[600.0, 400.0]]), np.array([label]), np.array([answer]))
    return canvas.pixels, pictures


def test_a_colour_picture_keeps_its_colours():
    image = np.zeros((28, 28, 3), np.uint8)
    image[..., 1] = 200
    canvas = sheet()
    shades = colours.of_classes(LIGHT, 3)
    pictures = thumbnails.Pictures(canvas, [{"image": image}], np.array([0]), NAMES, shades)
    pictures.draw(np.array([[600.0, 400.0]]), np.array([0]), np.array([1]))
    assert (canvas.pixels[370:430, 570:630] == (0, 200, 0)).all()


def test_only_a_wrong_answer_is_crossed_out_and_has_the_truth_below():
    (right, pictures), (wrong, _) = one_picture(1, 1), one_picture(0, 1)
    foot = int(400 + pictures.side / 2)
    strip, below = np.s_[foot : foot + 30, 560:640], np.s_[foot + 34 : foot + 60, 560:640]
    assert (right[below] == LIGHT.paper).all()
    assert 0.5 < (wrong[below] == LIGHT.paper).all(-1).mean() < 0.95  # the truth, on paper
    assert (right[strip] != wrong[strip]).any()
    assert (wrong == INK).all(-1).sum() > 500 > (right == INK).all(-1).sum()


def test_a_wrong_dot_differs_from_a_right_one_without_colour():
    dots = thumbnails.Dots(Canvas(*FULL), 500, colours.of_classes(LIGHT, 3))
    edges = [grey(dot.pixels)[0].mean() for dot in dots._tiles]
    assert min(edges[:3]) > 240 and max(edges[3:]) < 60


def test_dots_are_larger_if_there_are_few():
    sides = [thumbnails.Dots(Canvas(*FULL), n, np.zeros((2, 3))).side for n in (72, 700, 10_000)]
    assert sides == sorted(sides, reverse=True) and sides[0] > 2 * sides[-1]


# -- Places


@pytest.mark.parametrize("count", [3, 72, 700])
@pytest.mark.parametrize("stretch", [1, 5])
def test_the_cloud_fills_its_panel_and_keeps_its_order(count, stretch):
    layout = np.random.default_rng(0).normal(0, 1, (count, 2)) * (1, stretch)
    places = clouds.spread(layout, (1200, 800), 5)
    assert np.abs(places - (600, 400)).max(0).tolist() == pytest.approx([595, 395], abs=1)
    assert (np.argsort(places, axis=0) == np.argsort(layout, axis=0)).all()


def test_an_outlier_does_not_squeeze_the_others():
    layout = np.random.default_rng(0).normal(0, 1, (200, 2))
    layout[0] = 30
    assert clouds.spread(layout, (1000, 1000), 0)[1:].std(0).min() > 150


def test_boxes_do_not_overlap_even_if_clusters_do():
    sizes = np.random.default_rng(0).uniform((40, 30), (160, 140), (30, 2))
    at = labels.apart(np.tile((400.0, 300.0), (30, 1)), sizes, (1200, 800))
    over = (sizes[:, None] + sizes) / 2 - np.abs(at[:, None] - at)
    assert not (over > 0).all(-1)[~np.eye(30, dtype=bool)].any()
    assert (at - sizes / 2 >= -1e-6).all() and (at + sizes / 2 <= (1200, 800.001)).all()


def test_names_and_pictures_never_overlap():
    _, panel = settled(clouds.Clouds(run_info(kinds=10)))
    now = frame_data(0.6, kinds=10)
    named = panel._named(now)
    names, pictures = panel._boxes(now, named)
    wide = panel._plates._sizes[named[0], 0]
    away = np.abs(names[:, None] - pictures) - (wide[:, None] + panel._pictures.side) / 2
    assert len(pictures) > 10 and np.nanmin(away.max(-1)) > -1


def test_a_name_that_finds_no_room_near_its_answers_is_left_out():
    _, panel = settled(clouds.Clouds(run_info(kinds=10)))
    now = frame_data(0.3, kinds=10)
    now.layout[:] *= 1e-3  # all in one place
    now.layout[0] = 30
    names, _ = panel._boxes(now, panel._named(now))
    assert np.isnan(names).any()
    in_sentence = panel._named(replace(now, sentence="cats"))
    assert np.isfinite(panel._boxes(now, in_sentence)[0][in_sentence[1]]).all()


def covered(panel, before, after):
    """Count the pairs of pictures that overlap in a transition."""
    card = np.array((panel._pictures.side, panel._pictures.side + panel._pictures.below))
    count = 0
    for now in render._between(before, after, 12):
        _, pictures = panel._boxes(now, panel._named(before))
        over = card - np.abs(pictures[:, None] - pictures)
        count += np.triu((over > 2).all(-1), 1).sum()
        assert (pictures[:, 1] - card[0] / 2 + card[1] <= panel._area[1] + 1).all()
    return count


def test_pictures_that_meet_between_two_snapshots_step_aside(monkeypatch):
    _, panel = settled(clouds.Clouds(run_info(kinds=10)))
    before, after = frame_data(0.4, kinds=10), frame_data(0.8, 6, kinds=10)
    after.layout[:] = after.layout[::-1]
    count = covered(panel, before, after)
    monkeypatch.setattr(labels, "pushed", lambda centres, *_: centres)  # snapshots are kept
    assert count < covered(panel, before, after) / 3


def test_a_name_is_where_its_answer_is_frequent():
    _, panel = settled(clouds.Clouds(run_info()))
    now = frame_data(1)
    moved = answered(now, (np.arange(TEST + TRAIN) + 1) % 3)  # all answers are the next class
    truth, shifted = (
        panel._plates.centres(*panel._test(each)[::2], [0, 1, 2]) for each in (now, moved)
    )
    places = panel._test(now)[0]
    assert np.abs(shifted[1] - places[::3].mean(0)).max() < 150
    assert np.abs(shifted[1] - truth[1]).max() > 150


def test_an_answer_that_is_hardly_given_has_no_name():
    _, panel = settled(clouds.Clouds(run_info()))
    answers = np.zeros(TEST + TRAIN)
    answers[: clouds._FEWEST] = 2
    assert panel._named(answered(frame_data(), answers))[0].tolist() == [0, 2]


def test_cards_that_the_sentence_names_have_a_second_frame():
    film, now = run_info(), answered(frame_data(), np.arange(TEST + TRAIN) % 3)
    edges = []
    for sentence in ("", "It recognises cats"):
        canvas, panel = settled(clouds.Clouds(film))
        panel.draw(canvas, replace(now, sentence=sentence))
        edges.append((canvas.pixels == INK).all(-1).sum())
    assert edges[1] > edges[0] + 3000


def test_the_name_of_a_cluster_of_two_parts_is_in_one_of_them():
    parts = np.random.default_rng(0).normal(0, 20, (90, 2))
    parts[50:, 0] += 600
    assert np.abs(labels.centre(parts, 80)).max() < 20


# -- Names


def test_classes_are_found_in_sentences_in_the_plural_too():
    names = ("shirt", "T-shirt", "fish", "8", "a.b")
    assert labels.named("Some T-shirts are fish; a.b", names) == [1, 2, 4]
    assert labels.named("It mistakes 8s for “shirt”", names) == [0, 3]
    assert labels.named("In 18 of 80 shirtless axb", names) == []


def test_what_the_sentence_names_is_large_and_bold(monkeypatch):
    plain, named = frame_data(), frame_data(sentence="It mistakes cats for dogs")
    film = run_info()
    _, panel = settled(clouds.Clouds(film))
    assert panel._named(named)[1].tolist() == [True, True, False]
    canvas, rows = settled(legend.Legend(film, range(3)))
    drawn = recorded(monkeypatch, lambda: rows.draw(canvas, named))
    assert [weight for *_, weight in drawn] == ["bold", "bold", "regular"]
    assert not panel._named(plain)[1].any()


def test_many_classes_are_named_on_the_cloud_only_by_the_sentence():
    _, panel = settled(clouds.Clouds(run_info(kinds=40)))
    assert panel._named(frame_data(kinds=40))[0].size == 0
    in_sentence = frame_data(kinds=40, sentence="It mistakes kind 39 for dogs")
    assert panel._named(in_sentence)[0].tolist() == [1, 39]


def test_a_long_name_is_shortened_in_its_middle():
    canvas, name = Canvas(*FULL), "an aeroplane of the first world war"
    short = labels.cut(canvas, name, 30, "bold", 200)
    assert canvas.measure(short, 30 * 0.65, "bold") <= 200
    assert short[0] == "a" and short[-1] == "r" and "…" in short
    assert labels.cut(canvas, "cat", 30, "bold", 200) == "cat"


def test_words_that_all_names_share_are_left_out():
    assert labels.distinct(["species 1 A", "species 2 A"]) == ["1", "2"]
    assert labels.distinct(["a b", "a b c"]) == ["b", "b c"]
    assert labels.distinct(["cat", "dog"]) == ["cat", "dog"]


@pytest.mark.parametrize("kinds", [2, 5, 10, 24, 100])
@pytest.mark.parametrize("size", [(540, 460), (968, 200), (460, 560)])
def test_the_legend_is_legible_and_in_its_place(kinds, size, monkeypatch):
    film = run_info(kinds=kinds, count=max(kinds, TEST))
    canvas, rows = settled(legend.Legend(film, clouds.listed(film)), size)
    drawn = recorded(monkeypatch, lambda: rows.draw(canvas, frame_data(kinds=kinds)))
    assert 2 <= len(drawn) <= 24 and min(size for _, size, _ in drawn) >= 24
    assert rows._rows * rows._pitch <= canvas.height and len(rows._shown) == len(drawn)


def test_a_bar_shows_the_accuracy_on_its_class():
    now = frame_data(1)
    now.history.update(accuracy_of_0=np.array([0.5]), accuracy_of_1=np.array([0.0]))
    canvas, rows = settled(legend.Legend(run_info(), range(3)), (540, 460))
    rows.draw(canvas, now)
    shades = colours.of_classes(LIGHT, 3)
    half, none, whole = ((canvas.pixels == shade).all(-1).sum() for shade in shades)
    assert none == 0 and half == pytest.approx(whole / 2, rel=0.01)


@pytest.mark.parametrize("train", [0, TRAIN])
def test_the_curve_has_a_line_for_practice_if_there_is_a_sample(train, monkeypatch):
    now = frame_data(train=train)
    if not train:
        now.history.pop("train_accuracy")
    drawn = recorded(monkeypatch, lambda: scene().draw(now))
    assert ("practice pictures" in [words for words, *_ in drawn]) == bool(train)


def test_two_lines_that_coincide_are_both_visible():
    canvas, now = sheet(700, 400), frame_data()
    legend.AccuracyCurve(run_info()).draw(canvas, now)
    below_legend = canvas.pixels[150:-80, 100:-100]
    for colour in (INK, LIGHT.quiet):
        assert (below_legend == colour).all(-1).sum() > 100


def test_the_closing_picture_shows_the_most_frequent_mistakes_first():
    truth = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    answers = np.array([0, 1, 1, 0, 1, 1, 1, 1])
    assert mistakes.chosen(truth, answers).tolist() == [5, 1, 3, 6, 2, 7]
    assert mistakes.chosen(truth, truth).size == 0


@pytest.mark.parametrize("size", [(700, 480), (968, 300), (60, 40)])
@pytest.mark.parametrize("skill", [0.0, 0.99, 1.0])
def test_the_closing_picture_names_answer_and_truth(size, skill, monkeypatch):
    canvas, panel = settled(figure.closing(run_info()), size)
    now = frame_data(skill)
    drawn = recorded(monkeypatch, lambda: panel.draw(canvas, now))
    truth, answers = clouds.classified(now.predictions)
    if (truth == answers).all():
        assert drawn[0][0].startswith("None")
    elif size[0] > 100:
        chosen = mistakes.chosen(truth, answers)
        said = (("says", answers), ("is", truth))
        words = [f"{verb} {NAMES[each[i]]}" for i in chosen for verb, each in said]
        assert [word for word, *_ in drawn] == words and min(each for _, each, _ in drawn) >= 27


def test_without_a_projection_the_figure_asks_for_one():
    with pytest.raises(UserError, match="set `projection` for the run"):
        scene().draw(replace(frame_data(), layout=None))


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_class_colours_differ_and_are_legible_on_paper(theme):
    shades = colours.of_classes(theme, 100)
    assert len(np.unique(shades, axis=0)) == 100
    values = np.concatenate((shades, [theme.paper])) / 255
    linear = np.where(values <= 0.04, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    light = linear @ (0.2126, 0.7152, 0.0722) + 0.05
    contrast = np.maximum(light[:-1] / light[-1], light[-1] / light[:-1])
    assert contrast[:10].min() > 4 and contrast.min() > 2
