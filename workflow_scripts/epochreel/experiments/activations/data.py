"""Classified images: generated sketches, bundled or downloaded datasets, or the user's images.

- *sketches*: generated line sketches of ten kinds of objects (see `sketches`), any number of them.
- *digits*: the 1,797 handwritten digits bundled with scikit-learn, 8 × 8 px.
- *fashion*: Fashion-MNIST's 70,000 images of clothes, 28 × 28 px, from the four IDX files in the
  folder `fashion_files`, plain or gzipped.
- *folder*: the images below the folder `folder` (see `folders`).

Digits and clothes are inverted to dark on white, like the sketches. If a source has no test or
validation set, the seed splits off a share of each class, at least one image. Each split
interleaves the classes, so that they have about the same proportions in its first N examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from epochreel.artifacts.dataset_shards import SPLITS
from epochreel.core.errors import UserError
from epochreel.core.user_files import check_all
from epochreel.experiments.activations import classes, folders, idx, inputs, sketches
from epochreel.formats.user_images import open_image

Examples = Callable[[int], tuple[np.ndarray, int]]
"""A function of an index that returns the image, uint8 (H, W) or (H, W, 3), and its label."""


def generate(
    settings: Mapping[str, Any], seed: int, split: str, indices: range
) -> Iterator[dict[str, Any]]:
    """Yield examples of a split: `{"image": uint8 (S, S) or (S, S, 3), "label": int}`.

    S is the setting `size`; images have three channels if `colour` is true. Example i depends only
    on (seed, split, i) and on the files that are read. Raises `UserError` if a file is missing or
    unreadable or if the split has too few examples, and `ValueError` for an unknown split.
    """
    split_index = SPLITS.index(split)
    if settings["source"] == "sketches":
        kinds = classes.SKETCHES
        for index in indices:
            label = index % len(kinds)
            rng = np.random.default_rng([seed, split_index, index])
            image = sketches.draw(kinds[label], rng, settings["size"])
            yield {"image": _with_channels(image, settings["colour"]), "label": label}
        return
    example, chosen = _SOURCES[settings["source"]](settings, seed, split)
    _check_count(indices, len(chosen), split, settings)
    for index in indices:
        image, label = example(int(chosen[index]))
        yield {"image": fit_image(image, settings), "label": label}


def fit_image(image: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Resize an image, uint8 (H, W) or (H, W, 3), to (S, S) or (S, S, 3) according to `settings`.

    `fit: pad` centres the whole image on white, `crop` fills the square with its middle, and
    `stretch` distorts it to the square.
    """
    size, fit = settings["size"], settings["fit"]
    picture = Image.fromarray(image).convert("RGB" if settings["colour"] else "L")
    height, width = image.shape[:2]
    side = (max if fit == "pad" else min)(height, width)
    if fit == "stretch":
        return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS))
    scaled = (max(round(width * size / side), 1), max(round(height * size / side), 1))
    picture = picture.resize(scaled, Image.Resampling.LANCZOS)
    square = Image.new(picture.mode, (size, size), "white")
    square.paste(picture, ((size - scaled[0]) // 2, (size - scaled[1]) // 2))
    return np.asarray(square)


# -- Sources -----------------------------------------------------------------------------------


def _digits(settings: Mapping[str, Any], seed: int, split: str) -> tuple[Examples, np.ndarray]:
    # Imported here, since the other sources do not need scikit-learn.
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    grey = (255 - np.rint(images * (255 / 16))).astype(np.uint8).reshape(-1, 8, 8)
    chosen = _split(labels, settings, seed)[split]
    return (lambda number: (grey[number], int(labels[number]))), chosen


def _fashion(settings: Mapping[str, Any], seed: int, split: str) -> tuple[Examples, np.ndarray]:
    if settings["fashion_files"] is None:
        raise UserError(inputs.no_folder("fashion", "fashion_files"))
    folder, part = Path(settings["fashion_files"]), "t10k" if split == "test" else "train"
    images, labels = (_read_idx(folder, name) for name in inputs.fashion_files(part))
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise UserError(
            f"{folder}: the images and labels of {part} do not match: replace the files"
        )
    if labels.max(initial=0) >= len(classes.FASHION):
        most = len(classes.FASHION) - 1
        raise UserError(f"{folder}: a label of {part} is {labels.max()}; expected at most {most}")
    chosen = _taken(inputs.splits_of(("train", "test"))[split][1], labels, settings, seed, split)
    return (lambda number: (255 - images[number], int(labels[number]))), chosen


def _read_idx(folder: Path, name: str) -> np.ndarray:
    path = inputs.find(folder, name)
    if path is None:
        raise UserError(inputs.missing(folder, name))
    return idx.read(path)


def _folder(settings: Mapping[str, Any], seed: int, split: str) -> tuple[Examples, np.ndarray]:
    if settings["folder"] is None:
        raise UserError(inputs.no_folder("folder", "folder"))
    pools = folders.pools(settings["folder"], classes.names(settings))
    named = {"" if name == "all" else name: pool for name, pool in pools.items()}
    pool, held_out = inputs.splits_of(named)[split]
    paths, labels = named[pool]
    every = [path for paths, _ in pools.values() for path in paths]

    def example(number: int) -> tuple[np.ndarray, int]:
        try:
            return open_image(paths[number]), int(labels[number])
        except UserError:
            check_all(every, open_image)  # One error names all images that cannot be read.
            raise

    return example, _taken(held_out, labels, settings, seed, split)


_SOURCES = {"digits": _digits, "fashion": _fashion, "folder": _folder}


def _taken(
    held_out: Sequence[str],
    labels: Sequence[int] | np.ndarray,
    settings: Mapping[str, Any],
    seed: int,
    split: str,
) -> np.ndarray:
    """Return the numbers of a split's examples in a pool that the splits `held_out` share."""
    return _split(labels, settings, seed, held_out)[split if split in held_out else "train"]


def _split(
    labels: Sequence[int] | np.ndarray,
    settings: Mapping[str, Any],
    seed: int,
    held_out: Sequence[str] = ("test", "validation"),
) -> dict[str, np.ndarray]:
    """Return the example numbers of each split, shuffled by the seed, with interleaved classes.

    The splits in `held_out` get their share of each class first (see `folders.held_out`); training
    gets the rest. Raises `UserError` if a class has too few examples.
    """
    rng = np.random.default_rng(seed)
    labels = np.asarray(labels)
    order = rng.permutation(len(labels))
    split_of = np.full(len(labels), "train", "U10")
    for label in np.unique(labels):
        members, start = order[labels[order] == label], 0
        for split, count in folders.held_out(len(members), settings, held_out).items():
            split_of[members[start : start + count]] = split
            start += count
        if start >= len(members):
            name = classes.names(settings)[int(label)]
            raise UserError(inputs.too_few(name, len(members), [*held_out, "train"]))
    return {split: _interleaved(order[split_of[order] == split], labels) for split in SPLITS}


def _interleaved(chosen: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Order examples so that every prefix has about the same proportions of classes."""
    share = np.zeros(len(chosen))
    for label in np.unique(labels[chosen]):
        members = labels[chosen] == label
        share[members] = np.arange(members.sum()) / members.sum()
    return chosen[np.argsort(share, kind="stable")]


def _check_count(indices: range, available: int, split: str, settings: Mapping[str, Any]) -> None:
    if len(indices) and indices[-1] >= available:
        where = settings["folder"] or f"source {settings['source']}"
        raise UserError(
            f"{where} has {available} examples for the split {split}; expected {indices[-1] + 1}: "
            f"set the dataset's `{split}` to at most {available}, or change test_share and "
            "validation_share"
        )


def _with_channels(image: np.ndarray, colour: bool) -> np.ndarray:
    return np.repeat(image[..., None], 3, -1) if colour else image
