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
    """The frames of all snapshots, in order: PNGs of `size`, with the transitions before each.

    `transitions` is empty or has one animated PNG per frame; that of the first is not shown.
    `drawn` maps "render" and "render_transitions" to the key digests that the files must carry; a
    missing entry means that the key is not checked.
    """

    frames: Sequence[str | Path]
    size: tuple[int, int]
    transitions: Sequence[str | Path] = ()
    drawn: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `UserError` for the first wrong file."""
        check_frames(self.frames, self.size, self.drawn.get("render"))
        for number in range(1, len(self.frames)):
            self.transitions_before(number)

    def frame(self, number: int) -> bytes:
        """Return the PNG of a snapshot; raise `UserError` if it is not complete."""
        return _frame(Path(self.frames[number]), number, self.size, drawn=self.drawn.get("render"))

    def check_pixels(self) -> None:
        """Raise `UserError` for the first file whose pixels cannot be decoded."""
        for number, path in enumerate(self.frames):
            _check_pixels("frame", number, path, [_frame(Path(path), number, self.size)])
            if self.transitions and number:
                leading = self.transitions_before(number)
                _check_pixels("transitions", number, self.transitions[number], leading)

    def transitions_before(self, number: int) -> list[bytes]:
        """Return the transitions before a frame, each as a PNG; none if there are no transitions.

        Raises `UserError` if their file is not complete.
        """
        if not self.transitions:
            return []
        drawn = self.drawn.get("render_transitions")
        data = _frame(Path(self.transitions[number]), number, self.size, "transitions", drawn)
        return list(png.series(data))


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
    if not frames:
        raise UserError("the list of frames is empty; a film needs at least one frame")
    if size[0] % 2 or size[1] % 2:
        raise UserError(f"the film is {size[0]} × {size[1]} px; expected an even width and height")
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


def _check_pixels(what: str, number: int, path: str | Path, pictures: Sequence[bytes]) -> None:
    for data in pictures:
        try:
            png.decode(data)
        except (OSError, SyntaxError, ValueError):
            fix_hint = f"delete it and run: snakemake {shlex.quote(str(path))}"
            raise UserError(f"{what} {number}, {path}, has damaged pixels: {fix_hint}") from None


def _frame(
    path: Path, number: int, size: tuple[int, int], what: str = "frame", drawn: str | None = None
) -> bytes:
    """Read the picture of snapshot `number`; raise `UserError` if it is not complete."""
    name = f"{number:06d}.png"
    if path.name != name:
        fix_hint = shlex.quote(str(path.with_name(name)))
        raise UserError(
            f"{what} {number} is missing: found {path} at its position; expected all in order from "
            f"000000.png on; to recreate it, run: snakemake {fix_hint}"
        )
    fix_hint = f"run: snakemake {shlex.quote(str(path))}"
    try:
        data = path.read_bytes()
        _check_picture(data, number, size, drawn)
    except FileNotFoundError:
        raise UserError(f"{what} {number}, {path}, is missing: {fix_hint}") from None
    except OSError as error:
        raise UserError(f"{what} {number}, {path}, cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{what} {number}, {path}, {error}: delete it and {fix_hint}") from None
    return data


def _check_picture(png_data: bytes, number: int, size: tuple[int, int], drawn: str | None) -> None:
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
    snapshot = texts.get(b"Snapshot", b"" if drawn else str(number).encode()).decode("latin-1")
    if snapshot != str(number):
        raise ValueError(f"shows snapshot {snapshot}" if snapshot else "has no snapshot number")
    if drawn and hashlib.sha256(texts.get(b"epochreel", b"")).hexdigest() != drawn:
        raise ValueError(lineage.STALE)
