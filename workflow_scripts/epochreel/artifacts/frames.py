"""Frames and transitions: the pictures of a film, checked before they are encoded."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from epochreel.core.errors import UserError
from epochreel.formats import png
from epochreel.provenance import lineage


@dataclass(frozen=True)
class FrameSequence:
    """The frames of consecutive snapshots, in order: PNGs of `size`, each with its transitions.

    `transitions` is empty or has one animated PNG per frame; that of snapshot 0 is not shown.
    `drawn` maps "render", "render_transitions" and "render_closing" to the key digests that the
    files must carry; a missing entry means that the key is not checked. `first` is the number of
    the first snapshot; `closing` is the closing picture, if the film shows it after these frames.
    """

    frames: Sequence[str | Path]
    size: tuple[int, int]
    transitions: Sequence[str | Path] = ()
    drawn: Mapping[str, str] = field(default_factory=dict)
    first: int = 0
    closing: str | Path | None = None

    @property
    def tweens(self) -> int:
        """The number of tweens drawn before each snapshot."""
        return len(self.transitions_before(len(self.frames) - 1)) if self.frames else 0

    def check(self) -> list[str]:
        """Return the SHA-256 of each file that is shown.

        Raises `UserError` for the first file that is missing, damaged, stale or out of order.
        """
        _check_shape(self.frames, self.size)
        files = [self.frame(position) for position in range(len(self.frames))]
        files += [self._series(position) for position in range(len(self.transitions))]
        files += [self.closing_picture()] if self.closing else []
        return [hashlib.sha256(data).hexdigest() for data in files]

    def frame(self, position: int) -> bytes:
        """Return the PNG of a snapshot; raise `UserError` if it is not complete."""
        path, number = Path(self.frames[position]), self.first + position
        return _frame(path, number, self.size, drawn=self.drawn.get("render"))

    def closing_picture(self) -> bytes:
        """Return the closing picture as a PNG; raise `UserError` if it is not complete."""
        drawn = self.drawn.get("render_closing")
        return _read(Path(self.closing), "closing picture", None, self.size, drawn)

    def check_pixels(self) -> None:
        """Raise `UserError` for the first file whose pixels cannot be decoded."""
        for position, path in enumerate(self.frames):
            number = self.first + position
            _check_pixels(f"frame {number}", path, [self.frame(position)])
            if leading := self.transitions_before(position):
                _check_pixels(f"transitions {number}", self.transitions[position], leading)
        if self.closing:
            _check_pixels("closing picture", self.closing, [self.closing_picture()])

    def transitions_before(self, position: int) -> list[bytes]:
        """Return the transitions before a frame, each as a PNG; none if there are no transitions.

        Raises `UserError` if their file is not complete.
        """
        return list(png.series(self._series(position))) if self.transitions else []

    def _series(self, position: int) -> bytes:
        """Return the animated PNG before a frame, or no bytes for snapshot 0."""
        number, drawn = self.first + position, self.drawn.get("render_transitions")
        if number == 0:
            return b""
        return _frame(Path(self.transitions[position]), number, self.size, "transitions", drawn)


def check_frames(
    frames: Sequence[str | Path],
    size: tuple[int, int],
    drawn: str | None = None,
    what: str = "frame",
) -> None:
    """Check that the frames are numbered 0, 1, 2 … and are complete RGB PNGs of `size`.

    `size` is (width, height) in px, both even; `drawn` is the key digest that they must carry, or
    None; `what` names the pictures in errors. Raises `UserError` with the first wrong file and the
    command that repairs it.
    """
    _check_shape(frames, size)
    for number, path in enumerate(frames):
        _frame(Path(path), number, size, what, drawn)


def leading(
    frames: Sequence[str | Path], size: tuple[int, int], drawn: str
) -> tuple[int, str | None]:
    """Return how many of the first frames are complete, and what is wrong with the next one.

    `size` and `drawn` are as in `check_frames`. The second value is None if no frame is wrong.
    """
    for number, path in enumerate(frames):
        try:
            _check_picture(Path(path).read_bytes(), number, size, drawn)
        except FileNotFoundError:
            return number, f"{path} is missing"
        except OSError as error:
            return number, f"{path} cannot be read: {error.strerror}"
        except ValueError as error:
            return number, f"{path} {error}"
    return len(frames), None


def _check_shape(frames: Sequence[str | Path], size: tuple[int, int]) -> None:
    if not frames:
        raise UserError("the list of frames is empty; a film needs at least one frame")
    if size[0] % 2 or size[1] % 2:
        raise UserError(f"the film is {size[0]} × {size[1]} px; expected an even width and height")


def _check_pixels(label: str, path: str | Path, pictures: Sequence[bytes]) -> None:
    for data in pictures:
        try:
            png.decode(data)
        except (OSError, SyntaxError, ValueError):
            fix_hint = f"delete it and run: snakemake {shlex.quote(str(path))}"
            raise UserError(f"{label}, {path}, has damaged pixels: {fix_hint}") from None


def _frame(
    path: Path, number: int, size: tuple[int, int], what: str = "frame", drawn: str | None = None
) -> bytes:
    """Read the picture of snapshot `number`; raise `UserError` if it is not complete."""
    name = f"{number:06d}.png"
    if path.name != name:
        fix_hint = shlex.quote(str(path.with_name(name)))
        raise UserError(
            f"{what} {number} is missing: found {path} at its position; expected all in order; to "
            f"recreate it, run: snakemake {fix_hint}"
        )
    return _read(path, f"{what} {number}", number, size, drawn)


def _read(
    path: Path, label: str, number: int | None, size: tuple[int, int], drawn: str | None
) -> bytes:
    """Read a picture; raise `UserError` if it is not complete or not of snapshot `number`."""
    fix_hint = f"run: snakemake {shlex.quote(str(path))}"
    try:
        data = path.read_bytes()
        _check_picture(data, number, size, drawn)
    except FileNotFoundError:
        raise UserError(f"{label}, {path}, is missing: {fix_hint}") from None
    except OSError as error:
        raise UserError(f"{label}, {path}, cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{label}, {path}, {error}: delete it and {fix_hint}") from None
    return data


def _check_picture(
    png_data: bytes, number: int | None, size: tuple[int, int], drawn: str | None
) -> None:
    found = png.size(png_data)
    if found != size:
        raise ValueError("is {} × {} px; expected {} × {} px".format(*found, *size))
    texts = {}
    for chunk, data in png.chunks(png_data):
        # A change of pixel format within the film would split it in two.
        if chunk == b"IHDR" and data[8:] != b"\x08\x02\x00\x00\x00":
            raise ValueError("is not an 8-bit RGB PNG without interlacing")
        if chunk == b"tEXt":
            keyword, _, text = data.partition(b"\0")
            texts[keyword] = text
    if number is not None:
        _check_number(texts, number, is_required=bool(drawn))
    if drawn and hashlib.sha256(texts.get(b"epochreel", b"")).hexdigest() != drawn:
        raise ValueError(lineage.STALE)


def _check_number(texts: Mapping[bytes, bytes], number: int, is_required: bool) -> None:
    default = b"" if is_required else str(number).encode()
    snapshot = texts.get(b"Snapshot", default).decode("latin-1")
    if snapshot != str(number):
        raise ValueError(f"shows snapshot {snapshot}" if snapshot else "has no snapshot number")
