"""The columns and metrics of the word reader's evaluation."""

import numpy as np
import pytest
import torch

from epochreel.artifacts import evaluations
from epochreel.evaluation import evaluator
from epochreel.experiments.words import data, masks
from epochreel.experiments.words.alphabet import END, SIDE, STEPS, counted, lengths, text
from epochreel.experiments.words.evaluation import METRICS, evaluate
from epochreel.experiments.words.masked_words import MASKED


class Scripted(torch.nn.Module):
    """Returns given readings and masks; an image's first pixel is the index of its word."""

    def __init__(self, signs, looked=None, sure=9.0):
        super().__init__()
        self.logits = sure * torch.eye(27)[torch.tensor(np.array(signs), dtype=torch.long)]
        self.looked = torch.ones(len(signs), STEPS, SIDE, SIDE) if looked is None else looked

    def attend(self, images):
        """Return the logits and masks of the words that the images index."""
        which = images[:, 0, 0].long()
        return self.logits[which], self.looked[which]


def signs(*words):
    """Words as rows of symbols; a full stop is the end symbol."""
    rows = [[END if sign == "." else ord(sign) - ord("A") for sign in word] for word in words]
    return np.array([row + [END] * (STEPS - len(row)) for row in rows], np.uint8)


def tried(words, read, looked=None, batch=3, **options):
    images = np.zeros((len(words), SIDE, SIDE), np.uint8)
    images[:, 0, 0] = np.arange(len(words))
    test = {"image": torch.from_numpy(images), "letters": torch.from_numpy(words)}
    return evaluate(Scripted(read, looked, **options), evaluator.batches(test, batch))


def metrics(*arguments, **options):
    return tried(*arguments, **options)[1]


def columns_of_light(*places, words=1):
    """Return masks (words, 5, 40, 40) of one column each; None stands for all columns."""
    looked = torch.zeros(words, STEPS, SIDE, SIDE)
    for step, place in enumerate(places):
        looked[:, step, :, slice(None) if place is None else place] = 1
    return looked


def test_a_word_is_correct_if_every_symbol_up_to_its_end_is():
    words = signs("CAT", "ON", "I")
    assert metrics(words, words)["accuracy"] == 1
    assert metrics(words, signs("CAT", "ONE", "I.Q"))["accuracy"] == pytest.approx(2 / 3)
    assert metrics(words, signs("COT", "ON", "I"))["accuracy"] == pytest.approx(2 / 3)


def test_letter_accuracy_excludes_the_end_and_has_positions():
    found = metrics(signs("CAT", "ON"), signs("CUT", "OXY"))
    assert found["letters"] == pytest.approx(3 / 5)
    assert [found[f"place_{place}"] for place in (1, 2, 3, 4)] == [1, 0, 1, 0]


def test_an_end_is_correct_only_if_it_is_the_first_one_read():
    words = signs("CAT", "CAT", "CAT", "ON")
    read = signs("XYZ", "C.T", "CATS", "ON.A")
    assert metrics(words, read)["end"] == pytest.approx(1 / 2)


def test_the_loss_is_the_cross_entropy_up_to_the_end():
    words, sure = signs("CAT", "I"), 3.0
    wrong_after_the_end = signs("CAT", "I.XYZ")
    expected = -np.log(np.exp(sure) / (np.exp(sure) + 26))
    assert metrics(words, wrong_after_the_end, sure=sure)["loss"] == pytest.approx(expected)


def test_a_uniform_mask_spreads_over_the_image():
    found = metrics(signs("WORD"), signs("WORD"))
    assert found["spread_across"] == found["spread_down"] == pytest.approx(masks.EVEN)
    assert pytest.approx(11.54, abs=0.01) == masks.EVEN and found["in_order"] == 0


def test_a_mask_of_one_pixel_has_no_spread():
    looked = torch.zeros(1, STEPS, SIDE, SIDE)
    looked[:, :, 7, 30] = 0.25
    columns, found = tried(signs("WORD"), signs("WORD"), looked)
    assert found["spread_across"] == found["spread_down"] == 0
    assert columns["centre_x"].to_pylist()[0] == [30] * 5
    assert columns["centre_y"].to_pylist()[0] == [7] * 5


def test_a_mask_of_one_column_spreads_vertically():
    found = metrics(signs("WORD"), signs("WORD"), columns_of_light(None, 9, 17, 25, 33))
    assert found["spread_across"] == 0 and found["spread_down"] == pytest.approx(masks.EVEN)


@pytest.mark.parametrize(
    ("places", "share"),
    [
        ((None, 9, 17, 25), 1),
        ((None, 25, 17, 9), 0),
        ((None, 9, 17, 9), 0.5),
        ((39, 9, 17, 25), 2 / 3),
    ],
)
def test_masks_are_in_order_if_they_move_to_the_right(places, share):
    looked = columns_of_light(*places, None)
    assert metrics(signs("WORD"), signs("WORD"), looked)["in_order"] == pytest.approx(share)


def test_a_first_mask_counts_if_the_network_chooses_it():
    chosen, given = columns_of_light(3, 9), columns_of_light(None, 9)
    spreads = [metrics(signs("ON"), signs("ON"), each)["spread_across"] for each in (chosen, given)]
    assert spreads == [0, 0] and metrics(signs("ON"), signs("ON"), chosen)["in_order"] == 1
    wide = metrics(signs("I"), signs("I"), columns_of_light(slice(0, 2)))
    assert wide["spread_across"] == pytest.approx(0.5)


def test_only_the_steps_of_true_letters_are_measured():
    looked = columns_of_light(None, 9, 17, 3, None)
    found = metrics(signs("CAT"), signs("CATS"), looked)
    assert found["in_order"] == 1 and found["spread_across"] == 0


def test_an_empty_mask_is_taken_as_uniform():
    looked = torch.zeros(1, STEPS, SIDE, SIDE)
    columns, found = tried(signs("WORD"), signs("WORD"), looked)
    assert found["spread_across"] == pytest.approx(masks.EVEN) and found["in_order"] == 0
    assert columns["centre_x"].to_pylist()[0] == [19.5] * 5


@pytest.mark.parametrize("words", [("A",), ("AB", "C"), ("WORD",), ("",)])
def test_all_declared_metrics_are_there_and_finite(words):
    found = metrics(signs(*words), signs(*words))
    assert found.keys() == METRICS.keys() and np.isfinite(list(found.values())).all()


def invented(count):
    """Return random words, predictions and masks."""
    draw = np.random.default_rng(3)
    words = data.draw({"noise": 0.1, "background": "none"}, 1, "test", np.arange(count))["letters"]
    looked = torch.from_numpy(draw.random((count, STEPS, SIDE, SIDE), np.float32))
    return words, draw.integers(0, 27, words.shape), looked


@pytest.mark.parametrize("batch", [1, 7, 8, 30, 100])
def test_the_result_does_not_depend_on_the_batch_size(batch):
    one, other = (tried(*invented(30), batch=size) for size in (4, batch))
    assert one[0].keys() == other[0].keys()
    assert all(column.equals(other[0][name]) for name, column in one[0].items())
    assert one[1] == pytest.approx(other[1])


def test_only_the_masks_of_the_first_words_are_stored():
    words, read, looked = invented(MASKED + 4)
    kept = tried(words, read, looked)[0]["mask"].to_pylist()
    assert [mask is not None for mask in kept] == [True] * MASKED + [False] * 4
    assert np.array_equal(kept[5], np.rint(255 * looked[5].numpy()).ravel())


def test_a_row_has_the_word_the_prediction_and_its_probability():
    columns, _ = tried(signs("CAT", "I"), signs("CUT", "I"), sure=2.0)
    end = ["end"]
    assert columns["letters"].to_pylist() == [[*"CAT", *end * 2], ["I", *end * 4]]
    assert columns["prediction"].to_pylist() == [[*"CUT", *end * 2], ["I", *end * 4]]
    share = np.float16(np.exp(2) / (np.exp(2) + 26))
    assert np.allclose(columns["probability"].to_pylist(), share)


def test_the_evaluation_of_many_words_is_a_small_file(tmp_path):
    words, read, looked = invented(1024)
    looked[:, 0] = 1
    columns, found = tried(words, read, looked, batch=256)
    evaluations.write(tmp_path / "a", columns, found, {"snapshot": 0, "key": {}})
    assert (tmp_path / "a").stat().st_size < 250_000


def test_symbols_after_the_first_end_do_not_count():
    words = np.concatenate((signs("AB.CD"), signs("ABCDE"), signs(".")))
    assert lengths(words).tolist() == [2, 5, 0] and text(words[0]) == "AB"
    assert counted(words).sum(1).tolist() == [3, 5, 1]
