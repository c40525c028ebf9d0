"""Images of a person's own: files of any kind, checked, as pixels."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from epochreel.core.errors import UserError, first_line
from epochreel.formats.image_completeness import refuse_incomplete

MOST_PIXELS = 100_000_000
"""Larger images are refused: an A3 sheet at 600 dots an inch has 70 million."""

# What is in the file counts, not its name. Formats that start other programs are none of these.
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_FACTORS = {"L;2": 85, "L;4": 17}
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N")


def open_image(path: str | Path) -> np.ndarray:
    """The pixels of an image file: uint8, (H, W) for grey, else (H, W, 3).

    Palettes, CMYK and 16 bits a channel (or 12, where none of a grey image's values has more)
    become 8-bit grey or RGB; what is transparent shows white;
    a photograph is turned as its camera says. Raises `UserError` for a file that is no image of
    PNG, JPEG, TIFF, WebP or BMP, is damaged, lacks pixels, is animated or has more than
    `MOST_PIXELS`.
    """
    try:
        is_empty = not Path(path).stat().st_size
    except OSError as error:
        raise UserError(f"{path} cannot be read: {first_line(error)}: put an image there") from None
    if is_empty:
        raise UserError(f"{path} is empty: put an image there")
    try:
        with warnings.catch_warnings():
            # The size is checked below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                _refuse(image, path)
                _scale_transparent(image)  # Once it is loaded, its bits are no longer told.
                refuse_incomplete(image, path)
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
