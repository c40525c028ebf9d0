"""The stages: what each one runs and computes with, and so what its results follow from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from epochreel.core.errors import UserError, shown
from epochreel.experiment_api.loader import Experiment
from epochreel.provenance.code_digest import LIBRARY, code_digest
from epochreel.provenance.keys import versions

SCRIPTS = LIBRARY.parent


@dataclass(frozen=True)
class Stage:
    """What a stage computes with: its script, the experiment's files for it, and packages."""

    script: str
    modules: tuple[str, ...]
    packages: tuple[str, ...]
    function: str | None = None  # that not every experiment has, in the first of its files


_DRAWN = ("numpy", "pillow", "deflate", "isal", "pyarrow", "matplotlib")
_TORCH = ("torch", "numpy", "safetensors", "pillow", "pyarrow")
_READ_AND_DRAWN = (*_TORCH, "deflate", "isal", "matplotlib")
_PROJECTED = ("numpy", "pyarrow", "numba", "llvmlite")
_FFMPEG = ("imageio-ffmpeg", "ffmpeg-python")
STAGES = {
    "generate": Stage("generate_dataset", ("data",), _DRAWN),
    "train": Stage("train", ("model",), _TORCH),
    # Of an unbounded training set, which is drawn while it is used.
    "train_on_stream": Stage("train", ("model", "data"), _READ_AND_DRAWN),
    "evaluate": Stage("evaluate", ("evaluation", "model"), _TORCH),
    "summarize": Stage("summarize", (), ("numpy", "pyarrow")),
    "render": Stage("render", ("figure",), _DRAWN),
    "draw_loop": Stage("draw_loop", ("figure",), _DRAWN, "loops"),
    "read": Stage("read", ("inference", "model"), (*_TORCH, "pandas")),
    "draw_reading": Stage("draw_reading", ("inference", "model"), _READ_AND_DRAWN, "picture"),
    "fit_projection": Stage("fit_projection", ("projection",), _PROJECTED),
    "project": Stage("project", ("projection",), _PROJECTED),
    "render_tweens": Stage("render_tweens", ("figure",), _DRAWN),
    "encode": Stage("encode", (), _FFMPEG),
    "encode_webm": Stage("encode", (), _FFMPEG),
    "encode_gif": Stage("encode", (), _FFMPEG),
    "save_poster": Stage("encode", (), ()),
    "write_captions": Stage("write_captions", ("figure",), ("numpy", "pyarrow")),
}
_SHOWN = ("generate", "evaluate", "summarize", "project")
_PICTURED = ("render", "render_tweens")
READS = {
    "train": ("generate",),
    "evaluate": ("generate", "train"),
    "summarize": ("evaluate",),
    "fit_projection": ("evaluate",),
    "project": ("evaluate", "fit_projection"),
    "render": _SHOWN,
    "render_tweens": _SHOWN,
    "draw_loop": ("generate", "evaluate"),
    "encode": _PICTURED,
    "encode_webm": _PICTURED,
    "encode_gif": _PICTURED,
    "save_poster": _PICTURED,
    "write_captions": ("summarize",),
    "read": ("train",),
    "draw_reading": ("train",),
}
"""The stages whose artifacts a stage reads, where the run has them. What a block reads of the block
before is of its own stage."""
_UMAP = ("scipy", "scikit-learn", "umap-learn", "pynndescent")
PROJECTIONS = {"causal": (), "linear": (), "umap_each": _UMAP, "aligned_umap": _UMAP}
"""The packages that a kind of projection computes with, beside those of the stages that project."""


def stage_settings(
    name: str,
    experiment: Experiment,
    settings: Mapping[str, Any],
    projection: str | None = None,
) -> dict[str, Any]:
    """What a stage's results follow from: `settings`, its code and its packages' versions.

    `projection` is the kind that a stage which projects runs.
    """
    return {
        "settings": dict(settings),
        "reads": {},
        "code": _code(name, experiment, projection),
        "versions": versions(packages_of(name, projection)),
    }


@cache
def _code(name: str, experiment: Experiment, projection: str | None) -> str:
    folder = None if experiment.is_builtin else experiment.folder
    return code_digest(files_of(name, experiment, projection), folder)


def packages_of(name: str, projection: str | None = None) -> tuple[str, ...]:
    """The packages that a stage computes with, those of its kind of projection included."""
    return STAGES[name].packages + (PROJECTIONS[projection] if projection else ())


def files_of(name: str, experiment: Experiment, projection: str | None = None) -> list[Path]:
    """The files that a stage starts from: its script, the experiment's, its kind of projection."""
    stage = STAGES[name]
    files = [SCRIPTS / f"{stage.script}.py", *map(experiment.file, stage.modules)]
    for file in files:
        if not file.is_file():
            raise UserError(f"{shown(str(file), 500)} is missing: '{name}' cannot be made without")
    if stage.function and not experiment.defines(stage.modules[0], stage.function):
        file = shown(str(files[1]), 500)
        raise UserError(f"{file} does not define {stage.function}: '{name}' cannot be made without")
    # The kind is found by its name, not imported.
    return files + ([LIBRARY / "projection" / "methods" / f"{projection}.py"] if projection else [])
