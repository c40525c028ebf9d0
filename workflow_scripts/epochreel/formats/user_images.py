"""Images of a person's own: files of any kind, checked, as pixels."""

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

MOST_PIXELS = 100_000_000
"""Larger images are refused: an A3 sheet at 600 dots an inch has 70 million."""

# What is in the file counts, not its name. Formats that start other programs are none of these.
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_FACTORS = {"L;2": 85, "L;4": 17}
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N")

# Pillow fills pixels that are missing, libvips refuses them. It only checks: all pixels come from
# Pillow, so its version is part of no cache key.
_LOADERS = {"JPEG": pyvips.Image.jpegload_buffer, "PNG": pyvips.Image.pngload_buffer}
_NEEDS_END = re.compile(rb"\xff[\xc2\xc9-\xcb]\0")  # frames of progressive and arithmetic JPEGs
# What libvips says of JPEGs that deviate from the standard, or that it cannot read.
_NOT_DAMAGE = re.compile(
    "extraneous bytes|Adobe|JFIF|ICC|progression|SOS parameters|not implemented|[Uu]nsupported"
)
pyvips.block_untrusted_set(True)
pyvips.cache_set_max(0)  # A buffer is known by its address, which may be another file's by now.
pyvips.concurrency_set(1)  # Snakemake counts cores; one thread also makes the messages repeatable.
logging.getLogger("pyvips").setLevel(logging.CRITICAL)  # Its errors are raised.


def open_image(path: str | Path) -> np.ndarray:
    """The pixels of an image file: uint8, (H, W) for grey, else (H, W, 3).

    Palettes, CMYK and 16 bits a channel (or 12, where none of a grey image's values has more)
    become 8-bit grey or RGB; what is transparent shows white;
    a photograph is turned as its camera says. Raises `UserError` for a file that is no image of
    PNG, JPEG, TIFF, WebP or BMP, is damaged, lacks pixels, is animated or has more than
    `MOST_PIXELS`.

    Some missing pixels cannot be found. A progressive JPEG that lost whole scans but has an end is
    a coarser image. Of a JPEG that deviates from the standard or has arithmetic coding, only the
    end is checked. A strip that is too short in a TIFF with JPEG or fax compression is filled.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {first_line(error)}: put an image there") from None
    if not content:
        raise UserError(f"{path} is empty: put an image there")
    try:
        with warnings.catch_warnings():
            # The size is checked below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(_with_end(content)), formats=_FORMATS) as image:
                _refuse(image, path)
                _scale_transparent(image)  # Once it is loaded, its bits are no longer told.
                _check_palette(image)
                _check_strips(image)
                _check_decoding(image, content)
                return _pixels(ImageOps.exif_transpose(image))
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise UserError(_too_large(path)) from None
    except Image.UnidentifiedImageError:
        raise UserError(
            f"{path} is no image that is known here: save it as PNG, JPEG or TIFF"
        ) from None
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"{path} cannot be read as an image: save or scan it again ({reason})"
        ) from error


def _refuse(image: Image.Image, path: str | Path) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise UserError(_too_large(path, f"{image.width} × {image.height} pixels"))
    pictures = getattr(image, "n_frames", 1)
    if pictures > 1:
        raise UserError(f"{path} holds {pictures} pictures: save the one that counts alone")
    if image.mode in ("I", "F"):
        raise UserError(f"{path} has 32 bits a pixel: save it with 8 or 16 bits a channel")


def _check_palette(image: Image.Image) -> None:
    """Check the colors of a PNG: Pillow makes up those that its palette lacks."""
    if image.format != "PNG" or image.mode != "P":
        return
    if image.palette is None:
        raise ValueError("the palette is missing")
    colors = len(image.palette.palette) // 3
    largest = image.getextrema()[1]
    if largest >= colors:
        raise ValueError(f"a pixel has color {largest} of a palette of {colors}, counted from 0")


def _check_strips(image: Image.Image) -> None:
    """Check that the strips or tiles of a TIFF cover it, once for each channel stored apart.

    libvips cannot help: it lacks several compressions and layouts of TIFF that Pillow reads.
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
        raise ValueError(f"its strips or tiles hold {covered} of {expected} pixels")


def _check_decoding(image: Image.Image, content: bytes) -> None:
    """Check that libvips decodes all pixels of a JPEG or PNG without a warning."""
    if image.format not in _LOADERS:
        return
    complaint = _complaint(_LOADERS[image.format], _with_end(content))
    if complaint and not _NOT_DAMAGE.search(complaint):
        raise ValueError(f"pixels are missing or damaged; libvips: {complaint}")
    if complaint:  # libvips stopped there, so at least the file's own end is required.
        with Image.open(io.BytesIO(content), formats=_FORMATS) as plain:
            plain.load()


def _complaint(load: Callable[..., pyvips.Image], content: bytes) -> str:
    """Return the first warning or error of libvips while it decodes all pixels, or nothing."""
    pyvips.Error("")  # takes, and so clears, what is left in libvips' error buffer
    try:
        load(content, fail_on="warning", access="sequential", unlimited=True).avg()
    except pyvips.Error as error:
        return error.detail.strip() or "load error"
    # A warning in the last rows raises nothing, and is only found in the error buffer.
    return pyvips.Error("").detail.strip()


def _with_end(content: bytes) -> bytes:
    """Add an end-of-image marker to a sequential JPEG: some cameras and scanners omit it.

    A decoder ignores what follows the first one. Progressive and arithmetic JPEGs must have their
    own: no decoder notices that scans, or arithmetic data, are missing before it.
    """
    is_sequential = content.startswith(b"\xff\xd8") and not _NEEDS_END.search(content)
    return content + b"\xff\xd9" if is_sequential else content


def _too_large(path: str | Path, size: str = "far too many pixels") -> str:
    return f"{path} has {size}: scale it down to at most {MOST_PIXELS // 1_000_000} million"


def _scale_transparent(image: Image.Image) -> None:
    """Say which value of a PNG is transparent in the bits of its pixels as they are decoded.

    Pillow keeps the value of the file, but not its bits: grey of 2 and 4 bits is spread over 8,
    and of each colour's 16 bits the upper 8 are kept.
    """
    value = image.info.get("transparency")
    form = image.tile[0].args if image.format == "PNG" and value is not None else None
    if form in _FACTORS:
        image.info["transparency"] = value * _FACTORS[form]
    elif form == "RGB;16B":
        image.info["transparency"] = tuple(part >> 8 for part in value)


def _pixels(image: Image.Image) -> np.ndarray:
    if image.mode in _DEEP:
        return _of_deep(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    grey = image.mode in ("1", "L")
    return np.asarray(image.convert("L" if grey else "RGB"))


def _of_deep(image: Image.Image) -> np.ndarray:
    """The pixels of a grey image of 16 bits, of whose values a PNG may call one transparent."""
    deep = np.asarray(image).astype(np.uint16)
    seen = deep != image.info.get("transparency", -1)
    # Scanners and cameras of 12 bits keep their values as they are in the 16 bits of a file.
    bits = 8 if deep.max(where=seen, initial=0) >= 1 << 12 else 4
    return np.where(seen, deep >> bits, 255).astype(np.uint8)
