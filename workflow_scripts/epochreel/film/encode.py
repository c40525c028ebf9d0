"""Encode films with ffmpeg. Frames are checked before encoding, and counted after it.

Film settings are a mapping; each function reads only the keys that its docstring or this table
names:

========================= ==========================================================
`ffmpeg`                  "bundled" (with imageio-ffmpeg) or "system" (found in PATH)
`crf`, `preset`           quality (1 best … 51) and speed preset of x264
`threads`                 threads of the encoder; their number changes the bytes
`webm_codec`              "av1" or "vp9"
`gif_width`               px, at most the frame's width
`gif_frames_per_second`   1 … 24
`poster`                  position of the poster's snapshot, 0 (first) to 1 (last)
========================= ==========================================================

A `Timeline` says how long each snapshot is shown. A film with motion between snapshots has
transitions: for each snapshot but the first, an animated PNG of the tweens before it. As many as
fit, evenly spaced, are shown at the end of the previous snapshot's time.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import ffmpeg

from epochreel.artifacts.frames import FrameSequence
from epochreel.core.errors import UserError
from epochreel.core.files import atomic_write, atomic_write_bytes
from epochreel.film.ffmpeg import LOG_LEVEL, WEBM_ENCODERS, Output, ffmpeg_path, run
from epochreel.film.timing import RATE, Timeline, gif_frame_count, tween_numbers
from epochreel.formats import mp4

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


def encode_film(
    sequence: FrameSequence,
    times: Timeline,
    target: str | Path,
    settings: Mapping,
    title: str,
    key_digest: str,
) -> None:
    """Write the H.264 film of `sequence` to `target` (MP4).

    The metadata holds the title and, as comment, the cache key's digest `key_digest`; the last box
    holds `key_digest` and a checksum. High profile, yuv420p, BT.709 in limited range, 24 frames/s,
    the index at the start of the file. Raises `UserError` for an invalid frame before encoding, and
    if the decoded film does not have the expected number of frames.
    """
    options = {
        "c:v": "libx264",
        "preset": settings["preset"],
        "crf": settings["crf"],
        "profile:v": "high",
        # Required for High profile: the fastest presets would use a lower one.
        "8x8dct": 1,
        # Make the same decisions on all processors.
        "x264-params": "cpu-independent=1",
        "threads": settings["threads"],
        "movflags": "+faststart",
        "f": "mp4",
    }
    _encode(sequence, times, target, settings, options | _tags(title, key_digest), key_digest)


def encode_webm(
    sequence: FrameSequence,
    times: Timeline,
    target: str | Path,
    settings: Mapping,
    title: str,
    key_digest: str,
) -> None:
    """Write the film as WebM, in AV1 or VP9 (`webm_codec`); otherwise as `encode_film`."""
    threads, codec = settings["threads"], settings["webm_codec"]
    options = {"c:v": WEBM_ENCODERS[codec], **_WEBM[codec], "threads": threads, "f": "webm"}
    if codec == "av1":
        # SVT-AV1 takes a level of parallelism, at most 6, instead of a number of threads.
        options["svtav1-params"] = f"lp={min(threads, 6)}"
    _encode(sequence, times, target, settings, options | _tags(title, key_digest))


def encode_gif(
    sequence: FrameSequence, times: Timeline, target: str | Path, settings: Mapping
) -> None:
    """Write the film as an endless GIF with one palette, `gif_width` px wide.

    Samples the film every 1/`gif_frames_per_second` s. Raises `UserError` as `encode_film` does.
    """
    sequence.check()
    program = ffmpeg_path(settings)
    with tempfile.TemporaryDirectory() as scratch, atomic_write(target) as tmp_path:
        # Two passes, the first for the palette: a pipe cannot be rewound.
        palette = Path(scratch, "palette.png")
        palette_stream = _at_gif_size(settings, sequence).filter(
            "palettegen", reserve_transparent=0
        )
        output = palette_stream.output("pipe:1", **{"c:v": "png", "f": "image2pipe", "frames:v": 1})
        palette.write_bytes(
            _run_with_pictures(_command(program, output), target, sequence, times).data
        )
        painted = ffmpeg.filter(
            [_at_gif_size(settings, sequence), ffmpeg.input(f"file:{palette}", format="png_pipe")],
            "paletteuse",
            dither="none",  # flat areas stay flat and compress well
            diff_mode="rectangle",  # repaint only the part that changes
        )
        output = painted.output(f"file:{tmp_path}", **_BITEXACT, f="gif", loop=0)  # endless
        made = _run_with_pictures(_command(program, output), target, sequence, times)
        expected = gif_frame_count(times.length, settings)
        _check(tmp_path, target, expected, _gif_size(settings, sequence), settings, made.errors)


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
    found = re.search(r"^#dimensions 0: (\d+)x(\d+)", text, re.MULTILINE)
    if not counts or not found:
        raise UserError(f"{film}: ffmpeg reports no frame count or no size")
    width, height = int(found[1]), int(found[2])
    if size and (width, height) != size:
        raise UserError(f"{film}: it is {width} × {height} px; expected {size[0]} × {size[1]} px")
    return int(counts[-1])  # ffmpeg reports progress several times


def _encode(
    sequence: FrameSequence,
    times: Timeline,
    target: str | Path,
    settings: Mapping,
    options: Mapping,
    key_digest: str | None = None,
) -> None:
    sequence.check()
    with atomic_write(target) as tmp_path:
        output = _to_yuv(_pictures()).output(
            f"file:{tmp_path}", **_BITEXACT, **_BT709, color_range="tv", **options
        )
        command = _command(ffmpeg_path(settings), output)
        made = _run_with_pictures(command, target, sequence, times)
        if key_digest:
            mp4.embed_checksum(tmp_path, key_digest)
        _check(tmp_path, target, times.length, sequence.size, settings, made.errors)


def _check(
    film: Path,
    target: str | Path,
    expected: int,
    size: tuple[int, int],
    settings: Mapping,
    errors: Sequence[str],
) -> None:
    """Check the frames of the finished film; `errors` are those reported while encoding."""
    try:
        found = count_frames(film, settings, size)
        if found == expected:
            return
        problem = f"the film decodes to {found} frames; expected {expected}"
    except UserError as error:
        problem = str(error).removeprefix(f"{film}: ")
    reason = f" (ffmpeg: {errors[0]})" if errors else ""
    raise UserError(f"{target}: {problem}{reason}: run again: snakemake {shlex.quote(str(target))}")


def _pictures():
    """Read the pictures from the pipe, one per film frame, as RGB with explicit colours."""
    source = ffmpeg.input("pipe:0", format="image2pipe", vcodec="png", framerate=RATE)
    return source.filter("setparams", range="pc", color_primaries="bt709", color_trc="bt709")


def _to_yuv(pictures):
    """Convert RGB to yuv420p, BT.709 in limited range."""
    matrix = {"in_range": "pc", "out_range": "tv", "out_color_matrix": "bt709"}
    return pictures.filter("scale", **matrix, flags=_SCALE_FLAGS).filter("format", "yuv420p")


def _at_gif_size(settings: Mapping, sequence: FrameSequence):
    """Return the film's pictures at the rate and size of the GIF."""
    width, height = _gif_size(settings, sequence)
    sampled = _pictures().filter("fps", settings["gif_frames_per_second"])
    return sampled.filter("scale", width, height, flags="area+accurate_rnd+bitexact")


def _gif_size(settings: Mapping, sequence: FrameSequence) -> tuple[int, int]:
    width = min(settings["gif_width"], sequence.size[0])
    return width, max(1, round(sequence.size[1] * width / sequence.size[0]))


def _tags(title: str, key_digest: str) -> dict[str, str]:
    """Return title and comment as output options; an argument cannot hold NUL or surrogates."""
    words = title.replace("\0", " ").encode("utf-8", "replace").decode()
    return {"metadata:g:0": f"title={words}", "metadata:g:1": f"comment={key_digest}"}


def _run_with_pictures(
    command: list[str], target: str | Path, sequence: FrameSequence, times: Timeline
) -> Output:
    """Run `command` with the pictures in its pipe; name a damaged picture if that is the cause."""
    try:
        made = run(command, target, film_pictures(sequence, times))
    except UserError:
        sequence.check_pixels()
        raise
    if made.errors:  # ffmpeg may show a part of a damaged picture and succeed.
        sequence.check_pixels()
    return made


def film_pictures(sequence: FrameSequence, times: Timeline) -> Iterator[bytes]:
    """Yield the picture of each film frame as a PNG.

    Raises `UserError` for a file that is not complete.
    """
    last = len(sequence.frames) - 1
    for number, frames in enumerate(times.frames):
        tweens = sequence.transitions_before(number + 1) if number < last else []
        shown = tween_numbers(len(tweens), frames)
        yield from [sequence.frame(number)] * (frames - len(shown))
        yield from (tweens[k] for k in shown)


def _command(program: str, output, *options: str) -> list[str]:
    return ffmpeg.compile(output, cmd=[program, *_COMMON_OPTIONS, *options])
