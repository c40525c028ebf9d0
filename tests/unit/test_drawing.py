"""The canvas, its marks, and the panels that every film shares."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from tools import grey

from epochreel.drawing import palette, strokes, text
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.panels import Curve, TitleLine, epochs, in_a_line, percent, thinned
from epochreel.drawing.time_axis import TimeAxis, next_round, ticks
from epochreel.experiment_api.interface import Metric
from epochreel.plan import schemas

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
FULL = (1920, 1080)


def ink(canvas):
    """Return the amount of black on white, in whole pixels."""
    return (255.0 - canvas.pixels[..., 0]).sum() / 255


def run_info(size=FULL, epochs=50, **metrics):
    return RunInfo("A title", size, {}, {}, {}, TimeAxis(end=epochs), 40, [], metrics)


def frame_data(shares):
    steps = np.arange(len(shares))
    times = {"step": steps, "epoch": steps * 1.0, "examples": 40 * steps}
    history = times | {"accuracy": np.array(shares)}
    last = len(shares) - 1
    return FrameData(last, float(last), 40 * last, pa.table({}), history, step=last)


@pytest.mark.parametrize("value", [0.0, 0.004, 0.1, 1 / 3, 0.5, 0.999, 1.0])
def test_the_height_of_a_bar_is_its_value(value):
    canvas = white()
    bars = canvas.bars([100], [200], 10, 100, BLACK, WHITE)
    canvas.fill_bars(bars, np.array([value]))
    assert ink(canvas) / 10 == pytest.approx(100 * value, abs=0.02)


def test_a_bar_grows_from_the_bottom_of_its_slot():
    canvas = white()
    canvas.fill_bars(canvas.bars([100], [200], 10, 100, BLACK, WHITE), np.array([0.25]))
    rows, columns = np.nonzero(canvas.pixels[..., 0] == 0)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (275, 299, 100, 109)


def test_values_outside_the_scale_stay_in_their_slots():
    canvas = white()
    bars = canvas.bars([0, 20, 40], [0, 0, 0], 10, 100, BLACK, WHITE)
    canvas.fill_bars(bars, np.array([-1.0, 2.0, np.nan]))
    assert ink(canvas) == 1000


def test_several_bars_are_drawn_like_single_ones():
    values, together = np.linspace(0, 1, 7), Canvas(*FULL)
    left = 100 + 20 * np.arange(7)
    together.fill_bars(together.bars(left, [300] * 7, 12, 40, BLACK), values)
    alone = Canvas(*FULL)
    for x, value in zip(left, values, strict=True):
        alone.fill_bars(alone.bars([x], [300], 12, 40, BLACK), np.array([value]))
    assert np.array_equal(together.pixels, alone.pixels)


def test_striped_and_solid_bars_differ_even_without_colour():
    canvas = Canvas(*FULL)
    for x, stripe in ((0, None), (100, LIGHT.slot)):
        bars = canvas.bars([x], [0], 50, 50, LIGHT.right, stripe=stripe)
        canvas.fill_bars(bars, np.ones(1))
    solid, striped = grey(canvas.pixels[:50, :50]), grey(canvas.pixels[:50, 100:150])
    assert np.ptp(solid) == 0 and np.ptp(striped) > 100


def test_stamps_are_copied_exactly_to_their_positions():
    canvas = Canvas(*FULL)
    tiles = [canvas.tile(6, 8, WHITE) for _ in range(4)]
    for seed, tile in enumerate(tiles):
        tile.pixels[:] = np.random.default_rng(seed).integers(0, 255, (8, 6, 3))
    stamps = canvas.stamps([103, 503], [204, 604], tiles)
    canvas.put_stamps(stamps, np.array([2, 1]))
    assert np.array_equal(canvas.pixels[200:208, 100:106], tiles[2].pixels)
    assert np.array_equal(canvas.pixels[600:608, 500:506], tiles[1].pixels)


def test_marks_larger_than_the_canvas_are_refused():
    with pytest.raises(ValueError, match="do not fit the canvas"):
        Canvas(20, 10).bars([0], [0], 1920, 2000, BLACK)


@pytest.mark.parametrize("end", [(300, 100), (100, 300), (260.5, 218.2)])
def test_the_area_of_a_line_is_its_length_times_its_width(end):
    canvas = white()
    canvas.line(np.array([(100, 100), end]), BLACK, 4)
    length = np.hypot(end[0] - 100, end[1] - 100)
    assert ink(canvas) == pytest.approx(4 * length + np.pi * 4, rel=0.01)


def test_a_disc_has_the_right_area():
    canvas = white()
    canvas.disc(100.4, 99.7, 20, BLACK)
    assert ink(canvas) == pytest.approx(np.pi * 400, rel=0.01)


def test_a_bent_line_covers_its_joints_once():
    points = np.array([(10, 10), (50, 30), (90, 10)], float)
    mask, _, _ = strokes.polyline(points, 3)
    halves = [strokes.polyline(points[i : i + 2], 3)[0].sum(dtype=int) for i in (0, 1)]
    assert mask.sum(dtype=int) < sum(halves)


def test_drawing_beyond_the_canvas_is_clipped():
    inside, beyond = Canvas(*FULL), Canvas(*FULL)
    inside.rule(0, 50, 40, 50, BLACK)
    beyond.rule(-500, 50, 40, 50, BLACK)
    beyond.line(np.array([(-90, -90), (-10, -10)]), BLACK)
    beyond.text(5000, 20, "away", 30)
    assert (inside.pixels != LIGHT.paper).any()
    assert np.array_equal(inside.pixels, beyond.pixels)


def test_rules_meet_at_corners():
    canvas = white(640, 360)
    canvas.rule(100, 100, 200, 100, BLACK, 6)
    canvas.rule(200, 100, 200, 200, BLACK, 6)
    rows, columns = np.nonzero(canvas.pixels[..., 0] == 0)
    assert canvas.pixels[rows.min(), columns.max(), 0] == 0
    assert set(columns[rows > rows.min() + 1]) == {columns.max() - 1, columns.max()}


def test_a_diagonal_rule_is_refused():
    with pytest.raises(ValueError, match="`line`"):
        Canvas(*FULL).rule(0, 0, 5, 5, BLACK)


def test_a_changing_number_moves_nothing_next_to_it():
    frames = []
    for number in ("11.1 %", "98.4 %"):
        canvas = white()
        canvas.text(500, 100, number, 34, BLACK, align="right")
        frames.append(canvas.pixels)
    sign = 500 - text.width(" %") * 34
    assert np.array_equal(frames[0][:, int(sign) :], frames[1][:, int(sign) :])
    assert not np.array_equal(*frames)


def test_text_keeps_its_proportions_at_every_size():
    widths = []
    for height in (360, 1080, 2160):
        canvas = white(height * 16 // 9, height)
        canvas.text(100, 500, "Learning to read 0123", 40, BLACK)
        columns = np.flatnonzero(canvas.pixels.min((0, 2)) < 128)
        widths.append(np.ptp(columns) / canvas.scale)
    assert np.ptp(widths) < 6


def test_text_is_placed_according_to_its_alignment():
    middles = []
    for align, x in (("left", 500), ("centre", 600), ("right", 700)):
        canvas = white()
        wide = canvas.text(x, 100, "HOH", 40, BLACK, align=align)
        shift = {"left": wide / 2, "centre": 0, "right": -wide / 2}[align]
        middles.append(np.flatnonzero(canvas.pixels.min((0, 2)) < 128).mean() - x - shift)
    assert np.ptp(middles) < 0.6 and abs(middles[0]) < 1


def test_text_that_is_too_wide_is_set_smaller():
    canvas = white()
    assert canvas.text(100, 100, "a very long title indeed", 60, BLACK, fit=300) == 300
    columns = np.flatnonzero(canvas.pixels.min((0, 2)) < 255)
    assert columns.min() >= 100 and columns.max() <= 400


def test_an_unknown_weight_is_reported():
    with pytest.raises(ValueError, match="'heavy'"):
        Canvas(*FULL).text(0, 0, "a", 20, weight="heavy")


def test_an_image_fills_its_area():
    canvas = Canvas(*FULL)
    canvas.image(10, 20, 4, 6, np.full((2, 2), 90, np.uint8))
    assert (canvas.pixels[20:26, 10:14] == 90).all()
    assert (canvas.pixels != LIGHT.paper).any(-1).sum() == 24


def test_an_image_that_shrinks_is_averaged():
    canvas = Canvas(*FULL)
    canvas.image(10, 20, 1, 1, np.array([[0, 200], [100, 100]], np.uint8))
    assert canvas.pixels[20, 10].tolist() == [100, 100, 100]


def noise(*shape):
    return np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)


def test_pictures_are_copied_exactly_to_their_positions():
    canvas, pictures = Canvas(*FULL), noise(2, 5, 4, 3)
    canvas.put_pictures(canvas.picture_slots([100, 500], [200, 600], 12, 15, (5, 4)), pictures)
    assert np.array_equal(canvas.pixels[201:215:3, 101:112:3], pictures[0])
    assert np.array_equal(canvas.pixels[602:615:3, 500:512:3], pictures[1])
    assert (canvas.pixels != LIGHT.paper).any(-1).sum() <= 2 * 12 * 15


def test_pictures_in_smaller_areas_are_averaged():
    canvas, picture = Canvas(*FULL), noise(1, 6, 6, 3)
    canvas.put_pictures(canvas.picture_slots([100], [200], 2, 3, (6, 6)), picture)
    means = picture[0].reshape(3, 2, 2, 3, 3).mean((1, 3))
    assert np.abs(canvas.pixels[200:203, 100:102] - means).max() <= 1


def test_a_thinned_curve_keeps_its_ends_and_extremes():
    x = np.linspace(0, 10, 5000)
    points = np.column_stack((x, np.random.default_rng(0).normal(size=5000)))
    few = thinned(points)
    assert len(few) < 100 and np.array_equal(few[[0, -1]], points[[0, -1]])
    assert few[:, 1].min() == points[:, 1].min() and few[:, 1].max() == points[:, 1].max()


@pytest.mark.parametrize(
    ("end", "step"), [(1, 0.2), (3, 1), (50, 10), (200, 50), (7, 2), (1000, 200), (0.2, 0.05)]
)
def test_ticks_are_a_few_round_numbers(end, step):
    assert ticks(end)[1] == pytest.approx(step) and ticks(end)[-1] <= end * (1 + 1e-9)


@pytest.mark.parametrize(
    ("position", "end"),
    [(0, 1), (0.2, 1), (1.01, 2), (2, 2), (3, 5), (5, 5), (6, 10), (10.5, 20), (1001, 2000)],
)
def test_an_axis_ends_at_the_next_round_number(position, end):
    assert next_round(position) == end == TimeAxis().end_at(position)
    assert TimeAxis(end=70.5).end_at(position) == 70.5


AXES = [
    TimeAxis(unit, scale) for unit in ("epochs", "steps", "examples") for scale in ("linear", "log")
]


@pytest.mark.parametrize("axis", AXES, ids=lambda axis: f"{axis.unit} {axis.scale}")
def test_a_frame_does_not_depend_on_the_length_of_its_run(axis):
    info = RunInfo("A title", FULL, {}, {}, {}, axis, 40, [])
    shares, frames = list(np.linspace(0, 1, 30)), []
    for length in (13, 30):  # The history of a longer run is cut at the frame's snapshot.
        scene = Scene(FULL, [TitleLine(info), Curve(info, (100, 500, 700, 100), "Right")])
        for end in (length, 13):
            frame = scene.draw(frame_data(shares[:end]))
        frames.append(frame)
    assert np.array_equal(*frames)


@pytest.mark.parametrize("axis", AXES, ids=lambda axis: f"{axis.unit} {axis.scale}")
@pytest.mark.parametrize("end", [1, 2, 5, 10, 100, 2000, 10**5, 5 * 10**7, 10**12])
@pytest.mark.parametrize("width", [250, 644])
def test_labels_of_an_axis_fit_and_lie_on_it(axis, end, width):
    end = axis.end_at(end)
    labels = axis.labels(end, width, 20)
    shares = [float(axis.shares(np.float64(value), end)) for value, _ in labels]
    assert labels[0][1] == axis.first and shares[0] == 0 and shares[-1] <= 1 + 1e-9
    wide = [20 * text.width(label) for _, label in labels]
    gaps = width * np.diff(shares) - (np.array(wide[1:]) + wide[:-1]) / 2
    assert (gaps > 10).all() and len(labels) <= 7
    if axis.unit != "epochs":
        assert all(value % 1 == 0 for value, _ in labels)


@pytest.mark.parametrize(
    ("axis", "end", "labels"),
    [
        (TimeAxis("steps", "log"), 10_000, ["1", "10", "100", "1,000", "10,000"]),
        (TimeAxis("steps", "log"), 5, ["1", "2", "5"]),
        (TimeAxis("steps"), 1, ["0", "1"]),
        (TimeAxis("examples"), 2000, ["0", "500", "1,000", "1,500", "2,000"]),
        (TimeAxis("epochs", "log", 0.01), 10, ["0.01", "0.1", "1", "10"]),
    ],
)
def test_the_labels_of_an_axis_read_well(axis, end, labels):
    assert [label for _, label in axis.labels(end, 644, 20)] == labels


def test_a_logarithmic_axis_shows_the_untrained_network_at_its_start():
    axis = TimeAxis("steps", "log")
    shares = axis.shares(np.array([0, 1, 10, 100]), axis.end_at(100))
    assert shares.tolist() == pytest.approx([0, 0, 0.5, 1])
    assert axis.end_at(0) == axis.end_at(1) == 2


def test_the_title_line_counts_steps_if_the_curves_do(monkeypatch):
    drawn = []
    monkeypatch.setattr(Canvas, "text", lambda *given, **_: drawn.append(given[3]) or 0.0)
    for unit in ("epochs", "steps", "examples"):
        info = RunInfo("", FULL, {}, {}, {}, TimeAxis(unit), 40, [])
        Scene(FULL, [TitleLine(info)]).draw(frame_data([0.5] * 13))
    assert drawn.count("steps") == 1 and drawn.count("epochs") == 2
    assert drawn.count("12") == 1 and drawn.count("12.0") == 2


def test_epochs_keep_their_width():
    numbers = {0: "0.00", 0.2: "0.20", 9.994: "9.99", 9.995: "9.99", 9.996: "10.0", 99.9: "99.9"}
    assert {number: epochs(number) for number in numbers} == numbers
    assert epochs(1234.5) == "1,234.5"


@pytest.mark.parametrize("many", [10**5, 10**7])
def test_numbers_beyond_their_room_are_set_smaller(many):
    scene = Scene(FULL, [TitleLine(RunInfo("", FULL, {}, {}, {}, TimeAxis(), 1, []))])
    plain, long = (
        scene.draw(replace(frame_data([0.5]), examples=count, epoch=float(count)))
        for count in (0, many)
    )
    left = (long[40:90, :1200] != plain[40:90, :1200]).any((0, 2)).nonzero()[0].min()
    assert left > 900


def test_only_a_share_of_one_is_shown_as_100_percent():
    shares = {0.0: "0.0 %", 1e-6: "0.1 %", 0.99999: "99.9 %", 1.0: "100.0 %", 0.8725: "87.2 %"}
    assert [percent(share) for share in shares] == list(shares.values())


def test_a_frame_does_not_depend_on_earlier_frames():
    all_frame_data = [
        frame_data([0.1]),
        frame_data([0.1, 0.5, 0.3]),
        frame_data([0.1, 0.5, 0.3, 0.9]),
    ]
    panels = [TitleLine(run_info()), Curve(run_info(), (100, 500, 700, 100), "Right")]
    scene = Scene(FULL, panels)
    in_order = [scene.draw(each) for each in all_frame_data]
    alone = [Scene(FULL, panels).draw(each) for each in reversed(all_frame_data)]
    assert all(np.array_equal(a, b) for a, b in zip(in_order, reversed(alone), strict=True))


def test_the_past_of_a_curve_never_changes():
    curve = Curve(run_info(), (100, 500, 800, 100), "Right")
    early, late = (
        Scene(FULL, [curve]).draw(frame_data(shares))
        for shares in ([0.1] * 20, [0.1] * 20 + [0.9] * 20)
    )
    now = 180 + 720 * 19 / 50 - 12
    assert np.array_equal(early[:, : int(now)], late[:, : int(now)])


TWO = {"accuracy": "words", "letters": "letters"}


def test_two_lines_of_a_curve_differ_even_without_colour():
    now = frame_data([0.1] * 40)
    now.history["letters"] = np.full(40, 0.9)
    curve = Curve(run_info(), (100, 500, 800, 100), "Right", TWO)
    frame = grey(Scene(FULL, [curve]).draw(now))
    thick, thin = (255 - frame[rows, 300] for rows in (slice(580, 598), slice(503, 520)))
    assert thick.sum() > 1.5 * thin.sum() > 200
    end = round(180 + 720 * 39 / 50)
    assert frame[590, end] < 120 and frame[510, end] > 240  # a disc, a ring


def test_a_curve_ends_at_the_top_of_its_own_axis():
    now = frame_data([0.1] * 40)
    now.history["spread"] = np.full(40, 3.0)
    curve = Curve(run_info(), (100, 500, 800, 100), "Spread", "spread", {0: "0", 12: "12 px"})
    frame = grey(Scene(FULL, [curve]).draw(now))
    assert 500 + np.argmin(frame[500:598, 300]) == pytest.approx(575, abs=1)


NAN = float("nan")


def curve_of(*values):
    now = frame_data(list(values))
    return Scene(FULL, [Curve(run_info(), (100, 500, 800, 100), "Right")]).draw(now)


def test_a_curve_that_begins_later_is_the_same_from_there_on():
    late, whole = curve_of(NAN, NAN, *[0.5] * 18), curve_of(*[0.5] * 20)
    begin = round(180 + 720 * 2 / 50)
    assert np.array_equal(late[:, begin + 3 :], whole[:, begin + 3 :])
    assert np.array_equal(late[:, : begin - 3], curve_of(NAN)[:, : begin - 3])


def test_a_curve_has_gaps_and_its_points_between_two_gaps_are_dots():
    drawn = grey(curve_of(*[0.5] * 10, NAN, 0.2, NAN, *[0.5] * 7))
    dot, gap = (round(180 + 720 * k / 50) for k in (11, 12))
    assert drawn[580, dot] < 100 and drawn[552:598, gap].min() > 240


def test_a_curve_whose_metric_is_undefined_now_ends_at_its_last_value():
    assert np.array_equal(curve_of(*[0.5] * 10, NAN, NAN), curve_of(*[0.5] * 10))


def test_an_undefined_accuracy_is_a_dash_in_the_title_line(monkeypatch):
    scene, drawn = Scene(FULL, [TitleLine(run_info())]), []
    monkeypatch.setattr(Canvas, "text", lambda *given, **_: drawn.append(given[3]) or 0.0)
    scene.draw(frame_data([0.5, NAN]))
    assert drawn[-1] == percent(NAN) == "–"


def test_a_long_heading_leaves_room_for_the_line_names():
    titles = ("Right", "A heading that is much longer than a narrow curve has room for")
    now = frame_data([0.1] * 40)
    now.history["letters"] = np.full(40, 0.9)
    frames = [
        Scene(FULL, [Curve(run_info(), (100, 500, 500, 100), title, TWO)]).draw(now)
        for title in titles
    ]
    assert np.array_equal(*(frame[:, 340:] for frame in frames))


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("accuracy", ["Word accuracy"]),
        ("loss", ["Loss (lower is better)"]),
        (["accuracy", "letters"], ["letters", "word accuracy", "Accuracy"]),
        ({"accuracy": "words", "letters": "letters"}, ["letters", "words", "Accuracy"]),
    ],
)
def test_a_curve_is_titled_and_labelled_as_its_metrics_are_declared(metric, words, monkeypatch):
    declared = {"accuracy": Metric("Word accuracy", group="Accuracy")}
    declared["loss"] = Metric("Loss", direction="lower")
    canvas, drawn = Canvas(*FULL), []
    monkeypatch.setattr(canvas, "text", lambda *given, **_: drawn.append(given[2]) or 0.0)
    Curve(run_info(**declared), (100, 500, 800, 100), metric=metric).draw_static(canvas)
    assert drawn[: len(words)] == words


def test_a_label_within_a_line_keeps_its_capitals_if_it_is_an_acronym():
    labels = ("Word accuracy", "CER", "F1 score", "a", "")
    assert [in_a_line(label) for label in labels] == ["word accuracy", "CER", "F1 score", "a", ""]


def test_a_curve_of_three_metrics_is_refused():
    with pytest.raises(ValueError, match="not 3"):
        Curve(run_info(), (100, 500, 800, 100), "Right", TWO | {"loss": "loss"})


def test_the_longest_title_is_as_large_as_panel_headings():
    longest = schemas.shared()["$defs"]["run"]["properties"]["title"]
    title = ("A network learns to read sheets. " * 9)[: longest["maxLength"]]
    metrics = {"accuracy": Metric("Digit accuracy")}
    line = TitleLine(RunInfo(title, FULL, {}, {}, {}, TimeAxis(), 1000, [], metrics), "pages seen")
    first = Scene(FULL, [line]).draw(frame_data([0.1, 0.2]))[40:75, 56:80].min((1, 2)) < 128
    assert first.sum() >= round(26 * text.CAPITAL)


def test_each_number_of_the_title_line_is_close_to_its_label():
    far = TitleLine(RunInfo("", FULL, {}, {}, {}, TimeAxis(), 40, []))
    row = Scene(FULL, [far]).draw(frame_data([0.1, 0.2]))[40:84].min((0, 2)) < 128
    gaps = np.diff(np.flatnonzero(row))
    wide = 34 * (text.width("1000.0", "bold") - text.width("1.0", "bold"))
    assert sorted(gaps)[-2] > wide > 60 and (gaps > 40).sum() == 2


@pytest.mark.parametrize("title", ["", "A " * 200, "Ünïcödé ≥"])
def test_no_title_moves_the_numbers(title):
    scene = Scene(FULL, [TitleLine(RunInfo(title, FULL, {}, {}, {}, TimeAxis(), 40, []))])
    plain = Scene(FULL, [TitleLine(run_info())])
    frames = [each.draw(frame_data([0.1, 0.2]))[:, 1040:] for each in (scene, plain)]
    assert np.array_equal(*frames)
