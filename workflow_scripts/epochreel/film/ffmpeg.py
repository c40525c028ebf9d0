"""The ffmpeg program that encodes films: its path, its version, and how to run it."""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import importlib.resources
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from epochreel.core.errors import UserError, printable

log = logging.getLogger("epochreel")
LOG_LEVEL = ("-loglevel", "level+error")
"""Options with which ffmpeg marks its own errors, so that they stand out from other lines."""
WEBM_ENCODERS = {"av1": "libsvtav1", "vp9": "libvpx-vp9"}
_OWN_ERROR = re.compile(r"\[(?:error|fatal|panic)\] (.+)")
# SVT-AV1 ignores ffmpeg's log level.
_SVT_MESSAGES = ("Svt[info]", "Svt[warn]")
_MAX_STDERR = 1 << 20  # bytes
# The parts of a system's ffmpeg that films need; these filters exist since ffmpeg 4.2.
_FILTERS = ("format", "fps", "scale", "setparams", "trim")
_JOIN = "setts"  # the bitstream filter for joining segments, since ffmpeg 4.4
_GIF_FILTERS = ("palettegen", "paletteuse")
_OPTIONS = {"libx264": "x264-params", "libsvtav1": "svtav1-params"}  # the latter since ffmpeg 5.1


class Output(NamedTuple):
    """What ffmpeg wrote: its standard output, and the errors that it reported itself."""

    data: bytes
    errors: list[str]


def ffmpeg_path(settings: Mapping) -> str:
    """Return the path of ffmpeg: the one in imageio-ffmpeg's wheel, or the system's.

    Reads `ffmpeg`. The bundled one is found by its name in the package, independent of environment
    variables. Raises `UserError` if there is none.
    """
    if settings["ffmpeg"] == "system":
        found = shutil.which("ffmpeg")
        if found is None:
            raise UserError("ffmpeg: not found in PATH; install it, or set film.ffmpeg to bundled")
        return found
    # Imported here because planning needs only the version.
    from imageio_ffmpeg._definitions import FNAME_PER_PLATFORM, get_platform

    name = FNAME_PER_PLATFORM.get(get_platform(), "ffmpeg")
    path = importlib.resources.files("imageio_ffmpeg") / "binaries" / name
    if not path.is_file():
        raise UserError(
            f"{path} is missing: reinstall imageio-ffmpeg from its wheel, or set ffmpeg: system"
        )
    return str(path)


def ffmpeg_line(settings: Mapping) -> str:
    """Return the first line of `ffmpeg -version`, for the log. Reads `ffmpeg`."""
    return _version_line(ffmpeg_path(settings))


def ffmpeg_version(settings: Mapping) -> str:
    """Return the version for the cache key: the package's, or the line from `ffmpeg -version`.

    Reads `ffmpeg` and, for the system's ffmpeg, the keys that select the format of the film; with
    none of them, ffmpeg joins segments. Raises `UserError` if that ffmpeg lacks a part.
    """
    if settings["ffmpeg"] != "system":
        return f"imageio-ffmpeg {importlib.metadata.version('imageio-ffmpeg')}"
    path, encoder, filters = ffmpeg_path(settings), None, _FILTERS
    if "webm_codec" in settings:
        encoder = WEBM_ENCODERS[settings["webm_codec"]]
    elif "crf" in settings:
        encoder = "libx264"
    elif "gif_width" in settings:
        encoder, filters = "gif", (*_FILTERS, *_GIF_FILTERS)
    if missing := _missing(path, encoder, filters) if encoder else _missing_for_join(path):
        version = _version_line(path).partition(" Copyright")[0].strip()
        needed = "5.1" if encoder == "libsvtav1" else "4.4"
        raise UserError(
            f"{path} ({version}) has no {missing}; expected ffmpeg {needed} or newer with it: "
            "install that, or set film.ffmpeg to bundled"
        )
    return _version_line(path)


# Cached, so that a plan runs ffmpeg once for all runs.
@functools.cache
def _version_line(path: str) -> str:
    lines = _answer(path, "-version").splitlines() or ["unknown version"]
    return next((line for line in lines if line.startswith("ffmpeg version")), lines[0])


@functools.cache
def _missing(path: str, encoder: str, filters: tuple[str, ...]) -> str:
    """Describe what an ffmpeg lacks of an encoder and filters; empty if it has them all.

    Query the parts themselves: development versions have no version number, and packagers leave
    parts out.
    """
    about = _answer(path, "-hide_banner", "-h", f"encoder={encoder}")
    if f"\nEncoder {encoder} " not in f"\n{about}":
        return f"encoder {encoder}"
    if encoder in _OPTIONS and f"-{_OPTIONS[encoder]} " not in about:
        return f"option {_OPTIONS[encoder]} of {encoder}"
    # The second column of a table.
    rows = [line.split() for line in _answer(path, "-hide_banner", "-filters").splitlines()]
    there = {row[1] for row in rows if len(row) > 1}
    return ", ".join(f"filter {name}" for name in filters if name not in there)


@functools.cache
def _missing_for_join(path: str) -> str:
    about = _answer(path, "-hide_banner", "-h", f"bsf={_JOIN}")
    return "" if f"Bit stream filter {_JOIN}" in about else f"bitstream filter {_JOIN}"


def _answer(path: str, *words: str) -> str:
    return run([path, *words], path).data.decode("utf-8", "replace")


def run(command: list[str], target: str | Path, pictures: Iterable[bytes] = ()) -> Output:
    """Run `command` with `pictures` as standard input and return its output.

    The exit status decides whether it succeeded; what else it prints is logged, and the first line
    is a warning if it encodes `pictures`. Raises `UserError`, with `target` as the file concerned,
    if ffmpeg cannot be started or fails.
    """
    # Output goes to files: a full pipe would block both processes.
    with tempfile.TemporaryFile() as stdout_file, tempfile.TemporaryFile() as stderr_file:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=stdout_file,
                stderr=stderr_file,
                env=_environment(),
                preexec_fn=functools.partial(_die_with, os.getpid()),
            )
        except OSError as error:
            raise UserError(
                f"{command[0]} cannot be started ({error.strerror}): install ffmpeg again"
            ) from error
        try:
            _write_pictures(process, pictures)
            code = process.wait()
        finally:
            # After an error in `pictures` ffmpeg would wait for more. No effect after an exit.
            process.kill()
            process.wait()
        stderr_file.seek(0)
        lines = _lines(stderr_file.read(_MAX_STDERR))
        errors = [found[1] for line in lines if (found := _OWN_ERROR.search(line))]
        if code:
            raise UserError(f"{target}: ffmpeg stopped: {_reason(code, lines, errors)}")
        for number, line in enumerate(lines):
            (_warn_once if pictures and not number else log.info)("ffmpeg: %s", line)
        stdout_file.seek(0)
        return Output(stdout_file.read(), errors)


def _write_pictures(process: subprocess.Popen, pictures: Iterable[bytes]) -> None:
    # If ffmpeg exits early, its error output has the reason.
    try:
        for picture in pictures:
            process.stdin.write(picture)
        process.stdin.close()
    except BrokenPipeError:
        pass


def _lines(text: bytes) -> list[str]:
    """Return the lines on standard error, which may come from the loader or a library too."""
    lines = map(printable, text.decode("utf-8", "replace").splitlines())
    return [line for line in lines if line.strip() and not line.startswith(_SVT_MESSAGES)]


def _reason(code: int, lines: list[str], errors: list[str]) -> str:
    """Describe a failure: ffmpeg's first error, or how it ended and the first line that it left."""
    if errors and code > 0:
        return errors[0]
    names = {item.value: item.name for item in signal.Signals}
    end = f"killed by {names.get(-code, f'signal {-code}')}" if code < 0 else f"exit status {code}"
    said = (errors or lines)[:1]
    return f"{end} ({said[0]})" if said else end


# A wrapper prints the same at each start, and an animated GIF takes two.
_warn_once = functools.cache(log.warning)


def _environment() -> dict[str, str]:
    """Return the environment without a report file (FFREPORT) and without colours in messages."""
    kept = {name: value for name, value in os.environ.items() if name != "FFREPORT"}
    return kept | {"AV_LOG_FORCE_NOCOLOR": "1"}


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with(parent: int) -> None:
    """Have the kernel kill ffmpeg if its parent dies, so that it does not finish half a film."""
    if _LIBC is not None:
        _LIBC.prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
        # If the parent ended before this call, the signal never comes.
        if os.getppid() != parent:
            os._exit(1)
