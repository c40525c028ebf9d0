"""PNG, written fast: unfiltered scan lines, packed by ISA-L.

Drawn frames and pages are flat areas and repeated glyphs, for which the PNG filters gain
nothing; ISA-L packs a 1920 × 1080 frame in about 2 ms, Pillow's filtering writer takes 30.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping

import numpy as np
from isal import isal_zlib
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_COLOUR_TYPES = {1: 0, 3: 2}


def encode(pixels: np.ndarray, texts: Mapping[str, str] | None = None) -> bytes:
    """The PNG of `pixels`: uint8, (H, W) for grey or (H, W, 3) for RGB.

    `texts` are noted in it by keyword, in Latin-1.
    """
    if pixels.dtype != np.uint8:
        raise TypeError(f"a PNG is written from uint8 pixels, not from {pixels.dtype}")
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels not in _COLOUR_TYPES:
        raise TypeError(f"a PNG is written of grey or RGB pixels, not of {channels} channels")
    lines = np.empty((height, 1 + width * channels), np.uint8)
    lines[:, 0] = 0
    lines[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    packed = isal_zlib.compress(lines, 2)
    noted = b"".join(
        _chunk(b"tEXt", f"{keyword}\0{text}".encode("latin-1"))
        for keyword, text in (texts or {}).items()
    )
    return SIGNATURE + _chunk(b"IHDR", header) + noted + _chunk(b"IDAT", packed) + _END


def decode(data: bytes) -> np.ndarray:
    """The pixels of an image file's bytes: uint8, (H, W) for grey, else (H, W, 3)."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image if image.mode == "L" else image.convert("RGB"))


def size(data: bytes) -> tuple[int, int]:
    """(width, height) of a whole PNG file's bytes; `ValueError` says what is wrong with it."""
    if not data:
        raise ValueError("is empty")
    if data[:8] != SIGNATURE or data[12:16] != b"IHDR":
        raise ValueError("is not a PNG file")
    if data[-12:] != _END:
        raise ValueError("is cut off")
    return struct.unpack(">II", data[16:24])


def texts(data: bytes) -> dict[str, str]:
    """The texts noted in a PNG file's bytes, by keyword."""
    with Image.open(io.BytesIO(data)) as image:
        return dict(image.text)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
