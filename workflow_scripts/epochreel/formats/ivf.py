"""IVF: a stream of pictures with timestamps, for ffmpeg's standard input."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator


def png_stream(
    pictures: Iterable[tuple[bytes, int]], size: tuple[int, int], rate: int
) -> Iterator[bytes]:
    """Yield the parts of a stream of PNGs of `size`, (width, height) in px.

    `pictures` are pairs of a PNG and the number of frames, at `rate` frames per second, for which
    it is shown. A picture ends when the next one starts, so the last one is repeated in its last
    frame.
    """
    # Signature, version, length of this header, codec (as in AVI), size, time base, number of
    # frames (0: unknown), unused.
    yield struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, b"MPNG", *size, rate, 1, 0, 0)
    time, data, frames = 0, b"", 0
    for data, frames in pictures:
        yield _frame(time, data)
        time += frames
    if frames > 1:
        yield _frame(time - 1, data)


def _frame(time: int, data: bytes) -> bytes:
    return struct.pack("<IQ", len(data), time) + data
