"""The frames and sentences of the film of activations."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from epochreel.activations import clouds, colours, figure, labels, sentences, thumbnails
from epochreel.drawing import palette
from epochreel.drawing.scene import Moment, Scene, Story
from epochreel.errors import UserError

FULL = (1920, 1080)
TEST, TRAIN, HOLD = 120, 40, 4
SETTINGS = {"sentence_snapshots": HOLD, "thumbnail": 54.0}
NAMES = ("cat", "dog", "fish")
AREA = (0.0, 0.0, 800.0, 600.0)


def grey(pixels):
    return pixels @ np.array([0.299, 0.587, 0.114])


def data(kinds=3):
    return {
        "source": "folder",
        "classes": [*NAMES, *(f"kind {i}" for i in range(3, kinds))][:kinds],
    }


def story(size=FULL, kinds=3, shape=(28, 28)):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (TEST, *shape), dtype=np.uint8)
    test = [{"image": image, "label": i % kinds} for i, image in enumerate(images)]
    return Story("Learning", size, data(kinds), {}, SETTINGS, 10, 100, test)


def moment(skill=0.5, snapshot=5, kinds=3, train=TRAIN):
    """More of the invented predictions are right, and clouds more apart, the larger `skill`."""
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
    return Moment(snapshot, snapshot, 0, pa.table(table), history, layout)


def metrics(count, skill=0.5, **named):
    shares = ("accuracy", "train_accuracy", "accuracy_of_0", "apart_0_1", "apart_0_2", "apart_1_2")
    level = {name: np.full(count, float(skill)) for name in shares}
    return level | {name: np.asarray(values, float) for name, values in named.items()}


def scene(*arguments, **options):
    film = story(*arguments, **options)
    return Scene(film.size, figure.panels(film))


def said(**named):
    """The sentence of the second phase, where metrics change once, at its beginning."""
    changed = {name: [before] * HOLD + [now] for name, (before, now) in named.items()}
    return sentences.remark(metrics(HOLD + 1, **changed), NAMES, HOLD)


def test_a_frame_is_the_same_alone_or_after_others():
    moments = [moment(skill, k) for k, skill in enumerate((0, 0.3, 0.6, 1))]
    together = scene()
    frames = [together.draw(each) for each in moments]
    alone = [scene().draw(each) for each in reversed(moments)]
    assert all(np.array_equal(one, other) for one, other in zip(frames, alone[::-1], strict=True))
    assert not np.array_equal(frames[1], frames[2])


@pytest.mark.parametrize("size", [(2, 2), (64, 36), (640, 360), (500, 1000), (1922, 1080)])
@pytest.mark.parametrize(("kinds", "shape"), [(2, (8, 8)), (3, (64, 64, 3)), (40, (28, 28))])
def test_every_size_and_number_of_classes_can_be_drawn(size, kinds, shape):
    frame = scene(size, kinds, shape).draw(moment(kinds=kinds))
    assert frame.shape == (size[1], size[0], 3) and frame.dtype == np.uint8


def test_between_snapshots_only_the_points_move():
    now, film = moment(), scene()
    moved = replace(now, layout=now.layout * np.float32(0.9))
    changed = (film.draw(now) != film.draw(moved)).any(-1)
    assert changed[196:, :1344].any() and changed[196:500, 1400:].any()
    assert not changed[:190].any() and not changed[510:, 1360:].any()


def test_all_that_is_seen_follows_from_the_moment_and_not_from_its_number():
    now = moment()
    assert np.array_equal(scene().draw(now), scene().draw(replace(now, snapshot=6)))


def test_a_wrong_picture_differs_from_a_right_one_without_colour():
    pictures = thumbnails.Thumbnails(story().test, NAMES, 54)
    pictures.settle(scene()._canvas)
    plain = np.full((2, 54, 54, 3), 200, np.uint8)
    pictures._mark(plain, -1, np.array([1, 1]), np.array([False, True]))
    right, wrong = grey(plain)
    assert (wrong[:, :2] < 50).all() and (right[:, 1:2] > 190)[2:-2].all()
    name = wrong[-14:-3, 5:-5]
    assert name.max() - name.min() > 100 and right[-14:-3, 5:-5].std() == 0


def test_a_wrong_dot_differs_from_a_right_one_without_colour():
    dots = thumbnails.dots(scene()._canvas, colours.of_classes(3))
    edges = [grey(dot.pixels)[0].mean() for dot in dots]
    assert min(edges[:3]) > 240 and max(edges[3:]) < 50


def test_of_each_class_as_many_pictures_come_early():
    truth = np.array([0] * 50 + [1] * 5 + [2] * 20)
    order = thumbnails.ranked(truth, 12)
    assert truth[order].tolist() == [0, 1, 2] * 4 and len(set(order)) == 12


def test_full_grown_pictures_do_not_overlap():
    places = np.random.default_rng(0).uniform(0, 500, (300, 2))
    sides = thumbnails.sides(places, 50)
    full = places[sides == 50]
    distance = np.abs(full[:, None] - full).max(-1) + 50 * np.eye(len(full))
    assert len(full) > 20 and distance.min() >= 50 - 1e-3
    assert sides[0] == 50 and (sides >= 0).all()


def test_pictures_grow_and_shrink_little_by_little():
    draw = np.random.default_rng(0)
    before, after = draw.uniform(0, 300, (2, 150, 2))
    ways = [
        thumbnails.sides(before + share * (after - before), 50) for share in np.linspace(0, 1, 9)
    ]
    steps = [thumbnails.sides(before + share * (after - before), 50) for share in (0.5, 0.5 + 1e-6)]
    assert np.abs(np.diff(ways, axis=0)).max() > 20
    assert np.abs(np.diff(steps, axis=0)).max() < 1


def test_every_image_is_a_picture_or_a_dot():
    now = moment(1)
    now.layout[:] = np.random.default_rng(0).normal(0, 0.05, now.layout.shape)
    seen = scene().draw(now)[196:, :1344].reshape(-1, 3)
    for colour in colours.of_classes(3):
        assert (seen == colour).all(1).sum() > 100


def test_all_points_are_within_their_place_in_the_order_in_which_they_lie():
    x = np.array([-9, -2, -1.5, -1, 0, 0.5, 1.3, 1.4, 3, 100.0])
    place = clouds.within(np.column_stack((x, -x)), (10, 20, 300, 200))
    assert (np.diff(place[:, 0]) >= 0).all() and (np.diff(place[:, 1]) <= 0).all()
    assert place.min(0).tolist() == pytest.approx([10, 20], abs=0.1)
    assert place.max(0).tolist() == pytest.approx([310, 220], abs=0.1)
    assert place[4].tolist() == [160, 120]


def test_names_do_not_overlap_even_where_clouds_do():
    sizes = np.random.default_rng(0).uniform((40, 30), (160, 40), (10, 2))
    at = labels.apart(np.tile((400.0, 300.0), (10, 1)), sizes, AREA)
    over = (sizes[:, None] + sizes) / 2 - np.abs(at[:, None] - at)
    assert not (over > 0).all(-1)[~np.eye(10, dtype=bool)].any()
    assert (at - sizes / 2 >= 0).all() and (at + sizes / 2 <= AREA[2:]).all()


def test_names_of_clouds_that_lie_apart_are_at_their_centres():
    draw = np.random.default_rng(0)
    cloud = draw.normal((300, 200), 20, (60, 2))
    stray = draw.uniform(0, 800, (10, 2))
    assert np.abs(labels.centre(np.concatenate((cloud, stray))) - (300, 200)).max() < 10
    sizes, centres = np.full((2, 2), 40.0), np.array([[100.0, 100.0], [300.0, 100.0]])
    assert np.abs(labels.apart(centres, sizes, AREA) - centres).max() < 0.01


def test_the_first_sentence_says_what_will_change():
    first = [sentences.remark(metrics(1, skill), NAMES, HOLD).sentence for skill in (0.6, 0.95)]
    assert "gather" in first[0] and "watch the colours" in first[1]


def test_the_sentence_names_the_class_that_came_apart_most():
    remark = said(apart_0_1=(0.6, 0.97), apart_1_2=(0.6, 0.96), apart_0_2=(0.95, 0.96))
    assert remark.sentence == "The cloud of dog has left those of cat and fish"
    assert remark.classes == (1, 0, 2)
    assert "is leaving that of" in said(apart_0_1=(0.6, 0.85)).sentence


def test_what_lay_apart_before_is_not_told_again():
    assert "cloud of" not in said(apart_0_1=(0.99, 0.99), apart_1_2=(0.5, 0.6)).sentence


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"apart_1_2": (0.9, 0.7)}, "dog and fish have drifted together"),
        ({"accuracy_of_0": (0.3, 0.9)}, "got better at cat"),
        ({}, "Still mixed up: cat and dog"),
        (
            dict.fromkeys(("apart_0_1", "apart_0_2", "apart_1_2"), (1, 1)),
            "hardest to tell is cat",
        ),
    ],
)
def test_where_no_classes_came_apart_the_next_best_is_said(changed, words):
    assert words in said(**changed).sentence


def test_a_training_set_known_by_heart_is_told():
    remark = sentences.remark(
        {"accuracy": np.full(5, 0.8), "train_accuracy": np.full(5, 0.996)}, NAMES, HOLD
    )
    assert remark.sentence == "It knows the images that it learns from better than new ones"


def test_a_sentence_is_held_for_its_phase_and_follows_from_the_past():
    draw = np.random.default_rng(0)
    rows = [
        {name: float(draw.uniform(0.5, 1)) for name in metrics(1)} | {"epoch": k, "examples": 0}
        for k in range(18)
    ]
    whole = figure.sentences(rows, data(), SETTINGS)
    assert all(len(set(whole[k : k + HOLD])) == 1 for k in range(0, 18, HOLD))
    assert len(set(whole)) > 3
    for k in (1, 7, 13):
        assert figure.sentences(rows[:k], data(), SETTINGS) == whole[:k]


def test_without_a_projection_the_figure_says_what_it_lacks():
    with pytest.raises(UserError, match="give the run a projection"):
        scene().draw(replace(moment(), layout=None))


def test_without_a_training_sample_all_test_images_are_shown_and_one_line():
    now = moment(train=0)
    now.history.pop("train_accuracy")
    few, whole = scene().draw(now), scene().draw(moment())
    assert (few[196:500, 1400:] != 255).any(-1).sum() > 120 * 60
    assert (few[760:790, 1600:] == palette.PAPER).all()
    assert (whole[760:790, 1600:] != palette.PAPER).any()


def test_colours_of_classes_differ_and_carry_white_letters():
    shades = colours.of_classes(100)
    assert len(np.unique(shades, axis=0)) == 100
    linear = np.where(shades <= 10, shades / 3294.6, ((shades / 255 + 0.055) / 1.055) ** 2.4)
    contrast = 1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05)
    assert contrast[:10].min() > 4.5 and contrast.min() > 2
    tints = colours.tints(shades)
    assert (np.diff(grey(tints), axis=1) >= -1).all() and (tints[:, 255] != palette.PAPER).any(
        1
    ).all()
