"""The files that the images are made from: the user's images, or the files of Fashion-MNIST."""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from epochreel.core.errors import shown
from epochreel.core.user_files import Listing
from epochreel.experiments.activations import classes, folders

_HELD_OUT = ("test", "validation")


def files(settings: Mapping[str, Any]) -> Listing:
    """List the files of a dataset, and how many examples they allow at most."""
    listing = Listing()
    key = {"folder": "folder", "fashion": "fashion_files"}.get(settings["source"])
    if key and settings[key] is None:
        listing.faults.append(no_folder(settings["source"], key))
    elif settings["source"] == "digits":
        _count(listing, {"": classes.DIGIT_COUNTS}, settings)
    elif settings["source"] == "fashion":
        _list_fashion(listing, settings)
    elif settings["source"] == "folder":
        names = classes.names(settings)
        pools = folders.pools(settings["folder"], names, listing)
        counts = {split: Counter(labels) for split, (_, labels) in pools.items()}
        _count(listing, {"" if key == "all" else key: counts[key] for key in counts}, settings)
    return listing


def no_folder(source: str, key: str) -> str:
    """Return the error about a source whose setting `key` does not name a folder."""
    return f"source is {source}, but {key} is null: set it to the folder of your files"


def _list_fashion(listing: Listing, settings: Mapping[str, Any]) -> None:
    folder, counts = Path(settings["fashion_files"]), {}
    if not listing.has_folder(folder, "folder of Fashion-MNIST"):
        return
    for part, split in (("train", "train"), ("t10k", "test")):
        images, labels = fashion_files(part)
        for name in (images, labels):
            path = find(folder, name)
            if path is None:
                listing.faults.append(missing(folder, name))
            else:
                listing.files.append(path)
                if name == labels and (found := _labels(path)):
                    counts[split] = found
    _count(listing, counts, settings)


def fashion_files(part: str) -> tuple[str, str]:
    """Return the names of the images and labels of a part of Fashion-MNIST: `train` or `t10k`."""
    return f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"


def find(folder: Path, name: str) -> Path | None:
    """Return the path of the file `name`, or else `name`.gz, in a folder; None without either."""
    paths = (folder / name, folder / f"{name}.gz")
    return next((path for path in paths if path.is_file()), None)


def missing(folder: Path, name: str) -> str:
    """Return the error about a file of Fashion-MNIST that `find` did not find."""
    return f"{folder} has neither {name} nor {name}.gz: put the dataset's files there"


def _labels(path: Path) -> Counter:
    """Count the labels in an IDX file; none if it is damaged, which the job reports."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error):
        return Counter()
    found = Counter(data[8:])
    return found if max(found, default=0) < len(classes.FASHION) else Counter()


def splits_of(pools: Iterable[str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Map each split to its pool of examples, and to the splits that are held out from this pool.

    `pools` are the names of the pools: splits that the source has, or "" for one that all share.
    """
    if "" in pools:
        return dict.fromkeys(("train", *_HELD_OUT), ("", _HELD_OUT))
    if "validation" in pools:
        return {split: (split, ()) for split in ("train", *_HELD_OUT)}
    shared = ("train", ("validation",))
    return {"train": shared, "validation": shared, "test": ("test", ())}


def _count(
    listing: Listing, pools: Mapping[str, Mapping[int, int]], settings: Mapping[str, Any]
) -> None:
    """Set how many examples each split has, from each pool's number of examples by class."""
    names, reported = classes.names(settings), set()
    for split, (pool, held_out) in splits_of(pools).items():
        if pool not in pools:
            continue
        listing.available[split] = 0
        for label, count in pools[pool].items():
            taken = folders.held_out(count, settings, held_out)
            rest = count - sum(taken.values())
            listing.available[split] += taken.get(split, rest)
            if rest < 1 and (pool, label) not in reported:
                reported.add((pool, label))
                listing.faults.append(too_few(names[label], count, [*held_out, "train"]))


def too_few(name: str, count: int, splits: Sequence[str]) -> str:
    """Return the error about a class with fewer images than its splits need."""
    return (
        f"class {shown(name)} has {count} image(s), too few for the splits {', '.join(splits)}: "
        "add images, or lower test_share or validation_share"
    )
