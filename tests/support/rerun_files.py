"""The rows of the table of reruns about files: lost, and altered by hand.

The jobs are those of the miniature's run `sheets` and, for projections, of `sketches`. Both have
13 snapshots in blocks of ten.
"""

from __future__ import annotations

from dataclasses import dataclass

RUN, SHARDS = "results/sheets", "results/datasets/few_sheets"


@dataclass(frozen=True)
class Case:
    """A file of the miniature, and the jobs that rerun when it is lost or altered."""

    what: str
    path: str
    jobs: set[str]
    note: str = ""
    refused: bool = False  # whether its first reader refuses it when it is damaged


def first(*rules: str) -> set[str]:
    """Return the jobs of these rules for the first block."""
    return {f"{rule} sheets 00000" for rule in rules}


def second(*rules: str) -> set[str]:
    """Return the jobs of these rules for the second block."""
    return {f"{rule} sheets 00001" for rule in rules}


def both(*rules: str) -> set[str]:
    """Return the jobs of these rules for both blocks."""
    return first(*rules) | second(*rules)


def shard(split: str) -> set[str]:
    """Return the job that makes a split's first shard."""
    return {f"generate_dataset few_sheets {split} 00000"}


MANIFEST = {"write_manifest sheets"}
REPORT = {"write_report sheets"}
JOINED = {"encode sheets", "publish"} | MANIFEST | REPORT
POSTER = {"save_poster sheets"}
CLOSING = {"render_closing sheets"}
FIRST_FILM = first("encode_segment") | JOINED
LAST_FILM = second("encode_segment") | {"encode_closing sheets"} | JOINED
FILM = FIRST_FILM | LAST_FILM
DRAWN = FILM | POSTER | CLOSING
NETWORK = {"save_network sheets"} | MANIFEST
TRAINED = both("train", "evaluate", "summarize", "render") | DRAWN | NETWORK
LAYERS = {"describe_network sheets"}
LOST = [
    Case(
        "a shard of the training set",
        f"{SHARDS}/train/00000.parquet",
        shard("train") | TRAINED | LAYERS,
    ),
    Case(
        "a shard of the validation set",
        f"{SHARDS}/validation/00000.parquet",
        shard("validation") | TRAINED,
    ),
    Case(
        "a shard of the test set",
        f"{SHARDS}/test/00000.parquet",
        shard("test") | both("evaluate", "summarize", "render") | DRAWN,
    ),
    Case(
        "a checkpoint",
        f"{RUN}/checkpoints/000004.safetensors",
        TRAINED,
        "its block and later ones; weights come from the store",
    ),
    Case(
        "a checkpoint of the last block",
        f"{RUN}/checkpoints/000011.safetensors",
        second("train", "evaluate", "summarize", "render") | LAST_FILM | POSTER | CLOSING | NETWORK,
        "weights come from the store",
    ),
    Case(
        "a checkpoint index",
        f"{RUN}/checkpoint_index/00000.json",
        TRAINED,
        "its block and later ones; weights come from the store",
    ),
    Case(
        "an evaluation",
        f"{RUN}/evaluations/000004.parquet",
        first("evaluate") | both("summarize", "render") | DRAWN,
    ),
    Case("a metrics table", f"{RUN}/metrics/00000.parquet", both("summarize", "render") | DRAWN),
    Case(
        "a frame",
        f"{RUN}/frames/000012.png",
        second("render") | LAST_FILM | POSTER,
        "its block's segments; the end of the film only if it is the last",
    ),
    Case("the timeline", f"{RUN}/timeline.parquet", {"timeline sheets"} | JOINED),
    Case("the closing picture", f"{RUN}/closing.png", CLOSING | {"encode_closing sheets"} | JOINED),
    Case(
        "a segment of the film",
        f"{RUN}/segments/00000.mp4",
        FIRST_FILM,
        "it is copied from the store",
    ),
    Case("the end of the film", f"{RUN}/segments/closing.mp4", {"encode_closing sheets"} | JOINED),
    Case("the film", f"{RUN}/training.mp4", JOINED),
    Case("the published film", "training.mp4", {"publish"}),
    Case("the poster", f"{RUN}/poster.png", {"save_poster sheets"}),
    Case("a page of the report", f"{RUN}/report/film.html", REPORT),
    Case("`network.safetensors`", f"{RUN}/network.safetensors", NETWORK),
    Case("the manifest", f"{RUN}/manifest.json", MANIFEST),
    Case(
        "the store",
        f"{RUN}/store/*/*/*",
        set(),
        "until a checkpoint is lost, which is then trained again",
    ),
    Case(
        "the store's segments",
        f"{RUN}/store/segments/*",
        set(),
        "until a job needs a segment, which is then encoded again",
    ),
    Case(
        "a training table",
        f"{RUN}/training/00000.parquet",
        TRAINED,
        "its block and later ones; weights come from the store",
    ),
    Case(
        "the layer table",
        f"{RUN}/layers.parquet",
        LAYERS | MANIFEST,
    ),
    Case("a system log", f"{RUN}/logs/train/00000.system.parquet", set()),
]
_LAYOUTS = {
    f"{rule} sketches {block}"
    for rule in ("project", "render", "render_transitions")
    for block in ("00000", "00001")
}
_ALL_SEGMENTS = {f"encode_segment sketches {segment}" for segment in ("00000", "00001")}
_ALL_SEGMENTS |= {"encode_closing sketches"}
_OF_SKETCHES = {"encode sketches", "write_manifest sketches", "write_report sketches"}
LOST_WHERE_PROJECTED = [
    Case(
        "a projection",
        "results/sketches/projections/000004.parquet",
        _LAYOUTS | _ALL_SEGMENTS | _OF_SKETCHES | {"save_poster sketches"},
        "its block and later ones",
    ),
    Case(
        "a snapshot's transitions",
        "results/sketches/transitions/000004.png",
        {"render_transitions sketches 00000", "encode_segment sketches 00000"} | _OF_SKETCHES,
    ),
]
ALTERED = [
    Case(
        "a shard of the training set",
        f"{SHARDS}/train/00000.parquet",
        TRAINED | LAYERS,
        "`train` rejects it",
        refused=True,
    ),
    Case(
        "a shard of the validation set",
        f"{SHARDS}/validation/00000.parquet",
        TRAINED,
        "`train` rejects it",
        refused=True,
    ),
    Case(
        "a shard of the test set",
        f"{SHARDS}/test/00000.parquet",
        both("evaluate", "summarize", "render") | DRAWN,
        "`evaluate` rejects it",
        refused=True,
    ),
    Case(
        "a checkpoint",
        f"{RUN}/checkpoints/000004.safetensors",
        first("evaluate") | both("summarize", "render") | DRAWN,
        "`evaluate` rejects it",
        refused=True,
    ),
    Case(
        "the last checkpoint",
        f"{RUN}/checkpoints/000012.safetensors",
        second("evaluate", "summarize", "render") | LAST_FILM | POSTER | CLOSING | NETWORK,
        "`evaluate` and `save_network` reject it",
        refused=True,
    ),
    Case(
        "a checkpoint index",
        f"{RUN}/checkpoint_index/00000.json",
        second("train") | both("evaluate", "summarize", "render") | DRAWN | NETWORK,
        "`evaluate` rejects it, and so does `train` for the next block",
        refused=True,
    ),
    Case(
        "an evaluation",
        f"{RUN}/evaluations/000004.parquet",
        both("summarize", "render") | DRAWN,
        "`summarize` rejects it",
        refused=True,
    ),
    Case(
        "a metrics table",
        f"{RUN}/metrics/00000.parquet",
        second("summarize") | both("render") | DRAWN,
        "`summarize` and `render` reject it",
        refused=True,
    ),
    Case(
        "a frame",
        f"{RUN}/frames/000004.png",
        FIRST_FILM | POSTER,
        "`encode_segment` rejects it",
        refused=True,
    ),
    Case("the timeline", f"{RUN}/timeline.parquet", JOINED, "`encode` rejects it", refused=True),
    Case(
        "a segment of the film",
        f"{RUN}/segments/00000.mp4",
        JOINED,
        "`encode` rejects it",
        refused=True,
    ),
    Case(
        "the closing picture",
        f"{RUN}/closing.png",
        {"encode_closing sheets"} | JOINED,
        "`encode_closing` rejects it",
        refused=True,
    ),
    Case(
        "the film",
        f"{RUN}/training.mp4",
        {"publish"} | MANIFEST | REPORT,
        "`publish`, `write_report` and `write_manifest` reject it",
        refused=True,
    ),
    Case("the published film", "training.mp4", set(), "nothing reruns; `verify` reports it"),
    Case(
        "`network.safetensors`",
        f"{RUN}/network.safetensors",
        MANIFEST,
        "`write_manifest` and `predict` reject it",
        refused=True,
    ),
    Case("the manifest", f"{RUN}/manifest.json", set(), "nothing reruns; `verify` reports it"),
    Case(
        "the store's weights",
        f"{RUN}/store/*/weights/000004.safetensors",
        set(),
        "nothing reruns; a later training detects it",
    ),
    Case(
        "the store's segments",
        f"{RUN}/store/segments/*",
        set(),
        "nothing reruns; a later `encode_segment` detects it",
    ),
]
