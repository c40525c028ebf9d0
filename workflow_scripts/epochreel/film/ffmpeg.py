"""The ffmpeg program that encodes films: its path, its version, and how to run it."""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import importlib.resources
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from epochreel.core.errors import UserError

# SVT-AV1 ignores ffmpeg's log level.
_SVT_MESSAGES = ("Svt[info]", "Svt[warn]")


def ffmpeg_path(settings: Mapping) -> str:
    """Return the path of ffmpeg: the one in imageio-ffmpeg's wheel, or the system's.

    Reads `ffmpeg`. The bundled one is found by its name in the package, independent of environment
    variables. Raises `UserError` if there is none.
    """
    if settings["ffmpeg"] == "system":
        found = shutil.which("ffmpeg")
        if found is None:
            raise UserError("ffmpeg: not found in PATH; install it or set ffmpeg: bundled")
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
    return run([ffmpeg_path(settings), "-version"], "ffmpeg").decode().splitlines()[0]


def ffmpeg_version(settings: Mapping) -> str:
    """Return the version for the cache key: the package's, or the line from `ffmpeg -version`."""
    if settings["ffmpeg"] == "system":
        return ffmpeg_line(settings)
    return f"imageio-ffmpeg {importlib.metadata.version('imageio-ffmpeg')}"


def run(command: list[str], target: str | Path, pictures: Iterable[bytes] = ()) -> bytes:
    """Run `command` with `pictures` as standard input and return its standard output.

    Raises `UserError`, with `target` as the file concerned, if ffmpeg fails or reports an error.
    """
    # Output goes to files: a full pipe would block both processes.
    with tempfile.TemporaryFile() as stdout_file, tempfile.TemporaryFile() as stderr_file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=stdout_file,
            stderr=stderr_file,
            env=_environment(),
            preexec_fn=functools.partial(_die_with, os.getpid()),
        )
        try:
            _write_pictures(process, pictures)
            code = process.wait()
        finally:
            # After an error in `pictures` ffmpeg would wait for more. No effect after an exit.
            process.kill()
            process.wait()
        stderr_file.seek(0)
        reason = _first_error(stderr_file.read()) or _exit_reason(code)
        if reason:
            raise UserError(f"{target}: ffmpeg stopped: {reason}")
        stdout_file.seek(0)
        return stdout_file.read()


def _write_pictures(process: subprocess.Popen, pictures: Iterable[bytes]) -> None:
    # If ffmpeg exits early, its error output has the reason.
    try:
        for picture in pictures:
            process.stdin.write(picture)
        process.stdin.close()
    except BrokenPipeError:
        pass


def _first_error(text: bytes) -> str:
    """Return the first error that ffmpeg reports; its exit status may still be 0."""
    lines = text.decode("utf-8", "replace").splitlines()
    return next((line for line in lines if line.strip() and not line.startswith(_SVT_MESSAGES)), "")


def _exit_reason(code: int) -> str:
    """Describe an exit status other than 0."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}" if code else ""


def _environment() -> dict[str, str]:
    """Return the environment without FFREPORT, which makes ffmpeg write a report file."""
    return {name: value for name, value in os.environ.items() if name != "FFREPORT"}


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with(parent: int) -> None:
    """Have the kernel kill ffmpeg if its parent dies, so that it does not finish half a film."""
    if _LIBC is not None:
        _LIBC.prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
        # If the parent ended before this call, the signal never comes.
        if os.getppid() != parent:
            os._exit(1)
