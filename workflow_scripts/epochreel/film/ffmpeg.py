"""The ffmpeg that encodes films: its path, its version, and how to run it."""

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

# SVT-AV1 ignores the log level of ffmpeg.
_CHATTER = ("Svt[info]", "Svt[warn]")


def ffmpeg_path(settings: Mapping) -> str:
    """The ffmpeg to run: the one that imageio-ffmpeg's wheel carries, or the system's.

    Reads `ffmpeg`. The bundled one is taken by its name in the package, whatever the
    environment says. Raises `UserError` where there is none.
    """
    if settings["ffmpeg"] == "system":
        found = shutil.which("ffmpeg")
        if found is None:
            raise UserError("ffmpeg: no such program in PATH; install it or set ffmpeg: bundled")
        return found
    # Imported here: planning needs no more than a version.
    from imageio_ffmpeg._definitions import FNAME_PER_PLATFORM, get_platform

    name = FNAME_PER_PLATFORM.get(get_platform(), "ffmpeg")
    path = importlib.resources.files("imageio_ffmpeg") / "binaries" / name
    if not path.is_file():
        raise UserError(
            f"{path}: missing; reinstall imageio-ffmpeg from its wheel or set ffmpeg: system"
        )
    return str(path)


def ffmpeg_line(settings: Mapping) -> str:
    """What the chosen ffmpeg says of its version, one line for the log. Reads `ffmpeg`."""
    return run([ffmpeg_path(settings), "-version"], "ffmpeg").decode().splitlines()[0]


def ffmpeg_version(settings: Mapping) -> str:
    """The version that films depend on: the pinned package's, or the system's own line."""
    if settings["ffmpeg"] == "system":
        return ffmpeg_line(settings)
    return f"imageio-ffmpeg {importlib.metadata.version('imageio-ffmpeg')}"


def run(command: list[str], target: str | Path, feed: Iterable[bytes] = ()) -> bytes:
    """Run `command`, `feed` going into its pipe; its output. `UserError` names `target`."""
    # Output goes to files: with pipes, a full one would block both processes.
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=complained,
            env=_environment(),
            preexec_fn=functools.partial(_end_with, os.getpid()),
        )
        try:
            _pour(process, feed)
            code = process.wait()
        finally:
            # No effect after a normal end; after an error in `feed`, ffmpeg would wait for more.
            process.kill()
            process.wait()
        complained.seek(0)
        reason = _complaint(complained.read()) or _ending(code)
        if reason:
            raise UserError(f"{target}: ffmpeg stopped: {reason}")
        said.seek(0)
        return said.read()


def _pour(process: subprocess.Popen, feed: Iterable[bytes]) -> None:
    # An ffmpeg that ended early says why itself.
    try:
        for data in feed:
            process.stdin.write(data)
        process.stdin.close()
    except BrokenPipeError:
        pass


def _complaint(text: bytes) -> str:
    """The first error that ffmpeg names: it may end well although a picture did not."""
    lines = text.decode("utf-8", "replace").splitlines()
    return next((line for line in lines if line.strip() and not line.startswith(_CHATTER)), "")


def _ending(code: int) -> str:
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"exit status {code}" if code else ""


def _environment() -> dict[str, str]:
    """The environment without what would make ffmpeg write a report into the folder."""
    return {name: value for name, value in os.environ.items() if name != "FFREPORT"}


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _end_with(parent: int) -> None:
    """Let the kernel end ffmpeg with us: at the end of its pipe it would finish half a film."""
    if _LIBC is not None:
        _LIBC.prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
        # The parent may have ended before the call: then the signal never comes.
        if os.getppid() != parent:
            os._exit(1)
