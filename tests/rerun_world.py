"""The world that the table of reruns is proven in: everything made once, then only planned with."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

import numpy as np
import reruns
import witness
from workflow import Workplace

from epochreel import png
from epochreel.fonts import bundled
from epochreel.reader import data as words
from epochreel.sheets import data


def made(folder: Path, world: Workplace) -> Workplace:
    """The miniature world and more, with all runs and all that is asked for made, in `folder`.

    The miniature `world` is made already, and copied.
    """
    shutil.copytree(world.folder, folder)
    place = Workplace(folder, reruns.world_config())
    for name, font in (("fonts", "DejaVuSans.ttf"), ("other_fonts", "DejaVuSans-Bold.ttf")):
        (folder / name).mkdir()
        shutil.copy(bundled(font), folder / name)
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
    # The settings may name an ffmpeg of the system; a plan only asks for its version.
    (folder / "bin").mkdir()
    (folder / "bin/ffmpeg").write_text("#!/bin/sh\necho ffmpeg version 9.9\n")
    (folder / "bin/ffmpeg").chmod(0o755)
    place.environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    place.environment |= witness.environment(folder / "witness")
    place.make(*reruns.TARGETS)
    assert place.jobs(*reruns.TARGETS) == set()
    return place


def _kinds(folder: Path, grey: int) -> None:
    """Images in two classes, as many as a dataset of 6 and 20 examples takes."""
    for name, more in (("one", 0), ("other", 100)):
        for split, count in (("train", 4), ("test", 10)):
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(count):
                image = np.full((8, 8), grey + more + number, np.uint8)
                (place / f"{number}.png").write_bytes(png.encode(image))


def _clothes(folder: Path, grey: int) -> None:
    """The four files of a small Fashion-MNIST."""
    folder.mkdir()
    for part, count in (("train", 20), ("t10k", 20)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = labels[:, None, None] + np.full((1, 28, 28), grey, np.uint8)
        for name, array in (("labels-idx1", labels), ("images-idx3", images)):
            head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            (folder / f"{part}-{name}-ubyte").write_bytes(head + array.tobytes())


def selected(request, test: str, argument: str) -> list:
    """The values that a test is to be run with in this session."""
    items = [item for item in request.session.items if item.originalname == test]
    return [item.callspec.params[argument] for item in items]
