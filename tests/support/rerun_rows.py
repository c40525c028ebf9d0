"""The rows of the rerun table: which change makes which rules run again.

A new experiment needs rows in `EXPERIMENT_ROWS`, and datasets and runs for them in `ADDED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from epochreel.plan.stages import STAGES

_SPLITS = ("train", "validation", "test")
# The splits of a dataset that a stage reads; all others read the test set.
_SPLITS_READ = {"train": {"train", "validation"}, "describe_network": {"train"}}


def _readers() -> dict[str, set[str]]:
    """Map each rule to the rules that read its results, from the declarations of the stages."""
    found = {f"generate_dataset ({split})": set() for split in _SPLITS}
    found |= {name: set() for name in STAGES if name != "generate_dataset"}
    for stage in STAGES.values():
        for name in stage.reads:
            if name == "generate_dataset":
                for split in _SPLITS_READ.get(stage.rule, {"test"}):
                    found[f"generate_dataset ({split})"].add(stage.rule)
            else:
                found[name].add(stage.rule)
    # `publish` copies the film and has no cache key. Predictions read the copied network.
    found["encode"].add("publish")
    for name in ("predict", "draw_prediction"):
        found["train"].remove(name)
        found["save_network"].add(name)
    return {name: readers for name, readers in found.items() if readers}


READERS = _readers()
FORMS = ["predict", "draw_prediction", "draw_loop"]
FORMS += ["encode_webm_segment", "encode_webm_closing", "encode_webm", "encode_gif"]
FORMS += ["write_captions", "cast"]
"""Rules that run only on request."""
SOME = ["fit_projection", "project", "render_transitions"]
"""Rules that only some runs need."""
_UNREAD = [name for name in STAGES if name not in {"generate_dataset", *READERS, *FORMS}]
ORDER = list(dict.fromkeys([*READERS, *_UNREAD, *FORMS, "publish"]))
DATA = {name for name in READERS if name.startswith("generate")}
MP4, WEBM = ({f"encode_{name}segment", f"encode_{name}closing"} for name in ("", "webm_"))
SEGMENTS = MP4 | WEBM
ENDS = {"encode_closing", "encode_webm_closing"}
JOINED = {"encode", "encode_webm"}
FILMS = SEGMENTS | JOINED | {"encode_gif"}
DRAWING = {"render", "render_transitions", "render_closing", "draw_loop"}
TOLD = {"summarize", "cast"} | DRAWING
SIZED = {"write_captions"} | DRAWING | {"save_poster"} | FILMS
NETWORK = {"train", "describe_network"}
LEARNT_FROM = DATA | NETWORK | {"evaluate", "summarize", "predict", "draw_prediction"}
"""Rules that read the settings of the data."""


@dataclass(frozen=True)
class Row:
    """A key of the world's config, a new value, and the rules that read the key.

    The rules that read the results of these rules run again too.
    """

    key: str
    value: Any
    touched: frozenset[str] | set[str]
    note: str = ""


# Added to the miniature world, so that each key below affects at least one run.
_TINY = {"epochs": 1, "figure": {"width": 480, "height": 270}, "film": {"preset": "ultrafast"}}
_TINY |= {"training": {"batch_size": 1, "steps_per_epoch": 2}}
_SHEETS = {"experiment": "sheets", "train": 2, "test": 2}
_IMAGES = {"experiment": "activations", "train": 6, "test": 20}
_SMALL = {"name": "published", "channels": [2], "hidden": 4}
_SLOW = {"preset": "ultrafast", "seconds_per_snapshot": 0.375}  # long enough to read a sentence
_PLACED = _TINY | {"network": _SMALL, "film": _SLOW}
ADDED = {
    "datasets": {
        "other_sheets": _SHEETS | {"seed": 5},
        "in_fonts": _SHEETS | {"settings": {"variant": "perturbed", "fonts": "fonts"}},
        "on_pictures": {
            "experiment": "words",
            "train": "unbounded",
            "test": 8,
            "settings": {"background": "folder", "backgrounds": "pictures"},
        },
        "tiny_digits": _IMAGES | {"settings": {"source": "digits", "size": 8}},
        "in_folders": _IMAGES
        | {
            "settings": {
                "source": "folder",
                "size": 8,
                "folder": "kinds",
                "classes": ["one", "other"],
            }
        },
        "clothes": _IMAGES
        | {"settings": {"source": "fashion", "size": 8, "fashion_files": "clothes"}},
    },
    "runs": {
        "fonts": _TINY | {"dataset": "in_fonts", "network": {"name": "local"}},
        "tuned": _TINY
        | {
            "dataset": "other_sheets",
            "network": {"name": "tuned", "channels": [2, 2, 2, 2, 2]},
            "training": _TINY["training"] | {"schedule": {"name": "cosine", "decay_steps": 9}},
        },
        "deep": _TINY
        | {"dataset": "other_sheets", "network": {"name": "deep", "channels": [2, 2, 2, 2, 2]}},
        "pictures": _TINY
        | {"dataset": "on_pictures", "network": {"name": "compact", "channels": [4, 4]}},
        "published": _TINY
        | {
            "dataset": "on_pictures",
            "network": {"name": "published", "channels": 1, "hidden": 4},
        },
        # Two blocks, both laid out by one fit to all snapshots.
        "digits": _PLACED
        | {"dataset": "tiny_digits", "projection": {"name": "linear"}, "epochs": 10},
        "folders": _PLACED | {"dataset": "in_folders", "projection": {"name": "umap_each"}},
        "clothes": _PLACED | {"dataset": "clothes", "projection": {"name": "aligned_umap"}},
    },
}

# Run → its files requested in addition to `all`, by rule.
REQUESTED = {
    "sheets": {
        "encode_webm": "training.webm",
        "encode_gif": "training.gif",
        "write_captions": "training.vtt",
        "cast": "cast.txt",
        "predict": "predictions/mine.csv",
    },
    "words": {
        "write_captions": "training.vtt",
        "cast": "cast.txt",
        "draw_loop": "loops/reading.gif",
        "predict": "predictions/word.csv",
        "draw_prediction": "predictions/word.png",
    },
    "sketches": {"write_captions": "training.vtt", "cast": "cast.txt"},
}

DATASET, RUN, PALETTE = "datasets.few_sheets", "runs.sheets", "palette.yaml"
SKETCHES = "datasets.few_sketches.settings"
SHARED = [
    Row("main_run", "cells", {"publish"}),
    Row(f"{DATASET}.seed", 2, DATA),
    Row("datasets.few_words.seed", 2, DATA | NETWORK, "of an unbounded training set"),
    Row(
        f"{DATASET}.train",
        6,
        {"generate_dataset (train)"},
        "`describe_network` if the first shard changes",
    ),
    Row(f"{DATASET}.train", "unbounded", NETWORK, "`unbounded`: nothing is stored"),
    Row(
        f"{DATASET}.validation",
        3,
        {"generate_dataset (validation)"},
        "the training table contains the validation loss",
    ),
    Row(f"{DATASET}.test", 4, {"generate_dataset (test)"}),
    Row(f"{DATASET}.examples_per_shard", 10, {"generate_dataset (train)"}),
    Row(f"{RUN}.title", "Another", DRAWING | JOINED),
    Row(
        f"{RUN}.dataset",
        "other_sheets",
        NETWORK | {"evaluate", "render"},
        "to a dataset with other settings, generated if missing",
    ),
    Row(f"{RUN}.seed", 2, NETWORK),
    Row(
        f"{RUN}.epochs",
        4,
        {"train", "timeline"} | JOINED,
        "trains only new snapshots, none if the run is shortened; see below",
    ),
    Row(f"{RUN}.snapshots.per_epoch", 5, {"train", "timeline"} | JOINED),
    Row(f"{RUN}.needs", "gpu", set(), "affects only what `all` makes"),
    Row(
        f"{RUN}.snapshots",
        {"schedule": "log", "per_decade": 3},
        {"train", "timeline"} | JOINED,
        "to another schedule, or another `per_decade`",
    ),
    Row(
        f"{RUN}.keep_checkpoints",
        "last",
        {"write_manifest"},
        "to `last`: affects checkpoints made from then on",
    ),
    Row("runs.cells.keep_checkpoints", "all", {"train"}, "to `all`: the checkpoints were deleted"),
    Row(f"{RUN}.network.name", "tuned", NETWORK, "to a network with the same settings"),
    Row(f"{RUN}.projection.name", "linear", set(), "used only if points are projected"),
    Row(
        "runs.sketches.projection.name",
        "umap_each",
        {"project"},
        "to a projection of each snapshot",
    ),
    Row(
        "runs.sketches.projection.name",
        "linear",
        {"fit_projection"},
        "to a joint fit to all snapshots",
    ),
    Row(f"{RUN}.training.batch_size", 3, {"train"}),
    Row(f"{RUN}.training.steps_per_epoch", 7, {"train"}),
    Row(f"{RUN}.training.optimizer.name", "adamw", {"train"}),
    Row(
        f"{RUN}.training.optimizer.learning_rate",
        0.02,
        {"train"},
        "likewise every other argument of the optimizer",
    ),
    Row(f"{RUN}.training.optimizer.betas", [0.8, 0.999], {"train"}),
    Row(f"{RUN}.training.gradient_clipping", 1.0, {"train"}),
    Row("runs.tuned.training.schedule.name", "one_cycle", {"train"}),
    Row(
        "runs.tuned.training.schedule.decay_steps",
        8,
        {"train"},
        "likewise every other setting of the schedule",
    ),
    Row("runs.words.training.schedule.patience", 1, {"train"}),
    Row(f"{RUN}.training.precision", "bfloat16", {"train"}),
    Row(f"{RUN}.training.threads", 2, {"train"}),
    Row(f"{RUN}.evaluation.batch_size", 3, {"evaluate"}),
    Row("runs.sketches.evaluation.train_sample", 2, {"evaluate"}),
    Row(
        "runs.cells.evaluation.batch_size",
        30,
        {"train", "evaluate"},
        "with `keep_checkpoints: last`: the checkpoints were deleted",
    ),
    Row(f"{RUN}.evaluation.precision", "bfloat16", {"evaluate"}),
    Row(f"{RUN}.evaluation.threads", 2, {"evaluate"}),
    Row(f"{RUN}.figure.theme", "dark", DRAWING | {"write_captions"}),
    Row(f"{RUN}.figure.palette", PALETTE, DRAWING, "with the colours in the file, see below"),
    Row(f"{RUN}.figure.width", 800, SIZED),
    Row(f"{RUN}.figure.height", 450, SIZED),
    Row(f"{RUN}.figure.examples", [1, 0], {"summarize"} | DRAWING),
    Row(
        f"{RUN}.figure.panels",
        [{"panel": "histogram"}],
        {"render", "render_transitions"},
        "in place of figure.py",
    ),
    Row(f"{RUN}.figure.time_axis", 9, DRAWING),
    Row(f"{RUN}.figure.time_unit", "steps", DRAWING),
    Row(f"{RUN}.figure.time_scale", "log", DRAWING),
    Row(
        "runs.sketches.figure.tweens",
        2,
        {"render_transitions"} | SEGMENTS,
        "used only if points are projected",
    ),
    Row(f"{RUN}.film.pace", "change", {"summarize", "timeline"} | SEGMENTS),
    Row(
        f"{RUN}.film.seconds_per_snapshot",
        0.5,
        {"summarize", "timeline"} | SEGMENTS,
        "with `pace: even`; `summarize` if the number of snapshots per sentence changes",
    ),
    Row("runs.words.film.seconds", 5, {"timeline"}, "with `pace: change`"),
    Row("runs.words.film.max_seconds_per_snapshot", 0.5, {"timeline"}, "with `pace: change`"),
    Row(
        f"{RUN}.film.opening_seconds",
        1.0,
        {"summarize", "timeline"} | SEGMENTS,
        "`summarize` with `pace: even`, if the number of snapshots of the first sentence changes",
    ),
    Row(f"{RUN}.film.hold_seconds", 1.0, {"timeline"} | ENDS),
    Row(
        f"{RUN}.film.closing_seconds",
        1.0,
        {"timeline"} | ENDS,
        "with `0`, the film has no closing picture",
    ),
    Row(f"{RUN}.film.segment", 100, SEGMENTS - ENDS | JOINED),
    Row(f"{RUN}.film.keyframe_seconds", 2, SEGMENTS),
    Row(f"{RUN}.film.crf", 30, MP4),
    Row(f"{RUN}.film.preset", "fast", MP4),
    Row(f"{RUN}.film.threads", 2, SEGMENTS),
    Row(f"{RUN}.film.ffmpeg", "system", FILMS, "with `system`, also after a change of its version"),
    Row(f"{RUN}.film.webm_codec", "vp9", WEBM),
    Row(f"{RUN}.film.gif_width", 320, {"encode_gif"}),
    Row(f"{RUN}.film.gif_frames_per_second", 5, {"encode_gif"}),
    Row(f"{RUN}.film.poster", 0.5, {"save_poster"}),
]
EXPERIMENT_ROWS = {
    "sheets": [
        Row(f"{DATASET}.settings.variant", "shifted", LEARNT_FROM),
        Row(
            "datasets.in_fonts.settings.fonts",
            "other_fonts",
            LEARNT_FROM,
            "with the fonts' contents, see below",
        ),
        Row(f"{RUN}.network.channels", [4, 5], NETWORK),
        Row(f"{RUN}.network.patch", 17, NETWORK),
        Row(f"{RUN}.network.spread", 2.0, NETWORK),
        Row("runs.tuned.network.channels", [2, 2, 2, 2, 3], NETWORK),
        Row("runs.tuned.network.dropout", 0.1, NETWORK),
        Row("runs.tuned.network.l1", 0.1, NETWORK),
        Row("runs.deep.network.channels", [2, 2, 2, 2, 3], NETWORK),
        Row("runs.deep.network.dropout", 0.1, NETWORK),
        Row("runs.deep.network.l1", 0.1, NETWORK),
        Row("runs.cells.network.channels", [4, 5], NETWORK),
        Row("runs.cells.network.dense", [10], NETWORK),
        Row("runs.cells.network.dropout", 0.1, NETWORK),
    ],
    "words": [
        Row("datasets.few_words.settings.noise", 0.2, LEARNT_FROM),
        Row("datasets.few_words.settings.background", "none", LEARNT_FROM),
        Row("datasets.few_words.settings.background_strength", 50, LEARNT_FROM),
        Row(
            "datasets.on_pictures.settings.backgrounds",
            "other_pictures",
            LEARNT_FROM,
            "with the images' contents, see below",
        ),
        Row("runs.words.network.channels", [4, 8], NETWORK),
        Row("runs.words.network.line", 4, NETWORK),
        Row("runs.words.network.keys", 16, NETWORK),
        Row("runs.words.network.waves", 3, NETWORK),
        Row("runs.words.network.window", 5, NETWORK),
        Row("runs.words.network.hidden", 8, NETWORK),
        Row("runs.words.network.dense", 8, NETWORK),
        Row("runs.published.network.channels", 2, NETWORK),
        Row("runs.published.network.hidden", 5, NETWORK),
    ],
    "activations": [
        Row(f"{SKETCHES}.source", "digits", LEARNT_FROM),
        Row(f"{SKETCHES}.size", 18, LEARNT_FROM),
        Row(f"{SKETCHES}.fit", "crop", LEARNT_FROM),
        Row(f"{SKETCHES}.colour", True, LEARNT_FROM),
        Row(f"{SKETCHES}.test_share", 0.2, LEARNT_FROM),
        Row(f"{SKETCHES}.validation_share", 0.2, LEARNT_FROM),
        Row(
            "datasets.in_folders.settings.folder",
            "other_kinds",
            LEARNT_FROM,
            "with the images' contents, see below",
        ),
        Row("datasets.in_folders.settings.classes", ["other", "one"], LEARNT_FROM),
        Row(
            "datasets.clothes.settings.fashion_files",
            "other_clothes",
            LEARNT_FROM,
            "with the files' contents, see below",
        ),
        Row("runs.sketches.network.channels", [4, 9], NETWORK),
        Row("runs.sketches.network.kernel", 3, NETWORK),
        Row("runs.sketches.network.hidden", 11, NETWORK),
        Row("runs.sketches.network.dropout", 0.1, NETWORK),
        Row("runs.sketches.network.mean", 0.7, NETWORK),
        Row("runs.sketches.network.deviation", 0.3, NETWORK),
        Row("runs.sketches.projection.neighbours", 10, {"project"}),
        Row("runs.sketches.projection.far", 0.2, {"project"}),
        Row("runs.sketches.projection.hold", 0.2, {"project"}),
        Row("runs.sketches.projection.steps", 20, {"project"}),
        Row("runs.folders.projection.neighbours", 10, {"project"}),
        Row("runs.folders.projection.min_dist", 0.2, {"project"}),
        Row("runs.clothes.projection.neighbours", 10, {"fit_projection"}),
        Row("runs.clothes.projection.min_dist", 0.2, {"fit_projection"}),
        Row("runs.clothes.projection.alignment", 0.02, {"fit_projection"}),
    ],
}
# Keys without such a row, and what follows from a change.
OTHERS = {
    "snapshots_per_block": "all rules of every run, but none of the datasets: the same artifacts "
    "in other blocks, with snapshots from the store",
    "runs.*.snapshots.schedule": "as for `runs.*.snapshots`, since each schedule has different "
    "keys. Steps appended to a list extend the run; a list changed before its end is rejected",
    "datasets.*.experiment": "the dataset and all of its runs, even if the new folder contains the "
    "same code",
}


# File of a user-defined experiment → the rules that run it. `data.py` imports `helper.py`.
# `inference.py` and `projection.py`, where an experiment has them, are in the table of modules.
USER_FILES = {
    "data.py": DATA,
    "helper.py": DATA,
    "model.py": NETWORK | {"evaluate", "predict", "draw_prediction"},
    "evaluation.py": {"evaluate"},
    "figure.py": DRAWING,
    "narration.py": TOLD,
    "settings.schema.yaml": set(),
}
