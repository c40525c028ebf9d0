"""The canvas: its marks, its text, its regions."""

import numpy as np
import pytest
from tools import grey, refusal

from epochreel.drawing import strokes, text
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.palette import LIGHT

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
FULL = (1920, 1080)
SIZES = [(480, 270), (1080, 1080), (7680, 4320)]


def white(width=FULL[0], height=FULL[1]):
    """An empty canvas of white paper."""
    canvas = Canvas(width, height)
    canvas.pixels[:] = 255
    return canvas


def ink(canvas):
    """Return the amount of black on white, in whole pixels."""
    return (255.0 - canvas.pixels[..., 0]).sum() / 255


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
    beyond.fill(-50, 1080, 100, 100, BLACK)
    beyond.frame(-100, -100, 2120, 1280, BLACK)
    beyond.image(1900, 2000, 50, 50, noise(5, 5))
    beyond.marks([-50, 960, 5000], [50, 1200, 50], 20, BLACK)
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


# Marks


@pytest.mark.parametrize("kind", strokes.MARKS)
def test_marks_have_about_the_area_of_a_disc(kind):
    canvas = white()
    canvas.marks([100, 200.4, 300.1], [100, 100.7, 100.2], 20, BLACK, kind)
    assert ink(canvas) == pytest.approx(3 * np.pi * 400, rel=0.3)
    rows, columns = np.nonzero(canvas.pixels[..., 0] < 250)
    assert rows.min() >= 100 - 1.3 * 20 - 1 and columns.max() <= 300 + 1.3 * 20 + 1


@pytest.mark.parametrize("x", [100, 100.25, 100.5])
def test_a_mark_is_a_disc_of_its_radius(x):
    one, other = white(), white()
    one.marks([x], [50.25], 9, BLACK)
    other.disc(x, 50.25, 9, BLACK)
    assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 2


def test_later_marks_cover_earlier_ones():
    canvas = white()
    canvas.marks([50, 50], [50, 50], 10, np.array([BLACK, (200, 0, 0)]))
    assert canvas.pixels[50, 50].tolist() == [200, 0, 0]


def test_many_marks_are_drawn_like_single_ones():
    together, alone = white(), white()
    x, y = np.random.default_rng(0).uniform(0, 200, (2, 100))
    together.marks(x, y, 7, LIGHT.right, "cross")
    for at in zip(x, y, strict=True):
        alone.marks(*([c] for c in at), 7, LIGHT.right, "cross")
    assert np.array_equal(together.pixels, alone.pixels)


def test_marks_that_are_not_finite_and_no_marks_draw_nothing():
    canvas = white()
    canvas.marks([np.nan, 5, np.inf], [5, np.nan, 5], 9, np.array([BLACK] * 3))
    canvas.marks([], [], 9, BLACK)
    canvas.line(np.zeros((0, 2)), BLACK)
    canvas.fill_bars(canvas.bars([], [], 5000, 9, BLACK), np.zeros(0))
    assert ink(canvas) == 0


def test_a_line_through_an_undefined_point_is_refused():
    with pytest.raises(ValueError, match="not finite"):
        white().line([(0, 0), (np.nan, 1)], BLACK)


def test_an_unknown_kind_of_mark_is_refused():
    with pytest.raises(ValueError, match="'star'; expected one of disc"):
        white().marks([1], [1], 9, BLACK, "star")


def test_what_is_below_a_translucent_rectangle_shows():
    canvas = white()
    canvas.fill(0, 0, 10, 10, BLACK)
    canvas.fill(0, 0, 20, 10, (200, 100, 0), opacity=0.5)
    assert canvas.pixels[5, 5].tolist() == [100, 50, 0]
    assert canvas.pixels[5, 15].tolist() == [228, 178, 128]


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-5, 5)])
def test_a_rectangle_without_area_draws_nothing(size):
    canvas = white()
    canvas.fill(50, 50, *size, BLACK)
    assert ink(canvas) == 0


def test_the_direction_of_a_rule_does_not_matter():
    one, other = white(), white()
    one.rule(10, 20, 90, 20, BLACK, 4)
    other.rule(90, 20, 10, 20, BLACK, 4)
    assert ink(one) > 300 and np.array_equal(one.pixels, other.pixels)


# Regions


def everything(canvas):
    """Draw every kind of mark at and beyond all edges of a canvas."""
    w, h = canvas.width, canvas.height
    x, y = (part.ravel() for part in np.meshgrid([-30, 0, w / 2, w, w + 30], [-9, 0, h, h + 40]))
    for kind in strokes.MARKS:
        canvas.marks(x, y, 25, BLACK, kind)
    canvas.fill(-50, -50, w + 100, 60, BLACK)
    canvas.fill(-50, h - 9, w + 100, 60, BLACK, 0.5)
    canvas.frame(-5, -5, w + 10, h + 10, BLACK, 9)
    canvas.rule(-50, h, w + 50, h, BLACK, 8)
    canvas.line([(-50, -50), (w + 50, h + 50), (w, -90)], BLACK, 12)
    canvas.disc(w, h, 30, BLACK)
    canvas.text(w - 20, h, "gjQ", 60, BLACK)
    canvas.paragraph(-9, h, "many words in a few lines", 30, w, BLACK)
    for left, top in ((-20, -20), (w - 10, h - 10), (w + 90, 0), (0, -900)):
        canvas.image(left, top, 40, 40, noise(9, 9))
    if w > 40 < h:
        canvas.fill_bars(canvas.bars(x, y, 20, 30, BLACK), np.ones(len(x)))
        tile = canvas.tile(30, 20, BLACK)
        canvas.put_stamps(canvas.stamps(x, y, [tile]), np.zeros(len(x), int))
        canvas.put_pictures(canvas.picture_slots(x, y, 30, 30, (9, 9)), noise(len(x), 9, 9, 3))


@pytest.mark.parametrize("size", [(480, 270), FULL])
@pytest.mark.parametrize(
    "place",
    [(300, 200, 400, 300), (0, 0, 100.3, 99.9), (1900, 1000, 300, 300), (333.3, 77.7, 3, 2)],
)
def test_no_mark_leaves_its_region(size, place):
    canvas = white(*size)
    region = canvas.region(*place)
    everything(region)
    assert (region.pixels != 255).any()
    region.pixels[:] = 255
    assert ink(canvas) == 0


@pytest.mark.parametrize("place", [(2000, 0, 50, 50), (0, -90, 50, 40), (-60, 900, 50, 500)])
def test_a_region_outside_the_canvas_is_empty(place):
    canvas = white()
    region = canvas.region(*place)
    everything(region)
    assert region.pixels.size == 0 == ink(canvas) == region.width * region.height


def test_marks_are_placed_from_the_corner_of_their_region():
    one, other = white(), white()
    one.marks([150], [250], 10, BLACK)
    other.region(40, 60, 500, 500).region(60, 140, 200, 200).marks([50], [50], 10, BLACK)
    assert np.array_equal(one.pixels, other.pixels)


def test_many_marks_are_placed_from_the_corner_of_their_region():
    one, other = white(), white()
    for canvas, x, y in ((one, 140, 260), (other.region(40, 60, 500, 500), 100, 200)):
        canvas.fill_bars(canvas.bars([x], [y], 10, 40), np.ones(1))
        canvas.put_pictures(canvas.picture_slots([x + 50], [y], 30, 30, (3, 3)), noise(1, 3, 3, 3))
        stamp = canvas.stamps([x + 150], [y], [canvas.tile(20, 10, BLACK)])
        canvas.put_stamps(stamp, np.zeros(1, int))
    assert np.array_equal(one.pixels, other.pixels)


def test_a_region_does_not_reach_beyond_its_parent():
    canvas = white()
    part = canvas.region(100, 100, 200, 200).region(150, -50, 200, 100)
    assert (part.width, part.height) == (50, 50)
    part.pixels[:] = 0
    assert ink(canvas) == 2500 == ink(canvas.region(250, 100, 50, 50))


@pytest.mark.parametrize("size", SIZES)
def test_units_do_not_depend_on_the_size_in_pixels(size):
    canvas = Canvas(*size)
    assert min(canvas.width, canvas.height) == 1080
    assert Canvas(*size, units=830).width == pytest.approx(830 * size[0] / min(size))


# Text


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("words", ["", "a", "word " * 60, "x" * 300, "Donaudampfschiff " * 9])
def test_a_paragraph_stays_within_its_width(size, words):
    canvas = white(*size)
    high = canvas.paragraph(100, 100, words, 30, 300, BLACK)
    columns = np.flatnonzero(canvas.pixels.min((0, 2)) < 250) / canvas.scale
    if words:
        assert columns.min() >= 98 and columns.max() <= 402
    assert high >= 30


def test_a_word_wider_than_the_line_is_broken_and_none_is_lost():
    canvas, words = white(), "a " + "0123456789" * 9 + " end"
    lines = canvas.wrap(words, 30, 300)
    assert "".join(lines).replace(" ", "") == words.replace(" ", "") and len(lines) > 5
    assert all(canvas.measure(line, 30) <= 300 for line in lines)
    assert canvas.wrap("iii", 30, 1) == ["i", "i", "i"]


def test_line_breaks_are_kept():
    assert white().wrap("one\ntwo  three\n\nfour", 30, 900) == ["one", "two three", "", "four"]


@pytest.mark.parametrize("limit", [{"lines": 2}, {"height": 90}])
def test_a_paragraph_is_drawn_smaller_to_fit(limit):
    canvas, words = white(), "a sentence of several words " * 4
    size, lines = canvas.fit_text(words, 60, 500, **limit)
    assert 5 < size < 30 and len(lines) <= 4
    high = canvas.paragraph(0, 100, words, 60, 500, BLACK, **limit)
    assert high <= limit.get("height", 2 * 1.3 * 60)
    assert canvas.fit_text("short", 60, 500, **limit) == (60, ["short"])


def test_all_letters_of_monospaced_text_have_the_same_width():
    words = ("iii", "WWW", "∀≥…", "ǄȢЀ", "Ⴀ߸ﬃ")
    assert len({text.width(word, "mono") for word in words}) == 1


def test_letters_that_the_monospaced_font_lacks_are_drawn_in_their_cells():
    canvas = white()
    canvas.text(100, 200, "ǄǄ", 100, BLACK, "mono")
    columns = np.flatnonzero(canvas.pixels.min((0, 2)) < 250)
    assert columns.min() >= 99 and columns.max() <= 100 + 2 * 60.2 + 1
    cell = canvas.pixels[:, 100:160].min((0, 2))
    assert cell.min() < 100 and (np.flatnonzero(cell < 250).mean()) == pytest.approx(30, abs=3)


@pytest.mark.parametrize("weight", ["regular", "bold", "mono"])
def test_characters_in_no_font_are_refused_in_every_weight(weight):
    assert "contains" in refusal(white().text, 0, 50, "日本", 30, weight=weight)


@pytest.mark.parametrize("fit", [0, -5])
def test_text_without_room_draws_nothing(fit):
    canvas = white()
    assert canvas.text(100, 100, "words", 30, BLACK, fit=fit) == 0
    assert ink(canvas) == 0


def test_a_repeated_line_of_text_is_the_same():
    canvas = white()
    for y in (100, 300):
        canvas.text(100.3, y, "Once and again", 33, BLACK)
    assert np.array_equal(canvas.pixels[60:120], canvas.pixels[260:320])
