"""The panels of the library: any columns and metrics, without and with gaps, at any size."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from tools import grey, refusal

from epochreel.artifacts.evaluations import named
from epochreel.drawing import palette
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.grid import whole_frame
from epochreel.drawing.panels import arrangement, columns
from epochreel.drawing.panels.bars import MetricBars, families
from epochreel.drawing.panels.comparison import Comparison
from epochreel.drawing.panels.confusion_matrix import ConfusionMatrix
from epochreel.drawing.panels.curve import Curve
from epochreel.drawing.panels.heat_map import HeatMap
from epochreel.drawing.panels.histogram import HistogramOverTime
from epochreel.drawing.panels.image_grid import ImageGrid
from epochreel.drawing.panels.layout import round_end, shortened, tiling
from epochreel.drawing.panels.scatter import Scatter
from epochreel.drawing.panels.table import MetricTable
from epochreel.drawing.panels.text_lines import TextLines, wrong_places
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiment_api.declared_metrics import Metrics
from epochreel.experiment_api.interface import Metric

NAMES = ["cat", "dog", "fish"]
TRUTH = [0, 1, 2, 0, 1, 2]
IMAGES = [{"image": np.full((8, 12), 40 * n, np.uint8), "label": t} for n, t in enumerate(TRUTH)]


def frame(table, snapshot=0, layout=None, training=None, **metrics):
    """Return the data of a frame: the rows of an evaluation, and each metric so far."""
    steps = np.arange(snapshot + 1)
    history = {"snapshot": steps, "step": steps, "epoch": steps * 1.0, "examples": 40 * steps}
    history |= {name: np.asarray(values, float) for name, values in metrics.items()}
    return FrameData(
        snapshot,
        float(snapshot),
        40 * snapshot,
        pa.table(table),
        history,
        layout,
        step=snapshot,
        training=training,
    )


def info(table=None, test=IMAGES, metrics=(), size=(960, 540), declared=None, **about):
    """Return what all frames share; `metrics` are the names that evaluate returns."""
    untrained = frame(table or {}, **{name: [np.nan] for name in metrics})
    found = Metrics(declared or {})
    axis = TimeAxis(end=4)
    return RunInfo("A title", size, {}, {}, {}, axis, 40, test, found, untrained=untrained, **about)


def drawn(panel, frame_data, size=(960, 540), units=1080.0, colours=palette.LIGHT):
    """Return the pixels of one panel on a canvas of its own."""
    canvas = Canvas(*size, colours, units)
    panel.draw_static(canvas)
    panel.draw(canvas, frame_data)
    return canvas.pixels


def count(pixels, colour):
    return int((pixels == colour).all(-1).sum())


def classes(predictions, truth=TRUTH):
    return {
        "label": named(np.array(truth), NAMES),
        "prediction": named(np.array(predictions), NAMES),
    }


RIGHT, WRONG = palette.LIGHT.right, palette.LIGHT.wrong

# -- Columns


def test_columns_are_guessed_by_name_and_type():
    run = info({"x": [0.5] * 6, "prediction": [1] * 6})
    assert columns.find(run, "truth", None, columns.TRUTH, columns.is_class) == "label"
    assert columns.find(run, "image", None, columns.IMAGE, columns.is_image) == "image"
    assert columns.guess(run, "image", None, columns.IMAGE, columns.is_text) is None


def test_a_column_that_does_not_exist_is_refused_with_those_that_do():
    run = info(classes(TRUTH))
    words = "there is no column 'labell' for 'truth'; expected one of label, prediction, image"
    assert refusal(ConfusionMatrix, run, truth="labell") == words
    assert "no obvious column for 'image': name it" in refusal(ImageGrid, info(classes(TRUTH), []))


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([3, 1, 2], ["1", "2", "3"]),
        ([3.0, 1.0, np.nan], ["1", "3"]),
        (["b", "a", None], ["a", "b"]),
        ([True, False, True], ["no", "yes"]),
        ([[2, 1], [1, 3], [3, 3]], ["1", "2", "3"]),
        (named(np.array([2, 0, 0]), NAMES), NAMES),
    ],
)
def test_classes_of_any_type_are_named_and_numbered(values, texts):
    table = {"truth": values, "prediction": values}
    run = info(table, [{"v": 0.0}] * 3)
    answers = columns.Answers(run, "truth", "prediction")
    assert answers.names == texts
    found = answers.truths(frame(table))
    assert set(found) <= {-1, *range(len(texts))}
    assert np.array_equal(found, answers.predictions(frame(table)))


def test_fractions_are_not_classes():
    table = {"truth": [0.5, 1.0], "prediction": [1, 1]}
    run = info(table, [{}] * 2)
    assert "holds fractions" in refusal(columns.Answers, run, "truth", "prediction")


def test_a_class_that_appears_later_is_none_of_the_classes():
    run = info({"label": [0, 1], "prediction": [0, 1]}, [{}] * 2)
    later = frame({"label": [0, 1], "prediction": [7, 1]})
    assert columns.Answers(run, None, None).predictions(later).tolist() == [-1, 1]


def test_rows_of_a_training_sample_are_not_test_examples():
    table = classes([*TRUTH, 0, 0], [*TRUTH, 1, 1])
    run = info(table, rows_per_example=1)
    assert len(columns.Answers(run, "label", None).truths(frame(table))) == 6


def test_an_answer_in_several_rows_is_written_as_one():
    table = {"truth": [6, 4, 3, 1], "prediction": [6, 4, 8, 1]}
    run = info(table, [{}] * 2, rows_per_example=2)
    assert columns.joined(columns.answer(run, frame(table), "prediction", 1)) == "81"
    assert columns.joined(["dog", "cat"]) == "dog cat"


# -- Test examples


def test_images_say_what_is_right_and_what_is_wrong():
    run = info(classes(TRUTH))
    right, wrong = (drawn(ImageGrid(run), frame(classes(p))) for p in (TRUTH, [1] * 6))
    assert count(right, WRONG) == 0 and count(wrong, WRONG) > 1000


def test_images_show_the_examples_of_the_run():
    chosen = drawn(ImageGrid(replace(info(classes(TRUTH)), examples=(5,))), frame(classes(TRUTH)))
    assert count(chosen, (200, 200, 200)) > 10_000  # the last image alone, enlarged
    assert count(chosen, (40, 40, 40)) == 0


@pytest.mark.parametrize(
    ("count", "best"), [(1, (1, 1)), (2, (2, 1)), (4, (2, 2)), (6, (3, 2)), (None, (3, 2))]
)
def test_tiles_fill_an_area(count, best):
    columns, rows, wide = tiling((518.0, 338.0), 1.0, 0.0, 150.0, count)
    assert (columns, rows) == best and wide * columns <= 518 and wide * rows <= 338


def test_a_comparison_draws_label_maps_in_the_shape_of_the_photo():
    photo = {"image": np.zeros((4, 6, 3), np.uint8)}
    table = {"prediction": [[0, 1] * 12], "truth": [[1] * 24]}
    run = info(table, [photo])
    pixels = drawn(Comparison(run), frame(table))
    first = palette.LIGHT.classes[0]
    share = count(pixels, first) / count(pixels, (0, 0, 0))  # of the photo
    assert share == pytest.approx(1.5, abs=0.05)


def test_a_comparison_takes_titles_and_any_columns():
    run = info({"mask": [[0.5] * 96] * 6})
    panel = Comparison(run, columns={"What it sees": "image", "where": "mask"})
    assert panel._names == {"What it sees": "image", "Where": "mask"}
    assert "no column 'masks'" in refusal(Comparison, run, columns=["image", "masks"])


@pytest.mark.parametrize(
    ("said", "truth", "wrong"),
    [
        ("cat", "cat", set()),
        ("cut", "cat", {1}),
        ("chat", "cat", {1}),
        ("at", "cat", {-1}),
        ("", "cat", {-1}),
        ("", "", set()),
        ("xyz", "cat!", {0, 1, 2}),
    ],
)
def test_wrong_characters_are_found_after_alignment(said, truth, wrong):
    assert wrong_places(said, truth) == wrong


def test_texts_are_wrapped_and_mark_mistakes():
    truth = ["a long line of text that does not fit into one line", "short"] * 3
    table = {"truth": truth, "prediction": [text.replace("o", "0") for text in truth]}
    run = info(table)
    pixels = drawn(TextLines(run, image="image"), frame(table), (480, 540))
    assert count(pixels, palette.LIGHT.wrong_tint) > 500
    right = drawn(TextLines(run), frame({**table, "prediction": truth}), (480, 540))
    assert count(right, palette.LIGHT.wrong_tint) == 0


def test_a_class_ends_a_text():
    letters = named(np.array([[0, 1, 2, 2]] * 6), ["A", "B", "end"])
    table = {"letters": letters, "prediction": letters}
    panel = TextLines(info(table), end="end")
    assert panel._tokens(frame(table), "letters", 0) == ["A", "B"]


def test_points_have_the_colour_of_their_predicted_class():
    table = classes([1] * 6) | {"x": np.arange(6.0), "y": [0.0, 1, 2, 3, 4, np.nan]}
    pixels = drawn(Scatter(info(table)), frame(table))
    assert count(pixels, palette.LIGHT.classes[1]) > 100
    assert count(pixels, palette.LIGHT.classes[0]) < count(pixels, palette.LIGHT.classes[1])


def test_points_of_a_projection_come_before_those_of_columns():
    table, layout = classes(TRUTH), np.zeros((6, 2), np.float32)
    run = info(table)
    drawn(Scatter(run), frame(table, layout=layout))
    assert "add a projection" in refusal(drawn, Scatter(run), frame(table))


def test_ten_thousand_points_are_drawn_quickly_and_inside():
    n, layout = 10_000, np.random.default_rng(0).normal(size=(10_000, 2)).astype(np.float32) * 9
    table = {"label": np.zeros(n, int), "prediction": np.arange(n) % 1000}
    run = info(table, [{}] * n)
    assert drawn(Scatter(run), frame(table, layout=layout)).shape == (540, 960, 3)


# -- Classes and metrics


def test_row_0_of_a_confusion_matrix_is_on_top():
    run = info(classes([0, 0, 0, 0, 0, 0]))
    pixels = drawn(ConfusionMatrix(run), frame(classes([0, 2, 2, 0, 2, 2])), (540, 540))
    blue = np.argwhere((pixels == RIGHT).all(-1))
    rows = np.sort(np.unique(blue[:, 0]))
    assert rows.min() < 250 and rows.max() > 350  # cat above, fish below, dog is never right
    assert count(pixels, WRONG) > 1000


def test_shares_of_a_confusion_matrix_are_of_the_true_class():
    panel = ConfusionMatrix(info(classes(TRUTH)))
    shares = panel._shares(frame(classes([0, 0, 0, 1, 1, 2])))
    assert shares.tolist() == [[0.5, 0.5, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]]


@pytest.mark.parametrize("number", [1, 2, 30, 1000])
@pytest.mark.parametrize("kind", [ConfusionMatrix, MetricBars, Scatter, ImageGrid])
def test_panels_of_classes_take_any_number_of_classes(kind, number):
    names = [f"a rather long name of the class with the number {n}" for n in range(number)]
    column = named(np.arange(6) % number, names)
    table = {"label": column, "prediction": column, "x": np.arange(6.0), "y": np.zeros(6)}
    for size in ((960, 540), (300, 700), (150, 150)):
        assert drawn(kind(info(table)), frame(table), size).any()


def test_bars_show_a_family_with_the_names_of_its_classes():
    metrics = [f"accuracy_of_{n}" for n in range(3)]
    declared = {"accuracy_of_*": Metric("Class {}", group="By class", unit="%")}
    run = info(classes(TRUTH), metrics=["loss", *metrics], declared=declared)
    panel = MetricBars(run)
    assert (panel._labels, panel._title) == (NAMES, "By class")
    halves, full = (
        drawn(panel, frame(classes(TRUTH), **{name: [value] for name in metrics}))
        for value in (0.5, 1.0)
    )
    assert count(full, RIGHT) / count(halves, RIGHT) == pytest.approx(2, abs=0.05)


def test_bars_show_means_of_a_column_by_class():
    table = classes(TRUTH) | {"size": [1.0, 2, 3, 3, 2, np.nan]}
    panel = MetricBars(info(table), column="size", by="label")
    assert panel._values(frame(table)).tolist() == [2, 2, 3]
    shares = MetricBars(info(classes(TRUTH)))._values(frame(classes([0, 1, 0, 1, 1, 0])))
    assert shares.tolist() == [0.5, 1, 0]


def test_families_are_declared_or_agree_up_to_of():
    declared = {"letter_*": Metric("Letter {}")}
    names = ["loss", "letter_1", "letter_2", "recall_of_a", "recall_of_b", "time_of_day"]
    found = families(info(metrics=names, declared=declared))
    assert found == {"letter_*": names[1:3], "recall_of_*": names[3:5]}


def test_a_table_shows_the_start_the_present_and_the_best():
    run = info(metrics=["accuracy", "loss"])
    undefined = frame({"v": [1]}, 2, accuracy=[np.nan] * 3, loss=[np.nan, 2.0, 3.0])
    for size in ((960, 540), (400, 300), (200, 100)):
        assert drawn(MetricTable(run), undefined, size).any()
    assert refusal(MetricTable, run, "los").startswith("there is no metric 'los'; expected one of")


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize(
    "values", [[np.nan] * 3, [0, 0, 0], [-3, -1, -2], [-1, 2, 1e9], [1e-9] * 3]
)
def test_curves_take_any_values(scale, values):
    run = info(metrics=["a"])
    assert drawn(Curve(run, "a", scale=scale), frame({}, 2, a=values)).any()


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)])
def test_lines_of_a_curve_differ_without_colour(pair):
    names = ["a", "b", "c", "d"]
    panel = Curve(info(metrics=names), names)
    canvases = [Canvas(300, 100) for _ in pair]
    for canvas, number in zip(canvases, pair, strict=True):
        panel.draw_line(canvas, [np.array([(10.0, 50.0), (200.0, 50.0)])], number)
    first, second = (grey(canvas.pixels) for canvas in canvases)
    assert np.abs(first - second).max() > 100


@pytest.mark.parametrize(
    ("values", "end"), [([0.1, 2.3], 3), ([95.0], 100), ([100.0], 100), ([np.nan], 0), ([-1], 0)]
)
def test_an_axis_of_values_ends_at_a_round_number(values, end):
    assert round_end(np.array(values)) == end


def test_titles_say_unit_and_direction():
    declared = {"loss": Metric("Loss", direction="lower", unit="nats"), "f1": Metric("F1")}
    run = info(metrics=["loss", "f1", "val_loss"], declared=declared)
    assert Curve(run, "loss")._title == "Loss (nats, lower is better)"
    assert Curve(run, ["f1"])._title == "F1"
    assert Curve(run, ["val_loss"])._title == "Val loss (lower is better)"


# -- Numbers


def layers(weights):
    """Return a training table with the histograms of one layer per snapshot."""
    rows = []
    for low, high in weights:
        part = {"name": "hidden.weight", "weight_minimum": low, "weight_maximum": high}
        part |= {"weight_counts": None if low is None else [1, 2, 1], "gradient_counts": None}
        rows.append([part | {"gradient_minimum": None, "gradient_maximum": None}])
    kind = pa.list_(
        pa.struct(
            [("name", pa.string())]
            + [
                (f"{kind}_{part}", dtype)
                for kind in ("weight", "gradient")
                for part, dtype in (
                    ("minimum", pa.float64()),
                    ("maximum", pa.float64()),
                    ("counts", pa.list_(pa.int64())),
                )
            ]
        )
    )
    return pa.table({"layers": pa.array(rows, kind)})


@pytest.mark.parametrize("of", ["weights", "gradients"])
def test_a_histogram_shows_values_up_over_time(of):
    table = layers([(-1.0, 1.0), (1.0, 1.9), (None, None), (0.5, 0.5)])
    panel = HistogramOverTime(info(), of=of)
    pixels = drawn(panel, frame({}, 3, training=table))
    middle = pixels[:, 300:480]  # snapshot 1, of which all weights are above 0
    blue = np.argwhere((np.abs(middle - np.array(RIGHT, int)) < 9).all(-1))
    assert len(blue) == 0 if of == "gradients" else blue[:, 0].max() < 280


def test_a_layer_that_does_not_exist_is_refused_with_those_that_do():
    panel = HistogramOverTime(info(), layer="hiden.weight")
    words = refusal(drawn, panel, frame({}, 0, training=layers([(-1.0, 1.0)])))
    assert words.endswith("expected one of hidden.weight")


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        ([[0.1, 0.9]] * 6, None),
        ([[[1.0, -2.0], [3.0, np.nan]]] * 6, None),
        ([[1, 2, 3, 4]] * 6, (2, 2)),
        ([0.5] * 6, None),
    ],
)
def test_a_heat_map_shows_lists_and_matrices(values, shape):
    table = {"numbers": pa.array(values)}
    panel = HeatMap(info(table), column="numbers", shape=shape)
    assert count(drawn(panel, frame(table)), palette.LIGHT.paper) < 0.9 * 960 * 540


def test_a_heat_map_refuses_a_shape_that_does_not_fit():
    run = info({"numbers": [[1, 2, 3]] * 6})
    assert "rows × columns = 3" in refusal(HeatMap, run, column="numbers", shape=(2, 2))


def test_a_label_is_cut_to_its_room():
    canvas = Canvas(480, 270)
    text = shortened(canvas, "a" * 500, 27, 100)
    assert text.endswith("…") and canvas.measure(text, 27) <= 100
    assert shortened(canvas, "abc", 27, 100) == "abc" and shortened(canvas, "abc", 27, 1) == ""


# -- The default film


CASES = {
    "loss only": ({}, ["loss"]),
    "two metrics": ({}, ["accuracy", "loss"]),
    "ten metrics": ({}, ["accuracy", *(f"metric_{n}" for n in range(9))]),
    "a family": ({}, ["accuracy", "loss", "accuracy_of_a", "accuracy_of_b"]),
    "images and classes": (classes(TRUTH), ["accuracy", "loss"]),
    "points": (classes(TRUTH) | {"x": np.arange(6.0), "y": np.arange(6.0)}, ["accuracy"]),
    "texts": ({"truth": ["a b"] * 6, "prediction": ["a c"] * 6}, ["accuracy"]),
    "nothing but classes": (classes(TRUTH), []),
}


@pytest.mark.parametrize("theme", palette.THEMES)
@pytest.mark.parametrize("size", [(640, 360), (540, 540), (360, 640)])
@pytest.mark.parametrize("case", CASES)
def test_a_default_film_is_drawn_in_all_themes_and_formats(case, size, theme):
    table, metrics = CASES[case]
    test = [] if "label" not in table and "truth" not in table else IMAGES
    run = replace(info(table, test, metrics, size), theme=palette.THEMES[theme])
    scene = Scene(size, whole_frame(run, arrangement.panels(run)), run.theme)
    first, later = (
        scene.draw(frame(table, n, **{name: np.linspace(0.2, 0.8, n + 1) for name in metrics}))
        for n in (0, 3)
    )
    assert first.shape == (size[1], size[0], 3)
    assert not np.array_equal(first, later)


def kinds(content):
    """Return the class names of all panels of a nested list."""
    content = getattr(content, "content", content)
    if isinstance(content, list):
        return [name for part in content for name in kinds(part)]
    return [type(content).__name__]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("loss only", ["Curve"]),
        ("two metrics", ["Curve", "Curve"]),
        ("ten metrics", ["Curve", "MetricTable"]),
        ("images and classes", ["ImageGrid", "Curve", "Curve", "ConfusionMatrix"]),
        ("points", ["Scatter", "Curve", "ConfusionMatrix"]),
        ("texts", ["TextLines", "Curve"]),
    ],
)
def test_a_default_film_shows_what_the_evaluation_contains(case, expected):
    table, metrics = CASES[case]
    test = [{"label": t} for t in TRUTH] if case == "points" else IMAGES if table else []
    assert kinds(arrangement.panels(info(table, test, metrics))) == expected


def test_an_evaluation_without_anything_to_show_is_refused():
    assert "write a figure.py" in refusal(arrangement.panels, info(test=[]))


# -- Panels of the config


def test_panels_of_the_config_are_built_in_their_cells():
    listed = [
        {"panel": "images", "size": 2},
        [
            {"panel": "curve", "metrics": "loss", "essential": False},
            {"panels": [{"panel": "bars"}]},
        ],
    ]
    run = replace(info(classes(TRUTH), metrics=["loss"]), panels=listed)
    first, second = arrangement.panels(run)
    assert (first.size, kinds(first)) == (2, ["ImageGrid"])
    assert not second[0].essential and kinds(second) == ["Curve", "MetricBars"]


@pytest.mark.parametrize(
    ("panel", "words"),
    [
        ({"panel": "images", "truth": "lable"}, "0: there is no column 'lable' for 'truth'; "),
        ({"panel": "curve", "metrics": "los"}, "0: there is no metric 'los'; expected one of loss"),
        ({"panel": "curve", "metrics": "m*"}, "0: 5 metrics match 'm*'; expected at most 4"),
        ({"panels": [[{"panel": "text"}]]}, "0.panels.0.0: there is no obvious column for 'truth'"),
    ],
)
def test_a_panel_that_cannot_be_built_is_refused_with_its_key(panel, words):
    names = ["loss", *(f"m{n}" for n in range(5))]
    run = replace(info(classes(TRUTH), metrics=names), panels=[panel])
    assert refusal(arrangement.panels, run).startswith(f"config: figure.panels.{words}")
