"""Frames and sentences of the film of activations."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tools import grey

from epochreel.core.errors import UserError
from epochreel.drawing import palette, text
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiment_api import declared_metrics
from epochreel.experiments.activations import clouds, colours, figure, labels, sentences, thumbnails
from epochreel.film import render

METRICS = declared_metrics.read(Path(figure.__file__).with_name("evaluation.py"))
FULL = (1920, 1080)
TEST, TRAIN, HOLD = 120, 40, 4
SETTINGS = {"sentence_snapshots": HOLD, "thumbnail": 54.0}
NAMES = ("cat", "dog", "fish")
PAIRS = ("apart_0_1", "apart_0_2", "apart_1_2")
AREA = (0.0, 0.0, 800.0, 600.0)


def data(kinds=3):
    return {
        "source": "folder",
        "classes": [*NAMES, *(f"kind {i}" for i in range(3, kinds))][:kinds],
    }


def run_info(size=FULL, kinds=3, shape=(28, 28)):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (TEST, *shape), dtype=np.uint8)
    test = [{"image": image, "label": i % kinds} for i, image in enumerate(images)]
    return RunInfo(
        "Learning", size, data(kinds), {}, SETTINGS, TimeAxis(end=10), 100, test, METRICS
    )


def frame_data(skill=0.5, snapshot=5, kinds=3, train=TRAIN):
    """Invented predictions and layout; `skill` is the accuracy and the distance of clusters."""
    draw = np.random.default_rng(1)
    label = np.concatenate((np.arange(TEST), np.arange(train))) % kinds
    right = draw.random(len(label)) < skill
    table = {
        "split": ["test"] * TEST + ["train"] * train,
        "label": label.astype(np.int16),
        "prediction": np.where(right, label, draw.integers(0, kinds, len(label))).astype(np.int16),
    }
    turn = 2 * np.pi * label / kinds
    middle = np.column_stack((np.cos(turn), np.sin(turn))) * skill
    layout = (middle + draw.normal(0, 0.3, (len(label), 2))).astype(np.float32)
    history = {"epoch": np.arange(snapshot + 1.0)} | metrics(snapshot + 1, skill)
    return FrameData(snapshot, snapshot, 0, pa.table(table), history, layout)


def metrics(count, skill=0.5, **named):
    shares = ("accuracy", "train_accuracy", "accuracy_of_0", *PAIRS)
    level = {name: np.full(count, float(skill)) for name in shares}
    return level | {name: np.asarray(values, float) for name, values in named.items()}


def scene(*arguments, **options):
    film = run_info(*arguments, **options)
    return Scene(film.size, figure.panels(film))


def settled_clouds():
    panel = clouds.TestClouds(run_info(), NAMES)
    panel.draw_static(scene()._canvas)
    return panel


def said(**named):
    """The remark of the third phase if metrics change once, one phase before it begins."""
    changed = {name: [before] * (HOLD + 1) + [now] * HOLD for name, (before, now) in named.items()}
    return sentences.remark(metrics(2 * HOLD + 1, **changed), NAMES, HOLD)


def of_cat(*shares, apart=1.0):
    """The sentence for an accuracy on one class, with a given separation of all classes."""
    changed = {"accuracy_of_0": shares} | dict.fromkeys(PAIRS, np.full(len(shares), apart))
    return sentences.remark(metrics(len(shares), **changed), NAMES, HOLD).sentence


def test_a_frame_does_not_depend_on_earlier_frames():
    all_frame_data = [frame_data(skill, k) for k, skill in enumerate((0, 0.3, 0.6, 1))]
    together = scene()
    frames = [together.draw(each) for each in all_frame_data]
    alone = [scene().draw(each) for each in reversed(all_frame_data)]
    assert all(np.array_equal(one, other) for one, other in zip(frames, alone[::-1], strict=True))
    assert not np.array_equal(frames[1], frames[2])


@pytest.mark.parametrize("size", [(2, 2), (64, 36), (640, 360), (500, 1000), (1922, 1080)])
@pytest.mark.parametrize(("kinds", "shape"), [(2, (8, 8)), (3, (64, 64, 3)), (40, (28, 28))])
def test_every_size_and_number_of_classes_can_be_drawn(size, kinds, shape):
    frame = scene(size, kinds, shape).draw(frame_data(kinds=kinds))
    assert frame.shape == (size[1], size[0], 3) and frame.dtype == np.uint8


def test_during_a_transition_only_the_points_move():
    now, film = frame_data(), scene()
    moved = replace(now, layout=now.layout * np.float32(0.9))
    changed = (film.draw(now) != film.draw(moved)).any(-1)
    assert changed[196:, :1344].any() and changed[196:500, 1400:].any()
    assert not changed[:190].any() and not changed[510:, 1360:].any()


def guessing(step, snapshot=5):
    """A snapshot in which every prediction is the class `step` after the true one."""
    now = frame_data(0.4, snapshot)
    taken = (now.predictions["label"].to_numpy() + step) % 3
    return replace(now, predictions=now.predictions.set_column(2, "prediction", pa.array(taken)))


def between(before, after):
    return scene().draw(next(render._between(before, after, 1)))


def test_between_snapshots_sentence_and_numbers_are_of_the_one_before():
    film, first, second = scene(), frame_data(0.4), frame_data(0.9, 8)
    frames = film.draw(first), between(first, second), film.draw(second)
    for part in (np.s_[:190], np.s_[510:, 1360:]):
        before, middle, after = (frame[part] for frame in frames)
        assert np.array_equal(middle, before) and not np.array_equal(after, before)


def test_between_snapshots_colours_and_marks_are_of_the_one_before():
    first, later = guessing(1), [guessing(step, 6) for step in (0, 1, 2)]
    right, same, other = (between(first, each) for each in later)
    assert np.array_equal(same, other) and (same != between(guessing(2), later[1])).any()
    pictures = np.s_[196:, :1344]
    learned, unlearned = right[pictures], between(later[0], later[1])[pictures]
    marked = [(frame == palette.INK).all(-1).sum() for frame in (learned, unlearned)]
    assert marked[0] > 1000 and marked[1] == 0


def test_a_frame_does_not_depend_on_the_number_of_its_snapshot():
    now = frame_data()
    assert np.array_equal(scene().draw(now), scene().draw(replace(now, snapshot=6)))


def test_a_wrong_picture_differs_from_a_correct_one_without_colour():
    pictures = thumbnails.Thumbnails(run_info().test, NAMES, 54)
    pictures.draw_static(scene()._canvas)
    plain = np.full((2, 54, 54, 3), 200, np.uint8)
    pictures._mark(plain, -1, np.array([1, 1]), np.array([False, True]))
    right, wrong = grey(plain)
    assert (wrong[:, :2] < 50).all() and (right[:, 1:2] > 190)[2:-2].all()
    name = wrong[-14:-3, 5:-5]
    assert name.max() - name.min() > 100 and right[-14:-3, 5:-5].std() == 0


@pytest.mark.parametrize("size", [FULL, (1280, 720), (2560, 1440)])
def test_the_frame_of_a_wrong_prediction_cuts_no_letter_of_its_name(size):
    pictures = thumbnails.Thumbnails(run_info().test, ("cup", "bicycle", "ankle boot"), 54)
    pictures.draw_static(scene(size)._canvas)
    for number, side in enumerate(pictures._whole):
        strips, weight = grey(pictures._strips[number]), round(side / 20)
        ground = strips[:, -1:, :1]
        assert np.abs(strips[:, -weight:] - ground).max() < 1
        assert np.abs(strips[:, 0] - ground[:, 0]).max() < 60
        assert side < 28 * size[0] / 1280 or strips[:, 2:-weight].std() > 20


def test_a_wrong_dot_differs_from_a_correct_one_without_colour():
    dots = thumbnails.dots(scene()._canvas, colours.of_classes(3))
    edges = [grey(dot.pixels)[0].mean() for dot in dots]
    assert min(edges[:3]) > 240 and max(edges[3:]) < 50


def test_classes_take_turns_in_the_ranking():
    truth = np.array([0] * 50 + [1] * 5 + [2] * 20)
    order = thumbnails.ranked(truth, 12)
    assert truth[order].tolist() == [0, 1, 2] * 4 and len(set(order)) == 12


def test_pictures_of_full_size_do_not_overlap():
    places = np.random.default_rng(0).uniform(0, 500, (300, 2))
    sides = thumbnails.sides(places, 50, np.full(300, np.inf))
    full = places[sides == 50]
    distance = np.abs(full[:, None] - full).max(-1) + 50 * np.eye(len(full))
    assert len(full) > 20 and distance.min() >= 50 - 1e-3
    assert sides[0] == 50 and (sides >= 0).all()


def test_between_snapshots_pictures_grow_and_shrink_linearly():
    panel = settled_clouds()
    before, after = frame_data(0.4), frame_data(0.8, 6)
    after.layout[:] = after.layout[::-1]
    ways = [before, *render._between(before, after, 12), after]
    sides = np.array([panel._sides(each) for each in ways])
    assert np.abs(sides[-1] - sides[0]).max() == 45 and sides.min() == thumbnails.DOT
    assert np.diff(sides, axis=0) == pytest.approx(
        np.tile((sides[-1] - sides[0]) / 13, (13, 1)), abs=1e-4
    )
    assert (np.diff(sides, axis=0) * (sides[-1] - sides[0]) >= 0).all()


def test_between_snapshots_pictures_are_drawn_at_interpolated_sizes():
    before, after = frame_data(0.4), frame_data(0.4, 6)
    after.layout[:] = after.layout[::-1]
    between = next(render._between(before, after, 1))
    film = scene()
    assert (film.draw(between) != film.draw(replace(between, way=None))).any()


def test_the_first_wrong_predictions_have_space_for_a_name():
    pictures = thumbnails.Thumbnails(run_info().test, NAMES, 54)
    truth, places = np.arange(TEST) % 3, np.random.default_rng(0).uniform(0, 60, (TEST, 2))
    guessed = truth.copy()
    guessed[pictures.shown[100]] = (guessed[pictures.shown[100]] + 1) % 3
    free = np.full(TEST, np.inf)
    grown = [pictures.grown(places, truth, each, free)[100] for each in (truth, guessed)]
    assert grown[0] < 20 and grown[1] == thumbnails.NAMED


def two_pictures(guesses, places, sizes):
    """Return a frame with the first two pictures of class 0; all others are dots elsewhere."""
    film, canvas = run_info(), scene()._canvas
    pictures = thumbnails.Thumbnails(film.test, NAMES, 54)
    pictures.draw_static(canvas)
    guessed, all_places = np.zeros(TEST, int), np.full((TEST, 2), 100.0)
    sides = np.full(len(pictures.shown), thumbnails.DOT)
    sides[:2], guessed[pictures.shown[:2]] = sizes, guesses
    all_places[pictures.shown[:2]] = places
    pictures.draw(canvas, all_places, np.zeros(TEST, int), guessed, sides)
    return canvas.pixels


def test_a_wrong_prediction_is_drawn_over_a_correct_one():
    frame = two_pictures((1, 0), (400, 400), (42, 54))
    assert grey(frame[380, 400:402]).max() < 60


def test_the_name_of_a_covered_picture_is_not_drawn_over_the_one_above():
    alone = two_pictures((0, 2), ((900, 900), (400, 400)), (30, 54))
    covered = two_pictures((1, 2), ((400, 400), (400, 400)), (30, 54))
    assert np.array_equal(covered[350:450, 350:450], alone[350:450, 350:450])


def test_a_wrong_prediction_with_a_name_is_drawn_over_all_others(monkeypatch):
    monkeypatch.setattr(thumbnails, "MOST_NAMED", 1)
    frame = two_pictures((1, 2), ((400, 400), (400, 424)), (42, 54))
    assert (frame[408:421, 382:418] == colours.of_classes(3)[1]).all(-1).mean() > 0.3


def test_the_note_is_legible_in_small_frames():
    assert (
        max(text.width(line, "regular") for line in (clouds._NOTE, *clouds._STRIPS)) * 22
        <= clouds.LEFT_WIDTH
    )
    large, small = (scene(size)._static for size in (FULL, (640, 360)))
    assert (grey(large)[150:200, 56:1344] < 140).mean() > 0.03
    assert (grey(small)[50:67, 19:448] < 200).mean() > 0.03


@pytest.mark.parametrize("size", [(640, 360), (960, 540), (1280, 720), FULL])
def test_the_note_mentions_names_on_strips_only_if_there_are_any(size, monkeypatch):
    panel, canvas, words = clouds.TestClouds(run_info(), NAMES), scene(size)._canvas, []
    monkeypatch.setattr(canvas, "text", lambda *arguments, **_: words.append(arguments[2]))
    panel.draw_static(canvas)
    strips = panel._pictures._strips[-1]
    there = any(len(np.unique(strip.reshape(-1, 3), axis=0)) > 1 for strip in strips)
    assert there == (size[0] >= 1280) == ("named on its strip" in words[1])


def test_every_image_is_a_picture_or_a_dot():
    now = frame_data(1)
    now.layout[:] = np.random.default_rng(0).normal(0, 0.05, now.layout.shape)
    seen = scene().draw(now)[196:, :1344].reshape(-1, 3)
    for colour in colours.of_classes(3):
        assert (seen == colour).all(1).sum() > 100


def test_all_points_stay_inside_and_keep_their_order():
    x = np.array([-9, -2, -1.5, -1, 0, 0.5, 1.3, 1.4, 3, 100.0])
    place = clouds.within(np.column_stack((x, -x)), (10, 20, 300, 200))
    assert (np.diff(place[:, 0]) >= 0).all() and (np.diff(place[:, 1]) <= 0).all()
    assert place.min(0).tolist() == pytest.approx([10, 20], abs=0.1)
    assert place.max(0).tolist() == pytest.approx([310, 220], abs=0.1)
    assert place[4].tolist() == [160, 120]


def test_names_do_not_overlap_even_if_clusters_do():
    sizes = np.random.default_rng(0).uniform((40, 30), (160, 40), (10, 2))
    at = labels.apart(np.tile((400.0, 300.0), (10, 1)), sizes, AREA)
    over = (sizes[:, None] + sizes) / 2 - np.abs(at[:, None] - at)
    assert not (over > 0).all(-1)[~np.eye(10, dtype=bool)].any()
    assert (at - sizes / 2 >= 0).all() and (at + sizes / 2 <= AREA[2:]).all()


def test_class_names_cover_no_picture():
    panel, now = settled_clouds(), frame_data(0.6)
    places, truth, _ = panel._test(now)
    names = panel._plates.boxes(places, truth, (1,), clouds._AREA)
    side, at = panel._sides(now), places[panel._pictures.shown]
    pictures = side > thumbnails.DOT
    reach = (side[pictures, None, None] + names.sizes) / 2
    away = np.abs(at[pictures, None] - names.centres)
    assert pictures.sum() > 40 and (names.large == [False, True, False]).all()
    assert (away - reach).max(-1).min() > -0.01


def test_a_long_name_is_no_wider_than_about_ten_letters():
    plates = labels.Plates(scene()._canvas, ("cat", "an aeroplane", "m" * 40))
    wide = plates._sizes[:, 0, 0]
    assert wide[0] < 80 and wide[1] < wide[2] + 1 and wide[2] < 200
    letters = [(grey(pair[0].pixels)[4:-4, 4:-4] > 230).any(0) for pair in plates._plates]
    assert not any(line[:3].any() or line[-3:].any() for line in letters)


@pytest.mark.parametrize("kinds", [2, 5, 12, 13, 40, 52, 53, 100])
def test_the_legend_is_legible_and_in_its_place(kinds, monkeypatch):
    drawn, text_of = [], Canvas.text

    def record(canvas, x, y, words, size, *arguments, **options):
        wide = text_of(canvas, x, y, words, size, *arguments, **options)
        start = x - wide if options.get("align") == "right" else x
        drawn.append((start, start + wide, y, size, words))
        return wide

    monkeypatch.setattr(Canvas, "text", record)
    legend, now = clouds.Legend(run_info(kinds=kinds), long_names(kinds)), frame_data(kinds=kinds)
    now.history.update({f"accuracy_of_{i}": np.ones(6) for i in range(kinds)})
    canvas = Canvas(*FULL)
    legend.draw_static(canvas)
    legend.draw(canvas, now)
    names, shares = np.array([each[:4] for each in drawn[1:]]).reshape(2, kinds, 4)
    assert (names[:, 1] <= shares[:, 0]).all() and (shares[:, 1] <= 1864.01).all()
    assert names[:, 2].max() < 715 and names[:, 2].min() > (560 if kinds <= 12 else 162)
    assert np.diff(np.unique(names[:, 2])).min(initial=30) > names[0, 3]
    assert names[:, 3].min() > (17 if kinds <= 40 else 10)


def long_names(count):
    return [f"{'abcdefghij'[i % 10]} wide landscape with a lake {i}"[:40] for i in range(count)]


def test_with_many_classes_the_legend_replaces_the_training_images():
    kinds = {count: figure.panels(run_info(kinds=count)) for count in (12, 13)}
    has_cloud = {n: any(isinstance(p, clouds.SmallCloud) for p in kinds[n]) for n in kinds}
    assert has_cloud == {12: True, 13: False}


def test_a_hundred_names_do_not_overlap():
    panel = clouds.TestClouds(run_info(kinds=100), data(100)["classes"])
    panel.draw_static(Canvas(*FULL))
    places, truth, _ = panel._test(frame_data(kinds=100))
    boxes = panel._plates.boxes(places, truth, (0, 1), clouds._AREA)
    over = (boxes.sizes[:, None] + boxes.sizes) / 2 - np.abs(boxes.centres[:, None] - boxes.centres)
    assert len(boxes.centres) == 100 and not (over > 0).all(-1)[~np.eye(100, dtype=bool)].any()


def test_a_long_name_keeps_its_ends_and_accents():
    canvas = Canvas(*FULL)
    short = labels.cut(canvas, "Cafe\u0301 au lait with a lot of milk and sugar", 20, "bold", 100)
    assert short.startswith("Café") and "…" in short and short.endswith("gar")
    assert canvas.measure(short, 20 * labels._SMALLEST, "bold") <= 100
    assert labels.cut(canvas, "umbrella", 20, "bold", 100) == "umbrella"
    ends = {labels.cut(canvas, f"{'a' * 30} {i}", 20, "bold", 100) for i in range(9)}
    assert len(ends) == 9


def test_names_of_separate_clusters_are_at_their_centres():
    draw = np.random.default_rng(0)
    cloud = draw.normal((300, 200), 20, (60, 2))
    stray = draw.uniform(0, 800, (10, 2))
    assert np.abs(labels.centre(np.concatenate((cloud, stray))) - (300, 200)).max() < 10
    sizes, centres = np.full((2, 2), 40.0), np.array([[100.0, 100.0], [300.0, 100.0]])
    assert np.abs(labels.apart(centres, sizes, AREA) - centres).max() < 0.01


def test_the_name_of_a_cluster_in_parts_is_in_one_of_them():
    draw, parts = np.random.default_rng(0), np.array([(100, 100), (500, 100), (300, 420)])
    cloud = np.concatenate([draw.normal(part, 15, (20, 2)) for part in parts])
    assert np.abs(labels.centre(cloud) - parts).max(1).min() < 15
    wide = draw.normal(0, 150, (300, 2))
    at = labels.centre(wide)
    weight = labels._nearness(at[None], wide)[0]
    assert weight @ wide / weight.sum() == pytest.approx(at, abs=0.1)


def test_between_snapshots_names_move_without_a_jump(monkeypatch):
    panel = settled_clouds()
    before, after = frame_data(0.4), frame_data(0.8, 6)
    after.layout[:] = after.layout[::-1]
    ways = [before, *render._between(before, after, 12), after]
    at = np.array([panel._boxes(each).centres for each in ways])
    way = np.abs(at[-1] - at[0])
    assert way.max() > 100 and (np.abs(np.diff(at, axis=0)) <= way * 1.5 / 13 + 1e-6).all()
    drawn = []
    monkeypatch.setattr(panel._plates, "draw", lambda _, boxes: drawn.append(boxes.centres))
    panel.draw(scene()._canvas, ways[6])
    assert np.array_equal(drawn[0], at[6])


def test_the_first_sentence_says_what_will_change():
    first = [sentences.remark(metrics(1, skill), NAMES, HOLD).sentence for skill in (0.6, 0.95)]
    assert "watch the classes separate" in first[0] and "watch the colours" in first[1]


def test_not_all_classes_are_said_to_cluster_if_two_of_them_do_not():
    first = metrics(1, 0.99)
    assert sentences.remark(first, NAMES, HOLD).sentence.startswith("All classes cluster")
    first["apart_0_2"][:] = 0.79
    assert sentences.remark(first, NAMES, HOLD).sentence.startswith("Most classes cluster")


def test_a_large_gain_comes_before_classes_that_are_hard_to_separate():
    mixed = dict.fromkeys(PAIRS, np.full(HOLD + 1, 0.7))
    found = [
        sentences.remark(metrics(HOLD + 1, **mixed, accuracy=shares), NAMES, HOLD).sentence
        for shares in (np.linspace(0.3, 0.5, HOLD + 1), np.linspace(0.3, 0.4, HOLD + 1))
    ]
    assert found[0] == "Accuracy has improved a lot"
    assert found[1].startswith("Still hard to separate")


def test_no_sentence_comes_twice_in_a_row_if_there_is_another():
    draw = np.random.default_rng(0)
    for _ in range(30):
        names = metrics(1)
        walk = {name: np.clip(0.6 + draw.normal(0, 0.04, 41).cumsum(), 0, 1) for name in names}
        walk["accuracy"] = np.linspace(0.1, 0.9, 41)
        starts = [{name: all_[: k + 1] for name, all_ in walk.items()} for k in range(0, 41, HOLD)]
        found = [sentences.remark(each, NAMES, HOLD) for each in starts]
        again = [k for k in range(1, 11) if found[k] == found[k - 1]]
        assert all(len(sentences._found(walk, NAMES, HOLD, k * HOLD)) == 1 for k in again)


def test_the_sentence_names_the_class_that_separated_most():
    remark = said(apart_0_1=(0.6, 0.97), apart_1_2=(0.6, 0.96), apart_0_2=(0.95, 0.96))
    assert remark.sentence == "Images of dog have separated from cat and fish"
    assert remark.classes == (1, 0, 2)
    assert "Images of cat have moved away from dog" in said(apart_0_1=(0.6, 0.85)).sentence


def test_a_small_gain_in_separation_is_not_mentioned():
    for change in ((0.84, 0.88), (0.5, 0.7), (0.9, 0.93)):
        assert "from" not in said(apart_0_1=change).sentence


def test_a_separation_that_is_lost_again_is_not_mentioned():
    shares = [0.7] * 5 + [0.99] * 3
    assert "separated from" in apart_of(*shares, 0.99) and "from" not in apart_of(*shares, 0.7)


def apart_of(*shares):
    return sentences.remark(metrics(len(shares), apart_0_1=shares), NAMES, HOLD).sentence


def test_classes_that_were_separated_before_are_not_mentioned_again():
    assert "from" not in said(apart_0_1=(0.99, 0.99), apart_1_2=(0.5, 0.6)).sentence


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"apart_1_2": (0.9, 0.7)}, "dog and fish have drifted back together"),
        (
            dict.fromkeys(PAIRS, (1, 1)) | {"accuracy_of_0": (0.3, 0.9)},
            "Accuracy on cat has improved",
        ),
        (dict.fromkeys(PAIRS, (1, 1)) | {"accuracy": (0.3, 0.4)}, "Accuracy has improved"),
        (dict.fromkeys(PAIRS, (1, 1)) | {"accuracy": (0.4, 0.3)}, "Accuracy has dropped"),
        (dict.fromkeys(PAIRS, (1, 1)), "accuracy is lowest on cat"),
    ],
)
def test_if_no_classes_separated_the_next_best_remark_is_made(changed, words):
    assert words in said(**changed).sentence


def test_a_class_whose_accuracy_fluctuates_has_not_improved():
    fluctuating = of_cat(0.34, 0.64, 0.26, 0.43, 0.21, 0.33, 0.64, 0.26, 0.54)
    assert fluctuating == "Accuracy on cat keeps going up and down"
    assert "Accuracy on cat has improved" in of_cat(
        0.3, 0.34, 0.26, 0.33, 0.31, 0.64, 0.6, 0.7, 0.66
    )
    assert "improved" not in of_cat(0.3, 0.3, 0.3, 0.3, 0.3, 0.9, 0.9, 0.9, 0.3)


def test_a_gain_within_fluctuations_or_of_one_snapshot_is_not_a_gain():
    assert "up and down" in of_cat(0.3, 0.26, 0.43, 0.21, 0.33, 0.64, 0.28, 0.3, 0.6)
    assert "improved" not in of_cat(*[0.3] * 8, 0.45)


def test_classes_that_were_never_separated_are_not_said_to_drift_back():
    assert "back" not in said(apart_1_2=(0.75, 0.6)).sentence


def test_classes_that_stay_mixed_are_mentioned_in_every_other_phase():
    learning = np.linspace(0.1, 0.9, 6 * HOLD + 1)
    found = [of_cat(*learning[: phase * HOLD + 1], apart=0.7) for phase in range(1, 7)]
    mixed, better = "Still hard to separate: cat and dog", "Accuracy on cat has improved"
    assert found == [mixed, better] * 3


def test_a_training_accuracy_far_above_the_test_accuracy_is_mentioned():
    remark = sentences.remark(
        {"accuracy": np.full(5, 0.8), "train_accuracy": np.full(5, 0.996)}, NAMES, HOLD
    )
    assert remark.sentence == "The network does better on training images than on new ones"


def test_without_a_projection_the_figure_asks_for_one():
    with pytest.raises(UserError, match="set `projection` for the run"):
        scene().draw(replace(frame_data(), layout=None))


def test_without_a_training_sample_all_test_images_and_one_line_are_shown():
    now = frame_data(train=0)
    now.history.pop("train_accuracy")
    few, whole = scene().draw(now), scene().draw(frame_data())
    assert (few[196:500, 1400:] != 255).any(-1).sum() > 120 * 60
    assert (few[760:790, 1640:] == palette.PAPER).all()
    assert (whole[760:790, 1640:] != palette.PAPER).any()


def test_class_colours_differ_and_are_dark_enough_for_white_letters():
    shades = colours.of_classes(100)
    assert len(np.unique(shades, axis=0)) == 100
    linear = np.where(shades <= 10, shades / 3294.6, ((shades / 255 + 0.055) / 1.055) ** 2.4)
    contrast = 1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05)
    assert contrast[:10].min() > 4.5 and contrast.min() > 2
    tints = colours.tints(shades)
    assert (np.diff(grey(tints), axis=1) >= -1).all() and (tints[:, 255] != palette.PAPER).any(
        1
    ).all()
