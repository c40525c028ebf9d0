"""The user's files that data are made from: list them, and report ignored and unusable ones.

The function that reads the files lists them, so the inputs of a job are exactly what it reads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from epochreel.core.errors import UserError, first_line, printable

IMAGES = (".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".webp", ".tif", ".tiff", ".bmp")
"""File name suffixes of the images that can be read."""
FONTS = (".ttf", ".otf")
"""File name suffixes of fonts."""
HIDDEN = "hidden or system file(s)"
BROKEN = "broken link(s)"
SPECIAL = "device(s), pipe(s) or socket(s)"

_SYSTEM = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"}
_OWN = ("results", ".snakemake", "training.mp4")  # results of the workflow
_SHOWN = 10  # faults, or kinds of ignored files, in one line


@dataclass
class Listing:
    """The files that data are made from.

    files      paths in the order in which they are read
    ignored    files in the same folders that are not read, by kind: "broken link(s)" → paths
    faults     reasons why no data can be made, each with its fix
    available  split → largest number of examples that the files allow; no entry if unlimited
    """

    files: list[Path] = field(default_factory=list)
    ignored: dict[str, list[Path]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    available: dict[str, int] = field(default_factory=dict)

    def ignore(self, kind: str, path: Path) -> None:
        """Record a file that is not read."""
        self.ignored.setdefault(kind, []).append(path)

    def checked(self) -> list[Path]:
        """Return the files. Raises `UserError` with all faults in one line."""
        if self.faults:
            raise UserError(joined(self.faults))
        return self.files

    def add_folder(self, folder: Path, suffixes: Collection[str] | None, what: str) -> None:
        """Add the files in a folder and its subfolders with one of the `suffixes`; None means all.

        They are sorted by their path with `/`, which is the same on every system. Links to folders
        are followed. A folder that does not exist or has no such file is a fault; `what` describes
        the folder in its message.
        """
        if not self.has_folder(folder, what):
            return
        found = list(self._walk(folder, suffixes, frozenset()))
        if not found and suffixes and not self.faults:
            wanted = ", ".join(suffixes)
            self.faults.append(f"{what} {_name(folder)} has no files ({wanted}): add some")
        self.files += sorted(found, key=lambda path: path.relative_to(folder).as_posix())

    def has_folder(self, folder: Path, what: str) -> bool:
        """Return whether a folder named by the settings can be used; record a fault otherwise."""
        if not is_folder(folder):
            self.faults.append(f"{what} {_name(folder)} does not exist: create it")
        elif any(f"{_real(folder)}/".startswith(f"{_real(name)}/") for name in _OWN):
            self.faults.append(
                f"{what} {_name(folder)} contains the workflow's results: move your files"
            )
        else:
            return True
        return False

    def _walk(
        self, folder: Path, suffixes: Collection[str] | None, parents: frozenset[str]
    ) -> Iterator[Path]:
        real = _real(folder)
        if real in parents:  # A link to a folder that contains it.
            return
        files, folders = self.entries(folder, suffixes)
        yield from files
        for path in folders:
            yield from self._walk(path, suffixes, parents | {real})

    def entries(
        self, folder: Path, suffixes: Collection[str] | None
    ) -> tuple[list[Path], list[Path]]:
        """Return a folder's files with one of the `suffixes`, and its subfolders, sorted by name.

        Record everything else: hidden files, broken links and other suffixes as ignored, unreadable
        files as faults. Skip results of the workflow itself.
        """
        files, folders = [], []
        for entry in self._scan(folder):
            path = Path(entry.path)
            if is_hidden(entry.name):
                self.ignore(HIDDEN, path)
            elif is_own(path):
                continue
            elif _asks(entry.is_dir):
                folders.append(path)
            elif not _asks(entry.is_file):
                self.ignore(SPECIAL if os.path.exists(path) else BROKEN, path)
            elif suffixes is not None and path.suffix.lower() not in suffixes:
                suffix = path.suffix.lower()
                self.ignore(f"file(s) {f'named {suffix}' if suffix else 'without a suffix'}", path)
            elif not os.access(path, os.R_OK):
                self.faults.append(
                    f"cannot read {_name(path)} (permission denied): make it readable"
                )
            else:
                files.append(path)
        return files, folders

    def _scan(self, folder: Path) -> list[os.DirEntry]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._add_unreadable(folder, first_line(error).lower())
            return []

    def _add_unreadable(self, path: Path, reason: str) -> None:
        self.faults.append(f"cannot read {_name(path)} ({reason}): make it readable")


def listed(folder: str | Path, suffixes: Collection[str] | None, what: str) -> Listing:
    """List the files in one folder and its subfolders; see `Listing.add_folder`."""
    listing = Listing()
    listing.add_folder(Path(folder), suffixes, what)
    return listing


def is_hidden(name: str) -> bool:
    """Return whether a file is hidden or a system file: `._a.jpg`, `.DS_Store`, `Thumbs.db`."""
    return name.startswith(".") or name.lower() in _SYSTEM


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder."""
    try:
        return path.is_dir()
    except (OSError, ValueError, RuntimeError):  # Name too long, null byte, link loop.
        return False


def _asks(is_kind: Callable[[], bool]) -> bool:
    try:
        return is_kind()
    except OSError:  # A loop of links.
        return False


def is_own(path: Path) -> bool:
    """Return whether a file or folder in the working folder is written by the workflow."""
    return path.name in _OWN and any(_real(path) == _real(name) for name in _OWN)


def _real(path: str | Path) -> str:
    return os.path.realpath(path)


def ignored_line(ignored: Mapping[str, list[Path]], base: Path) -> str:
    """Describe ignored files in one line, with a count and an example of each kind."""
    by_weight = sorted(ignored, key=lambda kind: (not kind.startswith("image"), kind))
    kinds = [
        f"{len(ignored[kind])} {kind} (such as {_name(os.path.relpath(ignored[kind][0], base))})"
        for kind in by_weight
    ]
    return joined(kinds, ", ")


def joined(reasons: list[str], separator: str = "; ") -> str:
    """Join the first ten reasons in one line; say how many more there are."""
    more = len(reasons) - _SHOWN
    return separator.join(reasons[:_SHOWN]) + (f"{separator}and {more} more" if more > 0 else "")


def check_all(paths: Iterable[Path], read: Callable[[Path], object]) -> None:
    """Read all files, and raise one `UserError` that names those for which `read` raises one."""
    paths, reasons = list(paths), []
    for path in paths:
        try:
            read(path)
        except UserError as error:
            reasons.append(str(error))
    if len(reasons) > 1:
        raise UserError(f"{len(reasons)} of {len(paths)} files cannot be used: {joined(reasons)}")
    if reasons:
        raise UserError(reasons[0])


def _name(path: str | Path) -> str:
    text = printable(str(path))
    return text if len(text) <= 500 else f"{text[:497]}..."
