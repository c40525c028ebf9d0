"""Users' image files: check them and read their pixels."""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image, ImageFile, ImageOps, ImagePalette, TiffImagePlugin

from epochreel.core.errors import UserError, first_line
from epochreel.formats.image_containers import Picture, extract

MAX_PIXELS = 250_000_000
"""Largest accepted number of pixels. The largest photos of phones have 201 million."""

# The content determines the format, not the file name. Pillow starts no program for any of these.
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_FACTORS = {"L;2": 85, "L;4": 17}
_MODES_16_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_SUBFILE, _OLD_SUBFILE, _WIDTH, _PHOTOMETRIC, _ORIENTATION = 254, 255, 256, 262, 274  # of TIFF
_PLANAR, _PALETTE, _TILES, _SUBDIRECTORIES, _SAMPLE_FORMAT = 284, 320, 324, 330, 339
_UNSIGNED, _NEGATIVE, _YCBCR, _REDUCED, _MASK = 1, 0, 6, 1, 4  # values of these tags
_ADVICE = "save it as PNG with 8 or 16 bits per channel"
_OPTIONS = [
    (Image, "MAX_IMAGE_PIXELS", None),  # `_check_format` checks the size.
    (ImageFile, "LOAD_TRUNCATED_IMAGES", False),
    # Pillow's own decoder misreads planes of 16 bits and reduced chroma, and fills missing strips.
    (TiffImagePlugin, "READ_LIBTIFF", True),
]
_BAND_PIXELS = 1 << 22  # converted at a time

# Pillow fills in missing pixels; libvips rejects them. libvips only checks: all pixels come from
# Pillow, so the version of libvips is not part of any cache key.
_LOADERS = {"JPEG": pyvips.Image.jpegload_buffer, "PNG": pyvips.Image.pngload_buffer}
# Messages of libvips about JPEGs that deviate from the standard, or that it cannot read.
_NOT_DAMAGE = re.compile(
    "extraneous bytes|Adobe|JFIF|ICC|progression|SOS parameters|not implemented|[Uu]nsupported"
)
pyvips.block_untrusted_set(True)
pyvips.cache_set_max(0)  # The cache knows a buffer by its address, which may be reused.
pyvips.concurrency_set(1)  # Snakemake counts cores; one thread also makes the messages repeatable.
logging.getLogger("pyvips").setLevel(logging.CRITICAL)  # Its errors are raised.


def open_image(path: str | Path) -> np.ndarray:
    """Read an image file as uint8 pixels of shape (H, W) for grey, otherwise (H, W, 3).

    Palettes, CMYK and 16 bits per channel (or 12, if no value of a grey image needs more) are
    converted to 8 bits. Transparent areas become white. Photographs are rotated according to their
    EXIF orientation. Of a JPEG with several pictures, the first is read. Raises `UserError` for a
    file that is not a PNG, JPEG, TIFF, WebP or BMP image, is damaged, lacks pixels, is animated or
    has several full pages, other samples than unsigned integers, or more than `MAX_PIXELS`.

    Some missing pixels cannot be detected. If a JPEG deviates from the standard or uses arithmetic
    coding, only its end is checked. A strip that is too short in a TIFF with JPEG or fax
    compression is filled.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({first_line(error)}): provide an image") from None
    if not content:
        raise UserError(f"{path} is empty: provide an image")
    try:
        with _strict_pillow():
            picture = extract(content)
            del content  # up to several hundred megabytes
            # A copy: Pillow's own array is read-only, but user code may change its image.
            return np.array(_read(picture, path))
    except Image.UnidentifiedImageError:
        raise UserError(
            f"{path} is not an image in a supported format, or its header is damaged: {_ADVICE}"
        ) from None
    except UserError:
        raise
    except Exception as error:  # A damaged file may make a decoder raise any exception.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"{path} cannot be read as an image: save or scan it again ({reason})"
        ) from error


@contextmanager
def _strict_pillow() -> Iterator[None]:
    """Set Pillow's global options, which other code may have changed; restore them afterwards."""
    before = [getattr(module, name) for module, name, _ in _OPTIONS]
    try:
        for module, name, value in _OPTIONS:
            setattr(module, name, value)
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for (module, name, _), value in zip(_OPTIONS, before, strict=True):
            setattr(module, name, value)


def _read(picture: Picture, path: str | Path) -> np.ndarray:
    with Image.open(io.BytesIO(picture.content), formats=_FORMATS) as image:
        pages = _select_page(image) if image.format == "TIFF" else getattr(image, "n_frames", 1)
        _check_format(image, max(pages, picture.count), path)
        _replace_exif(image, picture.exif or image.info.get("exif", b""))
        _scale_transparent(image)  # Before loading, after which the bit depth is unknown.
        _check_palette(image)
        _check_decoding(image, picture)
        ImageOps.exif_transpose(image, in_place=True)
        return _from_16_bits(image) if image.mode in _MODES_16_BIT else _on_white(image)


def _select_page(image: TiffImagePlugin.TiffImageFile) -> int:
    """Select the first page of a TIFF with a full picture; return the number of such pages."""
    full = []
    for page in count():
        try:
            image.seek(page)
        except EOFError:
            break
        except Exception:
            if _is_full(image.tag_v2):
                raise
        full += [page] * _is_full(image.tag_v2)
    image.seek((full or [0])[0])
    if not full and _SUBDIRECTORIES in image.tag_v2:  # a preview of a raw photo
        raise ValueError("it has no page with the full picture")
    return len(full)


def _is_full(tags: TiffImagePlugin.ImageFileDirectory_v2) -> bool:
    """Return False for a reduced copy, a mask, and a damaged page."""
    is_reduced = tags.get(_SUBFILE, 0) & (_REDUCED | _MASK) or tags.get(_OLD_SUBFILE) == 2
    return _WIDTH in tags and not is_reduced


def _check_format(image: Image.Image, pictures: int, path: str | Path) -> None:
    """Check the number of pixels, of pictures and of bits per pixel."""
    if image.width * image.height > MAX_PIXELS:
        raise UserError(
            f"{path} has {image.width} × {image.height} pixels; expected at most "
            f"{MAX_PIXELS // 1_000_000} million: scale it down"
        )
    if pictures > 1:
        raise UserError(f"{path} contains {pictures} pictures; expected 1: save only one of them")
    tags = getattr(image, "tag_v2", {})
    is_ycbcr = tags.get(_PHOTOMETRIC) == _YCBCR and image.tile[0].args[0] == "RGBX"
    # libtiff would fill their missing tiles and planes.
    is_unchecked = is_ycbcr and (_TILES in tags or tags.get(_PLANAR) == 2)
    is_unsigned = set(tags.get(_SAMPLE_FORMAT, ())) <= {_UNSIGNED}
    if image.mode in ("I", "F") or not is_unsigned or is_unchecked:
        raise UserError(f"{path} has signed, floating-point, 32-bit or YCbCr samples: {_ADVICE}")


def _replace_exif(image: Image.Image, exif: bytes) -> None:
    """Reduce metadata to the orientation, which counts as normal if it cannot be read."""
    tags, kept = getattr(image, "tag_v2", Image.Exif()), Image.Exif()
    kept[_ORIENTATION] = 1
    with suppress(Exception):  # The data may be damaged in any way.
        if exif:
            tags.load(exif)
        if tags[_ORIENTATION] in range(1, 9):
            kept[_ORIENTATION] = tags[_ORIENTATION]
    image.info["exif"] = kept.tobytes()


def _check_palette(image: Image.Image) -> None:
    """Check the palette of a PNG, and widen that of a TIFF if its values are of 8 bits.

    Pillow invents colours that a PNG lacks, and always uses the upper 8 of 16 bits in a TIFF.
    """
    if image.format == "TIFF" and image.mode in ("P", "PA"):
        palette = image.tag_v2[_PALETTE]
        if max(palette) < 256:
            image.palette = ImagePalette.raw("RGB;L", bytes(palette))
    if image.format != "PNG" or image.mode != "P":
        return
    if image.palette is None:
        raise ValueError("the palette is missing")
    colours = len(image.palette.palette) // 3
    largest = image.getextrema()[1]
    if largest >= colours:
        raise ValueError(f"a pixel has colour {largest}, but the palette ends at {colours - 1}")


def _check_decoding(image: Image.Image, picture: Picture) -> None:
    """Check that libvips decodes all pixels of a JPEG or PNG without a warning."""
    if image.format not in _LOADERS:
        return
    pyvips.Error("")  # Reads and thereby clears libvips' error buffer.
    load, options = _LOADERS[image.format], {"fail_on": "warning", "access": "sequential"}
    try:
        load(picture.content, unlimited=True, **options).avg()
        # A warning in the last rows does not raise; it is only in the error buffer.
        message = pyvips.Error("").detail.strip()
    except pyvips.Error as error:
        message = error.detail.strip() or "load error"
    # If libvips stopped early, require at least that the file had an end marker.
    if message and not (_NOT_DAMAGE.search(message) and picture.ended):
        raise ValueError(f"pixels are missing or damaged; libvips: {message}")


def _scale_transparent(image: Image.Image) -> None:
    """Convert the transparent value of a PNG to the bit depth of its decoded pixels.

    Pillow scales the pixels to 8 bits (grey of 2 and 4 bits up, colours of 16 bits down) but leaves
    the transparent value as in the file.
    """
    value = image.info.get("transparency")
    mode = image.tile[0].args if image.format == "PNG" and value is not None else None
    if mode in _FACTORS:
        image.info["transparency"] = value * _FACTORS[mode]
    elif mode == "RGB;16B":
        image.info["transparency"] = tuple(part >> 8 for part in value)


def _on_white(image: Image.Image) -> np.ndarray:
    """Convert an image to 8-bit grey or RGB, in bands, so that no step copies it as a whole."""
    grey = image.mode in ("1", "L") and not image.has_transparency_data
    pixels = np.empty((image.height, image.width, 3)[: 2 if grey else 3], np.uint8)
    height = max(_BAND_PIXELS // image.width, 1)
    for top in range(0, image.height, height):
        band = image.crop((0, top, image.width, min(top + height, image.height)))
        if band.has_transparency_data:
            band = band.convert("RGBA")
            band = Image.alpha_composite(Image.new("RGBA", band.size, "white"), band)
        pixels[top : top + height] = band.convert("L" if grey else "RGB")
    return pixels


def _from_16_bits(image: Image.Image) -> np.ndarray:
    """Convert a grey image of 16 bits to 8; a PNG may declare one value transparent."""
    values = np.array(image, np.uint16)
    opaque = values != image.info.get("transparency", -1)
    # Scanners and cameras with 12 bits store their values unscaled in 16 bits.
    values >>= 8 if values.max(where=opaque, initial=0) >= 1 << 12 else 4
    values[~opaque] = 255
    # Pillow inverts negatives of other depths itself.
    is_negative = getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _NEGATIVE
    return values.astype(np.uint8) ^ (255 * is_negative)
