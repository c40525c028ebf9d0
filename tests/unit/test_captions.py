"""Captions: their sentences, durations and times."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochreel.core.errors import UserError
from epochreel.experiment_api.declared_metrics import Metrics
from epochreel.experiment_api.interface import Metric
from epochreel.film import captions, timing
from epochreel.film import sentences as words

HOLDS = {"opening_seconds": 0, "hold_seconds": 2, "closing_seconds": 0}
FILM = {"seconds_per_snapshot": 1 / 24} | HOLDS
SENTENCES = [f"Epoch {k}" for k in range(121)]


def film_cues(sentences=SENTENCES, minimum=1.5, **changes):
    return captions.cues(times_of(sentences, **changes), sentences, minimum)


def times_of(sentences=SENTENCES, **changes):
    return timing.even(len(sentences), FILM | changes).times()


def test_cues_follow_each_other_without_gaps_from_start_to_end():
    cues = film_cues()
    assert [cue.end for cue in cues[:-1]] == [cue.start for cue in cues[1:]]
    assert (cues[0].start, cues[-1].end) == (0, times_of()[-1])


@pytest.mark.parametrize("minimum", [0.1, 1.5, 2])
@pytest.mark.parametrize("hold", [0, 1, 2, 5])
def test_every_cue_stays_long_enough_to_be_read(minimum, hold):
    cues = film_cues(minimum=minimum, hold_seconds=hold)
    assert len(cues) > 1
    assert all(cue.end - cue.start >= minimum for cue in cues)


def test_a_cue_begins_with_the_snapshot_whose_sentence_it_shows():
    for cue in film_cues():
        snapshot = int(cue.sentence.split()[1])
        assert cue.start == times_of()[snapshot]


def test_the_first_and_the_last_snapshot_have_a_cue():
    shown = [cue.sentence for cue in film_cues()]
    assert (shown[0], shown[-1]) == ("Epoch 0", "Epoch 120")
    assert [cue.sentence for cue in film_cues(SENTENCES[:2])] == ["Epoch 0", "Epoch 1"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=40), st.integers(0, 48))
def test_no_cue_of_a_film_of_any_pace_is_too_short(frames, closing):
    times = timing.Timeline(frames, closing).times()
    sentences = [f"Epoch {k // 2}" for k in range(len(frames))]
    shown = [cue.end - cue.start for cue in captions.cues(times, sentences)]
    assert sum(shown) == times[-1]
    # The first snapshot and the last one always have a cue.
    least = min(captions.READABLE, times[-1])
    assert all(seconds >= least for seconds in shown[1:]) or times[-1] < 2 * captions.READABLE


def test_equal_consecutive_sentences_share_one_cue():
    assert [cue.sentence for cue in film_cues(["a"] * 60 + ["b"] * 60)] == ["a", "b"]


def test_slow_snapshots_have_a_cue_each():
    assert len(film_cues(SENTENCES[:9], seconds_per_snapshot=2)) == 9


def test_a_film_of_one_snapshot_has_one_cue():
    assert film_cues(["Untrained"]) == [captions.Cue(0, Fraction(49, 24), "Untrained")]


def test_a_wrong_number_of_times_is_an_error():
    with pytest.raises(ValueError, match="2 sentences"):
        captions.cues([0, 1], ["a", "b"])


def test_rounded_cue_times_cover_exactly_the_frames_of_the_cue():
    cues = film_cues()
    for cue in cues:
        first, last = cue.start, cue.end - Fraction(1, 24)
        assert seconds(captions._clock(cue.start)) <= first
        assert last < seconds(captions._clock(cue.end)) <= cue.end


def seconds(clock: str) -> Fraction:
    hours, minutes, rest = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(rest)


def test_times_have_the_format_of_webvtt():
    written = captions.webvtt([captions.Cue(Fraction(1, 24), Fraction(86521, 24), "a")])
    assert written == "WEBVTT\n\n00:00:00.041 --> 01:00:05.041\na\n"


def test_no_sentence_can_break_the_webvtt_file():
    written = captions.webvtt([captions.Cue(Fraction(0), Fraction(1), "a <b>\n\n--> & c")])
    assert written.splitlines()[3:] == ["a &lt;b&gt; --&gt; &amp; c"]


def test_the_caption_file_lasts_as_long_as_the_film(tmp_path):
    captions.write_captions(SENTENCES, timing.even(121, FILM), tmp_path / "training.vtt")
    written = (tmp_path / "training.vtt").read_text()
    assert written.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nEpoch 0\n")
    assert "--> 00:00:07.041\nEpoch 120\n" in written


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ((0, 0, 0.1), "Before training: 10.0 % of digits correct"),
        ((12, 480, 0.873), "Epoch 12, after 480 pages: 87.3 % of digits correct"),
        ((12.2, 12480, 0.9999), "Epoch 12.2, after 12,480 pages: 99.9 % of digits correct"),
        ((50, 2000, 1.0), "Epoch 50, after 2,000 pages: 100.0 % of digits correct"),
    ],
)
def test_progress_is_a_sentence(numbers, sentence):
    named = dict(zip(["epoch", "examples", "accuracy"], numbers, strict=True))
    assert words.progress(named, "pages", "digits") == sentence


def test_a_caption_without_a_sentence_lists_the_metrics_with_labels_and_units():
    declared = {"accuracy": Metric("Accuracy", group="Accuracy", unit="%")}
    declared |= {"spread": Metric("Spread", unit="px"), "of_*": Metric("{}", group="By class")}
    numbers = {"snapshot": 2, "step": 20, "epoch": 2.0, "examples": 80}
    numbers |= {"accuracy": 0.9125, "spread": 4.25}
    numbers |= {"val_loss": 0.25, "CER": 0.5, "of_0": 0.5}
    sentence = words.of_metrics(Metrics(declared), numbers, {})
    assert sentence == "Epoch 2: accuracy 91.2 %, spread 4.250 px, val loss 0.250, CER 0.500"


def test_a_caption_leaves_out_undefined_metrics():
    numbers = {"snapshot": 2, "epoch": 2.0, "examples": 80, "accuracy": float("nan"), "loss": 1.0}
    assert words.of_metrics(Metrics({}), numbers, {}) == "Epoch 2: loss 1.000"
    del numbers["loss"]
    assert words.of_metrics(Metrics({}), numbers, {}) == "Epoch 2"
    assert words.progress(numbers, "pages", "digits") == "Epoch 2, after 80 pages"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "nothing; expected a list of 2 sentences"),
        ("ab", "'ab'; expected a list of 2 sentences"),
        (["a"], r"\['a'\]; expected a list of 2 sentences"),
        (["a", 3], "3; expected a sentence, as a string"),
    ],
)
def test_anything_but_a_list_of_sentences_is_an_error(given, words):
    captions.check_sentences(["a", "b"], 2, "figure.py: sentences")
    with pytest.raises(UserError, match=rf"^figure\.py: sentences returns {words}"):
        captions.check_sentences(given, 2, "figure.py: sentences")


def test_the_first_steps_are_not_called_epoch_0():
    numbers = {"snapshot": 1, "step": 2, "epoch": 0.002, "examples": 64, "accuracy": 0.5}
    assert words.progress(numbers, "pages", "digits").startswith("After 64 pages: 50.0 %")
    assert words.moment(numbers) == "Step 2"
    assert words.moment(numbers | {"epoch": 0.06}) == "Epoch 0.1"
