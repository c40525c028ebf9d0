"""User images: complete files are read as Pillow reads them; files that lack pixels are refused."""

import io
import logging
import struct
import zlib

import numpy as np
import pytest
import tools
from PIL import Image

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


@pytest.mark.parametrize("length", [1, 2])
def test_a_jpeg_that_lacks_only_its_end_marker_is_read(tmp_path, length):
    content = saved(SHADES, format="JPEG")
    assert np.array_equal(read(tmp_path, content[:-length]), read(tmp_path, content))


def test_a_progressive_jpeg_that_may_lack_scans_is_refused(tmp_path):
    content = saved(SHADES, format="JPEG", progressive=True)
    assert refusal(tmp_path, content[: content.rindex(b"\xff\xda")])
    assert refusal(tmp_path, content[:-2])


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
    caplog.set_level(logging.DEBUG)
    content = saved(SHADES, format="JPEG")
    refusal(tmp_path, content[:-40] + END)
    read(tmp_path, content)
    assert not caplog.records


def test_data_after_a_complete_jpeg_are_ignored(tmp_path):
    content = saved(SHADES, format="JPEG")
    assert np.array_equal(read(tmp_path, content + content[:700]), read(tmp_path, content))


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
    said = refusal(tmp_path, with_tag(content, 257, 90))
    assert f"its strips or tiles contain {29 * 37} of {29 * 90} pixels" in said


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
    assert "contain 2146 of 3219 pixels" in refusal(tmp_path, planes(2))


# libvips reads neither of these.
@pytest.mark.parametrize("options", [{"compression": "lzma"}, {"compression": "zstd"}])
def test_a_tiff_with_any_compression_that_pillow_knows_is_read(tmp_path, options):
    assert np.array_equal(read(tmp_path, saved(NOISE, format="TIFF", **options)), NOISE)


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
