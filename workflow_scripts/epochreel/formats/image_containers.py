"""Reduce PNG and JPEG files to the parts that determine the pixels of their picture.

Previews, further pictures, text and profiles may be huge or damaged. Viewers skip them, so no
decoder should see them.
"""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

_PNG_SIGNATURE, _PNG_END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"
_EOI, _SOS, _PROGRESSIVE = 0xD9, 0xDA, (0xC2, 0xCA)  # markers of JPEG
_FRAME = re.compile(rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf]")
_SEGMENT = re.compile(rb"\xff[\xc0-\xcf\xd9-\xfe]")  # or the end
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # any marker except a restart
_METADATA = re.compile(rb"\xff[\xe0-\xef\xfe]")
_COLOURS = re.compile(rb"\xff(\xe0..JFIF\0.{9}|\xee..Adobe.{7})", re.DOTALL)


class Picture(NamedTuple):
    """The picture of an image file.

    `content` is a file with this picture alone. `exif` may be damaged. `count` is the number of
    pictures in an animated PNG. `ended` is False if a JPEG lacked its end marker.
    """

    content: bytes
    exif: bytes = b""
    count: int = 1
    ended: bool = True


def extract(content: bytes) -> Picture:
    """Return the picture of a PNG, or the first one of a JPEG; other files are left unchanged.

    Raises `ValueError` for a JPEG that lacks pixels without decoders noticing.
    """
    if content.startswith(_PNG_SIGNATURE):
        return _png(content)
    return _jpeg(content) if content.startswith(b"\xff\xd8\xff") else Picture(content)


def _png(content: bytes) -> Picture:
    kept, exif, count, at, kind = [_PNG_SIGNATURE], b"", 1, len(_PNG_SIGNATURE), b""
    is_animated = has_pixels = False
    while at < len(content) and kind != b"IEND":
        stop = at + 12 + int.from_bytes(content[at : at + 4])
        kind, chunk = content[at + 4 : at + 8], content[at:stop]
        checksum = zlib.crc32(content[at + 4 : stop - 4]).to_bytes(4)
        if stop - 4 <= len(content) < stop:  # The end of the file cuts only the checksum.
            chunk = content[at : stop - 4] + checksum
        if kind[:1].islower() and not chunk.endswith(checksum):
            pass  # Decoders ignore damaged optional chunks.
        elif kind == b"IDAT":
            kept.append(chunk)
            has_pixels = True
        elif kind == b"eXIf":
            exif = exif or chunk[8:-4]
        elif has_pixels:  # Only further pictures may follow.
            count += is_animated and kind == b"fcTL"
        elif kind == b"acTL":
            is_animated = True
        elif kind == b"tRNS" or (kind[:1].isupper() and (kind != b"PLTE" or content[25] == 3)):
            kept.append(chunk)  # A palette is a suggestion unless the colour type is 3.
        at = stop
    return Picture(b"".join([*kept, _PNG_END]), exif, count)


def _jpeg(content: bytes) -> Picture:
    """Return the first picture, which ends at the first end marker.

    Bytes between segments are skipped, as decoders do.
    """
    kept, scans, frame, exif, at, ended = [b"\xff\xd8"], [], b"", b"", 2, False
    while not ended and (found := _SEGMENT.search(content, at)):
        start, marker = found.start(), found[0][1]
        at = start + 2 + int.from_bytes(content[start + 2 : start + 4])
        if marker == _SOS:
            following = _AFTER_SCAN.search(content, at)
            at = following.start() if following else len(content)
        segment = content[start:at]
        ended = marker == _EOI
        if segment[4:10] == b"Exif\0\0":
            exif = exif or segment[4:]
        elif not ended and (_COLOURS.match(segment) or not _METADATA.match(segment)):
            kept.append(segment)
            frame = segment if _FRAME.match(segment) else frame
            scans += [segment] * (marker == _SOS)
    if not ended and not re.match(rb"\xff[\xc0-\xc2]", frame):
        # Decoders detect missing data of Huffman codes only.
        raise ValueError("the end marker is missing")
    _check_scans(frame, scans)
    return Picture(b"".join([*kept, b"\xff\xd9"]), exif, ended=ended)


def _check_scans(frame: bytes, scans: list[bytes]) -> None:
    """Check that the scans contain every bit of every coefficient.

    Without the last scans of a progressive file, decoders show a coarser picture.
    """
    missing = {component: set(range(64)) for component in frame[10::3]}
    for scan in scans:
        count = scan[4]
        components, (first, last, bits) = scan[5 : 5 + 2 * count : 2], scan[5 + 2 * count :][:3]
        if frame[1] not in _PROGRESSIVE:
            first, last, bits = 0, 63, 0
        for component in components:
            if bits & 15 == 0:  # number of lower bits that later scans contain
                missing.get(component, set()).difference_update(range(first, last + 1))
    if any(missing.values()):
        raise ValueError("scans are missing")
