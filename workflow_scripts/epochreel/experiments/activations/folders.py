"""The user's image folders: one folder per class, optionally below `train/` and `test/`.

    train/cats/*.png  train/dogs/*.jpg  test/cats/…  test/dogs/…    ready-made splits
    cats/*.png  dogs/*.jpg                                          split by the dataset's seed

A folder `validation/` next to `train/` is the validation set.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from epochreel.core.errors import UserError, shown

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
"""File name extensions of images."""
_SPLITS = ("train", "validation", "test")

Pool = tuple[list[Path], list[int]]
"""Image paths and their labels."""


def pools(folder: str | Path, classes: Sequence[str]) -> dict[str, Pool]:
    """Return the images of each split that has a folder, or all of them under the name "all".

    A label is an index into `classes`. Images are sorted by class, then by name. Raises `UserError`
    if a class has no folder or no image, or if only one of `train/` and `test/` exists.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(
            f"folder {shown(str(folder), 500)} does not exist: create it for the images"
        )
    splits = [split for split in _SPLITS if (folder / split).is_dir()]
    if not splits or set(splits) & set(classes):
        return {"all": _pool(folder, classes)}
    for split in ("train", "test"):
        if split not in splits:
            raise UserError(
                f"{folder} has a folder {splits[0]}/ but no {split}/: add it, or put the class "
                f"folders directly into {folder}"
            )
    return {split: _pool(folder / split, classes) for split in splits}


def class_folders(folder: str | Path) -> list[str]:
    """Return the names of the class folders that exist, sorted."""
    folder = Path(folder)
    parent = folder / "train" if (folder / "train").is_dir() else folder
    entries = parent.iterdir() if parent.is_dir() else ()
    return sorted(path.name for path in entries if path.is_dir() and not path.name.startswith("."))


def _pool(folder: Path, classes: Sequence[str]) -> Pool:
    paths, labels = [], []
    for label, name in enumerate(classes):
        images = _images(folder, name)
        paths += images
        labels += [label] * len(images)
    return paths, labels


def _images(folder: Path, name: str) -> list[Path]:
    class_folder = folder / name
    if not class_folder.is_dir():
        existing = ", ".join(class_folders(folder)) or "none"
        raise UserError(f"{folder} has no folder for class {shown(name)} (it has: {existing})")
    images = sorted(path for path in class_folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not images:
        raise UserError(
            f"{class_folder} has no images ({', '.join(SUFFIXES)}): add some, or remove the class "
            "from `classes`"
        )
    return images
