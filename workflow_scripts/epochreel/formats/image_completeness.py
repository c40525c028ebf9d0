"""Whether an image file holds all the pixels that its head promises.

Pillow refuses files that are cut off. Of a file that ends as it should, but too early, it fills
what is missing: black rows in PNG and TIFF, grey ones in JPEG.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from PIL import Image

_PALETTE = 3  # of a PNG's colour types, the one whose pixels are places in a palette
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a PNG's colour types
# Adam7: the first column and row of each pass, and the steps between its columns and rows.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
_PASSES += ((0, 1, 1, 2),)
_WHOLE = ((0, 0, 1, 1),)
_PIECE = 1 << 20  # bytes that are unpacked at a time

_HUFFMAN = b"\xc0\xc1\xc2"  # the frames of JPEG whose scans are coded so
_SCAN, _RESTARTS, _END = 0xDA, 0xDD, 0xD9
_AFTER_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
# Bits of many kinds, but for the byte that begins a marker: what one of the two does not change, by
# chance, the other does.
_MORE = (bytes(range(254, 0, -2)), b"\xb6\xdb\x6d" * 42)


def refuse_incomplete(image: Image.Image, path: str | Path) -> None:
    """Raise `ValueError` where pixels of an image are missing that was opened and not yet loaded.

    Looked into are PNG, with its checksums and its palette, JPEG, and TIFF that is not packed. Of
    other files the decoders tell; but a strip of TIFF's JPEG or fax codes whose length is noted too
    small is filled, which is not noticed.
    """
    if image.format == "PNG":
        content = Path(path).read_bytes()
        _refuse_png(content)
        if content[25] == _PALETTE:
            _refuse_palette(image, content)
    elif image.format == "JPEG":
        _refuse_jpeg(image, Path(path).read_bytes())
    elif image.format == "TIFF":
        _refuse_tiff(image)


def _refuse_png(content: bytes) -> None:
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", content, 16)
    bits = depth * _CHANNELS[colour]
    expected = sum(_bytes_of_passes(width, height, bits, _PASSES if interlaced else _WHOLE))
    unpacker, count = zlib.decompressobj(), 0
    for piece in _pixel_chunks(content):
        while piece and count <= expected:
            count += len(unpacker.decompress(piece, _PIECE))
            piece = unpacker.unconsumed_tail
    if count <= expected:
        count += len(unpacker.flush())
    if count < expected:
        raise ValueError(f"its pixels end after {count} of {expected} bytes")


def _refuse_palette(image: Image.Image, content: bytes) -> None:
    """Pillow makes up the colours that a PNG's palette lacks."""
    colours = _colours_before_pixels(content)
    if not colours:
        raise ValueError("the palette of its colours is missing")
    largest = image.getextrema()[1]
    if largest >= colours:
        raise ValueError(f"a pixel has colour {largest} of a palette of {colours}, counted from 0")


def _colours_before_pixels(content: bytes) -> int:
    """How many colours the palette of a PNG has; one that follows the pixels is not read."""
    place, colours = 8, 0
    while place + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        if kind == b"IDAT":
            break
        if kind == b"PLTE":
            colours = length // 3
        place += 12 + length
    return colours


def _bytes_of_passes(width: int, height: int, bits: int, passes: tuple) -> Iterator[int]:
    """The bytes of each pass of a PNG: a row has one more than its pixels, for its filter."""
    for left, top, across, down in passes:
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            yield rows * (1 + -(-columns * bits // 8))


def _pixel_chunks(content: bytes) -> Iterator[bytes]:
    """What the chunks of a PNG with its pixels hold; they follow each other."""
    place, found = 8, False
    while place + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        if kind == b"IDAT":
            found, end = True, place + 8 + length
            if end > len(content):
                yield content[place + 8 :]
                return
            if content[end : end + 4] != struct.pack(">I", zlib.crc32(content[place + 4 : end])):
                raise ValueError("a part of its pixels is not what was saved")
            yield content[place + 8 : end]
        elif found:
            return
        place += 12 + length


def _refuse_jpeg(image: Image.Image, content: bytes) -> None:
    """A decoder that has all pixels skips what else stands in a scan; one that lacks some does not.

    So the file is read again with more behind each scan. A scan that ends just where the decoder
    begins anew, at a restart, is told by the number of these. Arithmetic codes, which may leave out
    their end, are not looked into; a progressive file may have fewer scans, and is coarser then.
    """
    scans = list(_scans(content))
    if not scans:
        return
    for start, end, restarts in scans:
        found = len(_RESTART.findall(content, start, end))
        if found < restarts:
            raise ValueError(f"its pixels end after {found} of {restarts} restarts")
    for more in _MORE:
        longer = io.BytesIO(_with_more(content, [end for _, end, _ in scans], more))
        with Image.open(longer, formats=["JPEG"]) as other:
            if not _are_equal(image, other):
                raise ValueError("its pixels end too early")


def _are_equal(one: Image.Image, other: Image.Image) -> bool:
    width, height = one.size
    # A few rows at a time: both are in memory already.
    strips = ((0, top, width, min(top + 256, height)) for top in range(0, height, 256))
    return all(one.crop(strip).tobytes() == other.crop(strip).tobytes() for strip in strips)


def _with_more(content: bytes, places: list[int], more: bytes) -> bytes:
    """`content` with `more` put in at each of these places, which ascend."""
    parts = (content[start:end] for start, end in pairwise([0, *places, len(content)]))
    return more.join(parts)


def _scans(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Start and end of what each scan of a JPEG codes, and how many restarts there are to be."""
    place, interval, frame = 2, 0, b""
    while place + 4 <= len(content) and content[place] == 0xFF and content[place + 1] != _END:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        body, after = content[place + 4 : place + 2 + length], place + 2 + length
        if marker == 0xFF:  # Any number of these may stand before a marker.
            after = place + 1
        elif marker in _HUFFMAN:
            frame = body
        elif marker == _RESTARTS:
            interval = int.from_bytes(body[:2], "big")
        elif marker == _SCAN:
            end = _AFTER_SCAN.search(content, after)
            if not (frame and end):
                return
            units = _units(frame, body)
            yield after, end.start(), (units - 1) // interval if interval else 0
            after = end.start()
        place = after


def _units(frame: bytes, scan: bytes) -> int:
    """How many units, of one block or more, a scan of a JPEG codes."""
    height, width = struct.unpack_from(">HH", frame, 1)
    factors = {frame[at]: divmod(frame[at + 1], 16) for at in range(6, len(frame), 3)}
    most = [max(sizes) for sizes in zip(*factors.values(), strict=True)]
    own = most
    if scan[0] == 1:  # Its unit is one block, which covers fewer pixels the more there are of it.
        own = factors[scan[1]]
        width, height = -(-width * own[0] // most[0]), -(-height * own[1] // most[1])
        own = (1, 1)
    return -(-width // (8 * own[0])) * -(-height // (8 * own[1]))


def _refuse_tiff(image: Image.Image) -> None:
    """Strips and tiles are to cover the image, once or, if they hold a channel each, for each."""
    apart = image.tag_v2.get(284) == 2 and image.tile[0][0] == "raw"
    expected = image.width * image.height * (len(image.getbands()) if apart else 1)
    corners = [extents for _, extents, _, _ in image.tile]
    covered = sum(
        (min(right, image.width) - left) * (min(bottom, image.height) - top)
        for left, top, right, bottom in corners
    )
    if covered < expected:
        raise ValueError(f"its strips or tiles hold {covered} of {expected} pixels")
