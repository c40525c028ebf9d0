"""User images: complete files are read as Pillow reads them; files that lack pixels are refused."""

import io
import logging
import struct
import zlib

import numpy as np
import pytest
import pyvips
import tools
from PIL import Image, ImageFile, TiffImagePlugin

from epochreel.formats import user_images
from epochreel.formats.png import SIGNATURE

NOISE = np.random.default_rng(0).integers(0, 256, (37, 29, 3), np.uint8)
SHADES = np.kron(NOISE[:10, :12] // 2, np.ones((8, 8, 1), np.uint8))
SHADES += np.random.default_rng(1).integers(0, 100, SHADES.shape, np.uint8)


DAMAGE = "pixels are missing or damaged; libvips: "


def read(folder, content: bytes) -> np.ndarray:
    path = folder / "page"
    path.write_bytes(content)
    return user_images.open_image(path)


def refusal(folder, content: bytes) -> str:
    line = tools.refusal(read, folder, content)
    assert line.startswith(f"{folder / 'page'} cannot be read as an image: save or scan it again (")
    return line


def saved(pixels: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, **options)
    return file.getvalue()


# -- PNG


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(size, depth, colour, interlaced, rows: bytes, pieces=1) -> bytes:
    """Return a PNG with these scan lines, spread over chunks."""
    head = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlaced)
    packed, palette = zlib.compress(rows), chunk(b"PLTE", bytes(range(3)) * 256)
    parts = np.array_split(np.frombuffer(packed, np.uint8), pieces)
    data = b"".join(chunk(b"IDAT", part.tobytes()) for part in parts)
    body = chunk(b"IHDR", head) + (palette if colour == 3 else b"") + data
    return SIGNATURE + body + chunk(b"IEND", b"")


def scan_lines(bits: np.ndarray, each: int, interlaced: bool) -> bytes:
    """Return the unfiltered scan lines of `each`-bit pixels; `bits` (H, W * each) are 0 or 1."""
    grid = bits.reshape(len(bits), -1, each)
    starts = [(0, 0), (4, 0), (0, 4), (2, 0), (0, 2), (1, 0), (0, 1)] if interlaced else [(0, 0)]
    steps = [(8, 8), (8, 8), (4, 8), (4, 4), (2, 4), (2, 2), (1, 2)] if interlaced else [(1, 1)]
    lines = []
    for (left, top), (across, down) in zip(starts, steps, strict=True):
        part = grid[top::down, left::across]
        if part.shape[1]:
            lines += [b"\0" + np.packbits(row.ravel()).tobytes() for row in part]
    return b"".join(lines)


KINDS = [(depth, 0) for depth in (1, 2, 4, 8, 16)] + [(depth, 3) for depth in (1, 2, 4, 8)]
KINDS += [(depth, colour) for colour in (2, 4, 6) for depth in (8, 16)]


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (13, 9), (29, 37)])
@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(("depth", "colour"), KINDS)
def test_every_kind_of_png_is_read_but_refused_without_its_last_byte(
    tmp_path, depth, colour, interlaced, size
):
    each = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    bits = np.random.default_rng(1).integers(0, 2, (size[1], size[0] * each), np.uint8)
    rows = scan_lines(bits, each, bool(interlaced))
    assert read(tmp_path, png(size, depth, colour, interlaced, rows)).shape[:2] == size[::-1]
    said = refusal(tmp_path, png(size, depth, colour, interlaced, rows[:-1]))
    # Pillow decodes palette images first, to find their largest color.
    assert DAMAGE in said or (colour == 3 and "image file is truncated" in said)


GREY = NOISE[..., 0]
ROWS = b"".join(b"\0" + row.tobytes() for row in GREY)


@pytest.mark.parametrize("pieces", [1, 7])
@pytest.mark.parametrize("lines", [0, 1, 20, 36])
def test_a_png_with_fewer_rows_than_declared_is_refused(tmp_path, lines, pieces):
    content = png((29, 37), 8, 0, 0, ROWS[: lines * 30], pieces)
    assert DAMAGE in refusal(tmp_path, content)


@pytest.mark.parametrize("pieces", [1, 7])
def test_surplus_rows_of_a_png_are_ignored(tmp_path, pieces):
    more = ROWS + bytes(5_000_000)
    assert np.array_equal(read(tmp_path, png((29, 37), 8, 0, 0, more, pieces)), GREY)


@pytest.mark.parametrize("place", [-20, -17, 60, 300])
def test_a_png_with_a_changed_byte_is_refused(tmp_path, place):
    content = bytearray(png((29, 37), 8, 0, 0, ROWS))
    content[place] ^= 1
    assert DAMAGE in refusal(tmp_path, bytes(content))


def indexed(depth: int, interlaced: int, largest: int, colours: int, transparent=b"") -> bytes:
    """Return a PNG of colour 0 with a last pixel of colour `largest`; the palette has `colours`."""
    bits = np.zeros((5, 3, depth), np.uint8)
    bits[-1, -1] = [largest >> place & 1 for place in reversed(range(depth))]
    content = png((3, 5), depth, 3, interlaced, scan_lines(bits.reshape(5, -1), depth, interlaced))
    palette = chunk(b"PLTE", bytes(3) * colours) if colours else b""
    alpha = chunk(b"tRNS", transparent) if transparent else b""
    return content[:33] + palette + alpha + content[content.index(b"IDAT") - 4 :]


@pytest.mark.parametrize("transparent", [b"", b"\0", b"\0\x80"])
@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(("depth", "colours"), [(1, 1), (2, 3), (4, 1), (4, 15), (8, 1), (8, 255)])
def test_a_png_with_a_colour_beyond_its_palette_is_refused(
    tmp_path, depth, colours, interlaced, transparent
):
    known = indexed(depth, interlaced, colours - 1, colours, transparent)
    assert read(tmp_path, known).shape == (5, 3, 3)
    said = refusal(tmp_path, indexed(depth, interlaced, colours, colours, transparent))
    assert f"(a pixel has colour {colours}, but the palette ends at {colours - 1})" in said


@pytest.mark.parametrize("late", [b"", chunk(b"PLTE", bytes(768))])
@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_png_without_a_palette_before_its_pixels_is_refused(tmp_path, depth, late):
    content = indexed(depth, 0, 0, 0)
    content = content[:-12] + late + content[-12:]
    assert "(the palette is missing)" in refusal(tmp_path, content)


PLAIN = png((29, 37), 8, 0, 0, ROWS, 3)
FIRST, LAST = 33, PLAIN.rindex(b"IDAT") - 4  # where chunks precede and follow the pixels
LONG = zlib.compress(bytes(50_000_000))
MB = zlib.compress(bytes(1_000_000))
ANCILLARY = {
    "long text": chunk(b"zTXt", b"a\0\0" + LONG),
    "much text": chunk(b"zTXt", b"a\0\0" + MB) * 70,
    "long international text": chunk(b"iTXt", b"a\0\1\0\0\0" + LONG),
    "broken text": chunk(b"zTXt", b"a\0\0???") + chunk(b"tEXt", b"") + chunk(b"iTXt", b"\xff"),
    "text with an unknown compression": chunk(b"zTXt", b"a\0\7"),
    "a broken profile": chunk(b"iCCP", b"a\0\0???"),
    "an empty profile": chunk(b"iCCP", b"a\0"),
    "a long profile": chunk(b"iCCP", b"a\0\0" + LONG),
    "broken EXIF": chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff"),
    "no EXIF": chunk(b"eXIf", b""),
    "an orientation of 9": chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x09\0\0"),
    "short chunks": b"".join(chunk(kind, b"\1") for kind in (b"gAMA", b"cHRM", b"pHYs", b"tIME")),
    "wrong checksums": b"\0\0\0\1gAMA\7abcd" + b"\0\0\0\2tRNS\0\7abcd",
    "a suggested palette": chunk(b"PLTE", b"???") + chunk(b"hIST", b"?"),
    "the head of an animation": chunk(b"acTL", struct.pack(">II", 9, 0)),
    "a broken animation": chunk(b"acTL", b"?") + chunk(b"fcTL", b"?") + chunk(b"fdAT", b"?"),
    "unknown chunks": chunk(b"abCd", bytes(3_000_000)) * 2,
}


@pytest.mark.parametrize("place", [FIRST, -12], ids=["before", "after"])
@pytest.mark.parametrize("extra", ANCILLARY.values(), ids=ANCILLARY.keys())
def test_chunks_without_pixels_do_not_matter_in_a_png(tmp_path, extra, place):
    assert np.array_equal(read(tmp_path, PLAIN[:place] + extra + PLAIN[place:]), GREY)


def test_a_damaged_orientation_counts_as_none(tmp_path):
    exif = chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0")[:-1] + b"?"
    assert np.array_equal(read(tmp_path, PLAIN[:FIRST] + exif + PLAIN[FIRST:]), GREY)


def test_the_orientation_is_read_behind_a_damaged_chunk(tmp_path):
    exif = chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0")
    content = PLAIN[:FIRST] + ANCILLARY["long text"] + exif + PLAIN[FIRST:]
    assert np.array_equal(read(tmp_path, content), np.rot90(GREY, -1))


@pytest.mark.parametrize("cut", range(1, 17))
def test_a_png_without_its_end_is_read_if_it_has_all_pixels(tmp_path, cut):
    assert np.array_equal(read(tmp_path, PLAIN[:-cut]), GREY)


@pytest.mark.parametrize("cut", [17, 20, 60, 200])
def test_a_png_without_its_last_pixels_is_refused(tmp_path, cut):
    assert refusal(tmp_path, PLAIN[:-cut])
    assert refusal(tmp_path, PLAIN[:LAST])


def test_data_after_a_png_are_ignored(tmp_path):
    assert np.array_equal(read(tmp_path, PLAIN + PLAIN[:300]), GREY)


# -- JPEG

END = b"\xff\xd9"
FORMS = {
    "plain": {},
    "progressive": {"progressive": True},
    "fine colours": {"subsampling": 0},
    "rows": {"restart_marker_rows": 1},
    "blocks": {"restart_marker_blocks": 3},
    "progressive blocks": {"progressive": True, "restart_marker_blocks": 3},
}


@pytest.mark.parametrize("pixels", [SHADES, SHADES[..., 0], NOISE, NOISE[:1, :1]])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_complete_jpeg_is_read_as_pillow_reads_it(tmp_path, form, pixels):
    content = saved(pixels, format="JPEG", **form)
    expected = np.asarray(Image.open(io.BytesIO(content)))
    assert np.array_equal(read(tmp_path, content), expected)


def last_scan(content: bytes) -> int:
    """Return where the encoded data of the last scan begin."""
    marker = content.rindex(b"\xff\xda")
    return marker + 2 + int.from_bytes(content[marker + 2 : marker + 4], "big")


@pytest.mark.parametrize("pixels", [SHADES, SHADES[..., 0]], ids=["color", "gray"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9, 0.97, 0.995])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_jpeg_that_ends_too_early_is_refused(tmp_path, form, share, pixels):
    content = saved(pixels, format="JPEG", **form)
    start = last_scan(content)
    cut = content[: start + int(share * (len(content) - 2 - start))].rstrip(b"\xff") + END
    assert DAMAGE in refusal(tmp_path, cut)


def test_a_jpeg_that_ends_at_a_restart_marker_is_refused(tmp_path):
    content = saved(SHADES, format="JPEG", restart_marker_rows=1)
    cut = content[: content.index(b"\xff\xd1")] + END
    assert "instead of RST1)" in refusal(tmp_path, cut)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("length", [1, 2])
def test_a_jpeg_that_lacks_only_its_end_marker_is_read(tmp_path, length, form):
    content = saved(SHADES, format="JPEG", **form)
    assert np.array_equal(read(tmp_path, content[:-length]), read(tmp_path, content))


@pytest.mark.parametrize("end", [b"", END], ids=["no end", "end"])
def test_a_progressive_jpeg_that_lacks_scans_is_refused(tmp_path, end):
    content = saved(SHADES, format="JPEG", progressive=True)
    cut = content[: content.rindex(b"\xff\xda")] + end
    assert "(scans are missing)" in refusal(tmp_path, cut)


def test_a_jpeg_that_lacks_the_scan_of_a_channel_is_refused(tmp_path):
    content = saved(GREY, format="JPEG")
    start = content.index(b"\xff\xc0")
    three = b"\xff\xc0\0\x11" + content[start + 4 : start + 9] + b"\3\1\x11\0\2\x11\0\3\x11\0"
    assert "(scans are missing)" in refusal(
        tmp_path, content[:start] + three + content[start + 13 :]
    )


def deviations() -> dict[str, bytes]:
    """Return complete JPEGs that cause libvips warnings."""
    plain, late = saved(SHADES, format="JPEG"), saved(SHADES, format="JPEG", progressive=True)
    scan = last_scan(plain)
    return {
        "junk in the head": plain[:20] + bytes(3) + plain[20:],
        "junk before the end": late[:-2] + bytes(20) + END,
        "JFIF 3": plain.replace(b"JFIF\0\1", b"JFIF\0\3", 1),
        "scan parameters": plain[: scan - 2] + bytes(2) + plain[scan:],
    }


@pytest.mark.parametrize("content", deviations().values(), ids=deviations().keys())
def test_a_nonstandard_jpeg_with_an_end_marker_is_read(tmp_path, content):
    expected = np.asarray(Image.open(io.BytesIO(content)))
    assert np.array_equal(read(tmp_path, content), expected)
    assert refusal(tmp_path, content[: len(content) // 2])


def test_the_decoder_logs_nothing_and_keeps_no_earlier_error(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    content = saved(SHADES, format="JPEG")
    refusal(tmp_path, content[:-40] + END)
    read(tmp_path, content)
    assert not caplog.records


def test_data_after_a_complete_jpeg_are_ignored(tmp_path):
    content = saved(SHADES, format="JPEG")
    assert np.array_equal(read(tmp_path, content + content[:700]), read(tmp_path, content))


def segment(number: int, body: bytes) -> bytes:
    """Return an APP segment."""
    return b"\xff" + bytes([0xE0 + number]) + struct.pack(">H", len(body) + 2) + body


MPF = segment(2, b"MPF\0II*\0\x08\0\0\0\0\0" + b"\xff" * 20)
HEADS = {
    "empty EXIF": segment(1, b"Exif\0\0"),
    "broken EXIF": segment(1, b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\1" * 90),
    "EXIF whose tags lie outside": segment(1, b"Exif\0\0II*\0\x08\0\0\0\xff\0" + bytes(90)),
    "EXIF of 5 MB": segment(1, b"Exif\0\0II*\0" + bytes(65_000)) * 80,
    "a preview": segment(1, b"Exif\0\0" + saved(SHADES[:8, :8], format="JPEG")),
    "broken XMP": segment(1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta \xff\0"),
    "broken ICC": segment(2, b"ICC_PROFILE\0\5\1" + b"x" * 99),
    "ICC of 5 MB": segment(2, b"ICC_PROFILE\0\1\1" + bytes(65_000)) * 80,
    "a broken list of pictures": MPF,
    "a short JFIF": segment(0, b"JFIF\0\1"),
    "a short Adobe": segment(14, b"Adobe\0"),
    "broken Photoshop data": segment(13, b"Photoshop 3.0\x008BIM\4"),
    "an invalid length": b"\xff\xe9\0\1",
    "a comment": b"\xff\xfe\0\x09" + b"\xff" * 7,
    "unknown data": segment(11, b"JP" + bytes(60_000)) * 3,
}


@pytest.mark.parametrize("form", [{}, {"progressive": True}], ids=["sequential", "progressive"])
@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
def test_segments_without_pixels_do_not_matter_in_a_jpeg(tmp_path, head, form):
    content = saved(SHADES, format="JPEG", **form)
    assert np.array_equal(read(tmp_path, content[:2] + head + content[2:]), read(tmp_path, content))


def pictures(*parts: np.ndarray) -> bytes:
    """Return an MPO file, as phones save a picture with its depth or gain map."""
    others = [Image.fromarray(part) for part in parts[1:]]
    return saved(parts[0], format="MPO", save_all=True, append_images=others)


@pytest.mark.parametrize("others", [[SHADES[::2, ::2]], [GREY], [NOISE, SHADES]])
def test_the_first_picture_of_a_jpeg_with_several_is_read(tmp_path, others):
    content = pictures(SHADES, *others)
    assert np.array_equal(read(tmp_path, content), read(tmp_path, saved(SHADES, format="JPEG")))
    first = content[: content.index(b"\xff\xd9\xff\xd8")]
    assert refusal(tmp_path, first[: len(first) // 2] + content[len(first) :])


# -- TIFF


def with_tag(content: bytes, tag: int, value: int) -> bytes:
    """Return a little-endian TIFF with another value of one tag."""
    changed = bytearray(content)
    (place,) = struct.unpack_from("<I", content, 4)
    for at in range(place + 2, len(content) - 11, 12):
        if struct.unpack_from("<H", content, at) == (tag,):
            struct.pack_into("<I", changed, at + 8, value)
            return bytes(changed)
    raise ValueError(f"there is no tag {tag}")


def test_a_tiff_with_fewer_rows_than_declared_is_refused(tmp_path):
    content = saved(NOISE, format="TIFF")
    assert np.array_equal(read(tmp_path, content), NOISE)
    assert "decoder error" in refusal(tmp_path, with_tag(content, 257, 90))


@pytest.mark.parametrize("packing", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd"])
def test_a_compressed_tiff_with_fewer_rows_is_refused_by_its_decoder(tmp_path, packing):
    content = saved(NOISE, format="TIFF", compression=packing, strip_size=870)
    assert np.array_equal(read(tmp_path, content), NOISE)
    assert "decoder error" in refusal(tmp_path, with_tag(content, 257, 90))


def planes(count: int) -> bytes:
    """Return the first `count` of a TIFF's three channels, stored one after the other."""
    height, width = NOISE.shape[:2]
    data = [NOISE[..., channel].tobytes() for channel in range(count)]
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 2, 277: 3, 278: height, 284: 2}
    lists = 8 + 2 + 12 * (len(tags) + 2) + 4
    first = lists + 8 * count
    places = [first + height * width * number for number in range(count)]
    entries = {tag: (3, 1, value) for tag, value in tags.items()}
    entries |= {273: (4, count, lists), 279: (4, count, lists + 4 * count)}
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    head += b"".join(struct.pack("<HHII", tag, *entries[tag]) for tag in sorted(entries)) + bytes(4)
    head += struct.pack(f"<{2 * count}I", *places, *[height * width] * count)
    return head + b"".join(data)


def test_a_tiff_that_lacks_a_channel_is_refused(tmp_path):
    assert np.array_equal(read(tmp_path, planes(3)), NOISE)
    assert "decoder error" in refusal(tmp_path, planes(2))


# libvips reads neither of these.
@pytest.mark.parametrize("options", [{"compression": "lzma"}, {"compression": "zstd"}])
def test_a_tiff_with_any_compression_that_pillow_knows_is_read(tmp_path, options):
    assert np.array_equal(read(tmp_path, saved(NOISE, format="TIFF", **options)), NOISE)


def tiff(tags: dict[int, list[int]], data: bytes, order="<", big=False, pages=None) -> bytes:
    """Return a TIFF with one strip; values are 16-bit, and `pages` are further directories."""
    word, count, head = ("Q", "Q", 16) if big else ("I", "H", 8)
    mark = {"<": b"II", ">": b"MM"}[order]
    content = mark + (struct.pack(order + "HHH", 43, 8, 0) if big else struct.pack(order + "H", 42))
    tags = {259: [1], 284: [1]} | tags
    strip = {273: head, 279: len(data)}
    content += struct.pack(order + word, head + len(data) + len(data) % 2) + data
    content += bytes(len(data) % 2)
    directories = [tags, *(pages or [])]
    for number, page in enumerate(directories):
        entries, far = b"", b""
        page = page | strip
        size = 20 if big else 12
        end = len(content) + struct.calcsize(order + count + word) + size * len(page)
        for tag, values in sorted(page.items()):
            wide = tag in strip
            values = [values] if wide else values
            body = struct.pack(f"{order}{len(values)}{'I' if wide else 'H'}", *values)
            if len(body) > struct.calcsize(order + word):
                body, far = struct.pack(order + word, end + len(far)), far + body
            entries += struct.pack(order + "HH" + word, tag, 4 if wide else 3, len(values))
            entries += body.ljust(struct.calcsize(order + word), b"\0")
        following = end + len(far) if number + 1 < len(directories) else 0
        content += struct.pack(order + count, len(page)) + entries
        content += struct.pack(order + word, following) + far
    return content


def grid(photometric: int, bits: int, *channels: np.ndarray, **options) -> bytes:
    """Return an uncompressed TIFF of these channels, of 8 or 16 bits."""
    order, more = options.get("order", "<"), options.pop("tags", {})
    height, width = channels[0].shape
    tags = {256: [width], 257: [height], 258: [bits] * len(channels), 262: [photometric]}
    tags |= {277: [len(channels)], 278: [height]}
    kind = np.uint8 if bits == 8 else np.dtype(np.uint16).newbyteorder(order)
    pixels = np.stack(channels, -1).astype(kind) * (1 if bits == 8 else 257)
    return tiff(tags | more, pixels.astype(kind).tobytes(), **options)


RED, GREEN, BLUE = np.moveaxis(NOISE, -1, 0)


# Pillow does not know big-endian BigTIFF.
@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_is_read_as_viewers_show_it(tmp_path, bits, order, big):
    options = {"order": order, "big": big}
    assert np.array_equal(read(tmp_path, grid(1, bits, GREY, **options)), GREY)
    if (bits, order) != (16, ">"):  # Pillow knows no big-endian negative of 16 bits.
        assert np.array_equal(read(tmp_path, grid(0, bits, 255 - GREY, **options)), GREY)
    assert np.array_equal(read(tmp_path, grid(2, bits, RED, GREEN, BLUE, **options)), NOISE)
    clear = read(tmp_path, grid(2, bits, RED, GREEN, BLUE, 0 * RED, tags={338: [2]}, **options))
    assert clear.min() == 255


@pytest.mark.parametrize("unit", [1, 257])
@pytest.mark.parametrize("order", "<>")
def test_the_palette_of_a_tiff_may_have_8_or_16_bits(tmp_path, order, unit):
    colours = {320: [unit * (value * part % 256) for part in (1, 3, 5) for value in range(256)]}
    seen = read(tmp_path, grid(3, 8, GREY, order=order, tags=colours))
    assert np.array_equal(seen, np.stack([GREY, 3 * GREY, 5 * GREY], -1))


@pytest.mark.parametrize("bits", [8, 16])
def test_separate_channels_of_a_tiff_are_read_as_libvips_reads_them(tmp_path, bits):
    height, width = GREY.shape
    tags = {256: [width], 257: [3 * height], 258: [bits], 262: [1], 277: [1], 278: [3 * height]}
    data = np.concatenate([RED, GREEN, BLUE]).astype(np.uint16) * (257 if bits == 16 else 1)
    data = data.astype(np.uint8 if bits == 8 else "<u2").tobytes()
    whole = tiff(tags, data)
    # The same strip, split in three.
    tags = {256: [width], 257: [height], 258: [bits] * 3, 262: [2], 277: [3], 278: [height]}
    size = len(data) // 3
    content = tiff(tags | {284: [2], 65000: [9] * 12}, data)
    lists = content.index(b"\t\0" * 12)
    places = struct.pack("<6I", *(8 + size * number for number in range(3)), size, size, size)
    content = content[:lists] + places + content[lists + 24 :]
    content = with_list(with_list(content, 273, 3, lists), 279, 3, lists + 12)
    assert np.array_equal(read(tmp_path, content), NOISE)
    assert read(tmp_path, whole).shape == (3 * height, width)
    assert np.array_equal(vips_pixels(content) >> (bits - 8), NOISE)


def with_list(content: bytes, tag: int, count: int, place: int) -> bytes:
    """Return a little-endian TIFF in which a tag has `count` values at `place`."""
    content = bytearray(with_tag(content, tag, place))
    entry = content.index(struct.pack("<HHI", tag, 4, 1))
    struct.pack_into("<I", content, entry + 4, count)
    return bytes(content)


def vips_pixels(content: bytes) -> np.ndarray:
    return pyvips.Image.new_from_buffer(content, "").numpy()


@pytest.mark.parametrize("subfile", [{254: [1]}, {254: [4]}, {254: [5]}, {255: [2]}])
def test_previews_and_masks_in_a_tiff_are_ignored(tmp_path, subfile):
    small = {256: [4], 257: [3], 258: [8], 262: [1], 277: [1], 278: [3]}
    assert np.array_equal(read(tmp_path, grid(1, 8, GREY, pages=[small | subfile] * 2)), GREY)


def test_the_full_picture_of_a_tiff_is_read_even_after_its_preview(tmp_path):
    small = {256: [4], 257: [3], 258: [8], 262: [1], 277: [1], 278: [3], 254: [1]}
    full = small | {256: [29], 257: [37], 278: [37], 254: [0]}
    assert np.array_equal(read(tmp_path, tiff(small, GREY.tobytes(), pages=[full])), GREY)


def test_a_tiff_of_several_pages_is_refused(tmp_path):
    content = saved(NOISE, format="TIFF", save_all=True, append_images=[Image.fromarray(GREY)] * 2)
    assert "contains 3 pictures; expected 1: save" in tools.refusal(read, tmp_path, content)


def test_a_preview_of_a_raw_photo_is_no_picture(tmp_path):
    content = grid(1, 8, GREY, tags={254: [1], 330: [900]})
    assert "no page with the full picture" in refusal(tmp_path, content)


ODD_TAGS = {
    "unknown": {65000: [7] * 9, 33550: [1]},
    "broken EXIF": {34665: [60_000], 34853: [3]},
    "no resolution": {282: [0], 283: [0], 296: [77]},
    "broken text": {270: [0xFFFF] * 9, 305: [0xFFFF] * 9, 700: [1, 2]},
    "broken profile": {34675: [5] * 40, 34377: [9] * 11},
    "no orientation": {274: [77]},
    "extra values": {266: [1, 1], 296: [2, 2]},
}


@pytest.mark.parametrize("tags", ODD_TAGS.values(), ids=ODD_TAGS.keys())
@pytest.mark.parametrize("order", "<>")
def test_tags_without_pixels_do_not_matter_in_a_tiff(tmp_path, tags, order):
    assert np.array_equal(read(tmp_path, grid(1, 8, GREY, tags=tags, order=order)), GREY)


def test_a_tag_whose_data_lie_beyond_the_end_does_not_matter_in_a_tiff(tmp_path):
    content = with_tag(grid(1, 8, GREY, tags={65000: [1, 2, 3]}), 65000, 900_000)
    assert np.array_equal(read(tmp_path, content), GREY)


UNSUPPORTED = {
    "32-bit floating-point numbers": {258: [32], 339: [3], 262: [1], 277: [1]},
    "colours of floating-point numbers": {258: [32] * 3, 339: [3] * 3, 262: [2], 277: [3]},
    "64-bit floating-point numbers": {258: [64], 339: [3], 262: [1], 277: [1]},
    "32-bit integers": {258: [32], 339: [1], 262: [1], 277: [1]},
    "16-bit signed integers": {258: [16], 339: [2], 262: [1], 277: [1]},
    "8-bit signed integers": {258: [8], 339: [2], 262: [1], 277: [1]},
    "an unknown compression": {259: [34712], 258: [8], 262: [1], 277: [1]},
}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("tags", UNSUPPORTED.values(), ids=UNSUPPORTED.keys())
def test_an_unsupported_tiff_is_refused_with_advice_that_helps(tmp_path, tags, order):
    content = tiff({256: [9], 257: [9], 278: [9]} | tags, bytes(9 * 9 * 24), order)
    line = tools.refusal(read, tmp_path, content)
    assert "has signed, floating-point, 32-bit" in line or "is not an image in a supported" in line
    assert line.endswith("save it as PNG with 8 or 16 bits per channel")


def ycbcr(tags: dict[int, list[int]], size: int) -> bytes:
    """Return a TIFF of 8 × 8 px whose colours are stored for 2 × 2 px each."""
    common = {256: [8], 257: [8], 258: [8] * 3, 262: [6], 277: [3], 530: [2, 2]}
    return tiff(common | tags, bytes([90, 90, 90, 90, 128, 200] * 16)[:size])


def test_reduced_colours_of_a_tiff_are_read_but_not_from_tiles(tmp_path):
    content = ycbcr({278: [8]}, 96)
    assert np.array_equal(read(tmp_path, content), vips_pixels(content)[..., :3])
    assert refusal(tmp_path, ycbcr({278: [4]}, 48))
    tiles = tools.refusal(read, tmp_path, ycbcr({278: [8], 324: [8], 322: [16], 323: [16]}, 96))
    assert "or YCbCr samples: save it as PNG" in tiles


def test_a_mask_of_a_kind_that_is_not_read_is_ignored_in_a_tiff(tmp_path):
    mask = {256: [4], 257: [3], 258: [1], 262: [4], 277: [1], 278: [3], 254: [4]}
    assert np.array_equal(read(tmp_path, grid(1, 8, GREY, pages=[mask] * 2)), GREY)


# -- WebP


def webp_chunks(content: bytes) -> list[bytes]:
    chunks, at = [], 12
    while at < len(content):
        size = struct.unpack_from("<I", content, at + 4)[0]
        chunks.append(content[at : at + 8 + size + size % 2])
        at += len(chunks[-1])
    return chunks


def riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


@pytest.mark.parametrize("lossless", [False, True])
def test_chunks_without_pixels_do_not_matter_in_a_webp(tmp_path, lossless):
    clear = np.dstack([SHADES, SHADES[..., :1]])
    content = saved(clear, format="WEBP", lossless=lossless, exif=b"Exif\0\0MM\0*" + bytes(9))
    head, *rest = webp_chunks(content)
    odd = riff(b"ICCP", b"?") + riff(b"abcd", bytes(999)) + riff(b"XMP ", b"<")
    changed = riff(b"RIFF", b"WEBP" + head + odd + b"".join(rest) + odd)
    plain = saved(clear, format="WEBP", lossless=lossless)
    for variant in (changed, changed + bytes(700), changed + content):
        assert np.array_equal(read(tmp_path, variant), read(tmp_path, plain))


# -- Animations


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused(tmp_path, kind):
    others = [Image.fromarray(255 - SHADES), Image.fromarray(SHADES // 2)]
    content = saved(SHADES, format=kind, save_all=True, append_images=others)
    assert "contains 3 pictures; expected 1: save" in tools.refusal(read, tmp_path, content)


# -- BMP


def test_a_bmp_may_lack_the_padding_of_its_last_row(tmp_path):
    content = saved(NOISE, format="BMP")  # rows of 87 bytes
    assert np.array_equal(read(tmp_path, content[:-1]), NOISE)
    assert refusal(tmp_path, content[:-2])


# -- All


@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_a_truncated_image_is_refused(tmp_path, kind, share):
    content = saved(SHADES, format=kind)
    assert refusal(tmp_path, content[: int(share * len(content))])


@pytest.mark.parametrize(
    ("depth", "colour", "row", "clear", "shown"),
    [
        (2, 0, b"\x60", (1,), [170] * 3),
        (4, 0, b"\x37", (3,), [119] * 3),
        (8, 0, b"\x03\x07", (3,), [7] * 3),
        (8, 2, b"\1\2\3\1\2\4", (1, 2, 3), [1, 2, 4]),
        (16, 2, b"\1\7\2\7\3\7\1\7\2\7\4\7", (263, 519, 775), [1, 2, 4]),
    ],
)
def test_the_transparent_value_of_a_png_of_any_depth_becomes_white(
    tmp_path, depth, colour, row, clear, shown
):
    content = png((2, 1), depth, colour, 0, b"\0" + row)
    values = chunk(b"tRNS", struct.pack(f">{len(clear)}H", *clear))
    seen = read(tmp_path, content[:33] + values + content[33:]).tolist()
    assert seen == [[[255] * 3, shown]]


@pytest.mark.parametrize(("most", "shown"), [(40_000, (1, 156)), (4_000, (18, 250))])
def test_the_transparent_value_of_a_16_bit_grey_png_becomes_white(tmp_path, most, shown):
    rows = b"\0" + struct.pack(">3H", 301, 50_000, most)
    content = png((3, 1), 16, 0, 0, rows)
    clear = chunk(b"tRNS", struct.pack(">H", 50_000))
    content = content[:33] + clear + content[33:]
    assert read(tmp_path, content).tolist() == [[shown[0], 255, shown[1]]]


# User code may have set these options to any value.
@pytest.mark.parametrize(
    ("module", "option", "value"),
    [
        (ImageFile, "LOAD_TRUNCATED_IMAGES", True),
        (Image, "MAX_IMAGE_PIXELS", 10),
        (TiffImagePlugin, "READ_LIBTIFF", True),
    ],
)
def test_options_of_pillow_do_not_matter_and_are_kept(tmp_path, monkeypatch, module, option, value):
    monkeypatch.setattr(module, option, value)
    for kind in ("PNG", "JPEG", "TIFF", "BMP", "WEBP"):
        content = saved(SHADES, format=kind)
        assert read(tmp_path, content).shape == SHADES.shape
        assert refusal(tmp_path, content[: len(content) // 2])
    assert getattr(module, option) == value


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP"])
def test_photos_larger_than_the_limit_of_pillow_are_read(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert user_images.MAX_PIXELS >= 16_384 * 12_288
    assert read(tmp_path, saved(GREY, format=kind)).shape == GREY.shape


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "I;16"])
def test_bands_of_an_image_make_the_whole(tmp_path, monkeypatch, mode):
    pixels = Image.fromarray(np.kron(GREY, np.ones((3, 3), np.uint8)))
    image = Image.fromarray(GREY.astype(np.uint16) * 9) if mode == "I;16" else pixels.convert(mode)
    image.save(tmp_path / "image.png")
    whole = user_images.open_image(tmp_path / "image.png")
    monkeypatch.setattr(user_images, "_BAND_PIXELS", 200)
    assert np.array_equal(user_images.open_image(tmp_path / "image.png"), whole)
