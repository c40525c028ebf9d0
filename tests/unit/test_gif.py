"""GIFs: every picture in order and for its time; the same pictures give the same bytes."""

import numpy as np
import pytest
from PIL import Image, ImageSequence

from epochreel.core.errors import UserError
from epochreel.formats import gif

COLOURS = [(255, 0, 0), (0, 100, 166), (253, 253, 251), (0, 100, 166)]
PICTURES = [np.full((20, 30, 3), colour, np.uint8) for colour in COLOURS]


def test_a_gif_shows_its_pictures_in_order_and_loops_forever(tmp_path):
    gif.write(tmp_path / "a.gif", PICTURES)
    with Image.open(tmp_path / "a.gif") as film:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(film)]
        assert film.info["loop"] == 0 and film.info["duration"] == 700
    assert len(frames) == 4
    assert all(abs(f.astype(int) - p).max() < 8 for f, p in zip(frames, PICTURES, strict=True))


def test_the_same_pictures_give_the_same_bytes(tmp_path):
    for name in ("a.gif", "b.gif"):
        gif.write(tmp_path / name, PICTURES)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_an_unknown_loop_is_reported_with_the_available_ones():
    with pytest.raises(UserError, match="no loop 'word'; expected one of reading, word-1"):
        gif.named({"reading": [], "word-1": []}, "word")
