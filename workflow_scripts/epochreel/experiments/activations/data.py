"""Images in classes: generated sketches, real digits and clothes, or the user's own folder.

- *sketches*: line sketches of ten kinds of things (see `sketches`), as many as are asked for; the
  kinds take turns.
- *digits*: the 1,797 handwritten digits that come with scikit-learn, 8 × 8 px.
- *fashion*: Fashion-MNIST's 70,000 pictures of clothes, 28 × 28 px, from the folder `fashion_files`
  with its four IDX files, packed by gzip or not.
- *folder*: the images below the folder `folder` (see `folders`).

Digits and clothes are shown dark on white, as sketches are. What comes without a test or
validation set is split: of each class, shares chosen by the seed, one image at least. In each split
the classes take turns, so that the first so many examples are of all classes in like shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from epochreel.artifacts.dataset_shards import SPLITS
from epochreel.core.errors import UserError
from epochreel.experiments.activations import classes, folders, idx, sketches
from epochreel.formats.user_images import open_image

Examples = Callable[[int], tuple[np.ndarray, int]]
"""From an index to the image, uint8 (H, W) or (H, W, 3), and its label."""


def generate(
    settings: Mapping[str, Any], seed: int, split: str, indices: range
) -> Iterator[dict[str, Any]]:
    """Examples of a split: `{"image": uint8 (S, S) or (S, S, 3), "label": int}` each.

    S is the setting `size`; images have three channels where `colour` asks for it. Example i
    depends on (seed, split, i) alone, and on the files that are read. Raises `UserError` for files
    that are missing or unreadable, and where a split has fewer examples than are asked for;
    `ValueError` for an unknown split.
    """
    part = SPLITS.index(split)
    if settings["source"] == "sketches":
        kinds = classes.SKETCHES
        for index in indices:
            label = index % len(kinds)
            rng = np.random.default_rng([seed, part, index])
            image = sketches.draw(kinds[label], rng, settings["size"])
            yield {"image": _in_channels(image, settings["colour"]), "label": label}
        return
    example, chosen = _SOURCES[settings["source"]](settings, seed, split)
    _refuse_too_many(indices, len(chosen), split, settings)
    for index in indices:
        image, label = example(int(chosen[index]))
        yield {"image": fitted(image, settings), "label": label}


def fitted(image: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """An image, uint8 (H, W) or (H, W, 3), as the settings have it: (S, S) or (S, S, 3).

    With `fit: pad` the whole image stands in the middle, white around it; with `crop` its middle
    fills the square; with `stretch` the whole image does.
    """
    size, fit = settings["size"], settings["fit"]
    picture = Image.fromarray(image).convert("RGB" if settings["colour"] else "L")
    high, wide = image.shape[:2]
    side = (max if fit == "pad" else min)(high, wide)
    if fit == "stretch":
        return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS))
    scaled = (max(round(wide * size / side), 1), max(round(high * size / side), 1))
    picture = picture.resize(scaled, Image.Resampling.LANCZOS)
    square = Image.new(picture.mode, (size, size), "white")
    square.paste(picture, ((size - scaled[0]) // 2, (size - scaled[1]) // 2))
    return np.asarray(square)


# -- Sources -----------------------------------------------------------------------------------


def _digits(settings: Mapping[str, Any], seed: int, split: str) -> tuple[Examples, np.ndarray]:
    # The other sources need not wait for this import.
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    grey = (255 - np.rint(images * (255 / 16))).astype(np.uint8).reshape(-1, 8, 8)
    chosen = _parts(labels, settings, seed)[split]
    return (lambda number: (grey[number], int(labels[number]))), chosen


def _fashion(settings: Mapping[str, Any], seed: int, split: str) -> tuple[Examples, np.ndarray]:
    folder, file = settings["fashion_files"], "t10k" if split == "test" else "train"
    if folder is None:
        raise UserError("source is fashion, but fashion_files names no folder with its four files")
    images = idx.read(folder, f"{file}-images-idx3-ubyte")
    labels = idx.read(folder, f"{file}-labels-idx1-ubyte")
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise UserError(f"{folder}: images and labels of {file} do not belong together")
    if labels.max(initial=0) >= len(classes.FASHION):
        raise UserError(f"{folder}: labels of {file} name a class beyond {len(classes.FASHION)}")
    if split == "test":
        chosen = _parts(labels, settings, seed, ())["train"]
    else:
        chosen = _parts(labels, settings, seed, ("validation",))[split]
    return (lambda number: (255 - images[number], int(labels[number]))), chosen


def _folder(settings: Mapping[str, Any], seed: int, split: str) -> tuple[Examples, np.ndarray]:
    if settings["folder"] is None:
        raise UserError("source is folder, but folder names none: name the folder of your images")
    pools = folders.pools(settings["folder"], classes.names(settings))
    paths, labels = pools.get("all") or pools["test" if split == "test" else "train"]
    if "all" in pools:
        chosen = _parts(labels, settings, seed)[split]
    elif split == "test" or "validation" in pools:
        paths, labels = pools[split]
        chosen = _parts(labels, settings, seed, ())["train"]
    else:
        chosen = _parts(labels, settings, seed, ("validation",))[split]
    return (lambda number: (open_image(paths[number]), int(labels[number]))), chosen


_SOURCES = {"digits": _digits, "fashion": _fashion, "folder": _folder}


def _parts(
    labels: Sequence[int] | np.ndarray,
    settings: Mapping[str, Any],
    seed: int,
    taken: Sequence[str] = ("test", "validation"),
) -> dict[str, np.ndarray]:
    """The examples of each split, in an order that follows from the seed and mixes the classes.

    Of each class the shares of `taken` (settings `test_share`, `validation_share`) are taken
    first, rounded, but one at least of any share; the rest is for training. Raises `UserError` for
    a class that has too few.
    """
    rng = np.random.default_rng(seed)
    labels = np.asarray(labels)
    order = rng.permutation(len(labels))
    split_of = np.full(len(labels), "train", "U10")
    for label in np.unique(labels):
        mine, start = order[labels[order] == label], 0
        for split in taken:
            share = settings[f"{split}_share"]
            count = max(round(share * len(mine)), int(share > 0))
            split_of[mine[start : start + count]] = split
            start += count
        if start >= len(mine):
            _refuse_too_few(len(mine), int(label), settings, [*taken, "train"])
    return {split: _mixed(order[split_of[order] == split], labels) for split in SPLITS}


def _mixed(chosen: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Examples so ordered that of each class as large a share comes early, and one at first."""
    share = np.zeros(len(chosen))
    for label in np.unique(labels[chosen]):
        mine = labels[chosen] == label
        share[mine] = np.arange(mine.sum()) / mine.sum()
    return chosen[np.argsort(share, kind="stable")]


def _refuse_too_few(there: int, label: int, settings: Mapping[str, Any], parts: list[str]) -> None:
    raise UserError(
        f"the class '{classes.names(settings)[label]}' has {there} image(s), too few for the "
        f"splits {', '.join(parts)}: add images, or make test_share or validation_share smaller"
    )


def _refuse_too_many(indices: range, there: int, split: str, settings: Mapping[str, Any]) -> None:
    if len(indices) and indices[-1] >= there:
        where = settings["folder"] or f"the source {settings['source']}"
        raise UserError(
            f"{where} has {there} examples for the split {split}: set the dataset's `{split}` to "
            f"at most {there}, or change test_share and validation_share"
        )


def _in_channels(image: np.ndarray, colour: bool) -> np.ndarray:
    return np.repeat(image[..., None], 3, -1) if colour else image
