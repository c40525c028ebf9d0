"""Users' image files: check them and read their pixels."""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image, ImageFile, ImagePalette, TiffImagePlugin

from epochreel.core.errors import UserError, first_line
from epochreel.formats import image_containers
from epochreel.formats.image_containers import Picture

MAX_PIXELS = 250_000_000
"""The largest image that is accepted: the largest photos of phones have 201 million pixels."""

# The content determines the format, not the file name. Pillow starts no program for any of these.
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_FACTORS = {"L;2": 85, "L;4": 17}
_MODES_16_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_BAND_PIXELS = 1 << 22  # converted at a time, so that no step copies a whole image

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
    converted to 8-bit grey or RGB. Transparent areas become white. Photographs are rotated
    according to their EXIF orientation. Of pictures of several sizes or of one scene, as phones
    save them, the first is read; previews, text, profiles and other data are ignored. Raises
    `UserError` for a file that is not a PNG, JPEG, TIFF, WebP or BMP image, lacks pixels or is
    damaged where they are stored, is animated, has several pages, has samples that are not unsigned
    integers of at most 16 bits, or has more than `MAX_PIXELS`.

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
            picture = image_containers.extract(content)
            del content  # up to several hundred megabytes
            return _finish(_decode(picture, path), picture)
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
    options = [
        (Image, "MAX_IMAGE_PIXELS", None),  # `_check_format` checks the size.
        (ImageFile, "LOAD_TRUNCATED_IMAGES", False),
        (TiffImagePlugin, "READ_LIBTIFF", False),  # `_open` decides.
    ]
    before = [getattr(module, name) for module, name, _ in options]
    try:
        for module, name, value in options:
            setattr(module, name, value)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for (module, name, _), value in zip(options, before, strict=True):
            setattr(module, name, value)


def _decode(picture: Picture, path: str | Path) -> np.ndarray:
    with _open(picture, path) as image:
        _check_format(image, picture, path)
        _scale_transparent(image)  # Before loading, after which the bit depth is unknown.
        _check_palette(image)
        _check_strips(image)
        _check_decoding(image, picture)
        return _pixels(image)


def _open(picture: Picture, path: str | Path) -> Image.Image:
    TiffImagePlugin.READ_LIBTIFF = picture.needs_libtiff
    try:
        return Image.open(io.BytesIO(picture.content), formats=_FORMATS)
    except (Image.UnidentifiedImageError, KeyError):  # KeyError: an unknown compression
        if not picture.kind:
            raise UserError(
                f"{path} is not an image in a supported format: save it as PNG, JPEG or TIFF"
            ) from None
        if not picture.kind.startswith("TIFF"):
            raise ValueError(
                f"its {picture.kind} header is damaged or of an unknown kind"
            ) from None
        raise UserError(_unsupported(path, picture)) from None


def _check_format(image: Image.Image, picture: Picture, path: str | Path) -> None:
    """Check the number of pixels, of pictures and of bits per pixel."""
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise UserError(
            f"{path} has {image.width} × {image.height} pixels, {pixels // 1_000_000} million: "
            f"scale it down to at most {MAX_PIXELS // 1_000_000} million"
        )
    if picture.count > 1:
        raise UserError(
            f"{path} contains {picture.count} {picture.unit}; expected 1: save one of them, or "
            "each, as an image of its own"
        )
    if image.mode in ("I", "F") or ("unsigned" not in picture.kind and image.format == "TIFF"):
        raise UserError(_unsupported(path, picture))


def _unsupported(path: str | Path, picture: Picture) -> str:
    return (
        f"{path} is a {picture.kind}, which is not supported: save it as PNG with 8 or 16 bits per "
        "channel"
    )


def _check_palette(image: Image.Image) -> None:
    """Check the palette of a PNG, and widen that of a TIFF if its values are of 8 bits.

    Pillow invents colours that the palette of a PNG lacks, and always uses the upper 8 of 16 bits
    in TIFFs, where other programs recognize palettes of 8 bits.
    """
    if image.format == "TIFF" and image.mode in ("P", "PA"):
        palette = image.tag_v2[320]
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


def _check_decoding(image: Image.Image, picture: Picture) -> None:
    """Check that libvips decodes all pixels of a JPEG or PNG without a warning."""
    if image.format not in _LOADERS:
        return
    message = _decoding_error(_LOADERS[image.format], picture.content)
    # If libvips stopped early, require at least that the file had an end marker.
    if message and not (_NOT_DAMAGE.search(message) and picture.ended):
        raise ValueError(f"pixels are missing or damaged; libvips: {message}")


def _decoding_error(load: Callable[..., pyvips.Image], content: bytes) -> str:
    """Decode all pixels with libvips; return its first warning or error, or an empty string."""
    pyvips.Error("")  # Reads and thereby clears libvips' error buffer.
    try:
        load(content, fail_on="warning", access="sequential", unlimited=True).avg()
    except pyvips.Error as error:
        return error.detail.strip() or "load error"
    # A warning in the last rows does not raise; it is only in the error buffer.
    return pyvips.Error("").detail.strip()


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


# -- Pixels ------------------------------------------------------------------------------------


def _pixels(image: Image.Image) -> np.ndarray:
    """Return the pixels of an image before its rotation, converted to 8-bit grey or RGB."""
    image.load()
    convert = _converter_from_16_bits(image) if image.mode in _MODES_16_BIT else _on_white
    pixels = None
    for top, band in _bands(image):
        part = convert(band)
        if pixels is None:
            pixels = np.empty((image.height, *part.shape[1:]), np.uint8)
        pixels[top : top + len(part)] = part
    return pixels


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yield the first row and the image of each horizontal band."""
    height = max(_BAND_PIXELS // image.width, 1)
    for top in range(0, image.height, height):
        yield top, image.crop((0, top, image.width, min(top + height, image.height)))


def _on_white(image: Image.Image) -> np.ndarray:
    if image.has_transparency_data:
        if image.mode in _PREMULTIPLIED:
            image = image.convert(_PREMULTIPLIED[image.mode])
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    grey = image.mode in ("1", "L")
    return np.asarray(image.convert("L" if grey else "RGB"))


def _converter_from_16_bits(image: Image.Image) -> Callable[[Image.Image], np.ndarray]:
    """Return a conversion of bands of a grey image, of which a PNG may declare a value clear."""
    clear = image.info.get("transparency", -1)

    def values(band: Image.Image) -> np.ndarray:
        return np.asarray(band).astype(np.uint16)

    def largest(values: np.ndarray) -> int:
        return int(values.max(where=values != clear, initial=0))

    # Scanners and cameras with 12 bits store their values unscaled in 16 bits.
    has_16_bits = any(largest(values(band)) >= 1 << 12 for _, band in _bands(image))
    bits = 8 if has_16_bits else 4

    def convert(band: Image.Image) -> np.ndarray:
        whole = values(band)
        return np.where(whole == clear, 255, whole >> bits).astype(np.uint8)

    return convert


def _finish(pixels: np.ndarray, picture: Picture) -> np.ndarray:
    """Invert, rotate and mirror pixels as their file says."""
    if picture.inverted:
        pixels = ~pixels
    orientation = picture.orientation
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    down = -1 if orientation in (3, 4, 7, 8) else 1
    across = -1 if orientation in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(pixels[::down, ::across])
