"""The worlds that tests read: the miniature world and variants of it.

Making a world takes minutes, so the first worker that needs it makes it for the whole session.

    python tests/support/worlds.py FOLDER world rerun_world    make these two worlds in a folder
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import libfaketime
import numpy as np
import reruns
import tools
import witness
from workflow import Workplace, jobs_in, miniature

from epochreel.core.bundled_fonts import bundled
from epochreel.experiments.sheets import data
from epochreel.experiments.words import data as words
from epochreel.formats import png


def world(folder: Path) -> Workplace:
    """Return the miniature world. Its jobs record what they do."""
    place = Workplace(folder)
    place.environment = witness.environment(folder / "witness")
    return place


def make_world(place: Workplace) -> None:
    """Make all default targets."""
    place.make("all")


def rerun_world(folder: Path) -> Workplace:
    """Return an extended miniature world, for tests that only plan."""
    place = Workplace(folder, reruns.world_config())
    place.environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    place.environment |= witness.environment(folder / "witness")
    return place


def make_rerun_world(place: Workplace) -> None:
    """Make all runs and requested files, starting from a copy of the miniature world."""
    folder = place.folder
    made("world", folder.parent)
    shutil.copytree(folder.parent / "world", folder, dirs_exist_ok=True)
    place.write_config()
    for name, font in (("fonts", "DejaVuSans.ttf"), ("other_fonts", "DejaVuSans-Bold.ttf")):
        (folder / name).mkdir()
        shutil.copy(bundled(font), folder / name)
    reruns.write_palette(folder)
    for name, grey in (("pictures", 40), ("other_pictures", 80)):
        (folder / name).mkdir()
        (folder / name / "one.png").write_bytes(png.encode(np.full((60, 60), grey, np.uint8)))
    for name, grey in (("", 40), ("other_", 80)):
        _kinds(folder / f"{name}kinds", grey)
        _clothes(folder / f"{name}clothes", grey)
    (page,) = data.generate({"variant": "plain", "fonts": None}, 7, "test", range(1))
    (word,) = words.generate({"noise": 0.0, "background": "none"}, 7, "test", range(1))
    (folder / "images").mkdir()
    for name, image in (("mine", page["image"]), ("word", word["image"])):
        (folder / "images" / f"{name}.png").write_bytes(png.encode(image))
    # Settings may select the system's ffmpeg.
    tools.install_ffmpeg(folder / "bin/ffmpeg", "9.9")
    place.make(*reruns.TARGETS)
    assert jobs_in(place.make("--dry-run", *reruns.TARGETS)) == []


def _kinds(folder: Path, grey: int) -> None:
    """Write images of two classes, enough for 6 training and 20 test examples."""
    for name, more in (("one", 0), ("other", 100)):
        for split, count in (("train", 4), ("test", 10)):
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(count):
                image = np.full((8, 8), grey + more + number, np.uint8)
                (place / f"{number}.png").write_bytes(png.encode(image))


def _clothes(folder: Path, grey: int) -> None:
    """Write the four files of a small Fashion-MNIST."""
    folder.mkdir()
    for part, count in (("train", 20), ("t10k", 20)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = labels[:, None, None] + np.full((1, 28, 28), grey, np.uint8)
        for name, array in (("labels-idx1", labels), ("images-idx3", images)):
            head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            (folder / f"{part}-{name}-ubyte").write_bytes(head + array.tobytes())


def elsewhere(folder: Path) -> Workplace:
    """Return the miniature world with other blocks and all clocks 400 days ahead."""
    place = Workplace(folder, miniature() | {"snapshots_per_block": 100})
    library = Path(libfaketime.__file__).parent / "vendor/libfaketime/src/libfaketime.so.1"
    assert library.is_file()
    place.environment = {"LD_PRELOAD": str(library), "FAKETIME": "+400d"}
    place.environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
    return place


def make_elsewhere(place: Workplace) -> None:
    """Make everything with one core."""
    place.make("all", cores=1)


def halved(config: dict) -> dict:
    """Return `config` with half the epochs in each run."""
    runs = {name: run | {"epochs": run["epochs"] // 2} for name, run in config["runs"].items()}
    return config | {"runs": runs}


def make_extended(place: Workplace) -> None:
    """Make all runs at half their length, then at full length, with four cores."""
    whole = place.config
    for config in (halved(whole), whole):
        place.config = config
        place.write_config()
        place.make("all", cores=4)


# Name → the functions that return the world and that make it.
WORLDS = {
    "world": (world, make_world),
    "rerun_world": (rerun_world, make_rerun_world),
    "elsewhere": (elsewhere, make_elsewhere),
    "extended": (Workplace, make_extended),
}


def made_once(folder: Path, make: Callable[[], object]) -> None:
    """Call `make` to fill a folder, once for all processes; wait if another process does so."""
    sign = folder.with_name(f"{folder.name}.made")
    with open(folder.with_name(f"{folder.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not sign.exists():
            make()
            sign.touch()


def made(name: str, parent: Path) -> Workplace:
    """Return the world `name` below `parent`; make it if it is missing."""
    begin, make = WORLDS[name]
    made_once(parent / name, lambda: make(begin(parent / name)))
    return begin(parent / name)


def main(parent: str, *names: str) -> None:
    """Make these worlds."""
    for name in names:
        made(name, Path(parent))


if __name__ == "__main__":
    main(*sys.argv[1:])
