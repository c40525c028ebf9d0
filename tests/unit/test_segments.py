"""Segments of films: what each shows, how they join, and which are rejected."""

import random
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import tools
from test_encode import FILM, MADE, SIZE, TITLE, about, ask, decoded, picture, shown

from epochreel.artifacts import segment_files
from epochreel.artifacts.frames import FrameSequence
from epochreel.core.errors import UserError
from epochreel.film import encode, segments, timing
from epochreel.film.cues import Cue
from epochreel.film.segment_store import SegmentStore
from epochreel.film.timing import Timeline
from epochreel.formats import png, video

PACE = {"pace": "even", "opening_seconds": 0.25, "hold_seconds": 0.5, "closing_seconds": 0}


def cut(times: Timeline, size: int, tweens: int, snapshots: int, settings) -> list:
    """Return all segments of a film in segments of `size` snapshots."""
    firsts = range(0, snapshots, size)
    parts = [
        segments.of_snapshots(times, first, min(size, snapshots - first), tweens)
        for first in firsts
    ]
    return [*parts, segments.of_end(times, snapshots - 1, tweens, settings)]


def pictures_of(parts) -> list[tuple]:
    """Return what each film frame shows: a snapshot, or a tween before one."""
    frames, snapshot = [], 0
    for part in parts:
        for span in part.spans if part is not parts[-1] else []:
            frames += [(snapshot, number) for number in span.tweens]
            frames += [(snapshot, None)] * span.frames
            snapshot += 1
    return frames + [(snapshot - 1, None)] * parts[-1].length


# What each shows


@pytest.mark.parametrize("size", [1, 3, 10])
@pytest.mark.parametrize("tweens", [0, 2, 9])
@pytest.mark.parametrize("seconds", ["1/24", "3/24"])
def test_the_segments_of_an_even_film_show_the_whole_film(size, tweens, seconds):
    settings = PACE | {"seconds_per_snapshot": seconds}
    whole = segments.of_film(timing.even(7, settings), tweens)
    parts = cut(segments.even_times(7, settings), size, tweens, 7, settings)
    assert pictures_of(parts) == pictures_of([whole, segments.Segment(0, [])])
    assert [part.start for part in parts] == [0, *np.cumsum([part.length for part in parts])[:-1]]


@pytest.mark.parametrize("size", [1, 3, 10])
@pytest.mark.parametrize("tweens", [0, 2, 9])
def test_the_segments_of_a_film_paced_by_change_show_the_whole_film(size, tweens):
    times = Timeline([9, 1, 2, 7, 1, 3, 15])
    parts = cut(segments.without_end(times, PACE), size, tweens, 7, PACE)
    whole = segments.of_film(times, tweens)
    assert pictures_of(parts) == pictures_of([whole, segments.Segment(0, [])])
    assert sum(part.length for part in parts) == times.length


@pytest.mark.parametrize("tweens", [0, 3])
def test_a_full_segment_of_an_even_film_does_not_depend_on_what_follows(tweens):
    settings = PACE | {"seconds_per_snapshot": "4/24"}
    one, other = (
        segments.of_snapshots(segments.even_times(count, settings), 2, 3, tweens)
        for count in (5, 9)
    )
    assert one == other


@pytest.mark.parametrize("pace", ["even", "change"])
@pytest.mark.parametrize(
    ("tweens", "seconds", "hold", "is_even"),
    [(0, "4/24", 0, False), (2, "4/24", 0, True), (2, "1/24", 0, False), (0, "1/24", 0.5, None)],
)
def test_a_film_has_an_end_only_if_it_shows_something(pace, tweens, seconds, hold, is_even):
    settings = PACE | {"pace": pace, "seconds_per_snapshot": seconds, "hold_seconds": hold}
    expected = pace == "even" if is_even else is_even is None
    assert timing.has_end(settings, tweens) == expected
    if pace == "even":
        times = segments.even_times(5, settings)
        assert (segments.of_end(times, 4, tweens, settings).length > 0) == expected


# How they join


def noise(number: int, size=SIZE) -> np.ndarray:
    """Return a picture that differs from all others."""
    return np.random.default_rng(number).integers(0, 255, (size[1], size[0], 3), np.uint8)


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    paths = [tmp_path / "frames" / f"{k:06d}.png" for k in range(60)]
    paths[0].parent.mkdir()
    for number, path in enumerate(paths):
        path.write_bytes(png.encode(noise(number)))
    return paths


def encoded(paths, folder, lengths, suffix=".mp4", **changes) -> list[Path]:
    """Encode segments of these numbers of frames, all different."""
    parts, first = [folder / f"{k}{suffix}" for k in range(len(lengths))], 0
    for part, length in zip(parts, lengths, strict=True):
        sequence = FrameSequence(paths[first : first + length], SIZE, first=first)
        spans = [segments.Span((), 1)] * length
        segment = segments.Segment(first, spans)
        encode.encode_segment(sequence, segment, part, FILM | changes, MADE, part)
        first += length
    return parts


def joined(parts, target, length, chapters=(), **changes) -> Path:
    encode.join(parts, target, length, SIZE, FILM | changes, TITLE, MADE, chapters)
    return target


def checksums(path) -> list[str]:
    """Return the time and the checksum of each decoded frame; the decoder must not complain."""
    strict = ("-v", "error", "-err_detect", "explode", "-xerror")
    found = ask(*strict, "-i", path, "-f", "framemd5", "-")
    assert not found.stderr
    lines = found.stdout.decode().splitlines()
    return [re.split(r", *", line)[2::3] for line in lines if not line.startswith("#")]


LENGTHS = [1, 1, 2, 3, 1, 26, 5, 1]


@pytest.mark.parametrize(
    ("suffix", "changes"),
    [
        *((".mp4", {"preset": preset}) for preset in ("ultrafast", "veryfast", "medium", "slow")),
        (".mp4", {"preset": "veryslow", "threads": 1, "crf": 30}),
        (".webm", {"webm_codec": "vp9"}),
        (".webm", {"webm_codec": "av1"}),
    ],
)
def test_any_segments_join_frame_by_frame(pictures, tmp_path, suffix, changes):
    parts = encoded(pictures, tmp_path, LENGTHS, suffix, **changes)
    made = checksums(joined(parts, tmp_path / f"a{suffix}", sum(LENGTHS), **changes))
    single = [checksum for part in parts for _, checksum in checksums(part)]
    assert made == [[str(number), checksum] for number, checksum in enumerate(single)]


def test_the_joined_film_has_the_times_of_a_film_encoded_at_once(pictures, tmp_path):
    parts = encoded(pictures, tmp_path, [7] * 8)
    film = joined(parts, tmp_path / "a.mp4", 56)
    times = Timeline([1] * 56)
    encode.encode_film(
        FrameSequence(pictures[:56], SIZE), times, tmp_path / "b.mp4", FILM, TITLE, MADE
    )
    of = [
        ask("-i", path, "-c", "copy", "-f", "framecrc", "-").stdout
        for path in (film, tmp_path / "b.mp4")
    ]
    dts, pts = [sorted(re.findall(rb"\n0,\s+(-?\d+),\s+(\d+),", text)) for text in of]
    assert [a for a, _ in dts] == [a for a, _ in pts] and {b for _, b in dts} == {b for _, b in pts}
    assert "Duration: 00:00:02.33, start: 0.000000" in about(film)


def packet_times(path) -> list[list[int]]:
    """Return the times of decoding and of display of a film's packets, each in order."""
    text = ask("-i", path, "-c", "copy", "-f", "framecrc", "-").stdout
    times = re.findall(rb"\n0, *(-?\d+), *(\d+),", text)
    return [sorted(map(int, column)) for column in zip(*times, strict=True)]


@pytest.mark.parametrize("preset", ["ultrafast", "veryfast", "veryslow"])
def test_all_segments_have_the_same_headers(pictures, tmp_path, preset):
    flat = [tmp_path / f"{k:06d}.png" for k in range(3)]
    for path in flat:
        path.write_bytes(png.encode(picture(1)))
    parts = encoded(pictures, tmp_path, [1, 2, 30], preset=preset)
    (tmp_path / "flat").mkdir()
    parts += encoded(flat, tmp_path / "flat", [3], preset=preset)
    assert len({header(path.read_bytes()) for path in parts}) == 1


def header(data: bytes) -> bytes:
    """Return the box with x264's headers."""
    at = data.index(b"avcC") - 4
    return data[at:][: int.from_bytes(data[at : at + 4])]


def test_a_film_of_many_segments_does_not_drift(pictures, tmp_path):
    # A third of a microsecond is lost with each segment of 1/24 s.
    (part,) = encoded(pictures, tmp_path, [1])
    assert len(checksums(joined([part] * 500, tmp_path / "a.mp4", 500))) == 500


def test_a_joined_film_is_tagged_checked_and_seekable(pictures, tmp_path):
    film = joined(encoded(pictures, tmp_path, [30, 5]), tmp_path / "a.mp4", 35)
    data, said = film.read_bytes(), about(film)
    assert 0 < data.index(b"moov") < data.index(b"mdat") and b"colrnclx" in data
    assert f": {TITLE}\n" in said and f": {MADE}\n" in said and "h264 (High) (avc1" in said
    assert "yuv420p(tv, bt709, progressive), 64x48" in said and "24 fps" in said
    video.check(film, MADE)


@pytest.mark.parametrize(("seconds", "count"), [(1, 2), (0.25, 5), (60, 1)])
def test_there_is_a_keyframe_at_least_every_so_many_seconds(tmp_path, seconds, count):
    path = tmp_path / "000000.png"
    path.write_bytes(png.encode(picture(0)))
    segment = segments.Segment(0, [segments.Span((), 30)])
    settings = FILM | {"keyframe_seconds": seconds}
    encode.encode_segment(
        FrameSequence([path], SIZE), segment, tmp_path / "a", settings, MADE, "a.mp4"
    )
    said = ask(
        "-i", tmp_path / "a", "-vf", "select=eq(pict_type\\,I)", "-f", "framemd5", "-"
    ).stdout
    assert said.count(b"\n0,") == count


CHAPTERS = [
    Cue(Fraction(0), Fraction(5, 24), "It now reads “8” as 3; half = 50 %, # \\ é"),
    Cue(Fraction(5, 24), Fraction(30, 24), "Second"),
]


@pytest.mark.parametrize(
    ("suffix", "changes"),
    [(".mp4", {}), (".webm", {"webm_codec": "vp9"}), (".webm", {"webm_codec": "av1"})],
)
def test_a_joined_film_has_chapters_and_otherwise_stays_the_same(
    pictures, tmp_path, suffix, changes
):
    parts = encoded(pictures, tmp_path, [30, 5], suffix, **changes)
    plain = joined(parts, tmp_path / f"a{suffix}", 35, **changes)
    made, again = (
        joined(parts, tmp_path / f"{name}{suffix}", 35, CHAPTERS, **changes) for name in "bc"
    )
    said = about(made)
    times = re.findall(r"Chapter #0:\d+: start ([\d.]+), end ([\d.]+)", said)
    assert np.allclose(np.array(times, float), [(0, 5 / 24), (5 / 24, 35 / 24)], atol=0.001)
    assert re.findall(r"Metadata:\n +title +: (.*)", said[said.index("Chapters:") :])[:2] == [
        chapter.sentence for chapter in CHAPTERS
    ]
    duration = r"Duration: [\d:.]+, start: 0.000000"
    assert re.search(duration, said)[0] == re.search(duration, about(plain))[0]
    assert checksums(made) == checksums(plain) and f": {TITLE}\n" in said
    assert packet_times(made) == packet_times(plain)
    assert made.read_bytes() == again.read_bytes()


def test_a_joined_film_with_an_unexpected_number_of_frames_is_refused(pictures, tmp_path):
    parts = encoded(pictures, tmp_path, [3, 4])
    with pytest.raises(UserError, match=r"a\.mp4: the film decodes to 7 frames; expected 8"):
        joined(parts, tmp_path / "a.mp4", 8)
    assert not (tmp_path / "a.mp4").exists()


def test_a_joined_film_with_other_times_is_refused(pictures, tmp_path, monkeypatch):
    parts = encoded(pictures, tmp_path, [3, 4])
    monkeypatch.setitem(encode._TIMES, "mp4", "pts=PTS+3*gt(N\\,4):dts=N/TB/24-4/TB/24")
    with pytest.raises(UserError, match="its frames are not shown for 1/24 s each"):
        joined(parts, tmp_path / "a.mp4", 7)


def test_folders_with_any_name_can_be_joined(pictures, tmp_path):
    folder = tmp_path / "it's a \\ # %d folder"
    folder.mkdir()
    parts = encoded(pictures, folder, [2, 2])
    assert len(checksums(joined(parts, folder / "a.mp4", 4))) == 4


def test_the_closing_picture_follows_the_hold(tmp_path):
    paths = [tmp_path / "000004.png", tmp_path / "closing.png"]
    for number, path in zip((4, 6), paths, strict=True):
        path.write_bytes(png.encode(picture(number)))
    sequence = FrameSequence(paths[:1], SIZE, first=4, closing=paths[1])
    segment = segments.Segment(9, [segments.Span((), 3)], closing=2)
    encode.encode_segment(sequence, segment, tmp_path / "a.mp4", FILM, MADE, tmp_path / "a.mp4")
    assert shown(decoded(tmp_path / "a.mp4")) == [4, 4, 4, 6, 6]
    paths[1].write_bytes(paths[1].read_bytes()[:-20])
    with pytest.raises(UserError, match=r"^closing picture, .*\.png, is truncated: delete it"):
        sequence.check()


# Which are refused


@pytest.fixture
def film(tmp_path) -> list[Path]:
    """The files of a film's three segments: of snapshots 0 to 9, 10 to 12, and its end."""
    paths, start = [tmp_path / f"{name}.mp4" for name in ("00000", "00001", "closing")], 0
    for path, (first, count, key), length in zip(paths, EXPECTED, (20, 6, 12), strict=True):
        stored = tmp_path / "stored"
        stored.write_bytes(random.Random(first).randbytes(200))
        video.embed_checksum(stored, MADE)
        place = segment_files.Position(first, count, start, length, MADE)
        segment_files.write(path, stored, place, key)
        start += length
    return paths


EXPECTED = segment_files.expected(13, 10, "a" * 64, "b" * 64)


def test_the_segments_of_a_film_are_accepted_in_order(film):
    found = segment_files.check(film, EXPECTED)
    assert [position.length for position in found] == [20, 6, 12]
    assert {position.content for position in found} == {MADE}


@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_damage_to_a_segment_is_reported_with_its_name(film, place):
    whole = film[place].read_bytes()
    for data in (whole[:-1], whole[:100], b"", whole[:50] + b"?" + whole[51:], whole + b"\0"):
        film[place].write_bytes(data)
        line = tools.refusal(segment_files.check, film, EXPECTED)
        assert line == f"{film[place]} is damaged: delete it and run the same command again"


def test_a_segment_with_another_key_is_refused(film):
    expected = [*EXPECTED[:2], (12, 0, "c" * 64)]
    line = tools.refusal(segment_files.check, film, expected)
    assert line.startswith(f"{film[2]} was made with other settings, code or versions than")


def test_a_segment_in_the_place_of_another_is_refused(film):
    film[1].write_bytes(film[0].read_bytes())
    line = tools.refusal(segment_files.check, film, EXPECTED)
    words = "holds the film of snapshots 0 to 9, not snapshots 10 to 12: delete it and run"
    assert line.startswith(f"{film[1]} {words}")


def test_a_segment_of_another_timeline_is_refused(film):
    data = film[1].read_bytes()
    stored = film[1].with_name("stored")
    segment_files.write(film[1], stored, segment_files.Position(10, 3, 21, 6, MADE), "a" * 64)
    assert film[1].read_bytes() != data
    line = tools.refusal(segment_files.check, film, EXPECTED)
    assert line.startswith(f"{film[1]} holds the film from frame 21, not 20: delete it and run")


# The store


def test_what_decides_the_bytes_of_a_segment_decides_its_name():
    segment = segments.Segment(5, [segments.Span((0, 1), 3)], 2)
    digest = segments.digest(segment, ["a"], {"crf": 16})
    assert digest == segments.digest(segments.Segment(7, segment.spans, 2), ["a"], {"crf": 16})
    others = [
        (segments.Segment(5, [segments.Span((0,), 3)], 2), ["a"], {"crf": 16}),
        (segments.Segment(5, [segments.Span((0, 1), 4)], 2), ["a"], {"crf": 16}),
        (segments.Segment(5, segment.spans, 3), ["a"], {"crf": 16}),
        (segment, ["b"], {"crf": 16}),
        (segment, ["a"], {"crf": 17}),
    ]
    assert digest not in {segments.digest(*other) for other in others}


def test_the_store_keeps_what_is_used_and_the_other_format(tmp_path, caplog):
    store = SegmentStore(tmp_path, ".mp4")
    for name in ("aa.mp4", "bb.mp4", "cc.webm"):
        (tmp_path / name).write_bytes(b"film")
        video.embed_checksum(tmp_path / name, name[:2] * 32)
    assert not store.has("dd")
    store.prune({"aa"})
    assert {path.name for path in tmp_path.iterdir()} == {"aa.mp4", "cc.webm"}


def test_a_damaged_segment_in_the_store_is_not_used(tmp_path, caplog):
    store = SegmentStore(tmp_path, ".mp4")
    store.path(MADE).write_bytes(b"film")
    video.embed_checksum(store.path(MADE), MADE)
    assert store.has(MADE)
    store.path(MADE).write_bytes(b"fil?" + store.path(MADE).read_bytes()[4:])
    assert not store.has(MADE) and "is damaged; recreating it" in caplog.text
