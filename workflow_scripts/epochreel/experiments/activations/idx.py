"""IDX files, in which the MNIST data sets and their kin come: an array of bytes behind a header.

Two zero bytes, one for the type (8: bytes), one for the number of axes; then the length of each
axis as four bytes, the highest first; then the array.
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


def read(folder: str | Path, name: str) -> np.ndarray:
    """The array of the file `name`, or `name`.gz, in a folder: uint8.

    Raises `UserError` where neither is there, or where it is damaged.
    """
    path = _found(Path(folder), name)
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        reason = first_line(error)
        raise UserError(f"{path} cannot be read: put a whole copy there ({reason})") from error
    if data[:3] != _BYTES or len(data) < 4 or len(data) < 4 * (1 + data[3]):
        raise UserError(f"{path} is no IDX file of bytes: put the data set's own file there")
    shape = struct.unpack_from(f">{data[3]}I", data, 4)
    body = np.frombuffer(data, np.uint8, offset=4 * (1 + len(shape)))
    if len(body) != math.prod(shape):
        raise UserError(f"{path} is cut off or too long: put a whole copy there")
    return body.reshape(shape)


def _found(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise UserError(f"{folder} holds neither {name} nor {name}.gz: put the data set's files there")
