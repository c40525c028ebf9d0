"""Images of the user's own: a folder for each class, with or without `train/` and `test/` above.

    train/cats/*.png  train/dogs/*.jpg  test/cats/…  test/dogs/…    splits as they lie
    cats/*.png  dogs/*.jpg                                          split by the dataset's seed

A folder `validation/` beside `train/` is the validation set.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from epochreel.core.errors import UserError, shown

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
"""How the names of images end."""
_SPLITS = ("train", "validation", "test")

Pool = tuple[list[Path], list[int]]
"""Images and their labels."""


def pools(folder: str | Path, classes: Sequence[str]) -> dict[str, Pool]:
    """The images of each split that has a folder, or of them all under the name "all".

    Labels are places in `classes`; images are in the order of class, then name. Raises `UserError`
    where a class has no folder or no image, or where one of `train/` and `test/` is missing.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"there is no folder {shown(str(folder), 500)}: put the images there")
    parted = [split for split in _SPLITS if (folder / split).is_dir()]
    if not parted or set(parted) & set(classes):
        return {"all": _pool(folder, classes)}
    for split in ("train", "test"):
        if split not in parted:
            raise UserError(
                f"{folder} has a folder {parted[0]} and no folder {split}: "
                "add it, or put the classes' folders there without either"
            )
    return {split: _pool(folder / split, classes) for split in parted}


def found(folder: str | Path) -> list[str]:
    """The names of the class folders that there are, sorted."""
    folder = Path(folder)
    below = folder / "train" if (folder / "train").is_dir() else folder
    inside = below.iterdir() if below.is_dir() else ()
    return sorted(path.name for path in inside if path.is_dir() and not path.name.startswith("."))


def _pool(folder: Path, classes: Sequence[str]) -> Pool:
    paths, labels = [], []
    for label, name in enumerate(classes):
        images = _images(folder, name)
        paths += images
        labels += [label] * len(images)
    return paths, labels


def _images(folder: Path, name: str) -> list[Path]:
    within = folder / name
    if not within.is_dir():
        there = ", ".join(found(folder)) or "none"
        raise UserError(f"{folder} has no folder for the class {shown(name)} (there: {there})")
    images = sorted(path for path in within.iterdir() if path.suffix.lower() in SUFFIXES)
    if not images:
        raise UserError(
            f"{within} holds no image: put files there that end in {', '.join(SUFFIXES)}, "
            "or leave the class out"
        )
    return images
