"""Draw the pictures of docs/drawing.md.

Each Python block that is followed by an image is an example: its code draws the image on `canvas`,
or makes `picture`. Run as a script, this writes the pictures.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from workflow import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "workflow_scripts"))

import pyarrow as pa

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo, Scene
from epochreel.drawing.grid import Cell, whole_frame
from epochreel.drawing.palette import LIGHT, THEMES
from epochreel.drawing.panels.curve import Curve
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.time_axis import TimeAxis
from epochreel.experiment_api.interface import Metric
from epochreel.formats import png

DOCUMENT = REPOSITORY / "docs" / "drawing.md"
_EXAMPLE = re.compile(r"```python\n(.*?)```\n\n!\[[^]]+\]\((.*?)\)", re.DOTALL)
_WIDTH, _HEIGHT, _SCALE = 480, 160, 2  # units, units, pixels per unit
_METRICS = {
    "accuracy": Metric("Accuracy", unit="%", plain="digits read right"),
    "loss": Metric("Loss", direction="lower"),
}


def examples() -> dict[Path, str]:
    """Return the code of each picture."""
    found = _EXAMPLE.findall(DOCUMENT.read_text())
    return {DOCUMENT.parent / path: code for code, path in found}


def pictures() -> Iterator[tuple[Path, np.ndarray]]:
    """Draw each picture, uint8 (H, W, 3); examples may use names of earlier ones."""
    names = {"np": np, "heading": heading, "Curve": Curve, "Cell": Cell, "frame": _frame}
    names["frame_data"] = _frame_data()
    for path, code in examples().items():
        canvas = Canvas(_WIDTH * _SCALE, _HEIGHT * _SCALE, LIGHT, units=_HEIGHT)
        names |= {"canvas": canvas, "picture": None}
        exec(compile(code, f"{DOCUMENT.name}: {path.stem}", "exec"), names)
        yield path, canvas.pixels if names["picture"] is None else names["picture"]


def _frame(panels, size: tuple[int, int] = (960, 540), theme: str = "light") -> np.ndarray:
    """Draw a frame of a made-up run."""
    info = RunInfo("A network learns to read", size, {}, {}, {}, TimeAxis(), 400, [], _METRICS)
    info = replace(info, theme=THEMES[theme])
    scene = Scene(size, whole_frame(info, panels(info)), info.theme)
    return scene.draw(_frame_data())


def _frame_data() -> FrameData:
    epochs = np.arange(20.0)
    history = {"step": epochs, "epoch": epochs, "examples": 400 * epochs}
    history |= {"accuracy": 1 - 0.9 * np.exp(-epochs / 8), "loss": 2.3 * np.exp(-epochs / 6)}
    sentence = "It now reads nearly all digits right."
    predictions = pa.table({"prediction": np.zeros(500)})
    return FrameData(19, 19.0, 7600, predictions, history, step=19, sentence=sentence)


if __name__ == "__main__":
    for path, picture in pictures():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png.encode(np.ascontiguousarray(picture)))
        print(path)
