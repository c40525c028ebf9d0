"""IDX files, the format of MNIST and similar datasets: an array of bytes after a header.

The header holds two zero bytes, one byte for the type (8: bytes), one for the number of axes, and
the length of each axis as a big-endian 32-bit integer.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from epochreel.core.errors import UserError, first_line

_BYTES = b"\x00\x00\x08"


def read(path: Path) -> np.ndarray:
    """Read the uint8 array in an IDX file, which is gzipped if its name ends in .gz.

    Raises `UserError` if the file is damaged or cannot be read.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        reason = first_line(error)
        raise UserError(f"cannot read {path} ({reason}): replace it with an intact copy") from error
    if data[:3] != _BYTES or len(data) < 4 or len(data) < 4 * (1 + data[3]):
        raise UserError(f"{path} is not an IDX file of bytes: replace it with the dataset's file")
    shape = struct.unpack_from(f">{data[3]}I", data, 4)
    body = np.frombuffer(data, np.uint8, offset=4 * (1 + len(shape)))
    if len(body) != math.prod(shape):
        raise UserError(f"{path} is truncated or too long: replace it with an intact copy")
    return body.reshape(shape)
