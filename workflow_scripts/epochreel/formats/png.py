"""PNG and animated PNG, written fast: unfiltered scan lines, packed by ISA-L or libdeflate.

Drawn frames and pages are flat areas and repeated glyphs, for which the PNG filters gain
nothing; ISA-L packs a 1920 × 1080 frame in 2 to 5 ms, libdeflate in 5 to 14, Pillow's filtering
writer takes 30.

For small input ISA-L (2.31, in version 1.9.1 of its Python package) clears only a part of the table
in which it looks for repetitions (`isal_deflate_stateless` shortens the mask, `reset_match_history`
goes by it), and takes what happens to lie in memory for the rest: one process of 300 packed
pictures of 16 × 16 px into other bytes. Its largest table has 32,768 entries, all of which are
cleared from 16 kB of input on. Small pictures are therefore libdeflate's.
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
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"  # the IEND chunk, whose checksum is always the same
_COLOUR_TYPES = {(): 0, (3,): 2}  # grey and RGB, by the axes after height and width
_SMALL = 1 << 16  # bytes, four times what ISA-L needs to clear its table (see above)


def encode(pixels: np.ndarray, texts: Mapping[str, str] | None = None) -> bytes:
    """The PNG of `pixels`: uint8, (H, W) for grey or (H, W, 3) for RGB.

    `texts` are noted in it by keyword, in Latin-1.
    """
    head = _header(pixels) + _noted(texts)
    return SIGNATURE + head + _chunk(b"IDAT", _packed(pixels)) + _END


def encode_series(
    pictures: Sequence[np.ndarray], rate: int, texts: Mapping[str, str] | None = None
) -> bytes:
    """An animated PNG of one picture or more, as `encode` takes them, all of one size.

    It shows `rate` of them a second, once.
    """
    # Chunks as in the PNG specification, third edition: acTL gives the number of pictures and of
    # plays, and comes before the first IDAT.
    head = _header(pictures[0]) + _chunk(b"acTL", struct.pack(">II", len(pictures), 1))
    parts, numbers = [SIGNATURE, head, _noted(texts)], count()
    height, width = pictures[0].shape[:2]
    for place, picture in enumerate(pictures):
        if picture.shape != pictures[0].shape:
            raise ValueError(f"the pictures of a series have one size, not also {picture.shape}")
        # fcTL: number, size, offset, 1 / rate s; then 0, 0: each picture replaces the one before.
        shown = struct.pack(">IIIIIHHBB", next(numbers), width, height, 0, 0, 1, rate, 0, 0)
        parts.append(_chunk(b"fcTL", shown))
        # fcTL and fdAT share one sequence of numbers. The first picture is a plain IDAT, which
        # has none and which viewers of still PNGs show.
        packed = _packed(picture)
        number = struct.pack(">I", next(numbers)) if place else b""
        parts.append(_chunk(b"fdAT" if place else b"IDAT", number + packed))
    return b"".join([*parts, _END])


def series(data: bytes) -> Iterator[bytes]:
    """The pictures of an animated PNG that `encode_series` made, each as a PNG of its own.

    Raises `ValueError` where the file is damaged.
    """
    head = SIGNATURE
    for kind, body in chunks(data):
        if kind == b"IHDR":
            head += _chunk(kind, body)
        elif kind in (b"IDAT", b"fdAT"):
            yield head + _chunk(b"IDAT", body if kind == b"IDAT" else body[4:]) + _END


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, body) of each chunk of a PNG; `ValueError` where a length or checksum is wrong."""
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
    """The pixels of an image file's bytes: uint8, (H, W) for grey, else (H, W, 3)."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image if image.mode == "L" else image.convert("RGB"))


def shape(data: bytes) -> tuple[int, ...]:
    """The shape of what `decode` would give; the pixels are not read."""
    with Image.open(io.BytesIO(data)) as image:
        return (image.height, image.width) if image.mode == "L" else (image.height, image.width, 3)


def size(data: bytes) -> tuple[int, int]:
    """(width, height) of a whole PNG file's bytes; `ValueError` says what is wrong with it."""
    if not data:
        raise ValueError("is empty")
    if data[:8] != SIGNATURE or data[12:16] != b"IHDR":
        raise ValueError("is not a PNG file")
    if data[-12:] != _END:
        raise ValueError("is cut off")
    # IHDR is always first: 8 bytes of signature, length and kind, then width and height.
    return struct.unpack(">II", data[16:24])


def texts(data: bytes) -> dict[str, str]:
    """The texts noted in a PNG file's bytes, by keyword; `ValueError` where it is not whole."""
    size(data)
    noted = (body.decode("latin-1") for kind, body in chunks(data) if kind == b"tEXt")
    return dict(text.split("\0", 1) for text in noted)


def _header(pixels: np.ndarray) -> bytes:
    if pixels.dtype != np.uint8:
        raise TypeError(f"a PNG is written from uint8 pixels, not from {pixels.dtype}")
    if pixels.ndim not in (2, 3) or pixels.shape[2:] not in _COLOUR_TYPES or not pixels.size:
        raise TypeError(
            f"a PNG is written of grey (H, W) or RGB (H, W, 3) pixels, not of {pixels.shape}"
        )
    height, width = pixels.shape[:2]
    colours = _COLOUR_TYPES[pixels.shape[2:]]
    # 8 bits a channel, deflate, the standard filters, not interlaced.
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0))


def _noted(texts: Mapping[str, str] | None) -> bytes:
    return b"".join(
        _chunk(b"tEXt", f"{keyword}\0{text}".encode("latin-1"))
        for keyword, text in (texts or {}).items()
    )


def _packed(pixels: np.ndarray) -> bytes:
    rows = pixels.reshape(len(pixels), -1)
    lines = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    lines[:, 0] = 0  # filter type None
    lines[:, 1:] = rows
    # libdeflate's fastest level; for frames ISA-L's level 3 is slower than 2 and no smaller.
    return deflate.zlib_compress(lines, 1) if lines.size < _SMALL else isal_zlib.compress(lines, 2)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
