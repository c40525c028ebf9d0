"""Words in noise: image statistics, random numbers and backgrounds, on numpy and torch."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from epochreel.artifacts.dataset_shards import SPLITS
from epochreel.core import bundled_fonts
from epochreel.core.errors import UserError
from epochreel.experiments.words import backgrounds, clutter, counter_rng, data

MANY = 10_000
GOLDEN = 0x9E3779B97F4A7C15
SETTINGS = {"noise": 0.1, "background": "none", "backgrounds": None, "background_strength": 96}


def draw(indices=range(64), seed=1, split="train", **settings):
    indices = np.array(indices, np.int64)
    parts = np.split(indices, range(500, len(indices), 500))
    drawn = [data.draw(SETTINGS | settings, seed, split, part) for part in parts]
    return [np.concatenate([part[name] for part in drawn]) for name in ("image", "letters")]


def noise_of(folder, indices=range(2000), seed=1, split="train"):
    """Return the noise of every pixel: standard deviation 12.75, unclipped within five of these."""
    picture(folder, np.full((40, 40), 255))
    behind = {"background": "folder", "backgrounds": str(folder), "background_strength": 64}
    noisy, clean = (
        draw(indices, seed, split, **behind, noise=noise)[0].astype(int) for noise in (0.05, 0)
    )
    return noisy - clean


def picture(folder, pixels, name="picture.png"):
    Image.fromarray(np.asarray(pixels, np.uint8)).save(folder / name)


def behind(folder, indices=range(200), strength=255):
    """Return the backgrounds of words, from a folder or, without one, generated."""
    settings = {
        "background": "folder" if folder else "generated",
        "backgrounds": str(folder) if folder else None,
        "background_strength": strength,
    }
    return backgrounds.draw(settings, counter_rng.examples(1, "train", np.array(indices)), 500)


def exactly_mixed(bits):
    """Return the finalizer of splitmix64, computed with Python integers."""
    bits %= 2**64
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> shift)) * factor % 2**64
    return bits ^ (bits >> 31)


def is_uniform(values, count):
    """Check that integers 0 … count - 1 are equally frequent: χ² within five deviations."""
    expected = len(values) / count
    excess = ((np.bincount(values, minlength=count) - expected) ** 2 / expected).sum()
    return values.max() == count - 1 and abs(excess - (count - 1)) < 5 * (2 * count) ** 0.5


def related(one, other):
    """Check that two equally long sets of numbers correlate by more than five deviations."""
    return abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) > 5 / one.size**0.5


# -- The published data


def test_an_example_is_a_small_grey_image_with_five_symbols():
    (example,) = data.generate(SETTINGS, 1, "test", range(7, 8))
    assert {name: (value.dtype, value.shape) for name, value in example.items()} == {
        "image": (np.uint8, (40, 40)),
        "letters": (np.uint8, (5,)),
    }


def test_the_ink_comes_within_one_pixel_of_each_edge():
    images, _ = draw(range(MANY), noise=0)
    for side in range(4):
        outer, next_to_it = (np.rot90(images, side, (1, 2))[:, row] for row in (0, 1))
        assert not outer.any() and next_to_it.any()


def test_letters_have_half_of_the_full_brightness():
    images, _ = draw(range(1000), noise=0)
    assert images.max() == 128 and images.any((1, 2)).all()


def test_words_have_one_to_four_letters_and_end_symbols_after_them():
    _, letters = draw(range(MANY))
    lengths = (letters < 26).sum(1)
    assert is_uniform(lengths - 1, 4)
    assert ((letters == 26) == (np.arange(5) >= lengths[:, None])).all()


def test_letters_are_uniform_at_each_position_and_independent():
    _, letters = draw(range(2 * MANY))
    assert all(is_uniform(column[column < 26], 26) for column in letters.T[:4])
    first, second = letters[letters[:, 1] < 26, :2].astype(int).T
    assert is_uniform(26 * first + second, 26 * 26)


def test_positions_in_the_image_are_uniform():
    images, letters = draw(range(2 * MANY), noise=0)
    level = images[~np.isin(letters, (9, 16)).any(1)]  # J and Q reach below the line
    assert is_uniform(level.any(2).argmax(1) - 1, 32)
    single = images[(letters[:, 1] == 26) & np.isin(letters[:, 0], (1, 4, 17, 18, 23, 25))]
    left, top = single.any(1).argmax(1), single.any(2).argmax(1)
    assert is_uniform(left - 1, 33) and not related(left, top)  # these letters are 6 px wide


def test_words_are_those_of_pillow_in_dejavu_sans():
    images, letters = draw(range(3000), noise=0)
    font = ImageFont.truetype(str(bundled_fonts.bundled("DejaVuSans.ttf")), 9, layout_engine=0)
    for image, word in zip(images, letters, strict=True):
        page = Image.new("L", (60, 40))
        text = "".join(chr(65 + sign) for sign in word if sign < 26)
        ImageDraw.Draw(page).text((10, 10), text, 128, font)
        left, top, right, bottom = page.getbbox()
        rows, columns = (np.flatnonzero(image.any(axis)) for axis in (1, 0))
        ink = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert np.array_equal(ink, np.array(page)[top:bottom, left:right])


# -- Noise and random numbers


def test_noise_is_gaussian_with_the_given_deviation(tmp_path):
    values = noise_of(tmp_path) / (0.05 * 255)
    assert abs(values.mean()) < 5 / values.size**0.5
    assert abs(values.std() - 1) < 1e-3
    beyond = [(np.abs(values) > limit).mean() for limit in (0.98, 1.92, 3.02)]  # between two levels
    assert np.allclose(beyond, [0.3271, 0.0549, 0.00253], rtol=0.03)


def test_noise_is_clipped_at_black_and_white():
    assert 128 < draw()[0].max() < 255
    black, white = ((draw(noise=1)[0] == level).mean() for level in (0, 255))
    assert 0.4 < black < 0.6 and 0.1 < white < 0.2


def test_noise_of_neighbouring_pixels_and_examples_is_uncorrelated(tmp_path):
    noise = noise_of(tmp_path)
    flat = noise.reshape(len(noise), -1)
    assert not related(noise[1:], noise[:-1])
    assert not any(related(flat[:, step:], flat[:, :-step]) for step in (1, 2, 39, 40, 41, 400))


@pytest.mark.parametrize("other", [(1, "test"), (1, "validation"), (2, "train"), (0, "train")])
def test_seeds_and_splits_are_uncorrelated(tmp_path, other):
    seed, split = other
    assert not related(noise_of(tmp_path), noise_of(tmp_path, seed=seed, split=split))
    assert (draw(range(1000))[1] == draw(range(1000), *other)[1]).all(1).mean() < 0.03


def test_no_example_is_repeated():
    starts = (0, 10**6, 10**9, 10**12)
    indices = [start + i for start in starts for i in range(300)]
    sets = [(seed, split) for seed in (0, 1, 2**32 - 1) for split in SPLITS]
    images = {image.tobytes() for one in sets for image in draw(indices, *one)[0]}
    assert len(images) == len(indices) * len(sets)


def test_the_hash_is_splitmix64():
    states = 1234567 + np.arange(1, 4) * np.int64(GOLDEN - 2**64)
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert counter_rng.hash_bits(states).view(np.uint64).tolist() == published


def test_numbers_match_exact_arithmetic():
    numbers = counter_rng.numbers(counter_rng.examples(7, "test", np.array([10**9])), 3, 2)
    start = exactly_mixed((7 * 3 + 2 + 1) * GOLDEN)
    state = exactly_mixed(start + (10**9 + 1) * GOLDEN)
    exact = [exactly_mixed(state ^ exactly_mixed(-1 - purpose)) for purpose in (3, 4)]
    assert numbers.view(np.uint64).tolist() == [exact]


def test_each_bit_of_an_index_flips_half_of_the_output_bits():
    def bits(indices):
        return counter_rng.numbers(counter_rng.examples(1, "train", indices), 0, 1).view(np.uint64)

    indices = np.arange(5000)
    turned = [np.bitwise_count(bits(indices) ^ bits(indices ^ (1 << bit))) for bit in range(40)]
    assert np.abs(np.mean(turned, axis=1) - 32).max() < 5 * 4 / 5000**0.5


# -- The same bits in every batch and on every device


@pytest.fixture(params=backgrounds.KINDS)
def settings(request, tmp_path):
    rows = np.arange(90)[:, None] * np.ones(70)
    picture(tmp_path, rows)
    picture(tmp_path, rows.T, "other.png")
    return SETTINGS | {"background": request.param, "backgrounds": str(tmp_path)}


def test_numpy_and_torch_draw_the_same_bits(settings):
    indices = np.arange(10**9, 10**9 + 300)
    drawn = data.draw(settings, 2**32 - 1, "train", indices)
    tensors = data.draw(settings, 2**32 - 1, "train", torch.from_numpy(indices))
    assert all(np.array_equal(column, tensors[name].numpy()) for name, column in drawn.items())
    assert {tensor.dtype for tensor in tensors.values()} == {torch.uint8}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_draws_the_same_bits(settings):
    indices = torch.arange(300)
    here = data.draw(settings, 1, "train", indices)
    there = data.draw(settings, 1, "train", indices.cuda())
    assert all(torch.equal(column, there[name].cpu()) for name, column in here.items())
    assert all(column.is_cuda for column in there.values())


def test_examples_do_not_depend_on_their_batch(settings):
    indices = range(3, 600, 2)
    whole = data.draw(settings, 1, "test", np.array(indices))
    single = [data.draw(settings, 1, "test", np.array([index])) for index in indices]
    generated = list(data.generate(settings, 1, "test", indices))
    for name, column in whole.items():
        assert np.array_equal(column, np.concatenate([batch[name] for batch in single]))
        assert np.array_equal(column, np.stack([example[name] for example in generated]))


def test_a_batch_may_be_empty(settings):
    drawn = data.draw(settings, 1, "train", np.arange(0))
    assert drawn["image"].shape == (0, 40, 40) and drawn["letters"].shape == (0, 5)


def test_shards_are_drawn_without_torch():
    check = (
        "import sys; from epochreel.experiments.words import data;"
        "settings = {'noise': 0.1, 'background': 'generated', 'background_strength': 96};"
        "list(data.generate(settings | {'backgrounds': None}, 1, 'train', range(2)));"
        "sys.exit('torch' in sys.modules)"
    )
    folder = data.__file__.split("epochreel")[0]
    subprocess.run([sys.executable, "-c", check], cwd=folder, check=True)


# -- Backgrounds


def test_a_background_changes_neither_words_nor_their_positions(settings):
    images, letters = draw(noise=0)
    before = data.draw(settings | {"noise": 0}, 1, "train", np.arange(64))
    assert np.array_equal(before["letters"], letters)
    assert (before["image"] >= images).all()


def test_letters_add_their_brightness_up_to_white(tmp_path):
    picture(tmp_path, np.full((40, 40), 255))
    letters = draw(noise=0)[0].astype(int)
    for strength in (50, 200):
        folder = {"background": "folder", "backgrounds": str(tmp_path)}
        lit, _ = draw(noise=0, **folder, background_strength=strength)
        assert np.array_equal(lit, np.minimum(letters + strength, 255))
    noisy, _ = draw(**folder, background_strength=255)
    assert 0.4 < (noisy[letters == 128] < 255).mean() < 0.6


@pytest.mark.parametrize("strength", [0, 1, 96, 255])
def test_the_strength_is_the_maximum_level_of_a_background(tmp_path, strength):
    picture(tmp_path, [[0] * 50, [255] * 50] * 25)
    for folder in (tmp_path, None):
        levels = behind(folder, strength=strength)
        assert (levels.min(), levels.max()) == (0, strength)


def test_generated_backgrounds_differ_and_have_strokes_on_light_patches():
    levels = behind(None, range(2000)).astype(int)
    assert len({level.tobytes() for level in levels}) == 2000
    steps = np.abs(np.diff(levels, axis=2))
    assert np.median(steps) < 16 and 0.005 < (steps > 100).mean() < 0.1
    assert np.ptp(levels.mean(0)) < 40  # no part of the image is fuller than another


@pytest.mark.parametrize("step", [6, 16])
def test_patches_of_light_blend_into_each_other(step):
    rng = np.random.default_rng(1)
    levels = rng.integers(0, 2, (300, 9, 9)).astype(np.int32) * 255
    shift = rng.integers(-(2**63), 2**63, (300, 2))
    patches = clutter.interpolate(levels, step, shift)
    assert (patches.min(), patches.max()) == (0, 255)
    steepest = max(np.abs(np.diff(patches, axis=axis)).max() for axis in (1, 2))
    assert steepest <= 1.5 * 255 / step + 5


def test_a_crop_is_any_part_of_any_image_of_the_folder(tmp_path):
    row, column = np.mgrid[:60, :45]
    picture(tmp_path, row * 4)
    (tmp_path / "deeper").mkdir()
    picture(tmp_path / "deeper", column[:, :, None] * [4, 4, 4], "colour.BMP")
    cuts = behind(tmp_path, range(2000)).astype(int) // 4
    down, across = (np.diff(cuts, axis=axis) for axis in (1, 2))
    is_first = (down == 1).all((1, 2)) & ~across.any((1, 2))
    assert (is_first ^ ((across == 1).all((1, 2)) & ~down.any((1, 2)))).all()
    assert is_uniform(cuts[is_first, 0, 0], 21) and is_uniform(cuts[~is_first, 0, 0], 6)


@pytest.mark.parametrize("size", [(400, 300), (160, 120), (11, 10), (30, 90), (2, 5000)])
def test_a_crop_shows_at_least_a_third_of_an_images_shorter_side(tmp_path, size):
    for name, shape in (("tall.png", size), ("wide.png", size[::-1])):
        along = np.linspace(0, 255, min(size))
        is_tall = shape[0] == min(size)
        picture(tmp_path, np.broadcast_to(along[:, None] if is_tall else along, shape), name)
    cuts = behind(tmp_path, range(300)).astype(int)
    assert cuts.min() < 10 and cuts.max() > 245
    assert np.ptp(cuts, axis=(1, 2)).min() >= 255 / 3 - 10


def test_a_folder_without_usable_backgrounds_is_reported(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(UserError, match=rf"{tmp_path} has no files .*: add some"):
        behind(tmp_path)
    with pytest.raises(UserError, match=rf"{tmp_path}/missing does not exist"):
        behind(tmp_path / "missing")
    with pytest.raises(UserError, match="backgrounds is null"):
        draw(background="folder")
    (tmp_path / "broken.png").write_text("no image")
    with pytest.raises(UserError, match=r"broken\.png"):
        behind(tmp_path)
