"""Captions and chapters: a cue for each phase of a film."""

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochreel.drawing import frame, header
from epochreel.drawing.palette import THEMES
from epochreel.film import captions, cues
from epochreel.film.cues import Cue
from epochreel.film.timing import Timeline

SENTENCES = ["a"] * 3 + ["b"] * 2 + ["a"]


def film_cues(frames=(10, 1, 1, 2, 3, 5), closing=0, sentences=SENTENCES):
    return cues.cues(Timeline(list(frames), closing), sentences)


def test_each_phase_has_a_cue_from_its_first_snapshot_to_the_next_phase():
    assert film_cues() == [
        Cue(Fraction(0), Fraction(12, 24), "a"),
        Cue(Fraction(12, 24), Fraction(17, 24), "b"),
        Cue(Fraction(17, 24), Fraction(22, 24), "a"),
    ]


def test_no_cue_covers_the_closing_picture():
    assert film_cues(closing=72) == film_cues()


def test_a_film_of_one_snapshot_has_one_cue():
    assert film_cues([49], sentences=["a"]) == [Cue(Fraction(0), Fraction(49, 24), "a")]


def test_a_wrong_number_of_sentences_is_an_error():
    with pytest.raises(ValueError, match="5 sentences do not match 6 snapshots"):
        film_cues(sentences=SENTENCES[:5])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.sampled_from("abc")), min_size=1), st.integers(0))
def test_cues_follow_each_other_without_gaps(snapshots, closing):
    frames, sentences = zip(*snapshots, strict=True)
    shown = film_cues(frames, closing, sentences)
    assert [cue.end for cue in shown[:-1]] == [cue.start for cue in shown[1:]]
    assert (shown[0].start, shown[-1].end) == (0, Fraction(sum(frames), 24))


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_rounded_cue_times_cover_exactly_the_frames_of_the_cue(first, count):
    start, end = Fraction(first, 24), Fraction(first + count, 24)
    assert seconds(captions._clock(start)) <= start
    assert end - Fraction(1, 24) < seconds(captions._clock(end)) <= end


def webvtt(shown) -> str:
    return captions.webvtt(shown, captions.Place((1920, 1080)))


def seconds(clock: str) -> Fraction:
    hours, minutes, rest = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(rest)


def test_a_caption_has_its_times_and_its_place_in_the_format_of_webvtt():
    written = webvtt([Cue(Fraction(1, 24), Fraction(86521, 24), "a")])
    lines = written.splitlines()
    assert lines[:3] == ["WEBVTT", "", "STYLE"] and lines[4] == "" and written.endswith("a\n")
    assert lines[5].startswith("00:00:00.041 --> 01:00:05.041 line:")
    assert "align:start" in lines[5]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("size", "lines"), [((1920, 1080), 1), ((640, 360), 1), ((1080, 1080), 2), ((1080, 1920), 2)]
)
def test_a_caption_covers_only_the_band_of_the_sentence(size, lines, theme):
    place = captions.Place(size, theme)
    long = place.lines(("abcd " * 18).strip())  # 89 characters
    units = THEMES[theme].units * size[1] / min(size)  # of the height
    top, high = (part / units for part in header.band(frame.shape_of(size)))
    assert len(long) == lines and " ".join(long) == ("abcd " * 18).strip()
    for count in (1, lines):
        line = float(re.search(r"line:([\d.]+)%", place.settings(count))[1]) / 100
        tall = count * 1.15 * 0.05 * 0.7 * min(size) / size[1]
        assert top - 0.002 <= line and line + tall <= top + high + 0.012


def test_no_sentence_can_break_the_webvtt_file():
    written = webvtt([Cue(Fraction(0), Fraction(1), "a <b> --> & c")])
    assert written.splitlines()[6:] == ["a &lt;b&gt; --&gt; &amp; c"]
