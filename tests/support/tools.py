"""Small helpers that several tests share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from epochreel.core.errors import UserError
from epochreel.film.ffmpeg import ffmpeg_path


def refusal(function: Callable, *arguments, **options) -> str:
    """Call a function that must raise `UserError`, and return its one line."""
    with pytest.raises(UserError) as caught:
        function(*arguments, **options)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def flip_bit(path: str | Path) -> None:
    """Flip a bit in the middle of a file."""
    data = bytearray(Path(path).read_bytes())
    data[len(data) // 2] ^= 1
    Path(path).write_bytes(data)


def grey(pixels: np.ndarray) -> np.ndarray:
    """Return the luma of RGB pixels."""
    return pixels @ np.array([0.299, 0.587, 0.114])


def install_ffmpeg(path: Path, version: str, before: str = "", after: str = "") -> None:
    """Write a shell script that reports `version` and otherwise runs the bundled ffmpeg.

    It runs the commands `before` first, and then passes the output to the commands `after`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    says, bundled = f'echo "ffmpeg version {version} Copyright"', ffmpeg_path({"ffmpeg": "bundled"})
    call = f'"{bundled}" "$@" | {after}' if after else f'exec "{bundled}" "$@"'
    path.write_text(f'#!/bin/sh\n{before}\n[ "$1" = -version ] && {says} && exit\n{call}\n')
    path.chmod(0o755)
