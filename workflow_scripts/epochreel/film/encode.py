"""Encode films with ffmpeg, in segments or at once, and count the frames of the result.

Film settings are a mapping; each function reads only the keys that its docstring or this table
names:

========================= ==========================================================
`ffmpeg`                  "bundled" (with imageio-ffmpeg) or "system" (found in PATH)
`crf`, `preset`           quality (1 best … 51) and speed preset of x264
`keyframe_seconds`        s, longest interval between keyframes, to which players can seek
`threads`                 threads of the encoder; their number changes the bytes
`webm_codec`              "av1" or "vp9"
`gif_width`               px, at most the frame's width
`gif_frames_per_second`   1 … 24
`poster`                  position of the poster's snapshot, 0 (first) to 1 (last)
========================= ==========================================================

A `Segment` says how long each picture is shown. A film with motion between snapshots has
transitions: for each snapshot but the first, an animated PNG of the tweens before it. As many
tweens as fit, evenly spaced, are shown at the end of the previous snapshot's time.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import ffmpeg

from epochreel.artifacts.frames import FrameSequence
from epochreel.core.errors import UserError
from epochreel.core.files import atomic_write, atomic_write_bytes
from epochreel.film import segments
from epochreel.film.cues import Cue
from epochreel.film.ffmpeg import LOG_LEVEL, WEBM_ENCODERS, Output, ffmpeg_path, run
from epochreel.film.segments import Segment
from epochreel.film.timing import RATE, Timeline, gif_frame_count, keyframe_distance
from epochreel.formats import ivf, video

# Accurate rounding and full chroma; bitexact: no code paths that depend on the processor.
_SCALE_FLAGS = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
_BT709 = {"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709"}
# Write no versions, times or random identifiers.
_BITEXACT = {"fflags": "+bitexact", "flags:v": "+bitexact"}
# -xerror: exit at the first error, such as a damaged picture.
_COMMON_OPTIONS = ("-hide_banner", *LOG_LEVEL, "-nostats", "-xerror", "-y")
_WEBM = {
    "av1": {"preset": 8, "crf": 30},
    "vp9": {
        "crf": 30,
        "b:v": 0,  # constant quality; with a bit rate, crf would only be a limit
        "deadline": "good",
        "cpu-used": 4,  # speed; 0 is slowest
        "row-mt": 1,
        "tile-columns": 1,
    },
}
_FORMATS = {"mp4": {"f": "mp4", "movflags": "+faststart"}, "webm": {"f": "webm"}}
# Timestamps of joined films. ffmpeg adds up lengths of segments in microseconds, and x264 starts a
# short segment with a different delay, so timestamps are computed again. Frames are decoded at most
# two frames before they are shown (B-frames); WebM stores only display times, in decoding order.
_DELAY = 2
_TIMES = {
    "mp4": f"pts=round(PTS*TB*{RATE})/TB/{RATE}:dts=(N-{_DELAY})/TB/{RATE}:duration=1/TB/{RATE}",
    "webm": f"ts=N/TB/{RATE}:duration=1/TB/{RATE}",
}


_ENCODER = ("ffmpeg", "version", "threads", "keyframe_seconds", "crf", "preset", "webm_codec")


def settings_of(settings: Mapping) -> dict[str, Any]:
    """Return the film settings that determine how a segment is encoded, except its timing."""
    return {name: settings[name] for name in _ENCODER if name in settings}


def encode_film(
    sequence: FrameSequence,
    times: Timeline,
    target: str | Path,
    settings: Mapping,
    title: str,
    key_digest: str,
    container: str = "mp4",
) -> None:
    """Encode a whole film to `target` at once, in the same format as `join`.

    Raises `UserError` for the first invalid frame before encoding, and as `encode_segment` does.
    """
    sequence.check()
    segment = segments.of_film(times, sequence.tweens)
    tags = _tags(title, key_digest)
    with atomic_write(target) as tmp_path:
        _encode(sequence, segment, tmp_path, target, settings, container, tags)
        _finish(tmp_path, key_digest, container)


def encode_segment(
    sequence: FrameSequence,
    segment: Segment,
    target: str | Path,
    settings: Mapping,
    digest: str,
    named: str | Path,
) -> None:
    """Write a segment of a film to `target`, with `digest` and a checksum at its end.

    `named` is the file to name in errors; its suffix selects the format.

    MP4 is H.264, High profile; WebM is AV1 or VP9 (`webm_codec`): yuv420p, BT.709 in limited range,
    24 frames/s. No frame refers to another segment. Raises `UserError` if ffmpeg cannot decode a
    frame, or if the decoded segment does not have the expected number of frames. The caller has
    checked the frames.
    """
    with atomic_write(target) as tmp_path:
        _encode(sequence, segment, tmp_path, named, settings, _container(named), {})
        video.embed_checksum(tmp_path, digest)


def join(
    paths: Sequence[str | Path],
    target: str | Path,
    length: int,
    size: tuple[int, int],
    settings: Mapping,
    title: str,
    key_digest: str,
    chapters: Sequence[Cue] = (),
) -> None:
    """Join segments that were encoded with the same settings into a film, without re-encoding.

    The metadata contains the title, the chapters and, as comment, the cache key's `key_digest`.
    The last chapter lasts until the end of the film. The index of an MP4 is at its start; its last
    box holds `key_digest` and a checksum. Reads `ffmpeg`. Raises `UserError` if the film does not
    have `length` frames of `size`, each for 1/24 s.
    """
    names = (str(path).replace("'", r"'\''") for path in paths)
    listed = "".join(["ffconcat version 1.0\n", *(f"file 'file:{name}'\n" for name in names)])
    source = ffmpeg.input("pipe:0", format="concat", safe=0, protocol_whitelist="file,pipe")
    container = _container(target)
    options = {"c": "copy", "bsf:v": f"setts={_TIMES[container]}", **_FORMATS[container]}
    options |= {"fflags": "+bitexact", "map_chapters": 0, **_tags(title, key_digest)}
    with tempfile.TemporaryDirectory() as scratch, atomic_write(target) as tmp_path:
        # An input without streams, before that of the segments.
        metadata = Path(scratch, "chapters.txt")
        metadata.write_text(_ffmetadata(chapters, length), encoding="utf-8")
        command = _command(
            ffmpeg_path(settings),
            source.output(f"file:{tmp_path}", **options),
            *("-f", "ffmetadata", "-i", f"file:{metadata}"),
        )
        made = run(command, target, [listed.encode()])
        _finish(tmp_path, key_digest, container)
        _check(tmp_path, target, _count_packets, length, size, settings, made.errors)


def encode_gif(
    sequence: FrameSequence, times: Timeline, target: str | Path, settings: Mapping
) -> None:
    """Write a whole film as an endless GIF with one palette, `gif_width` px wide.

    Samples the film every 1/`gif_frames_per_second` s. Raises `UserError` as `encode_film` does.
    """
    sequence.check()
    segment = segments.of_film(times, sequence.tweens)
    program, size = ffmpeg_path(settings), _gif_size(settings, sequence)
    sampled = _at_film_rate(_source(), segment).filter("fps", settings["gif_frames_per_second"])
    scaled = sampled.filter("scale", *size, flags="area+accurate_rnd+bitexact")
    with tempfile.TemporaryDirectory() as scratch, atomic_write(target) as tmp_path:
        # Two passes, the first for the palette: a pipe cannot be rewound.
        palette = Path(scratch, "palette.png")
        palette_stream = scaled.filter("palettegen", reserve_transparent=0)
        output = palette_stream.output("pipe:1", **{"c:v": "png", "f": "image2pipe", "frames:v": 1})
        palette.write_bytes(
            _run_with_pictures(_command(program, output), target, sequence, segment).data
        )
        painted = ffmpeg.filter(
            [scaled, ffmpeg.input(f"file:{palette}", format="png_pipe")],
            "paletteuse",
            dither="none",  # flat areas stay flat and compress well
            diff_mode="rectangle",  # repaint only the part that changes
        )
        output = painted.output(f"file:{tmp_path}", **_BITEXACT, f="gif", loop=0)  # endless
        made = _run_with_pictures(_command(program, output), target, sequence, segment)
        expected = gif_frame_count(segment.length, settings)
        _check(tmp_path, target, count_frames, expected, size, settings, made.errors)


def save_poster(sequence: FrameSequence, target: str | Path, settings: Mapping) -> None:
    """Write the frame at position `poster` to `target`. Raises `UserError` if it is invalid."""
    position = settings["poster"]
    if not 0 <= position <= 1:
        raise UserError(f"poster is {position}; expected a number from 0 to 1")
    atomic_write_bytes(target, sequence.frame(round(position * (len(sequence.frames) - 1))))


def count_frames(film: str | Path, settings: Mapping, size: tuple[int, int] | None = None) -> int:
    """Decode `film` and count its frames. Reads `ffmpeg`.

    Raises `UserError` if it is damaged, or if its pictures do not have `size`, (width, height).
    """
    source = ffmpeg.input(f"file:{film}")
    # The second output states the size and decodes nothing.
    outputs = ffmpeg.merge_outputs(
        source.output("-", f="null"),
        source.output("pipe:1", f="framecrc", **{"c:v": "copy", "frames:v": 1}),
    )
    command = _command(ffmpeg_path(settings), outputs, "-progress", "pipe:1")
    text = run(command, film).data.decode("utf-8", "replace")
    counts = re.findall(r"^frame=\s*(\d+)", text, re.MULTILINE)
    if not counts:
        raise UserError(f"{film}: ffmpeg reports no frame count or no size")
    if size:
        _check_size(film, text, size)
    return int(counts[-1])  # ffmpeg reports progress several times


def _encode(
    sequence: FrameSequence,
    segment: Segment,
    tmp_path: Path,
    target: str | Path,
    settings: Mapping,
    container: str,
    tags: Mapping[str, str],
) -> None:
    """Encode a segment into `tmp_path`, decode it and count its frames."""
    options = {**_FORMATS[container], **_codec(settings, container), **tags}
    # Convert before pictures are repeated.
    pictures = _at_film_rate(_to_yuv(_source()), segment)
    output = pictures.output(f"file:{tmp_path}", **_BITEXACT, **_BT709, color_range="tv", **options)
    command = _command(ffmpeg_path(settings), output)
    made = _run_with_pictures(command, target, sequence, segment)
    _check(tmp_path, target, count_frames, segment.length, sequence.size, settings, made.errors)


def _finish(film: Path, key_digest: str, container: str) -> None:
    # Some players warn about data after the end of a WebM film.
    if container == "mp4":
        video.embed_checksum(film, key_digest)


def _container(path: str | Path) -> str:
    return Path(path).suffix.removeprefix(".")


def _codec(settings: Mapping, container: str) -> dict[str, Any]:
    """Return the options of the encoder."""
    options = {"threads": settings["threads"], "g": keyframe_distance(settings)}
    if container == "mp4":
        return options | {
            "c:v": "libx264",
            "preset": settings["preset"],
            "crf": settings["crf"],
            "profile:v": "high",
            # Required for High profile: the fastest presets would use a lower one.
            "8x8dct": 1,
            # Make the same decisions on all processors; write the same headers in all segments.
            "x264-params": "cpu-independent=1:stitchable=1",
        }
    codec = settings["webm_codec"]
    options |= {"c:v": WEBM_ENCODERS[codec], **_WEBM[codec]}
    if codec == "av1":
        # SVT-AV1 takes a level of parallelism, at most 6, instead of a number of threads.
        options["svtav1-params"] = f"lp={min(settings['threads'], 6)}"
    return options


def _count_packets(film: str | Path, settings: Mapping, size: tuple[int, int]) -> int:
    """Count the frames of a joined film without decoding it; its segments were decoded before.

    Raises `UserError` if their times are not multiples of 1/24 s from 0 on, or if they do not have
    `size`.
    """
    output = ffmpeg.input(f"file:{film}").output("pipe:1", f="framecrc", c="copy")
    text = run(_command(ffmpeg_path(settings), output), film).data.decode("utf-8", "replace")
    _check_size(film, text, size)
    base = re.search(r"^#tb 0: (\d+)/(\d+)$", text, re.MULTILINE)
    ticks = Fraction(int(base[2]), int(base[1]) * RATE)  # per film frame
    times = sorted(map(int, re.findall(r"^0, *-?\d+, *(-?\d+),", text, re.MULTILINE)))
    if times != [round(number * ticks) for number in range(len(times))]:
        raise UserError(f"{film}: its frames are not shown for 1/{RATE} s each")
    return len(times)


def _check_size(film: str | Path, text: str, size: tuple[int, int]) -> None:
    """Raise `UserError` unless the header of a framecrc output, `text`, states this size."""
    found = re.search(r"^#dimensions 0: (\d+)x(\d+)", text, re.MULTILINE)
    if not found:
        raise UserError(f"{film}: ffmpeg reports no frame count or no size")
    width, height = int(found[1]), int(found[2])
    if (width, height) != size:
        raise UserError(f"{film}: it is {width} × {height} px; expected {size[0]} × {size[1]} px")


def _check(
    film: Path,
    target: str | Path,
    count: Callable[[Path, Mapping, tuple[int, int]], int],
    expected: int,
    size: tuple[int, int],
    settings: Mapping,
    errors: Sequence[str],
) -> None:
    """Check the frames of the finished film; `errors` are those reported while encoding."""
    try:
        found = count(film, settings, size)
        if found == expected:
            return
        problem = f"the film decodes to {found} frames; expected {expected}"
    except UserError as error:
        problem = str(error).removeprefix(f"{film}: ")
    reason = f" (ffmpeg: {errors[0]})" if errors else ""
    raise UserError(f"{target}: {problem}{reason}: run again: snakemake {shlex.quote(str(target))}")


def _source():
    """Read the pictures from the pipe, with their times, as RGB with explicit colours."""
    source = ffmpeg.input("pipe:0", format="ivf")
    return source.filter("setparams", range="pc", color_primaries="bt709", color_trc="bt709")


def _to_yuv(pictures):
    """Convert RGB to yuv420p, BT.709 in limited range."""
    matrix = {"in_range": "pc", "out_range": "tv", "out_color_matrix": "bt709"}
    return pictures.filter("scale", **matrix, flags=_SCALE_FLAGS).filter("format", "yuv420p")


def _at_film_rate(pictures, segment: Segment):
    """Repeat each picture for its time; ffmpeg would guess how long it shows the last one."""
    return pictures.filter("fps", RATE).filter("trim", end_frame=segment.length)


def _gif_size(settings: Mapping, sequence: FrameSequence) -> tuple[int, int]:
    width = min(settings["gif_width"], sequence.size[0])
    return width, max(1, round(sequence.size[1] * width / sequence.size[0]))


def _ffmetadata(chapters: Sequence[Cue], length: int) -> str:
    """Return chapters in ffmpeg's metadata format; `length` is the end of the film in frames."""
    lines = [";FFMETADATA1"]
    for chapter, following in pairwise([*chapters, None]):
        end = following.start * RATE if following else length
        # These characters are special in a value: `=`, `;`, `#`, the backslash and the line break.
        title = re.sub(r"([=;#\\\n])", r"\\\1", chapter.sentence)
        times = f"TIMEBASE=1/{RATE}", f"START={chapter.start * RATE}", f"END={end}"
        lines += ["[CHAPTER]", *times, f"title={title}"]
    return "\n".join([*lines, ""])


def _tags(title: str, key_digest: str) -> dict[str, str]:
    """Return title and comment as output options; an argument cannot hold NUL or surrogates."""
    words = title.replace("\0", " ").encode("utf-8", "replace").decode()
    return {"metadata:g:0": f"title={words}", "metadata:g:1": f"comment={key_digest}"}


def _run_with_pictures(
    command: list[str], target: str | Path, sequence: FrameSequence, segment: Segment
) -> Output:
    """Run `command` with the pictures in its pipe; name a damaged picture if that is the cause."""
    pictures = ivf.png_stream(segment.pictures(sequence), sequence.size, RATE)
    try:
        made = run(command, target, pictures)
    except UserError:
        sequence.check_pixels()
        raise
    if made.errors:  # ffmpeg may show a part of a damaged picture and succeed.
        sequence.check_pixels()
    return made


def _command(program: str, output, *options: str) -> list[str]:
    return ffmpeg.compile(output, cmd=[program, *_COMMON_OPTIONS, *options])
