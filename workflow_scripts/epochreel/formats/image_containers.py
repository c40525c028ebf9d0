"""Reduce image files to the parts that determine the pixels of their picture.

Image files also contain previews, further pictures, text, profiles and private data, which may be
huge or damaged. Viewers skip these parts, so no decoder should see them. `extract` copies the
coded pixels, and what is needed to decode them, into a file of the same format. It does not decode
them, and it reads the orientation itself.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_MAX_INFLATED = 1 << 32  # bytes of a cut PNG, more than any accepted image has


@dataclass(frozen=True)
class Picture:
    """The picture of an image file.

    `content` is a file with this picture alone, and `kind` describes its format for error messages
    (empty if unknown). `orientation` is the EXIF orientation 1 … 8, or 1 if it cannot be read.
    `count` is the number of `unit` in the original file that are equals of this picture. `ended` is
    False if the original lacked its end marker. The grey levels of `content` are to be inverted if
    `inverted`. Pillow's own TIFF decoder misreads it if `needs_libtiff`.
    """

    content: bytes
    kind: str = ""
    orientation: int = 1
    count: int = 1
    unit: str = "pictures"
    ended: bool = True
    inverted: bool = False
    needs_libtiff: bool = False


def extract(content: bytes) -> Picture:
    """Return the picture of a PNG, JPEG, TIFF, WebP or BMP file; other files are left unchanged.

    Raises `ValueError` or `struct.error` if the parts that describe the pixels are damaged.
    """
    for signature, read in _READERS.items():
        if re.match(signature, content, re.DOTALL):
            return read(content)
    return Picture(content)


# -- PNG ---------------------------------------------------------------------------------------


def _png(content: bytes) -> Picture:
    header = palette = transparent = exif = b""
    kept: list[memoryview | bytes] = [PNG_SIGNATURE]
    data: list[memoryview] = []
    declared = frames = shown = 0
    for kind, chunk in _png_chunks(content):
        body = chunk[8:-4]
        if kind == b"IDAT":
            if not data:
                kept.append(transparent)
                shown = frames
            data.append(body)
            kept.append(chunk)
        elif kind == b"fcTL":
            frames += 1
        elif kind == b"eXIf" and _is_intact(chunk):
            exif = exif or bytes(body)
        elif data or (kind[:1].islower() and not _is_intact(chunk)):
            continue  # Late chunks have no effect, nor have damaged ancillary ones (lower case).
        elif kind == b"acTL":
            declared = declared or int.from_bytes(body[:4])
        elif kind == b"tRNS":
            transparent = transparent or _png_transparency(bytes(body), header, len(palette) // 3)
        elif kind == b"PLTE" and header[9:10] != b"\3":
            continue  # a suggestion
        elif kind[:1].isupper():
            kept.append(chunk)
            header = bytes(body) if kind == b"IHDR" else header
            palette = bytes(body) if kind == b"PLTE" else palette
    if len(header) != 13:
        raise ValueError("the header is missing or damaged")
    if data and data[-1].obj is not content:  # The last chunk is cut.
        kept.append(_png_chunk(b"IDAT", _rest_of_checksum(data)))
    return Picture(
        b"".join([*kept, _png_chunk(b"IEND", b"")]),
        "PNG",
        _exif_orientation(exif),
        _png_pictures(min(declared, frames), bool(shown)),
    )


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the kind and the bytes of each chunk before IEND.

    A chunk that is cut by the end of the file is completed with a matching length and checksum.
    """
    view, at = memoryview(content), len(PNG_SIGNATURE)
    while at + 8 <= len(view):
        stop = at + 12 + int.from_bytes(view[at : at + 4])
        kind = content[at + 4 : at + 8]
        if kind == b"IEND" or not kind.isalpha():
            return
        if stop > len(view):
            body = content[at + 8 : min(stop - 4, len(content))]
            yield kind, memoryview(_png_chunk(kind, body))
            return
        yield kind, view[at:stop]
        at = stop


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _is_intact(chunk: memoryview) -> bool:
    return zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:])


def _rest_of_checksum(stream: list[memoryview]) -> bytes:
    """Return what a zlib stream lacks of its checksum; empty if it also lacks data."""
    inflate, checksum, size = zlib.decompressobj(), 1, 0
    try:
        for part in stream:
            raw, pending = b"?", bytes(part)
            while (raw or pending) and size < _MAX_INFLATED:
                raw = inflate.decompress(pending, 1 << 20)
                checksum, size = zlib.adler32(raw, checksum), size + len(raw)
                pending = inflate.unconsumed_tail
        for count in range(5):
            rest = checksum.to_bytes(4)[4 - count :]
            attempt = inflate.copy()
            attempt.decompress(rest, 1)
            if attempt.eof:
                return rest
    except zlib.error:
        pass
    return b""


def _png_transparency(body: bytes, header: bytes, colours: int) -> bytes:
    """Return a tRNS chunk that decoders agree on; empty if they ignore it."""
    depth, colour = header[8], header[9]
    if colour == 3:
        return _png_chunk(b"tRNS", body) if 0 < len(body) <= colours else b""
    values = {0: 1, 2: 3}.get(colour, 0)
    if not values or len(body) != 2 * values:
        return b""
    mask = (1 << depth) - 1  # Only these bits of a value are used.
    masked = [value & mask for value in struct.unpack(f">{values}H", body)]
    return _png_chunk(b"tRNS", struct.pack(f">{values}H", *masked))


def _png_pictures(animated: int, is_first: bool) -> int:
    """Return the number of pictures; the one in IDAT need not be the animation's first."""
    return animated + (not is_first) if animated else 1


# -- JPEG --------------------------------------------------------------------------------------

_SOI, _EOI, _SOS, _COMMENT = 0xD8, 0xD9, 0xDA, 0xFE
_APP0, _APP1, _APP14, _APP15 = 0xE0, 0xE1, 0xEE, 0xEF
_HUFFMAN, _PROGRESSIVE = (0xC0, 0xC1, 0xC2), (0xC2, 0xCA)
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # any marker except a restart
_JFIF = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"


def _jpeg(content: bytes) -> Picture:
    """Return the first picture, which ends at the first end marker."""
    kept, scans, frame, exif, marker = [b"\xff\xd8"], [], b"", b"", 0
    for marker, segment in _jpeg_segments(content):
        body = segment[4:]
        # The first two say how colours are stored.
        if marker == _APP0 and body.startswith(b"JFIF\0") and len(body) >= 14:
            kept.append(_JFIF)
        elif marker == _APP14 and body.startswith(b"Adobe") and len(body) >= 12:
            kept.append(b"\xff\xee\0\x0e" + body[:12])
        elif marker == _APP1 and body.startswith(b"Exif\0\0"):
            exif = exif or body
        elif not (_APP0 <= marker <= _APP15 or marker in (_SOI, _EOI, _COMMENT)):
            kept.append(segment)
            frame = segment if marker in _FRAMES else frame
            scans += [body] if marker == _SOS else []
    ended = marker == _EOI
    if not ended and (not frame or frame[1] not in _HUFFMAN):
        # Decoders detect missing data of Huffman codes only.
        raise ValueError("the end marker is missing")
    _check_scans(frame, scans)
    return Picture(b"".join([*kept, b"\xff\xd9"]), "JPEG", _exif_orientation(exif), ended=ended)


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and the bytes of each segment, a scan with its data, until the picture ends.

    Bytes between segments are skipped, as decoders do.
    """
    at = content.find(b"\xff", 2)
    while 0 <= at < len(content) - 1:
        marker, stop = content[at + 1], at + 1
        if marker in (_SOI, _EOI):
            yield marker, b""
            return
        if marker == _SOS or 0xC0 <= marker < 0xD0 or (marker > _EOI and marker != 0xFF):
            stop = at + 2 + max(int.from_bytes(content[at + 2 : at + 4]), 2)
            if marker == _SOS:
                end = _AFTER_SCAN.search(content, stop)
                stop = end.start() if end else len(content)
            yield marker, content[at:stop]
        at = content.find(b"\xff", stop)


def _check_scans(frame: bytes, scans: list[bytes]) -> None:
    """Check that the scans contain every bit of every coefficient.

    Without the last scans of a progressive file, decoders show a coarser picture.
    """
    missing = {component: set(range(64)) for component in frame[10::3]}
    for scan in scans:
        count = scan[0]
        components, (first, last, bits) = scan[1 : 2 * count : 2], scan[2 * count + 1 :][:3]
        if frame[1] not in _PROGRESSIVE:
            first, last, bits = 0, 63, 0
        for component in components:
            if bits & 15 == 0:  # number of lower bits that later scans contain
                missing.get(component, set()).difference_update(range(first, last + 1))
    if any(missing.values()):
        raise ValueError("scans are missing")


# -- WebP --------------------------------------------------------------------------------------


def _webp(content: bytes) -> Picture:
    parts: dict[bytes, bytes] = {}
    frames: list[bytes] = []
    at = 12
    while at + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, at)
        body = content[at + 8 : at + 8 + size]
        if kind in (b"VP8X", b"ALPH", b"VP8 ", b"VP8L", b"ANIM", b"ANMF") and len(body) < size:
            raise ValueError("the file ends within its pixels")
        if kind == b"ANMF":
            frames.append(body)
        parts.setdefault(kind, body)
        at += 8 + size + size % 2
    # Of the flags, only transparency and animation concern the pixels.
    head = parts.get(b"VP8X", b"")
    extended = head and [(b"VP8X", bytes([head[0] & 0x10 | 2 * bool(frames)]) + head[1:])]
    kinds = (b"ANIM",) if frames else (b"ALPH", b"VP8 ", b"VP8L")
    chunks = [*extended, *((kind, parts[kind]) for kind in kinds if kind in parts)]
    chunks += [(b"ANMF", frame) for frame in frames[:1]]
    body = b"WEBP" + b"".join(_riff_chunk(*chunk) for chunk in chunks)
    orientation = _exif_orientation(parts.get(b"EXIF", b""))
    return Picture(_riff_chunk(b"RIFF", body), "WebP", orientation, max(len(frames), 1))


def _riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


# -- TIFF --------------------------------------------------------------------------------------

_SUBFILE, _OLD_SUBFILE, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION = 254, 255, 259, 262, 274
_SAMPLES, _BITS, _PLANAR, _SUBDIRECTORIES, _SAMPLE_FORMAT = 277, 258, 284, 330, 339
_WHITE_IS_0, _BLACK_IS_0, _RGB, _YCBCR = 0, 1, 2, 6
# Size, layout, compression and colours; 512 … 521 belong to the old kind of JPEG compression.
_TIFF_TAGS = {256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323}
_TIFF_TAGS |= {324, 325, 332, 338, 339, 347, *range(512, 522), 529, 530, 532}
_FAX_COMPRESSIONS = (2, 3, 4, 32771)
_NUMBER_CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}
_NUMBER_NAMES = {1: "unsigned integers", 2: "signed integers", 3: "floating-point numbers"}

_Directory = dict[int, bytes]  # the entries of a page by their tags


class _Tiff:
    """The directories of a TIFF, or of EXIF data, which have the same form."""

    def __init__(self, content: bytes):
        self.content, self.is_big = content, 43 in content[2:4]
        self.order = "<" if content.startswith(b"II") else ">"
        self.word, self.word_size = ("Q", 8) if self.is_big else ("I", 4)

    def directories(self) -> Iterator[_Directory]:
        """Yield the directory of each page, up to the first damaged one."""
        count_code, size = ("Q", 20) if self.is_big else ("H", 12)
        seen, link = {0}, self.word_size
        try:
            while (at := self._unpack(self.word, link)[0]) not in seen:
                seen.add(at)
                (count,) = self._unpack(count_code, at)
                at += struct.calcsize(count_code)
                link = at + count * size
                if link > len(self.content):
                    return
                entries = [self.content[start : start + size] for start in range(at, link, size)]
                yield {struct.unpack_from(self.order + "H", entry)[0]: entry for entry in entries}
        except struct.error:
            return

    def numbers(self, page: _Directory, tag: int, default: int) -> tuple[int, ...]:
        """Return the integers of a tag, or a default if it is missing or cannot be read."""
        try:
            entry = page[tag]
            kind, count = struct.unpack_from(f"{self.order}H{self.word}", entry, 2)
            form = f"{self.order}{count}{_NUMBER_CODES[kind]}"
            value_at = 4 + self.word_size
            if struct.calcsize(form) <= self.word_size:
                return struct.unpack_from(form, entry, value_at) or (default,)
            (elsewhere,) = struct.unpack_from(self.order + self.word, entry, value_at)
            return struct.unpack_from(form, self.content, elsewhere)
        except (KeyError, struct.error):
            return (default,)

    def number(self, page: _Directory, tag: int, default: int) -> int:
        """Return the first integer of a tag."""
        return self.numbers(page, tag, default)[0]

    def with_directory(self, page: _Directory) -> bytes:
        """Return the file with this directory as its only one."""
        start = len(self.content) + len(self.content) % 2
        count = struct.pack(self.order + ("Q" if self.is_big else "H"), len(page))
        entries = b"".join(page[tag] for tag in sorted(page))
        link = struct.pack(self.order + self.word, start)
        directory = count + entries + bytes(self.word_size)
        padding = bytes(start - len(self.content))
        # Offsets in the entries remain valid, since the rest of the file keeps its place.
        head = self.content[: self.word_size] + link
        return b"".join([head, memoryview(self.content)[len(head) :], padding, directory])

    def entry(self, tag: int, value: int) -> bytes:
        """Return the entry of one small number."""
        fields = struct.pack(f"{self.order}HH{self.word}H", tag, 3, 1, value)
        return fields.ljust(4 + 2 * self.word_size, b"\0")

    def _unpack(self, form: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(self.order + form, self.content, at)


def _tiff(content: bytes) -> Picture:
    """Return the first page that is not a smaller copy of another page, or a mask."""
    tiff = _Tiff(content)
    pages = list(tiff.directories())
    full = [page for page in pages if not _is_subordinate(tiff, page)]
    if not pages or (not full and any(_SUBDIRECTORIES in page for page in pages)):
        raise ValueError("it has no page with the full picture")
    page = (full or pages)[0]
    kept = {tag: entry for tag, entry in page.items() if tag in _TIFF_TAGS}
    samples = tiff.number(page, _SAMPLES, 1)
    compression = tiff.number(page, _COMPRESSION, 1)
    # Without a photometric tag, decoders differ; this is libtiff's default.
    default = _WHITE_IS_0 if compression in _FAX_COMPRESSIONS else _BLACK_IS_0
    default = _RGB if samples > 2 else default
    photometric, bits = tiff.number(page, _PHOTOMETRIC, default), tiff.number(page, _BITS, 1)
    # Pillow inverts some depths only.
    inverted = photometric == _WHITE_IS_0 and samples == 1
    kept[_PHOTOMETRIC] = tiff.entry(_PHOTOMETRIC, _BLACK_IS_0 if inverted else photometric)
    name = _NUMBER_NAMES.get(min(tiff.numbers(page, _SAMPLE_FORMAT, 1)), "unusual numbers")
    is_planar = tiff.number(page, _PLANAR, 1) == 2
    return Picture(
        tiff.with_directory(kept),
        f"TIFF of {samples} × {bits}-bit {name} per pixel with compression {compression}",
        _known_orientation(tiff.number(page, _ORIENTATION, 1)),
        max(len(full), 1),
        "pages",
        inverted=inverted,
        needs_libtiff=photometric == _YCBCR or (is_planar and (bits != 8 or samples != 3)),
    )


def _is_subordinate(tiff: _Tiff, page: _Directory) -> bool:
    reduced, mask = 1, 4
    is_reduced = tiff.number(page, _OLD_SUBFILE, 1) == 2
    return is_reduced or bool(tiff.number(page, _SUBFILE, 0) & (reduced | mask))


def _exif_orientation(exif: bytes) -> int:
    tiff = _Tiff(re.sub(rb"^(Exif\0\0)*", b"", exif))
    return _known_orientation(tiff.number(next(tiff.directories(), {}), _ORIENTATION, 1))


def _known_orientation(value: int) -> int:
    return value if 1 <= value <= 8 else 1


_READERS = {
    re.escape(PNG_SIGNATURE): _png,
    rb"\xff\xd8\xff": _jpeg,
    rb"RIFF....WEBP": _webp,
    rb"BM": lambda content: Picture(content, "BMP"),  # has no other parts
    rb"II\*\0|MM\0\*|II\0\*|MM\*\0|II\+\0|MM\0\+": _tiff,
}
