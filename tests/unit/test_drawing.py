"""The frame: its header, its grid, its curves and their time axis."""

import itertools
from dataclasses import replace
from enum import Enum

import numpy as np
import pyarrow as pa
import pytest
from drawn_texts import Texts
from tools import grey

from epochreel.core.amounts import amount, in_a_line, percent
from epochreel.drawing import text
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.grid import Cell, arranged, whole_frame
from epochreel.drawing.palette import THEMES
from epochreel.drawing.panels.curve import Curve, thinned
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.time_axis import TimeAxis, next_round, ticks
from epochreel.experiment_api.interface import Metric

FULL = (1920, 1080)
SHAPES = {"wide": FULL, "square": (1080, 1080), "upright": (1080, 1920)}
ACCURACY = Metric("Accuracy", unit="%", plain="Points assigned correctly")


def run_info(size=FULL, epochs=50, theme="light", title="A title", **metrics):
    info = RunInfo(title, size, {}, {}, {}, TimeAxis(end=epochs), 40, [], metrics)
    return replace(info, theme=THEMES[theme])


def frame_data(shares, sentence=""):
    steps = np.arange(len(shares))
    times = {"step": steps, "epoch": steps * 1.0, "examples": 40 * steps}
    history = times | {"accuracy": np.array(shares)}
    last = len(shares) - 1
    data = FrameData(last, float(last), 40 * last, pa.table({}), history, step=last)
    return replace(data, sentence=sentence)


def scene(*panels, info=None):
    """Return a scene of a header and these panels from left to right."""
    info = info or run_info()
    return Scene(info.size, whole_frame(info, panels), info.theme)


@pytest.fixture
def texts(monkeypatch):
    return Texts(monkeypatch)


# Header


@pytest.mark.parametrize("size", SHAPES.values(), ids=list(SHAPES))
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("title", ["", "A network", "A network learns to read sheets. " * 4])
def test_nothing_in_the_header_overlaps(texts, size, theme, title):
    info = run_info(size, theme=theme, title=title[:120], accuracy=ACCURACY)
    scene(info=info).draw(replace(frame_data([0.1, 0.5]), examples=10**6))
    right = size[0] * info.theme.units / min(size)
    for y in {line.baseline for line in texts.all}:
        lines = [line for line in texts.all if line.baseline == y and line.words]
        row = sorted((line.left, line.right, line.words) for line in lines)
        assert all(left > 0 and end < right for left, end, _ in row)
        assert all(a[1] < b[0] for a, b in itertools.pairwise(row)), row


@pytest.mark.parametrize("size", [*SHAPES.values(), (480, 270), (7680, 4320)])
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("length", [0, 5, 30, 60, 90, 200])
def test_every_sentence_fits_its_band(texts, size, theme, length):
    info = run_info(size, theme=theme, accuracy=ACCURACY)
    sentence = ("It now reads nearly all of the digits right. " * 5)[:length]
    frames = [scene(info=info).draw(frame_data([0.1], words)) for words in ("", sentence)]
    rows = np.flatnonzero((frames[0] != frames[1]).any((1, 2)))
    band = np.flatnonzero((frames[0][:, -1] != frames[0][0, -1]).any(1))
    if sentence.strip():
        assert band[0] < rows[0] and rows[-1] < band[-1]
        shown = [line.size for line in texts.all if line.words and line.words in sentence]
        assert min(shown) >= (27 if length <= 90 else 20)


def test_an_endless_word_fits_the_band_too(texts):
    scene(info=run_info()).draw(frame_data([0.1], "x" * 200))
    assert all(line.right < 1920 for line in texts.all)


@pytest.mark.parametrize("size", SHAPES.values(), ids=list(SHAPES))
def test_the_header_shows_the_main_metric_in_plain_words(texts, size):
    scene(info=run_info(size, accuracy=ACCURACY, loss=Metric("Loss"))).draw(frame_data([0.1, 0.5]))
    assert {"50 %", "points assigned correctly", "40", "examples seen"} <= {*texts.words}


@pytest.mark.parametrize("value", [float("nan"), None])
def test_an_undefined_metric_is_a_dash_in_the_header(texts, value):
    scene(info=run_info(accuracy=ACCURACY)).draw(frame_data([0.5, float("nan")]))
    assert "–" in texts.words


def test_the_header_counts_steps_if_the_curves_do(texts):
    for unit in ("epochs", "steps", "examples"):
        info = RunInfo("", FULL, {}, {}, {}, TimeAxis(unit), 40, [])
        scene(info=info).draw(frame_data([0.5] * 13))
    assert texts.words.count("steps") == 1 == texts.words.count("12")


def test_a_run_without_metrics_has_a_header():
    info = RunInfo("Bare", FULL, {}, {}, {}, TimeAxis(), 40, [])
    frame = scene(info=info).draw(FrameData(0, 0.0, 0, pa.table({}), {"step": np.zeros(1)}))
    assert np.ptp(frame[:90]) > 100


@pytest.mark.parametrize("size", SHAPES.values(), ids=list(SHAPES))
def test_a_metric_with_a_long_name_keeps_its_place(texts, size):
    plain = "Digits that it reads right on pages it has never seen before, of all digits there are"
    info = run_info(size, accuracy=replace(ACCURACY, plain=plain), title="A title " * 10)
    scene(info=info).draw(frame_data([0.5]))
    scale = min(size) / 1080
    assert all(line.left > 0 and line.right < size[0] / scale for line in texts.all)


@pytest.mark.parametrize("title", ["", "A " * 60, "Ünïcödé ≥"])
def test_no_title_moves_what_is_below_it(title):
    frames = [
        scene(Curve(run_info()), info=run_info(title=words)).draw(frame_data([0.1], "Now."))
        for words in (title, "A title")
    ]
    assert np.array_equal(*(frame[90:] for frame in frames))


def test_a_changing_number_moves_nothing_else_in_the_header():
    drawn = scene(info=run_info(accuracy=ACCURACY))
    frames = [drawn.draw(replace(frame_data([0.1]), examples=n)) for n in (1, 999_999)]
    columns = np.flatnonzero((frames[0][:90] != frames[1][:90]).any((0, 2)))
    assert columns.min() > 900 and columns.max() - columns.min() < 200


# Grid

A, B, C, D, E = map(Enum("Panels", "A B C D E"), range(1, 6))


def laid(content, size=FULL, theme="light"):
    """Return the places of the panels, without the header, by panel."""
    return dict(whole_frame(run_info(size, theme=theme), content)[1:])


def test_the_outer_list_goes_from_left_to_right_in_a_wide_frame():
    places = laid([A, [B, C]])
    assert places[A][0] < places[B][0] == places[C][0]
    assert places[A][1] == places[B][1] < places[C][1]
    assert places[A][2] == pytest.approx(places[B][2])


@pytest.mark.parametrize("size", [(1080, 1080), (1080, 1920), (1280, 1080)])
def test_rows_and_columns_are_swapped_in_other_frames(size):
    places = laid([A, [B, C]], size)
    assert places[A][1] < places[B][1] == places[C][1]
    assert places[B][0] < places[C][0]


def test_cells_share_the_room_by_their_sizes():
    places = laid([Cell(A, size=3), Cell([B, Cell(C, size=0.5)], size=1)])
    assert places[A][2] == pytest.approx(3 * places[B][2])
    assert places[B][3] == pytest.approx(2 * places[C][3])


@pytest.mark.parametrize("size", [0, -1, float("nan")])
def test_a_cell_without_size_is_refused(size):
    with pytest.raises(ValueError, match="expected a number above 0"):
        Cell(A, size)


def test_brief_themes_leave_out_what_is_not_essential():
    content = [A, Cell(B, essential=False), [Cell(C, essential=False), D]]
    assert laid(content, theme="projector").keys() == {A, D}
    assert laid(content).keys() == {A, B, C, D}


def test_a_list_with_nothing_essential_takes_no_room():
    content = [A, [Cell(B, essential=False)], C]
    assert laid(content, theme="projector")[C] == laid([A, C], theme="projector")[C]


@pytest.mark.parametrize("size", SHAPES.values(), ids=list(SHAPES))
@pytest.mark.parametrize("theme", THEMES)
def test_panels_neither_overlap_nor_leave_the_frame(size, theme):
    info = run_info(size, theme=theme)
    scale = min(size) / info.theme.units
    content = [A, [B, [C, D]], Cell(E, 0.5)]
    places = [place for _, place in whole_frame(info, content)]
    covered = np.zeros(size[::-1], int)
    for x, y, width, height in places:
        assert x >= 0 and y >= 0 and width > 50 and height > 50
        assert (x + width) * scale <= size[0] + 1 and (y + height) * scale <= size[1] + 1
        covered[
            round(y * scale) : round((y + height) * scale),
            round(x * scale) : round((x + width) * scale),
        ] += 1
    assert covered.max() == 1


def test_an_empty_list_of_panels_takes_no_room():
    assert list(arranged([], (0, 0, 9, 9), True)) == []
    assert laid([[], A]) == laid([A])


# Scene


class Square:
    """A panel that fills its canvas, with a mark far beyond it."""

    def draw_static(self, canvas):
        """Draw nothing, and keep the canvas."""
        self.canvas = canvas

    def draw(self, canvas, frame_data):
        """Fill the canvas and beyond it."""
        assert canvas is self.canvas
        canvas.fill(-500, -500, 9000, 9000, (frame_data.snapshot, 1, 2))
        canvas.marks([canvas.width + 50], [5], 60, (0, 0, 0))


def test_panels_draw_on_their_own_parts_of_the_frame():
    places = [(Square(), (100, 100, 200, 300)), (Square(), (500, 100, 50, 50))]
    frame = Scene(FULL, places).draw(frame_data([0.1] * 4))
    mine = (frame == (3, 1, 2)).all(-1)
    assert mine[100:400, 100:300].sum() > 57_000 and mine[100:150, 500:550].sum() > 2000
    mine[100:400, 100:300] = mine[100:150, 500:550] = False
    rest = np.ones(FULL[::-1], bool)
    rest[100:400, 100:300] = rest[100:150, 500:550] = False
    assert not mine.any() and (frame[rest] == THEMES["light"].palette.paper).all()


def test_a_frame_is_a_new_array_that_later_frames_do_not_change():
    drawn = scene(Curve(run_info()))
    first = drawn.draw(frame_data([0.1, 0.2]))
    kept = first.copy()
    second = drawn.draw(frame_data([0.1, 0.2, 0.9]))
    assert np.array_equal(first, kept) and not np.array_equal(first, second)


@pytest.mark.parametrize("note", [None, "short", "a long note " * 20])
def test_a_heading_leaves_the_region_below_it(note):
    canvas = Canvas(800, 600)
    body = heading(canvas, "A title " * 20, note)
    assert body.width == canvas.width and 0 < body.height < canvas.height - 40
    assert (body.pixels == canvas.palette.paper).all()


# Curves and time axes


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
        drawn = scene(Curve(info), info=info)
        for end in (length, 13):
            frame = drawn.draw(frame_data(shares[:end]))
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


def test_only_a_share_of_one_is_shown_as_100_percent():
    shares = {0.0: "0.0 %", 1e-6: "0.1 %", 0.99999: "99.9 %", 1.0: "100.0 %", 0.8725: "87.2 %"}
    assert [percent(share) for share in shares] == list(shares.values())


def test_a_frame_does_not_depend_on_earlier_frames():
    all_frame_data = [
        frame_data([0.1]),
        frame_data([0.1, 0.5, 0.3]),
        frame_data([0.1, 0.5, 0.3, 0.9]),
    ]
    drawn = scene(Curve(run_info()))
    in_order = [drawn.draw(each) for each in all_frame_data]
    alone = [scene(Curve(run_info())).draw(each) for each in reversed(all_frame_data)]
    assert all(np.array_equal(a, b) for a, b in zip(in_order, reversed(alone), strict=True))


PLACE = (100, 500, 800, 400)
AXIS = {0: "0", 0.5: "50 %", 1: "100 %"}
TWO = {"accuracy": "words", "letters": "letters"}


class Drawn:
    """A curve of 50 epochs, drawn at `PLACE`: its pixels, and where its points are in them."""

    def __init__(self, now, *given, axis=AXIS, **options):
        self.curve = Curve(run_info(), *given, axis=axis, **options)
        self.pixels = grey(Scene(FULL, [(self.curve, PLACE)]).draw(now))

    def column(self, epoch):
        """Return the column of an epoch."""
        left, _, width, _ = self.curve._plot
        return round(PLACE[0] + left + width * epoch / 50)

    def row(self, share):
        """Return the row of a share of the axis."""
        _, top, _, height = self.curve._plot
        body = PLACE[3] - self.curve._canvas.height
        return round(PLACE[1] + body + top + height * (1 - share))


def test_the_past_of_a_curve_never_changes():
    early, late = (Drawn(frame_data(s)) for s in ([0.1] * 20, [0.1] * 20 + [0.9] * 20))
    now = early.column(19) - 12
    assert np.array_equal(early.pixels[:, :now], late.pixels[:, :now])


def test_two_lines_of_a_curve_differ_even_without_colour():
    now = frame_data([0.1] * 40)
    now.history["letters"] = np.full(40, 0.9)
    drawn = Drawn(now, TWO, "Right")
    at, end = drawn.column(20), drawn.column(39)
    rows = [slice(drawn.row(share) - 8, drawn.row(share) + 9) for share in (0.1, 0.9)]
    thick, thin = (255 - drawn.pixels[each, at] for each in rows)
    assert thick.sum() > 1.5 * thin.sum() > 200
    assert drawn.pixels[drawn.row(0.1), end] < 120  # a disc
    assert drawn.pixels[drawn.row(0.9), end] > 240  # a ring


def test_a_curve_ends_at_the_top_of_its_own_axis():
    now = frame_data([0.1] * 40)
    now.history["spread"] = np.full(40, 3.0)
    drawn = Drawn(now, "spread", "Spread", axis={0: "0", 12: "12 px"})
    part = drawn.pixels[drawn.row(0.9) : drawn.row(0.05), drawn.column(20)]
    assert drawn.row(0.9) + np.argmin(part) == pytest.approx(drawn.row(0.25), abs=2)


NAN = float("nan")


def curve_of(*values):
    return Drawn(frame_data(list(values)))


def test_a_curve_that_begins_later_is_the_same_from_there_on():
    late, whole = curve_of(NAN, NAN, *[0.5] * 18), curve_of(*[0.5] * 20)
    begin = late.column(2)
    assert np.array_equal(late.pixels[:, begin + 4 :], whole.pixels[:, begin + 4 :])
    before = slice(late.column(0) + 4, begin - 4)
    assert np.array_equal(late.pixels[:, before], curve_of(NAN).pixels[:, before])


def test_a_curve_has_gaps_and_its_points_between_two_gaps_are_dots():
    drawn = curve_of(*[0.6] * 10, NAN, 0.2, NAN, *[0.6] * 7)
    assert drawn.pixels[drawn.row(0.2), drawn.column(11)] < 100
    between = slice(drawn.row(0.45), drawn.row(0.05))
    assert drawn.pixels[between, drawn.column(12)].min() > 240


def test_a_curve_whose_metric_is_undefined_now_ends_at_its_last_value():
    assert np.array_equal(curve_of(*[0.5] * 10, NAN, NAN).pixels, curve_of(*[0.5] * 10).pixels)


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("accuracy", ["Word accuracy"]),
        ("loss", ["Loss (lower is better)"]),
        (["accuracy", "letters"], ["Accuracy", "word accuracy", "letter accuracy"]),
        ({"accuracy": "words", "letters": "letters"}, ["Accuracy", "words", "letters"]),
    ],
)
def test_a_curve_is_titled_and_labelled_as_its_metrics_are_declared(metric, words, texts):
    declared = {"accuracy": Metric("Word accuracy", group="Accuracy")}
    declared["letters"] = Metric("Letter accuracy", group="Accuracy")
    declared["loss"] = Metric("Loss", direction="lower")
    Curve(run_info(**declared), metric).draw_static(Canvas(*FULL))
    assert texts.words[: len(words)] == words


@pytest.mark.parametrize(
    ("value", "unit", "count", "text"),
    [
        (0.0987, "%", 43600, "9.9 %"),
        (0.99761, "%", 43600, "99.8 %"),
        (0.9376, "%", 500, "94 %"),
        (0.998, "%", 500, "99.8 %"),
        (0.9999, "%", 500, "99.9 %"),
        (0.002, "%", 500, "0.2 %"),
        (1, "%", 500, "100 %"),
        (1, "%", 43600, "100 %"),
        (0, "%", 12, "0 %"),
        (2.30259, None, 500, "2.30"),
        (0.012345, "nats", 500, "0.0123 nats"),
        (12.345, "px", 500, "12.3 px"),
        (1234567.8, None, 500, "1,234,568"),
        (-0.5, None, 500, "-0.500"),
        (0, None, 500, "0"),
        (float("nan"), "%", 500, "–"),
        (float("nan"), None, 500, "–"),
    ],
)
def test_a_value_has_no_more_digits_than_are_significant(value, unit, count, text):
    assert amount(value, unit, count) == text


def test_a_label_within_a_line_keeps_its_capitals_if_it_is_an_acronym():
    labels = ("Word accuracy", "CER", "F1 score", "a", "")
    assert [in_a_line(label) for label in labels] == ["word accuracy", "CER", "F1 score", "a", ""]


def test_a_curve_of_five_metrics_is_refused():
    with pytest.raises(ValueError, match="at most 4 metrics, not 5"):
        Curve(run_info(), dict.fromkeys("abcde", ""))
