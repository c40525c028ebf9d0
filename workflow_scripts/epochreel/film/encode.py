"""Films from frames: checked before, encoded by ffmpeg, counted after.

Film settings are a mapping; each function reads only the keys that it names:

========================= ==========================================================
`seconds_per_snapshot`    s, a whole number of 1/24 s: how long each snapshot is shown
`hold_seconds`            s ≥ 0: how much longer the last snapshot stays
`ffmpeg`                  "bundled" (with imageio-ffmpeg) or "system" (found in PATH)
`crf`, `preset`           quality (1 best … 51) and effort of x264
`threads`                 threads of the encoder; other numbers give other bytes
`webm_codec`              "av1" or "vp9"
`gif_width`               px, at most the frame's width
`gif_frames_per_second`   1 … 24
`poster`                  a share of the snapshots, from 0 (first) to 1 (last)
========================= ==========================================================

A film in which things move between snapshots has transitions: for each snapshot but the first an
animated PNG of the pictures that lead to it. They take the end of the time of the snapshot before.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import ffmpeg

from epochreel.artifacts.frames import FrameSequence
from epochreel.core.errors import UserError
from epochreel.core.files import atomic_write, atomic_write_bytes
from epochreel.film.ffmpeg import ffmpeg_path, run
from epochreel.film.timing import (
    RATE,
    frame_count,
    frames_per_snapshot,
    gif_frame_count,
    hold_frames,
)
from epochreel.formats import mp4

# Accurate rounding and full chroma, and no shortcuts that depend on the processor (bitexact).
_CAREFUL = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
_BT709 = {"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709"}
# No versions, no times, no random identifiers.
_PLAIN = {"fflags": "+bitexact", "flags:v": "+bitexact"}
# -xerror: end at the first error, such as a damaged picture.
_QUIET = ("-hide_banner", "-loglevel", "error", "-nostats", "-xerror", "-y")
_WEBM = {
    "av1": {"c:v": "libsvtav1", "preset": 8, "crf": 30},
    "vp9": {
        "c:v": "libvpx-vp9",
        "crf": 30,
        "b:v": 0,  # constant quality; with a bit rate, crf would only limit it
        "deadline": "good",
        "cpu-used": 4,  # speed; 0 is slowest
        "row-mt": 1,
        "tile-columns": 1,
    },
}


def encode_film(
    sequence: FrameSequence, target: str | Path, settings: Mapping, title: str, key_digest: str
) -> None:
    """Write the H.264 film of `sequence` to `target` (MP4).

    The file's metadata hold the title, and as a comment `key_digest`, the digest of the cache key; its
    last box holds `key_digest` and a checksum. High profile, yuv420p, BT.709 in limited range, 24
    frames/s, the index in front. Raises `UserError` for a wrong frame before anything is encoded,
    and where the decoded film has another number of frames than it should have.
    """
    options = {
        "c:v": "libx264",
        "preset": settings["preset"],
        "crf": settings["crf"],
        "profile:v": "high",
        # What makes it High; without it the fastest presets fall back to a lower profile.
        "8x8dct": 1,
        # The same choices on every kind of processor.
        "x264-params": "cpu-independent=1",
        "threads": settings["threads"],
        "movflags": "+faststart",
        "f": "mp4",
    }
    _encode(sequence, target, settings, options | _tags(title, key_digest), key_digest)


def encode_webm(
    sequence: FrameSequence, target: str | Path, settings: Mapping, title: str, key_digest: str
) -> None:
    """Write the film as WebM, in AV1 or VP9 by `webm_codec`; else as `encode_film`."""
    threads = settings["threads"]
    options = {**_WEBM[settings["webm_codec"]], "threads": threads, "f": "webm"}
    if settings["webm_codec"] == "av1":
        # In place of a number of threads SVT-AV1 takes a level of parallelism, at most 6.
        options["svtav1-params"] = f"lp={min(threads, 6)}"
    _encode(sequence, target, settings, options | _tags(title, key_digest))


def encode_gif(sequence: FrameSequence, target: str | Path, settings: Mapping) -> None:
    """Write the film as an endless GIF of one palette, `gif_width` px wide, whole or not at all.

    Shows what the film shows at each 1/`gif_frames_per_second` s. Raises as `encode_film`.
    """
    sequence.check()
    program = ffmpeg_path(settings)
    with tempfile.TemporaryDirectory() as scratch, atomic_write(target) as tmp_path:
        # Twice through the film: first for the palette, as a pipe cannot be rewound.
        palette = Path(scratch, "palette.png")
        colours = _small(settings, sequence).filter("palettegen", reserve_transparent=0)
        asked = colours.output("pipe:1", **{"c:v": "png", "f": "image2pipe", "frames:v": 1})
        palette.write_bytes(_draw(_command(program, asked), target, sequence, settings))
        painted = ffmpeg.filter(
            [_small(settings, sequence), ffmpeg.input(f"file:{palette}", format="png_pipe")],
            "paletteuse",
            dither="none",  # flat areas stay flat, and small
            diff_mode="rectangle",  # only the part that changes is painted
        )
        asked = painted.output(f"file:{tmp_path}", **_PLAIN, f="gif", loop=0)  # endless
        _draw(_command(program, asked), target, sequence, settings)
        _check_count(tmp_path, target, gif_frame_count(len(sequence.frames), settings), settings)


def save_poster(sequence: FrameSequence, target: str | Path, settings: Mapping) -> None:
    """Copy the frame that `poster` names to `target`. Raises `UserError` where it is wrong."""
    place = settings["poster"]
    if not 0 <= place <= 1:
        raise UserError(f"poster is {place}; it may be a share from 0 to 1")
    atomic_write_bytes(target, sequence.frame(round(place * (len(sequence.frames) - 1))))


def count_frames(film: str | Path, settings: Mapping) -> int:
    """Decode the whole of `film` and count its frames. Reads `ffmpeg`; `UserError` if damaged."""
    read = ffmpeg.input(f"file:{film}")
    asked = read.output("-", f="null", fps_mode="passthrough")
    command = _command(ffmpeg_path(settings), asked, "-progress", "pipe:1")
    lines = run(command, film).decode().splitlines()
    counts = [line.removeprefix("frame=") for line in lines if line.startswith("frame=")]
    return int(counts[-1])  # progress comes more than once


def _encode(
    sequence: FrameSequence,
    target: str | Path,
    settings: Mapping,
    options: Mapping,
    key_digest: str | None = None,
) -> None:
    sequence.check()
    with atomic_write(target) as tmp_path:
        pictures = _show(_limited(_pictures(settings, sequence)), settings)
        asked = pictures.output(f"file:{tmp_path}", **_PLAIN, **_BT709, color_range="tv", **options)
        _draw(_command(ffmpeg_path(settings), asked), target, sequence, settings)
        if key_digest:
            mp4.embed_checksum(tmp_path, key_digest)
        _check_count(tmp_path, target, frame_count(len(sequence.frames), settings), settings)


def _check_count(film: Path, target: str | Path, expected: int, settings: Mapping) -> None:
    counted = count_frames(film, settings)
    if counted != expected:
        raise UserError(
            f"{target}: the film decodes to {counted} frames instead of {expected}; "
            f"run again: snakemake {shlex.quote(str(target))}"
        )


def _pictures(settings: Mapping, sequence: FrameSequence):
    """The pictures of the pipe, as RGB that nothing reinterprets."""
    # With transitions the reel already gives a picture per film frame, else one per snapshot.
    rate = Fraction(RATE, 1 if sequence.transitions else frames_per_snapshot(settings))
    read = ffmpeg.input("pipe:0", format="image2pipe", vcodec="png", framerate=rate)
    return read.filter("setparams", range="pc", color_primaries="bt709", color_trc="bt709")


def _limited(pictures):
    """RGB to yuv420p by BT.709 in limited range; once for each snapshot, however long shown."""
    matrix = {"in_range": "pc", "out_range": "tv", "out_color_matrix": "bt709"}
    return pictures.filter("scale", **matrix, flags=_CAREFUL).filter("format", "yuv420p")


def _show(pictures, settings: Mapping):
    """Each picture for its time at the film's rate, the last one for the hold beside."""
    shown = pictures.filter("fps", RATE)
    return shown.filter("tpad", stop_mode="clone", stop=hold_frames(settings))


def _small(settings: Mapping, sequence: FrameSequence):
    """The film's pictures at the GIF's rate and size."""
    width = min(settings["gif_width"], sequence.size[0])
    height = max(1, round(sequence.size[1] * width / sequence.size[0]))
    sampled = _show(_pictures(settings, sequence), settings).filter(
        "fps", settings["gif_frames_per_second"]
    )
    return sampled.filter("scale", width, height, flags="area+accurate_rnd+bitexact")


def _tags(title: str, key_digest: str) -> dict[str, str]:
    """Title and comment as output options; an argument can hold all but NUL and half characters."""
    words = title.replace("\0", " ").encode("utf-8", "replace").decode()
    return {"metadata:g:0": f"title={words}", "metadata:g:1": f"comment={key_digest}"}


def _draw(
    command: list[str], target: str | Path, sequence: FrameSequence, settings: Mapping
) -> bytes:
    """Run `command` with the pictures in its pipe; where it fails for one of them, name that."""
    try:
        return run(command, target, sequence.pictures(frames_per_snapshot(settings)))
    except UserError:
        sequence.check_pixels()
        raise


def _command(program: str, asked, *more: str) -> list[str]:
    return ffmpeg.compile(asked, cmd=[program, *_QUIET, *more])
