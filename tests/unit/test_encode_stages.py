"""Encoding a film in segments: which segments are encoded again after a change."""

import re
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import tools
from test_encode import FILM, SIZE, about, decoded, picture, shown

import encode as encode_script
import encode_segment as segment_script
from epochreel.artifacts import metrics, timeline
from epochreel.film import encode, segments, timing
from epochreel.formats import png
from epochreel.provenance import keys

STAGE = {"code": "", "versions": {}}
PACE = {"seconds_per_snapshot": "2/24", "opening_seconds": 0.25, "segment": 10}


@dataclass(frozen=True)
class Film:
    """A film of `snapshots` frames; `times` are those of a film that is paced by change."""

    snapshots: int = 23
    film: dict = field(default_factory=dict)
    times: tuple = ()

    def make(self) -> Path:
        """Make all segments, and join them."""
        names = [f"{first // 10:05d}" for first in range(0, self.snapshots, 10)]
        paths = [self._segment(name) for name in [*names, "closing"]]
        digests = {name: keys.key_digest(self._stage(name)) for name in ("segment", "closing")}
        reads = {f"encode_{name}": digest for name, digest in digests.items()}
        stage = self._stage("film") | {"reads": reads | self._timeline()}
        stage["settings"] |= {"title": "", "snapshots": self.snapshots}
        tables = "timeline.parquet", "metrics.parquet"
        encode_script.encode(paths, *tables, "run/training.mp4", stage)
        return Path("run/training.mp4")

    def _stage(self, what: str) -> dict:
        film = FILM | PACE | {"pace": "change" if self.times else "even"} | self.film
        if what == "segment":  # As the plan does.
            film = {k: v for k, v in film.items() if k not in ("hold_seconds", "closing_seconds")}
            film |= {"hold_seconds": FILM["hold_seconds"]} if self.times else {}
        settings = {"film": film, "tweens": 0, "width": SIZE[0], "height": SIZE[1]}
        reads = self._timeline() if self.times else {}
        return STAGE | {"settings": settings, "reads": reads, "snapshots": self.snapshots}

    def _timeline(self) -> dict:
        times = self.times or timing.even(self.snapshots, FILM | PACE | self.film).frames
        timeline.write("timeline.parquet", times, 0, "{}")
        rows = [{"snapshot": k, "step": k} for k in range(self.snapshots)]
        sentences = [f"Sentence {k // 10}" for k in range(self.snapshots)]
        table = metrics.with_narration(metrics.extend(None, rows), sentences, None)
        metrics.write("metrics.parquet", table, "{}")
        return {"timeline": keys.digest({}), "summarize": keys.digest({})}

    def _segment(self, name: str) -> str:
        is_end = name == "closing"
        first = self.snapshots - 1 if is_end else 10 * int(name)
        count = 1 if is_end else min(10, self.snapshots - first)
        stage = self._stage("closing" if is_end else "segment") | {"first": first, "count": count}
        frames = [Path("frames", f"{k:06d}.png") for k in range(first, first + count)]
        times = "timeline.parquet" if self.times else None
        path = f"run/segments/{name}.mp4"
        segment_script.encode_segment({"frames": frames}, times, path, is_end, stage)
        return path


@pytest.fixture
def count(tmp_path, monkeypatch):
    """Return the function that makes a film and returns how many segments were encoded."""
    monkeypatch.chdir(tmp_path)
    Path("frames").mkdir()
    for number in range(40):
        Path("frames", f"{number:06d}.png").write_bytes(png.encode(picture(number % 7)))
    calls, real = [], encode.encode_segment
    monkeypatch.setattr(encode, "encode_segment", lambda *a: calls.append(a) or real(*a))

    def made(film: Film = FILM_MADE) -> int:
        before = len(calls)
        film.make()
        return len(calls) - before

    return made


FILM_MADE = Film()


def test_the_film_shows_all_snapshots_and_its_end(count):
    assert count() == 4
    expected = [k % 7 for k in range(23) for _ in range(2)]
    assert shown(decoded("run/training.mp4")) == [0] * 6 + expected + [22 % 7] * 12


def test_segments_that_have_not_changed_are_not_encoded_again(count):
    count()
    before = Path("run/training.mp4").read_bytes()
    shutil.rmtree("run/segments")
    assert count() == 0 and Path("run/training.mp4").read_bytes() == before


def test_one_redrawn_frame_encodes_one_segment_again(count):
    count()
    Path("frames/000014.png").write_bytes(png.encode(picture(5)))
    assert count() == 1


def test_a_longer_film_encodes_only_its_new_segments(count):
    count(Film(20))
    assert count(Film(30)) == 2  # The new one, and the end.


def test_another_hold_encodes_only_the_end(count):
    count()
    assert count(replace(FILM_MADE, film={"hold_seconds": 1})) == 1


@pytest.mark.parametrize("changes", [{"crf": 20}, {"threads": 1}, {"keyframe_seconds": 2}])
def test_other_settings_of_the_encoder_encode_everything(count, changes):
    count()
    assert count(replace(FILM_MADE, film=changes)) == 4


def test_a_rewritten_timeline_encodes_only_what_is_shown_for_another_time(count):
    times = [3] * 22 + [15]
    assert count(Film(times=tuple(times))) == 4
    times[12] = 9  # Later segments only begin later.
    assert count(Film(times=tuple(times))) == 1


def test_the_store_keeps_only_the_segments_of_the_last_film(count):
    count()
    count(replace(FILM_MADE, film={"crf": 20}))
    assert len(list(Path("run/store/segments").iterdir())) == 4
    shutil.rmtree("run/store")
    assert count(replace(FILM_MADE, film={"crf": 20})) == 4


def test_segments_that_do_not_fit_the_timeline_are_refused(count, monkeypatch):
    count()
    film = replace(FILM_MADE, film={"hold_seconds": 1})
    monkeypatch.setattr(
        segments, "of_end", lambda times, last, *_: segments.Segment(52, [segments.Span((), 9)])
    )
    line = tools.refusal(film.make)
    assert (
        "run/segments has 61 film frames, but timeline.parquet has 76: delete that folder" in line
    )


def test_the_chapters_of_the_film_are_its_phases(count):
    count()
    titles = re.findall(r"Chapter #0:\d+: start .*\n.*\n +title +: (.*)", about("run/training.mp4"))
    assert titles == ["Sentence 0", "Sentence 1", "Sentence 2"]
