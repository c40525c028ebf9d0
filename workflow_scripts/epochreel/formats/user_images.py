"""Users' image files: check them and read their pixels."""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image, ImageOps

from epochreel.core.errors import UserError, first_line

MAX_PIXELS = 100_000_000
"""The largest image that is accepted: an A3 sheet at 600 dpi has 70 million pixels."""

# The content determines the format, not the file name. Pillow starts no program for any of these.
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_FACTORS = {"L;2": 85, "L;4": 17}
_MODES_16_BIT = ("I;16", "I;16L", "I;16B", "I;16N")

# Pillow fills in missing pixels; libvips rejects them. libvips only checks: all pixels come from
# Pillow, so the version of libvips is not part of any cache key.
_LOADERS = {"JPEG": pyvips.Image.jpegload_buffer, "PNG": pyvips.Image.pngload_buffer}
_NEEDS_END = re.compile(rb"\xff[\xc2\xc9-\xcb]\0")  # frames of progressive and arithmetic JPEGs
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
    converted to 8-bit grey or RGB. Transparent areas become white. Photographs are rotated
    according to their EXIF orientation. Raises `UserError` for a file that is not a PNG, JPEG,
    TIFF, WebP or BMP image, is damaged, lacks pixels, is animated or has more than `MAX_PIXELS`.

    Some missing pixels cannot be detected. A progressive JPEG that lost whole scans but has an end
    marker decodes to a coarser image. If a JPEG deviates from the standard or uses arithmetic
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
        with warnings.catch_warnings():
            # `_check_format` checks the size.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            ended = _with_end(content)
            with Image.open(io.BytesIO(ended), formats=_FORMATS) as image:
                _check_format(image, path)
                _scale_transparent(image)  # Before loading, after which the bit depth is unknown.
                _check_palette(image)
                _check_strips(image)
                _check_decoding(image, content, ended)
                # A copy: Pillow's own array is read-only, but user code may change its image.
                return np.array(_pixels(ImageOps.exif_transpose(image)))
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise UserError(_too_large(path)) from None
    except Image.UnidentifiedImageError:
        raise UserError(
            f"{path} is not an image in a supported format: save it as PNG, JPEG or TIFF"
        ) from None
    except Exception as error:  # A damaged file may make a decoder raise any exception.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"{path} cannot be read as an image: save or scan it again ({reason})"
        ) from error


def _check_format(image: Image.Image, path: str | Path) -> None:
    """Check the number of pixels, of pictures and of bits per pixel."""
    if image.width * image.height > MAX_PIXELS:
        raise UserError(_too_large(path, f"{image.width} × {image.height} pixels"))
    pictures = getattr(image, "n_frames", 1)
    if pictures > 1:
        raise UserError(f"{path} contains {pictures} pictures; expected 1: save only one of them")
    if image.mode in ("I", "F"):
        raise UserError(f"{path} has 32 bits per pixel: save it with 8 or 16 bits per channel")


def _check_palette(image: Image.Image) -> None:
    """Check the pixels of a PNG with a palette: Pillow invents colours that the palette lacks."""
    if image.format != "PNG" or image.mode != "P":
        return
    if image.palette is None:
        raise ValueError("the palette is missing")
    colours = len(image.palette.palette) // 3
    largest = image.getextrema()[1]
    if largest >= colours:
        raise ValueError(f"a pixel has colour {largest}, but the palette ends at {colours - 1}")


def _check_strips(image: Image.Image) -> None:
    """Check that the strips or tiles of a TIFF cover it, for each separately stored channel.

    libvips does not support several compressions and layouts of TIFF that Pillow reads.
    """
    if image.format != "TIFF":
        return
    is_planar = image.tag_v2.get(284) == 2 and image.tile[0][0] == "raw"
    expected = image.width * image.height * (len(image.getbands()) if is_planar else 1)
    corners = [extents for _, extents, _, _ in image.tile]
    covered = sum(
        (min(right, image.width) - left) * (min(bottom, image.height) - top)
        for left, top, right, bottom in corners
    )
    if covered < expected:
        raise ValueError(f"its strips or tiles contain {covered} of {expected} pixels")


def _check_decoding(image: Image.Image, content: bytes, ended: bytes) -> None:
    """Check that libvips decodes all pixels of a JPEG or PNG without a warning.

    `ended` is the content of the file with an end marker (see `_with_end`).
    """
    if image.format not in _LOADERS:
        return
    message = _decoding_error(_LOADERS[image.format], ended)
    if message and not _NOT_DAMAGE.search(message):
        raise ValueError(f"pixels are missing or damaged; libvips: {message}")
    if message:  # libvips stopped early, so require at least that the file has an end marker.
        with Image.open(io.BytesIO(content), formats=_FORMATS) as plain:
            plain.load()


def _decoding_error(load: Callable[..., pyvips.Image], content: bytes) -> str:
    """Decode all pixels with libvips; return its first warning or error, or an empty string."""
    pyvips.Error("")  # Reads and thereby clears libvips' error buffer.
    try:
        load(content, fail_on="warning", access="sequential", unlimited=True).avg()
    except pyvips.Error as error:
        return error.detail.strip() or "load error"
    # A warning in the last rows does not raise; it is only in the error buffer.
    return pyvips.Error("").detail.strip()


def _with_end(content: bytes) -> bytes:
    """Add an end-of-image marker to a sequential JPEG: some cameras and scanners omit it.

    Decoders ignore everything after the first marker. Progressive and arithmetic JPEGs must have
    one already, because no decoder detects scans or arithmetic data missing before it.
    """
    is_sequential = content.startswith(b"\xff\xd8") and not _NEEDS_END.search(content)
    return content + b"\xff\xd9" if is_sequential else content


def _too_large(path: str | Path, size: str = "far too many pixels") -> str:
    return f"{path} has {size}: scale it down to at most {MAX_PIXELS // 1_000_000} million"


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


def _pixels(image: Image.Image) -> np.ndarray:
    if image.mode in _MODES_16_BIT:
        return _from_16_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    grey = image.mode in ("1", "L")
    return np.asarray(image.convert("L" if grey else "RGB"))


def _from_16_bits(image: Image.Image) -> np.ndarray:
    """Convert a grey image of 16 bits to 8; a PNG may declare one value transparent."""
    values = np.asarray(image).astype(np.uint16)
    opaque = values != image.info.get("transparency", -1)
    # Scanners and cameras with 12 bits store their values unscaled in 16 bits.
    bits = 8 if values.max(where=opaque, initial=0) >= 1 << 12 else 4
    return np.where(opaque, values >> bits, 255).astype(np.uint8)
