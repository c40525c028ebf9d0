"""Inference on user pictures of words: pictures of any size become what the networks expect."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from epochreel.core import bundled_fonts
from epochreel.core.errors import UserError
from epochreel.experiments.words import data, inference
from epochreel.experiments.words.alphabet import END, SIDE, STEPS
from epochreel.experiments.words.framing import frame_word

TEST = data.draw({"noise": 0.1, "background": "none"}, 1, "test", np.arange(12))


def written(text="CAT", size=80, margin=40, ink=(0, 0, 0), ground=(255, 255, 255)):
    """Return a picture of a word, (H, W, 3)."""
    font = ImageFont.truetype(str(bundled_fonts.bundled("DejaVuSans.ttf")), size)
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("RGB", (right - left + 2 * margin, bottom - top + 2 * margin), ground)
    ImageDraw.Draw(image).text((margin - left, margin - top), text, ink, font)
    return np.asarray(image)


def noisy(picture):
    noise = np.random.default_rng(0).normal(0, 20, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def ink_box(image):
    """Return the first and last row and column that clearly differ from the background."""
    ink = image > 50
    return [int(i) for axis in (1, 0) for i in np.flatnonzero(ink.any(axis))[[0, -1]]]


PICTURES = {
    "dark on light": written(),
    "light on dark": written(ink=(250, 250, 250), ground=(10, 20, 60)),
    "coloured": written(ink=(120, 20, 0), ground=(250, 240, 160)),
    "grey": written()[..., 0],
    "large": written(size=500, margin=300),
    "small": written(size=20, margin=6),
    "wide margins": written(margin=400),
    "no margins": written(margin=0),
    "faint": written(ink=(200, 200, 200), ground=(230, 230, 230)),
    "noisy": noisy(written(ink=(60, 60, 60), ground=(200, 200, 200))),
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())
def test_letters_become_light_and_seven_rows_high_and_stay_complete(picture):
    image = frame_word(picture)
    top, bottom, left, right = ink_box(image)
    assert image.shape == (SIDE, SIDE) and image.dtype == np.uint8
    assert abs(bottom - top + 1 - 7) <= 1 and abs(right - left + 1 - 18) <= 2
    assert 120 <= image.max() <= 200 and np.median(image) == 0


def test_a_word_that_is_too_wide_is_scaled_down():
    top, bottom, left, right = ink_box(frame_word(written("MWMWMW")))
    assert right - left + 1 <= SIDE - 1 and bottom - top + 1 < 7


def test_a_descender_does_not_make_letters_smaller():
    with_tail, without = (ink_box(frame_word(written(text))) for text in ("QUIZ", "OUIZ"))
    assert with_tail[0] == without[0] and with_tail[2:] == without[2:]


@pytest.mark.parametrize("number", range(6))
def test_an_image_in_the_networks_format_is_left_unchanged(number):
    image = TEST["image"][number]
    assert np.array_equal(frame_word(image), image)
    assert np.array_equal(frame_word(255 - image), image)


@pytest.mark.parametrize("number", [2, 3, 5])
def test_a_test_image_inside_a_larger_one_keeps_its_pixels(number):
    image = TEST["image"][number]
    found = frame_word(np.pad(image, 9)).astype(float)
    match = [
        np.corrcoef(np.roll(image, (y, x), (0, 1)).ravel(), found.ravel())[0, 1]
        for y in range(SIDE)
        for x in range(SIDE)
    ]
    assert max(match) > 0.6


@pytest.mark.parametrize(
    "picture",
    [
        np.full((60, 80), 200, np.uint8),
        np.zeros((40, 40), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.linspace(100, 110, 5000).astype(np.uint8).reshape(50, 100),
    ],
)
def test_an_empty_picture_is_refused_in_one_line(picture):
    with pytest.raises(UserError, match="nothing stands out") as error:
        frame_word(picture)
    assert "\n" not in str(error.value)


class FixedReader(torch.nn.Module):
    """A network that reads a given word, with masks that move to the right."""

    def __init__(self, text, sure=6.0):
        super().__init__()
        signs = [ord(sign) - ord("A") for sign in text] + [END] * (STEPS - len(text))
        self.logits = sure * torch.eye(27)[signs]

    def attend(self, images):
        """Return logits (1, 5, 27) and masks (1, 5, 40, 40)."""
        masks = torch.zeros(1, STEPS, SIDE, SIDE)
        for step in range(STEPS):
            masks[0, step, :, 8 * step : 8 * step + 8] = 1
        return self.logits[None], masks


@pytest.mark.parametrize("word", ["CAT", "I", "WORDS", ""])
def test_the_table_has_a_row_per_letter_and_one_for_the_word(word):
    table = inference.predict(FixedReader(word), written(), {})
    assert list(table.columns) == ["place", "letter", "probability"]
    assert table["place"].tolist() == [*map(str, range(1, len(word) + 1)), "word"]
    assert table["letter"].tolist() == [*word, word]


@pytest.mark.parametrize(("word", "signs"), [("CAT", 4), ("WORDS", 5), ("", 1)])
def test_the_probability_of_a_word_is_the_product_of_its_symbols(word, signs):
    share = np.exp(6) / (np.exp(6) + 26)
    table = inference.predict(FixedReader(word), written(), {})
    assert np.allclose(table["probability"], [*[share] * len(word), share**signs])


def test_the_picture_shows_five_steps_and_the_predicted_letters():
    one, other = (
        inference.draw_prediction(FixedReader(word), written(), {}) for word in ("CAT", "COT")
    )
    assert one.shape == (340, 1096, 3) and one.dtype == np.uint8
    changed = (one != other).any(-1)
    assert changed[:64].any() and changed[264:, 236:448].any()  # the word and its second letter
    assert not changed[64:264].any()


def test_the_picture_is_pale_after_the_end():
    pixels = inference.draw_prediction(FixedReader("I"), written(), {})[64:264].mean((0, 2))
    left = 24 + 212 * np.arange(STEPS)
    assert [bool(pixels[x : x + 200].mean() > 180) for x in left] == [
        False,
        False,
        True,
        True,
        True,
    ]
