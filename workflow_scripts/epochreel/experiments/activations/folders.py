"""The user's image folders: one folder per class, optionally below `train/` and `test/`.

    train/cats/*.png  train/dogs/*.jpg  test/cats/…  test/dogs/…    ready-made splits
    cats/*.png  dogs/*.jpg                                          split by the dataset's seed

A folder `validation/` next to `train/` is the validation set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from unicodedata import normalize

from epochreel.core.errors import shown
from epochreel.core.user_files import IMAGES, Listing, is_folder, is_hidden, is_own

_SPLITS = ("train", "validation", "test")
_NESTED = "image(s) in subfolders of class folders"
_UNNAMED = "image(s) in folders that `classes` does not name"
_OUTSIDE = "image(s) outside the class folders"
_LOOK_AT = 5000  # folders at most, below one that is not read

Pool = tuple[list[Path], list[int]]
"""Image paths and their labels."""


def pools(
    folder: str | Path, classes: Sequence[str], listing: Listing | None = None
) -> dict[str, Pool]:
    """Return the images of each split that has a folder, or all of them under the name "all".

    A label is an index into `classes`. Images are sorted by class, then by name. Records all images
    in `listing`, with ignored files and faults, such as a class without a folder or images;
    without a listing, raises `UserError` if there are faults.
    """
    found = Listing() if listing is None else listing
    made = _pools(Path(folder), classes, found)
    for paths, _ in made.values():
        found.files += paths
    if listing is None:
        found.checked()
    return made


def _pools(folder: Path, classes: Sequence[str], listing: Listing) -> dict[str, Pool]:
    if not listing.has_folder(folder, "folder of images"):
        return {}
    splits = [split for split in _SPLITS if is_folder(folder / split)]
    if not splits or set(splits) & set(classes):
        return {"all": _pool(folder, classes, listing)}
    for split in ("train", "test"):
        if split not in splits:
            listing.faults.append(
                f"{folder} has a folder {splits[0]}/ but no {split}/: add it, or put the class "
                f"folders directly into {folder}"
            )
    _ignore_outside(folder, splits, listing)
    return {split: _pool(folder / split, classes, listing) for split in splits}


def _pool(folder: Path, classes: Sequence[str], listing: Listing) -> Pool:
    folders = _ignore_outside(folder, classes, listing)
    paths, labels, seen = [], [], {}
    for label, name in enumerate(classes):
        if name not in folders:
            listing.faults.append(_missing(folder, name))
            continue
        real = os.path.realpath(folders[name])
        if real in seen:
            listing.faults.append(
                f"the classes {shown(seen[real])} and {shown(name)} have the same folder {real}: "
                "remove one of them from `classes`"
            )
        seen[real] = name
        images = _images(folders[name], listing)
        paths += images
        labels += [label] * len(images)
    return paths, labels


def _ignore_outside(folder: Path, names: Sequence[str], listing: Listing) -> dict[str, Path]:
    """Return the folders called `names`; record the images in all others as ignored."""
    listed = Listing()
    files, folders = listed.entries(folder, IMAGES)
    listing.faults += listed.faults
    for path in files:
        listing.ignore(_OUTSIDE, path)
    # macOS decomposes accents in file names, other systems keep them as typed.
    known = {path.name: path for path in folders}
    same = {normalize("NFC", path.name): path for path in folders} | known
    found = {name: same.get(name, same.get(normalize("NFC", name))) for name in names}
    read = set(found.values())
    for path in folders:
        for image in _images_below(path) if path not in read else ():
            listing.ignore(_UNNAMED, image)
    return {name: path for name, path in found.items() if path is not None}


def _images(folder: Path, listing: Listing) -> list[Path]:
    before = len(listing.faults)
    images, folders = listing.entries(folder, IMAGES)
    for path in folders:
        below = list(_images_below(path))
        is_named_as_image = path.suffix.lower() in IMAGES
        for image in below or [path] * is_named_as_image:
            listing.ignore(_NESTED if below else "folder(s) named like images", image)
    if not images and len(listing.faults) == before:
        listing.faults.append(
            f"{folder} has no images ({', '.join(IMAGES)}): add some, or remove the class from "
            "`classes`"
        )
    return images


def _images_below(folder: Path) -> Iterator[Path]:
    """Yield images below a folder that is not read; give up in a large tree of other files."""
    walk = os.walk(folder)
    for parent, folders, names in islice(walk, _LOOK_AT):
        folders[:] = [name for name in folders if not is_hidden(name)]
        folders[:] = sorted(name for name in folders if not is_own(Path(parent, name)))
        for name in sorted(names):
            if Path(name).suffix.lower() in IMAGES and not is_hidden(name):
                yield Path(parent, name)


def _missing(folder: Path, name: str) -> str:
    if os.path.islink(folder / name):
        return f"{folder / name} is a broken link: replace it with the folder of this class"
    existing = class_folders(folder)
    close = [other for other in existing if other.casefold() == name.casefold()]
    if close:
        return (
            f"{folder} has no folder for class {shown(name)}, but {shown(close[0])}: rename one of "
            "them"
        )
    there = ", ".join(existing) or "none"
    return (
        f"{folder} has no folder for class {shown(name)} (it has: {there}): add it, or remove the "
        "class from `classes`"
    )


def class_folders(folder: str | Path) -> list[str]:
    """Return the names of the class folders that exist, sorted."""
    entries = Path(folder).iterdir() if os.access(folder, os.R_OK) else ()
    return sorted(path.name for path in entries if is_folder(path) and not is_hidden(path.name))


def held_out(count: int, settings: Mapping[str, Any], splits: Sequence[str]) -> dict[str, int]:
    """Return how many of a class's `count` images each of `splits` takes; training gets the rest.

    A split takes its share, rounded (settings `test_share` and `validation_share`), but at least
    one image if the share is not 0.
    """
    shares = {split: settings[f"{split}_share"] for split in splits}
    return {split: max(round(share * count), int(share > 0)) for split, share in shares.items()}
