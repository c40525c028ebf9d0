"""Sheets: their layout, numbers and images, with a matplotlib page as the reference."""

import shutil

import matplotlib_sheet
import numpy as np
import pytest
from schema_paths import schema_of

from epochreel.core import bundled_fonts
from epochreel.core.errors import UserError
from epochreel.drawing import fonts
from epochreel.experiments.sheets import data, image_sizes, ink, layout
from epochreel.formats import png

PLAIN = {"variant": "plain", "fonts": None}


def examples(variant, indices=range(3), seed=1, split="train", folder=None):
    settings = {"variant": variant, "fonts": folder}
    return list(data.generate(settings, seed, split, indices))


def same(one, other):
    return all(np.array_equal(one[name], other[name]) for name in ("image", "digits"))


# -- Layout


def test_a_sheet_has_436_digits_in_the_published_order():
    lengths = np.bincount(layout.places("plain").number)
    assert lengths.tolist() == [3] * 120 + [3] * 12 + [4] * 10


def test_every_number_is_in_the_middle_of_its_column_and_row():
    spots = layout.places("plain")
    year, month = np.divmod(spots.number[:360], 12)
    assert np.abs(spots.x[:360] - layout.COLUMN_X[year]).max() <= layout.number_width(3) / 2
    assert np.allclose(spots.y[:360] + layout.INK_RISE, layout.ROW_Y[month])


def test_the_proportions_of_the_table_are_the_published_ones():
    left, right, top, bottom = 0.07 * 768, 0.93 * 768, 0.275 * 1024, 0.675 * 1024
    wide, high = right - left, bottom - top
    upright = [0, *(0.137 + 0.0756 * i for i in range(11)), 1]
    months = [0.066 + (m + 1) * 0.829 / 13 for m in range(12)]
    assert np.allclose(
        layout.RULES[:4, 1], [top, top + 0.066 * high, bottom - 0.105 * high, bottom]
    )
    assert np.allclose(layout.RULES[4:, 0], [left + share * wide for share in upright])
    assert np.allclose(layout.ROW_Y, [top + share * high for share in months])
    assert np.allclose(layout.COLUMN_X, [left + (0.1748 + 0.0756 * i) * wide for i in range(10)])


def test_the_digit_spacing_is_that_of_the_font():
    steps = np.diff(ink.pens("0.00", str(bundled_fonts.bundled("DejaVuSans.ttf")), 10 * 100 / 72))
    pitch, point = layout.DIGIT_PITCH, layout.POINT_WIDTH
    assert steps.tolist() == [pitch, point, pitch, pitch]
    assert np.allclose(np.diff(layout.digit_offsets(4)), [pitch, pitch + point, pitch])


def test_a_cell_has_three_digit_positions():
    spots = layout.places("cells")
    assert len(spots) == 3
    assert (np.abs(spots.x - 24) < 16).all() and (np.abs(spots.y - 18) < 1).all()


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match=r"'skewed'.*plain, shifted, perturbed, cells"):
        layout.places("skewed")


@pytest.mark.parametrize("variant", ["plain", "cells"])
def test_digit_positions_are_on_the_ink_of_their_digits(variant):
    spots, image = layout.places(variant), 255 - examples(variant)[0]["image"].astype(float)
    for x, y in zip(spots.x, spots.y, strict=True):
        left, top = round(x - 4.5), round(y - 6)
        part = image[top : top + 12, left : left + 9]
        rows, columns = np.indices(part.shape) + 0.5
        assert abs((rows * part).sum() / part.sum() + top - y) < 1.5
        assert abs((columns * part).sum() / part.sum() + left - x) < 1.5


# -- Numbers


def test_the_digits_match_the_printed_text():
    sheet = data.draw_sheet(np.random.default_rng([1, 0, 0]))
    spelt = "".join(sheet.texts()).replace(".", "")
    assert "".join(map(str, examples("plain")[0]["digits"])) == spelt


@pytest.mark.parametrize("index", range(20))
def test_means_and_totals_match_the_printed_values(index):
    texts = data.draw_sheet(np.random.default_rng([7, 0, index])).texts()
    values = np.array([float(text) for text in texts[:120]]).reshape(10, 12)
    means, totals = values.sum(0) / 10, values.sum(1)
    assert np.abs(np.array(texts[120:132], float) - means).max() < 0.00501
    assert texts[132:] == ["%05.2f" % (total % 100 if total > 99 else total) for total in totals]


def test_totals_over_99_are_taken_modulo_100():
    nines = type("Nines", (), {"integers": lambda *_: np.full((10, 12), 999)})()
    sheet = data.draw_sheet(nines)
    assert sheet.texts()[120] == "9.99" and sheet.texts()[132] == "19.88"


def test_all_digits_are_equally_frequent():
    digits = np.concatenate([e["digits"][:360] for e in examples("plain", range(100))])
    counts = np.bincount(digits, minlength=10)
    assert np.abs(counts / counts.sum() - 0.1).max() < 0.01


# -- What an example depends on


@pytest.mark.parametrize("variant", image_sizes.VARIANTS)
def test_example_i_is_the_same_in_any_order_and_range(variant):
    whole = examples(variant, range(4))
    assert same(examples(variant, range(3, 4))[0], whole[3])
    backwards = examples(variant, range(3, -1, -1))
    assert all(same(one, other) for one, other in zip(backwards[::-1], whole, strict=True))


@pytest.mark.parametrize("variant", image_sizes.VARIANTS)
def test_splits_and_seeds_have_different_examples(variant):
    drawn = [examples(variant, split=split) for split in ("train", "validation", "test")]
    drawn.append(examples(variant, seed=2))
    digits = {tuple(np.concatenate([e["digits"] for e in some])) for some in drawn}
    assert len(digits) == 4


def test_examples_do_not_share_memory():
    first, second = examples("plain", range(2))
    before = second["image"].copy()
    first["image"][:] = 0
    assert np.array_equal(second["image"], before)
    assert same(examples("plain", range(1, 2))[0], second)


# -- Images


@pytest.mark.parametrize(
    ("variant", "shape", "places"),
    [(name, (1024, 768), 436) for name in image_sizes.VARIANTS[:3]] + [("cells", (36, 48), 3)],
)
def test_images_and_digits_have_the_published_shapes(variant, shape, places):
    example = examples(variant)[0]
    assert example["image"].shape == shape and example["image"].dtype == np.uint8
    assert example["digits"].shape == (places,) and example["digits"].dtype == np.uint8
    assert np.array_equal(png.decode(png.encode(example["image"])), example["image"])


def test_a_shifted_page_is_a_plain_page_moved_by_whole_pixels():
    rng = np.random.default_rng([1, 0, 2])
    plain = data._compose_page(data.draw_sheet(rng), 0, 0)
    across, down = rng.integers(-10, 11), rng.integers(-20, 21)
    moved = examples("shifted")[2]["image"]
    assert (across, down) != (0, 0)
    assert np.array_equal(np.roll(plain, (down, across), (0, 1)), moved)


def test_shifts_reach_ten_and_twenty_pixels_in_both_directions():
    dark = [np.nonzero(e["image"] < 128) for e in examples("shifted", range(300))]
    left, top = [x.min() for _, x in dark], [y.min() for y, _ in dark]
    assert (min(left), max(left)) == (44, 64)
    assert (min(top), max(top)) == (262, 302)


def test_a_cell_shows_the_whole_number_with_white_around_it():
    for example in examples("cells", range(50)):
        rows, columns = np.nonzero(example["image"] < 200)
        assert columns.min() > 6 and columns.max() < 41
        assert rows.min() > 11 and rows.max() < 24


def test_the_schema_gives_the_number_of_font_families():
    rules = schema_of("sheets")["data"]
    words = {7: "seven font families"}[len(data.perturbed_families())]
    assert words in rules["properties"]["variant"]["description"]


def test_perturbed_pages_use_all_families_and_slants():
    families = fonts.families("0123456789.")
    looks = [data.perturbed.draw_style(np.random.default_rng(i), families) for i in range(300)]
    used = {look.font for look in looks}
    faces = [face for family in families.values() for face in family]
    assert {face.family for face in faces if face.path in used} == set(families)
    assert {face.style for face in faces if face.path in used} == {"upright", "italic", "oblique"}


def test_perturbed_pages_are_shifted_scaled_and_rotated_as_published():
    families = fonts.families("0123456789.")
    looks = [data.perturbed.draw_style(np.random.default_rng(i), families) for i in range(2000)]
    shifts = np.array([look.shift for look in looks])
    assert np.abs(shifts).max(0).tolist() == [10, 20]
    assert abs(np.std([look.scale for look in looks]) - 0.03) < 0.002
    assert abs(np.std([look.turn for look in looks]) - 3) < 0.2


def test_a_perturbed_page_without_perturbation_matches_the_plain_page():
    font, still = (
        str(bundled_fonts.bundled("DejaVuSans.ttf")),
        (np.zeros(2), np.ones(2), 0, 0, 0, 0, 0),
    )
    rng = np.random.default_rng(0)
    texts = data.draw_sheet(rng).texts()
    page = 255.0 - data.perturbed.draw_page(rng, texts, data.perturbed.Style(font, *still))
    for x, y, _ in layout.numbers()[:132]:
        left, right, top, bottom = box(page, x, y, 20)
        assert abs((left + right + 1) / 2 - x) < 1.5
        assert abs((top + bottom + 1) / 2 - (y - 1.2 * layout.INK_RISE)) < 1.2


def test_perturbed_pages_use_the_fonts_of_a_user_folder(tmp_path):
    shutil.copy(bundled_fonts.bundled("cmtt10.ttf"), tmp_path)
    assert data.perturbed_families(tmp_path) == ["Computer Modern Typewriter"]
    own, bundled = examples("perturbed", folder=str(tmp_path)), examples("perturbed")
    assert any(not same(one, other) for one, other in zip(own, bundled, strict=True))


def test_an_empty_folder_of_fonts_fails_before_any_page(tmp_path):
    with pytest.raises(UserError, match=r"has no files \(\.ttf, \.otf\)"):
        examples("perturbed", folder=str(tmp_path))


def test_text_beyond_the_page_is_clipped():
    page = np.zeros((40, 40), np.uint8)
    for place in ((-100, 20), (20, -100), (140, 20), (20, 140), (0, 0), (40, 40)):
        ink.turned(page, "8.88", str(bundled_fonts.bundled("DejaVuSans.ttf")), 16, place, 30)
    assert page[:8, :8].any() and page[-8:, -8:].any() and not page[16:24, 16:24].any()


def test_text_is_rotated_clockwise():
    page = np.zeros((80, 80), np.uint8)
    ink.turned(page, "111111", str(bundled_fonts.bundled("DejaVuSans.ttf")), 16, (40, 40), 45)
    assert page[:40, :40].any() and page[40:, 40:].any()
    assert not page[:30, 50:].any() and not page[50:, :30].any()


# -- A matplotlib page as the reference


@pytest.fixture(scope="module", params=range(2))
def pages(request):
    """The darkness of matplotlib's page and of Epochreel's."""
    texts = data.draw_sheet(np.random.default_rng([1, 0, request.param])).texts()
    ours = examples("plain", range(request.param, request.param + 1))[0]["image"]
    return 255.0 - matplotlib_sheet.pixels(texts), 255.0 - ours


def cut(page, x, y, far, high=10):
    """Return the part of a page around a text, and its left and top, px."""
    left, top = round(x - far), round(y - high)
    return page[top : round(y + high), left : round(x + far)], left, top


def box(page, x, y, far, high=10):
    """Return left, right, top and bottom of the ink around a point, px."""
    part, left, top = cut(page, x, y, far, high)
    rows, columns = np.nonzero(part > 64)
    edges = np.array([columns.min(), columns.max(), rows.min(), rows.max()])
    return edges + np.array([left, left, top, top])


def middle(page, x, y, far, high=10):
    """Return the centre of the ink around a point, px."""
    part, left, top = cut(page, x, y, far, high)
    rows, columns = np.indices(part.shape) + 0.5
    return np.array(
        [(columns * part).sum() / part.sum() + left, (rows * part).sum() / part.sum() + top]
    )


NUMBERS = [(x, y, 16 if digits == 3 else 22) for x, y, digits in layout.numbers()]
WORDS = [(h.x if h.centred else h.x + 37, h.y, 24 if h.centred else 38) for h in layout.HEADINGS]


@pytest.mark.parametrize("spots", [NUMBERS, WORDS], ids=["numbers", "headings"])
def test_ink_is_within_one_pixel_of_that_of_matplotlib(pages, spots):
    for x, y, far in spots:
        assert np.abs(box(pages[0], x, y, far) - box(pages[1], x, y, far)).max() <= 1
        assert np.abs(middle(pages[0], x, y, far) - middle(pages[1], x, y, far)).max() < 0.25


def test_rules_are_within_one_pixel_of_those_of_matplotlib(pages):
    for x0, y0, x1, y1 in layout.RULES:
        profiles = [
            page[round((y0 + y1) / 2) + 13, round(x0) - 4 : round(x0) + 5]
            if x0 == x1
            else page[round(y0) - 4 : round(y0) + 5, 100]
            for page in pages
        ]
        assert abs(profiles[0].argmax() - profiles[1].argmax()) <= 1
        assert np.abs(profiles[0] - profiles[1]).max() <= 2


def test_the_outer_box_is_within_one_pixel_of_that_of_matplotlib(pages):
    ends = [np.nonzero(page > 128) for page in pages]
    for axis in (0, 1):
        assert abs(int(ends[0][axis].min()) - int(ends[1][axis].min())) <= 1
        assert abs(int(ends[0][axis].max()) - int(ends[1][axis].max())) <= 1
