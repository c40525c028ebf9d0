"""The pictures that a film is made of: frames and transitions, checked before they are shown."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from epochreel.core.errors import UserError
from epochreel.formats import png
from epochreel.provenance import lineage


@dataclass(frozen=True)
class FrameSequence:
    """The frames of all snapshots, PNG of `size` in order, and the transitions that lead to each.

    There are no transitions, or an animated PNG for each frame; the first one's leads nowhere. `drawn`
    says, by "render" and "render_transitions", the digests of the keys that these must note, if any.
    """

    frames: Sequence[str | Path]
    size: tuple[int, int]
    transitions: Sequence[str | Path] = ()
    drawn: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `UserError` with the first file that is wrong."""
        check_frames(self.frames, self.size, self.drawn.get("render"))
        if self.transitions:
            for number in range(1, len(self.frames)):
                self._leading_to(number)

    def frame(self, number: int) -> bytes:
        """The PNG of a snapshot, whole and of the right size, or `UserError`."""
        return _frame(Path(self.frames[number]), number, self.size, drawn=self.drawn.get("render"))

    def feed(self, shown: int) -> Iterator[bytes]:
        """The pictures of the film, where a snapshot is shown for `shown` film frames.

        Without transitions each frame comes once.
        """
        last = len(self.frames) - 1
        for number, path in enumerate(self.frames):
            data = _frame(Path(path), number, self.size, drawn=self.drawn.get("render"))
            moving = self._leading_to(number + 1) if self.transitions and number < last else []
            if len(moving) >= shown:
                raise UserError(
                    f"{self.transitions[number + 1]} holds {len(moving)} pictures, and a snapshot is "
                    f"shown for {shown} film frames: set figure.transitions to {shown - 1} at most"
                )
            yield from [data] * (shown - len(moving) if self.transitions else 1)
            yield from moving

    def check_pixels(self) -> None:
        """Raise `UserError` with the first file whose pixels cannot be read."""
        for number, path in enumerate(self.frames):
            _check_pixels("frame", number, path, [_frame(Path(path), number, self.size)])
            if self.transitions and number:
                leading = self._leading_to(number)
                _check_pixels("transitions", number, self.transitions[number], leading)

    def _leading_to(self, number: int) -> list[bytes]:
        """The transitions that lead to a frame, each as a PNG of its own."""
        drawn = self.drawn.get("render_transitions")
        data = _frame(Path(self.transitions[number]), number, self.size, "transitions", drawn)
        return list(png.series(data))


def check_frames(
    frames: Sequence[str | Path],
    size: tuple[int, int],
    drawn: str | None = None,
    what: str = "frame",
) -> None:
    """Refuse frames that are not the whole film: numbers 0, 1, 2 … and whole RGB PNGs of `size`.

    `size` is (width, height) in px, both even; `drawn` is the digest of the key that they must
    note, if any; `what` is what they are called. Raises `UserError` naming the first wrong one and
    the command that mends it.
    """
    if not frames:
        raise UserError("a film needs at least one frame, and the list of frames is empty")
    if size[0] % 2 or size[1] % 2:
        raise UserError(f"a film's width and height must be even, not {size[0]} × {size[1]}")
    for number, path in enumerate(frames):
        _frame(Path(path), number, size, what, drawn)


def _check_pixels(what: str, number: int, path: str | Path, pictures: Sequence[bytes]) -> None:
    for data in pictures:
        try:
            png.decode(data)
        except (OSError, SyntaxError, ValueError):
            mend = f"delete it and run: snakemake {shlex.quote(str(path))}"
            raise UserError(f"{what} {number}, {path}, lacks pixels: {mend}") from None


def _frame(
    path: Path, number: int, size: tuple[int, int], what: str = "frame", drawn: str | None = None
) -> bytes:
    """The bytes of the file of snapshot `number`, whole and of the right size, or `UserError`."""
    name = f"{number:06d}.png"
    if path.name != name:
        mend = shlex.quote(str(path.with_name(name)))
        raise UserError(
            f"{what} {number} is missing from its place, which holds {path}: give every one in "
            f"order, from 000000.png on; where it is lost run: snakemake {mend}"
        )
    mend = f"run: snakemake {shlex.quote(str(path))}"
    try:
        data = path.read_bytes()
        _check_picture(data, number, size, drawn)
    except FileNotFoundError:
        raise UserError(f"{what} {number}, {path}, is missing: {mend}") from None
    except OSError as error:
        raise UserError(f"{what} {number}, {path}, cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{what} {number}, {path}, {error}: delete it and {mend}") from None
    return data


def _check_picture(data: bytes, number: int, size: tuple[int, int], drawn: str | None) -> None:
    found = png.size(data)
    if found != size:
        raise ValueError("is {} × {} px instead of {} × {}".format(*found, *size))
    notes = {}
    for kind, body in png.chunks(data):
        # A change of the kind of pixels within the film would cut it in two.
        if kind == b"IHDR" and body[8:] != b"\x08\x02\x00\x00\x00":
            raise ValueError("is not a plain 8-bit RGB picture")
        if kind == b"tEXt":
            keyword, _, text = body.partition(b"\0")
            notes[keyword] = text
    shown = notes.get(b"Snapshot", b"" if drawn else str(number).encode()).decode("latin-1")
    if shown != str(number):
        raise ValueError(f"shows snapshot {shown}" if shown else "does not tell its snapshot")
    if drawn and hashlib.sha256(notes.get(b"epochreel", b"")).hexdigest() != drawn:
        raise ValueError(lineage.STALE)
