"""Fast encoding of PNG and animated PNG: unfiltered scan lines, compressed by ISA-L or libdeflate.

Frames and pages consist of flat areas and repeated glyphs, for which PNG filters gain nothing. A
1920 × 1080 frame takes ISA-L 2 to 5 ms, libdeflate 5 to 14 ms, and Pillow, which filters, 30 ms.

Small pictures are compressed by libdeflate, because ISA-L (2.31, in version 1.9.1 of its Python
package) is not deterministic for them. It clears only a part of the hash table in which it looks
for repetitions (`isal_deflate_stateless` shortens the mask that `reset_match_history` uses) and
reads uninitialized memory in the rest: one process in 300 compressed pictures of 16 × 16 px to
different bytes. Its largest table has 32,768 entries, which are all cleared for input of 16 kB or
more.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

import deflate
import numpy as np
from isal import isal_zlib
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"  # the IEND chunk, which is constant
_COLOUR_TYPES = {(): 0, (3,): 2}  # grey and RGB, by the shape after height and width
_SMALL = 1 << 16  # bytes: four times the input for which ISA-L clears its table (see above)


def encode(pixels: np.ndarray, texts: Mapping[str, str] | None = None) -> bytes:
    """Encode `pixels`, uint8 of shape (H, W) for grey or (H, W, 3) for RGB, as PNG.

    `texts` become text chunks, by keyword, in Latin-1.
    """
    head = _header(pixels) + _text_chunks(texts)
    return SIGNATURE + head + _chunk(b"IDAT", _compressed(pixels)) + _END


def encode_series(
    pictures: Sequence[np.ndarray], rate: int, texts: Mapping[str, str] | None = None
) -> bytes:
    """Encode one or more pictures of equal size, as for `encode`, as an animated PNG.

    It plays once, at `rate` pictures per second.
    """
    # Chunks as in the PNG specification, third edition: acTL gives the numbers of pictures and of
    # plays, and precedes the first IDAT.
    head = _header(pictures[0]) + _chunk(b"acTL", struct.pack(">II", len(pictures), 1))
    parts, numbers = [SIGNATURE, head, _text_chunks(texts)], count()
    height, width = pictures[0].shape[:2]
    for index, picture in enumerate(pictures):
        if picture.shape != pictures[0].shape:
            raise ValueError(
                f"picture {index} has shape {picture.shape}; expected {pictures[0].shape}"
            )
        # fcTL: number, size, offset, duration of 1 / rate s; 0, 0: each picture replaces the last.
        control = struct.pack(">IIIIIHHBB", next(numbers), width, height, 0, 0, 1, rate, 0, 0)
        parts.append(_chunk(b"fcTL", control))
        # fcTL and fdAT share one sequence of numbers. The first picture is a plain IDAT without a
        # number, which viewers without support for animation show.
        data = _compressed(picture)
        number = struct.pack(">I", next(numbers)) if index else b""
        parts.append(_chunk(b"fdAT" if index else b"IDAT", number + data))
    return b"".join([*parts, _END])


def series(data: bytes) -> Iterator[bytes]:
    """Yield the pictures of an animated PNG made by `encode_series`, each as a separate PNG.

    Raises `ValueError` if the file is damaged.
    """
    head = SIGNATURE
    for kind, body in chunks(data):
        if kind == b"IHDR":
            head += _chunk(kind, body)
        elif kind in (b"IDAT", b"fdAT"):
            yield head + _chunk(b"IDAT", body if kind == b"IDAT" else body[4:]) + _END


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the (kind, body) of each chunk. Raises `ValueError` for a wrong length or checksum."""
    view, at = memoryview(data), len(SIGNATURE)
    while at < len(data):
        length = int.from_bytes(view[at : at + 4])
        end = at + 8 + length
        # The checksum covers kind and body, not the length.
        if view[end : end + 4] != struct.pack(">I", zlib.crc32(view[at + 4 : end])):
            raise ValueError(f"is damaged near byte {at}")
        yield bytes(view[at + 4 : at + 8]), bytes(view[at + 8 : end])
        at = end + 4


def decode(data: bytes) -> np.ndarray:
    """Decode an image file's bytes to pixels: uint8 of shape (H, W) for grey, else (H, W, 3)."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image if image.mode == "L" else image.convert("RGB"))


def shape(data: bytes) -> tuple[int, ...]:
    """Return the shape of the result of `decode` without reading the pixels."""
    with Image.open(io.BytesIO(data)) as image:
        return (image.height, image.width) if image.mode == "L" else (image.height, image.width, 3)


def size(data: bytes) -> tuple[int, int]:
    """Return (width, height) of a complete PNG. Raises `ValueError` with the reason otherwise."""
    if not data:
        raise ValueError("is empty")
    if data[:8] != SIGNATURE or data[12:16] != b"IHDR":
        raise ValueError("is not a PNG file")
    if data[-12:] != _END:
        raise ValueError("is truncated")
    # IHDR is always first: signature (8 bytes), length and kind (4 each), width and height.
    return struct.unpack(">II", data[16:24])


def texts(data: bytes) -> dict[str, str]:
    """Return a PNG's text chunks by keyword. Raises `ValueError` if the file is not complete."""
    size(data)
    bodies = (body.decode("latin-1") for kind, body in chunks(data) if kind == b"tEXt")
    return dict(body.split("\0", 1) for body in bodies)


def _header(pixels: np.ndarray) -> bytes:
    if pixels.dtype != np.uint8:
        raise TypeError(f"pixels are {pixels.dtype}; expected uint8")
    if pixels.ndim not in (2, 3) or pixels.shape[2:] not in _COLOUR_TYPES or not pixels.size:
        raise TypeError(
            f"pixels have shape {pixels.shape}; expected grey (H, W) or RGB (H, W, 3), not empty"
        )
    height, width = pixels.shape[:2]
    colour_type = _COLOUR_TYPES[pixels.shape[2:]]
    # 8 bits per channel, deflate, the standard filters, not interlaced.
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0))


def _text_chunks(texts: Mapping[str, str] | None) -> bytes:
    return b"".join(
        _chunk(b"tEXt", f"{keyword}\0{text}".encode("latin-1"))
        for keyword, text in (texts or {}).items()
    )


def _compressed(pixels: np.ndarray) -> bytes:
    rows = pixels.reshape(len(pixels), -1)
    lines = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    lines[:, 0] = 0  # filter type None
    lines[:, 1:] = rows
    # libdeflate's fastest level. ISA-L's level 3 is slower than 2 and not smaller for frames.
    return deflate.zlib_compress(lines, 1) if lines.size < _SMALL else isal_zlib.compress(lines, 2)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
