"""Inference on user pages: from any image file to a table that is checked for consistency."""

import io
import zlib

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageFilter

import predict as script
from epochreel.artifacts import checkpoint_index, checkpoints
from epochreel.core.errors import UserError
from epochreel.core.files import sha256
from epochreel.experiments.sheets import data, inference, layout, model
from epochreel.experiments.sheets.rectify import straighten
from epochreel.formats import user_images as images

PLAIN = {"variant": "plain", "fonts": None}
LOCAL = {"name": "local", "channels": [4, 4], "patch": 15, "spread": 3.0}
PLACES = layout.places("plain")
BICUBIC = Image.Resampling.BICUBIC


def sheets(count, split="test"):
    return list(data.generate(PLAIN, 1, split, range(count)))


def resized(page, width, height):
    return np.asarray(Image.fromarray(page).resize((width, height), BICUBIC))


def turned(page, degrees):
    return np.asarray(Image.fromarray(page).rotate(degrees, BICUBIC, expand=True, fillcolor=255))


def tinted(page):
    share = page[..., None] / 255
    return np.round(np.array([255, 240, 200]) * share + [90, 50, 20] * (1 - share)).astype(np.uint8)


def noisy(page):
    noise = np.random.default_rng(3).normal(0, 12, page.shape)
    return np.clip(page + noise, 0, 255).astype(np.uint8)


def shaded(page):
    y, x = np.mgrid[: page.shape[0], : page.shape[1]] / 1000
    return np.clip(page * (0.95 - 0.3 * x - 0.2 * y**2 - 0.1 * np.sin(9 * x)), 0, 255).astype(
        np.uint8
    )


def as_jpeg(page):
    file = io.BytesIO()
    Image.fromarray(page).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


def with_other_margins(page):
    return np.pad(page[231:880, 31:750], ((40, 310), (260, 13)), constant_values=255)


def on_a_dark_table(page):
    return np.pad(page, ((60, 90), (70, 30)), constant_values=12)


CHANGES = {
    "as it is": lambda page: page,
    "tinted paper and brown ink": tinted,
    "larger": lambda page: resized(page, 1229, 1638),
    "smaller": lambda page: resized(page, 614, 819),
    "squeezed": lambda page: resized(page, 640, 1100),
    "other margins": with_other_margins,
    "no margins": lambda page: page[280:694, 53:717],
    "turned": lambda page: turned(page, 1.5),
    "turned the other way": lambda page: turned(page, -3),
    "noise": noisy,
    "uneven light": shaded,
    "faint": lambda page: 255 - (255 - page) // 3,
    "JPEG": as_jpeg,
    "a dark border": on_a_dark_table,
    "all at once": lambda page: as_jpeg(noisy(shaded(turned(resized(page, 1000, 1333), 1)))),
}
changed = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())


def ink_middles(page):
    """Return the centre of the ink around each of the 142 numbers: (142, 2)."""
    down, across = np.mgrid[-9:9, -20:20]
    middles = []
    for x, y, _ in layout.numbers():
        ink = 255.0 - page[int(y) + down, int(x) + across]
        ink[ink < 60] = 0
        middles.append([np.sum(ink * across), np.sum(ink * down)] / ink.sum())
    return np.array(middles)


@changed
def test_a_straightened_page_matches_its_original(change):
    page = sheets(1)[0]["image"]
    off = np.hypot(*(ink_middles(straighten(change(page))) - ink_middles(page)).T)
    assert off.mean() < 0.25
    assert off.max() < 0.7


@changed
def test_a_negative_is_straightened_like_its_positive(change):
    page = change(sheets(1)[0]["image"])
    assert np.array_equal(straighten(255 - page), straighten(page))


@pytest.mark.parametrize("colours", [([30, 60, 140], [235, 240, 255]), ([40, 60, 50], [220] * 3)])
def test_light_ink_on_coloured_paper_is_straightened(colours):
    page = sheets(1)[0]["image"]
    paper, ink = np.array(colours)
    share = page[..., None] / 255
    sheet = straighten(np.round(paper * share + ink * (1 - share)).astype(np.uint8))
    assert np.abs(sheet.astype(float) - page).mean() < 0.1


def test_a_clean_page_is_left_unchanged():
    page = sheets(1)[0]["image"]
    assert np.abs(straighten(page).astype(float) - page).mean() < 0.1


def test_blur_is_removed_as_far_as_the_rules_reveal_it():
    page = sheets(1)[0]["image"]
    blurred = np.asarray(Image.fromarray(page).filter(ImageFilter.GaussianBlur(0.8)))
    table = np.s_[282:691, 55:714]
    left = np.abs(straighten(blurred).astype(float) - page)[table].mean()
    assert left < 0.8 * np.abs(blurred.astype(float) - page)[table].mean()


def test_marks_outside_the_table_are_removed():
    page = sheets(1)[0]["image"].copy()
    page[100:130, 50:700:3] = 0
    page[900:904] = 0
    assert straighten(page)[:250].min() == straighten(page)[720:].min() == 255


NO_TABLES = {
    "white": np.full((1024, 768), 255, np.uint8),
    "black": np.zeros((1024, 768, 3), np.uint8),
    "one pixel": np.zeros((1, 1), np.uint8),
    "a strip": np.zeros((3, 4000), np.uint8),
    "noise": np.random.default_rng(0).integers(0, 255, (900, 700)).astype(np.uint8),
    "a grid": np.where(np.add.outer(np.arange(900) % 25, np.arange(700) % 20) > 3, 255, 0),
    "half a sheet": sheets(1)[0]["image"][:, :400],
    "upside down": sheets(1)[0]["image"][::-1, ::-1],
    "on its side": np.rot90(sheets(1)[0]["image"]),
    "mirrored": sheets(1)[0]["image"][:, ::-1],
}


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("page", NO_TABLES.values(), ids=NO_TABLES.keys())
def test_a_page_without_a_complete_upright_table_is_refused(page, negative):
    page = page.astype(np.uint8)
    with pytest.raises(UserError, match="no table found") as error:
        straighten(255 - page if negative else page)
    assert "\n" not in str(error.value)


# -- The table ---------------------------------------------------------------------------------


def sure_of(digits, share=1.0):
    """Return probabilities (436, 10) that give every digit this share."""
    rest = (1 - share) / 9
    return np.eye(10)[digits] * (share - rest) + rest


def numbers_of(digits):
    return np.array([int("".join(map(str, digits[PLACES.number == n]))) for n in range(142)])


def test_all_numbers_of_printed_sheets_agree():
    assert all(inference.agreement(numbers_of(sheet["digits"])).all() for sheet in sheets(30))


def test_a_misread_value_disagrees_along_its_row_and_column():
    numbers = numbers_of(sheets(1)[0]["digits"])
    numbers[3 * 12 + 5] = (numbers[3 * 12 + 5] + 100) % 1000
    agrees = inference.agreement(numbers)
    values, means, totals = np.split(agrees, [120, 132])
    assert list(np.flatnonzero(~means)) == [5]
    assert list(np.flatnonzero(~totals)) == [3]
    year, month = np.divmod(np.arange(120), 12)
    assert np.array_equal(~values, (year == 3) | (month == 5))


@pytest.mark.parametrize(("mean", "agrees"), [(99, False), (100, True), (101, True), (102, False)])
def test_a_mean_may_be_rounded_up_or_down_at_half_a_hundredth(mean, agrees):
    numbers = np.array([100] * 120 + [100] * 12 + [1200] * 10)
    numbers[0] += 5
    numbers[120] = mean
    assert inference.agreement(numbers)[120] == agrees


def test_a_total_over_99_is_printed_modulo_100():
    numbers = np.array([900] * 120 + [900] * 12 + [800] * 10)
    assert inference.agreement(numbers).all()
    numbers[-1] = 801
    assert list(np.flatnonzero(~inference.agreement(numbers)[132:])) == [9]


def test_the_table_has_values_then_means_then_totals_as_printed():
    digits = np.zeros(436, int)
    digits[:6] = [1, 2, 3, 0, 0, 7]
    digits[-4:] = [0, 4, 9, 7]
    table = inference.tabulate(sure_of(digits))
    assert list(table.columns) == ["year", "month", "value", "probability", "agrees"]
    assert table.iloc[[0, 1, 12, 120, 141], :3].values.tolist() == [
        ["1941", "January", "1.23"],
        ["1941", "February", "0.07"],
        ["1942", "January", "0.00"],
        ["Means", "January", "0.00"],
        ["1950", "Totals", "04.97"],
    ]


def test_the_probability_of_a_number_is_the_product_of_its_digits():
    table = inference.tabulate(sure_of(np.zeros(436, int), 0.9))
    assert np.allclose(table["probability"], [0.9**3] * 132 + [0.9**4] * 10)


# -- Predictor -----------------------------------------------------------------------------------


class Templates(torch.nn.Module):
    """A stand-in for a trained network: the digit whose mean image at a position is nearest."""

    def __init__(self, examples):
        super().__init__()
        digits = np.eye(10)[np.stack([example["digits"] for example in examples])]
        windows = np.stack([self.windows(example["image"]) for example in examples])
        sums = np.einsum("npd,npk->pdk", digits, windows)
        self.means = sums / np.maximum(digits.sum(0), 1)[..., None]

    @staticmethod
    def windows(page):
        """Return the pixels around each digit position, 0…1: (436, 165)."""
        down, across = np.mgrid[-7:8, -5:6]
        rows, columns = (np.floor(spot).astype(int) for spot in (PLACES.y, PLACES.x))
        return page[rows[:, None] + down.ravel(), columns[:, None] + across.ravel()] / np.float32(
            255
        )

    def forward(self, images):
        """Map images (1, H, W) to logits (1, 436, 10), as the networks do."""
        apart = self.windows(images[0].numpy())[:, None] - self.means
        return -torch.from_numpy((apart**2).sum(-1))[None]


@pytest.fixture(scope="module")
def templates():
    return Templates(sheets(300, "train"))


@changed
def test_a_changed_page_is_read_like_the_clean_one(change, templates):
    sheet = sheets(2)[1]
    table = inference.predict(templates, change(sheet["image"]), PLAIN)
    right = (table["value"].str.replace(".", "").astype(int) == numbers_of(sheet["digits"])).mean()
    assert right >= 0.98


def test_a_network_for_single_cells_reads_no_sheets(templates):
    with pytest.raises(UserError, match="single cells"):
        inference.predict(templates, sheets(1)[0]["image"], {"variant": "cells"})


# -- Image files -------------------------------------------------------------------------------


def saved(folder, image, **options):
    path = folder / "page.png"
    image.save(path, **{"format": "PNG"} | options)
    return path


PICTURE = Image.fromarray(np.where(np.eye(40, 30) > 0, 0, 255).astype(np.uint8))
DEEP = Image.fromarray(np.asarray(PICTURE).astype(np.uint16) * 256 + 200)
TWELVE = Image.fromarray(np.asarray(PICTURE).astype(np.uint16) * 16 + 7)
CLEAR = Image.merge("LA", [Image.new("L", (30, 40)), PICTURE.point(lambda grey: 255 - grey)])
KINDS = {
    "grey": (PICTURE, {}),
    "black or white": (PICTURE.convert("1"), {}),
    "palette": (PICTURE.convert("RGB").quantize(4), {}),
    "see-through": (CLEAR, {}),
    "16 bits": (DEEP, {}),
    "12 bits in 16": (TWELVE, {}),
    "RGBA": (PICTURE.convert("RGBA"), {}),
    "CMYK": (PICTURE.convert("CMYK"), {"format": "TIFF"}),
    "BMP": (PICTURE, {"format": "BMP"}),
}


@pytest.mark.parametrize(("image", "options"), KINDS.values(), ids=KINDS.keys())
def test_every_image_format_gives_the_same_page(image, options, tmp_path):
    page = images.open_image(saved(tmp_path, image, **options))
    page = page if page.ndim == 2 else page[..., 1]
    assert page.dtype == np.uint8 and page.flags.writeable
    assert np.array_equal(page, np.asarray(PICTURE))


WHOLE = io.BytesIO()
Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90), np.uint8)).save(WHOLE, "PNG")
BROKEN = {
    "empty": (b"", "is empty"),
    "text": (b"January 1941: 4.82\n" * 9, "not an image in a supported format"),
    "cut off": (WHOLE.getvalue()[:4000], "cannot be read as an image"),
    "only a head": (WHOLE.getvalue()[:30], "page.png"),
    "damaged": (WHOLE.getvalue()[:3000] + bytes(800) + WHOLE.getvalue()[3800:], "cannot be read"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image in a "),
}


@pytest.mark.parametrize(("content", "what"), BROKEN.values(), ids=BROKEN.keys())
def test_an_invalid_image_file_is_refused_in_one_line(content, what, tmp_path):
    path = tmp_path / "page.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=what) as error:
        images.open_image(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_image_is_reported_in_one_line(tmp_path):
    with pytest.raises(
        UserError, match=r"page\.png cannot be read \(No such file or directory\): provide"
    ):
        images.open_image(tmp_path / "page.png")


@pytest.mark.parametrize("side", [15_900, 60_000])
def test_images_with_too_many_pixels_are_refused_before_decoding(side, tmp_path):
    path = saved(tmp_path, PICTURE)
    content = bytearray(path.read_bytes())
    content[16:24] = side.to_bytes(4, "big") * 2
    head = bytes(content[12:29])
    content[29:33] = zlib.crc32(head).to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(UserError, match="expected at most 250 million: scale it down"):
        images.open_image(path)


def test_an_animation_is_refused(tmp_path):
    path = saved(tmp_path, PICTURE, save_all=True, append_images=[PICTURE.rotate(90)])
    with pytest.raises(UserError, match="contains 2 pictures"):
        images.open_image(path)


def test_a_photograph_is_rotated_by_its_exif_orientation(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    page = images.open_image(saved(tmp_path, PICTURE, exif=exif))
    assert np.array_equal(page, np.rot90(np.asarray(PICTURE), -1))


# -- The script --------------------------------------------------------------------------------


def stage_of(experiment="sheets"):
    about = {"experiment": experiment, "settings": PLAIN}
    settings = {"data": about, "network": LOCAL, "snapshot": 0}
    return {"settings": settings, "reads": {"train": "made"}}


@pytest.fixture
def network_file(tmp_path):
    network = model.Network(LOCAL, PLAIN)
    path, state = tmp_path / "network.safetensors", tmp_path / "0000.json"
    path.write_bytes(checkpoints.pack(network.state_dict(), {}))
    checkpoint_index.write(
        state, [{"snapshot": 0, "weights": sha256(path), "optimizer": ""}], [0], "made"
    )
    return path, state


def test_the_script_writes_one_row_per_number(network_file, tmp_path):
    page = saved(tmp_path, Image.fromarray(tinted(sheets(1)[0]["image"])))
    script.predict(page, *network_file, tmp_path / "page.csv", stage_of(), tmp_path)
    table = pd.read_csv(tmp_path / "page.csv", dtype=str)
    assert len(table) == 142
    assert table["value"].str.fullmatch(r"\d\.\d\d|\d\d\.\d\d").all()
    assert table["probability"].str.fullmatch(r"[01]\.\d{4}").all()
    assert set(table["agrees"]) <= {"True", "False"}


def test_the_script_names_the_page_without_a_table(network_file, tmp_path):
    page = saved(tmp_path, PICTURE)
    with pytest.raises(UserError, match=r"page\.png: no table found"):
        script.predict(page, *network_file, tmp_path / "page.csv", stage_of(), tmp_path)
    assert not (tmp_path / "page.csv").exists()
