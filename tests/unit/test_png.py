"""PNG: Pillow reads what is written."""

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epochreel.formats import png


def noise(*shape):
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (3, 4, 3), (64, 200, 3)])
def test_pillow_reads_the_pixels_that_were_written(shape):
    with Image.open(io.BytesIO(png.encode(noise(*shape)))) as image:
        assert np.array_equal(np.asarray(image), noise(*shape))


@pytest.mark.parametrize("shape", [(5, 7), (3, 4, 3)])
def test_pixels_are_decoded_as_encoded(shape):
    assert np.array_equal(png.decode(png.encode(noise(*shape))), noise(*shape))


def test_a_slice_of_a_larger_picture_can_be_encoded():
    part = noise(20, 20)[2:12, 3:9]
    assert np.array_equal(png.decode(png.encode(part)), part)


def test_the_same_pixels_give_the_same_bytes():
    assert png.encode(noise(40, 40)) == png.encode(noise(40, 40).copy())


def test_only_uint8_pixels_are_accepted():
    with pytest.raises(TypeError, match="float64"):
        png.encode(np.zeros((2, 2)))


@pytest.mark.parametrize("shape", [(2, 2, 2), (2, 2, 4), (2, 2, 1), (2, 2, 3, 1), (2,), (0, 2)])
def test_only_grey_and_rgb_are_accepted(shape):
    with pytest.raises(TypeError, match=r"grey \(H, W\) or RGB \(H, W, 3\)"):
        png.encode(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(2, 5), (2, 5, 3)])
def test_the_shape_of_a_png_is_read_without_its_pixels(shape):
    assert png.shape(png.encode(np.zeros(shape, np.uint8))) == shape


def test_a_picture_of_another_mode_is_decoded_as_rgb():
    file = io.BytesIO()
    Image.fromarray(noise(4, 4, 4), "RGBA").save(file, "PNG")
    assert png.decode(file.getvalue()).shape == (4, 4, 3)


def test_the_size_is_width_and_height():
    assert png.size(png.encode(noise(3, 5))) == (5, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"GIF89a" + bytes(40), "is not a PNG file"),
        (png.encode(noise(3, 5))[:-1], "is truncated"),
    ],
)
def test_the_error_says_what_is_wrong_with_a_file(data, reason):
    with pytest.raises(ValueError, match=reason):
        png.size(data)


def test_a_series_is_an_animated_png_and_can_be_split_again():
    pictures = [noise(5, 7, 3), noise(5, 7, 3)[::-1], noise(5, 7, 3)]
    data = png.encode_series(pictures, 24, {"epochreel": "key"})
    parts = [png.decode(part) for part in png.series(data)]
    assert all(np.array_equal(*pair) for pair in zip(parts, pictures, strict=True))
    with Image.open(io.BytesIO(data)) as film:
        assert film.n_frames == 3 and film.text == {"epochreel": "key"}
        film.seek(1)
        assert np.array_equal(np.asarray(film.convert("RGB")), pictures[1])


def test_pictures_of_different_sizes_are_refused_as_a_series():
    with pytest.raises(ValueError, match="picture 1 has shape"):
        png.encode_series([noise(5, 7), noise(7, 5)], 24)


MANY = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from epochreel.formats import png
draw = np.random.default_rng(1)
sides = [16] * 30 + [255, 256]  # the largest for libdeflate, the smallest for ISA-L
pictures = [draw.integers(0, 3, (side, side), np.uint8) * 100 for side in sides]
print(hashlib.sha256(b"".join(png.encode(each) for each in pictures)).hexdigest())
"""


@pytest.mark.long
def test_two_thousand_processes_compress_pictures_to_the_same_bytes():
    """With ISA-L, one process in three hundred compressed small pictures to other bytes."""
    command = [sys.executable, "-c", MANY, str(Path(png.__file__).parents[2])]
    with ThreadPoolExecutor(2) as pool:
        said = pool.map(lambda _: subprocess.check_output(command), range(2000))
        assert len(set(said)) == 1
