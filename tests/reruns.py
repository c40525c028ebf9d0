"""What runs again after which change: the one table behind docs/reruns.md and its tests.

Run as a script, it writes docs/reruns.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY / "workflow_scripts"))

DOCUMENT = REPOSITORY / "docs" / "reruns.md"

# Which rules read what a rule makes. The splits of a dataset are told apart.
READERS = {
    "generate_dataset (train)": {"train"},
    "generate_dataset (validation)": {"train"},
    "generate_dataset (test)": {"evaluate", "render"},
    "train": {"evaluate", "save_network"},
    "evaluate": {"summarize", "render"},
    "summarize": {"render", "write_captions"},
    "render": {"encode", "encode_webm", "encode_gif", "save_poster"},
    "encode": {"publish"},
    "save_network": {"read"},
}
ORDER = [*READERS, "read", "encode_webm", "encode_gif", "save_poster", "write_captions", "publish"]
DATA = {name for name in READERS if name.startswith("generate")}
FILMS = {"encode", "encode_webm", "encode_gif"}
SIZED = {"render", "save_poster"} | FILMS

# knob of the miniature config's dataset or run → another value, and the rules that it reaches
# at once; what reads their results follows.
DATASET, RUN = "datasets.few_sheets", "runs.sheets"
KNOBS = {
    "main_run": ("cells", {"publish"}),
    f"{DATASET}.seed": (2, DATA),
    f"{DATASET}.train": (20, {"generate_dataset (train)"}),
    f"{DATASET}.validation": (3, {"generate_dataset (validation)"}),
    f"{DATASET}.test": (4, {"generate_dataset (test)"}),
    f"{DATASET}.examples_per_shard": (10, {"generate_dataset (train)"}),
    f"{DATASET}.settings.variant": ("shifted", DATA | {"train", "evaluate", "read"}),
    f"{RUN}.title": ("Another", {"render", "encode", "encode_webm"}),
    f"{RUN}.dataset": ("other_sheets", DATA),
    f"{RUN}.seed": (2, {"train"}),
    f"{RUN}.epochs": (4, {"train"}),
    f"{RUN}.snapshots_per_epoch": (5, {"train"}),
    f"{RUN}.keep_checkpoints": ("last", set()),
    f"{RUN}.network.channels": ([4, 5], {"train"}),
    f"{RUN}.network.patch": (17, {"train"}),
    f"{RUN}.network.spread": (2.0, {"train"}),
    f"{RUN}.training.batch": (3, {"train"}),
    f"{RUN}.training.batches_per_epoch": (7, {"train"}),
    f"{RUN}.training.optimizer": ("adamw", {"train"}),
    f"{RUN}.training.rate": (0.02, {"train"}),
    f"{RUN}.training.warmup_batches": (1, {"train"}),
    f"{RUN}.training.decay_batches": (1, {"train"}),
    f"{RUN}.training.plateau_batches": (3, {"train"}),
    f"{RUN}.training.plateau_failures": (2, set()),
    f"{RUN}.training.plateau_factor": (0.5, set()),
    f"{RUN}.training.epsilon": (1e-6, {"train"}),
    f"{RUN}.training.beta1": (0.8, {"train"}),
    f"{RUN}.training.beta2": (0.99, {"train"}),
    f"{RUN}.training.weight_decay": (0.1, {"train"}),
    f"{RUN}.training.rho": (0.9, set()),
    f"{RUN}.training.momentum": (0.5, set()),
    f"{RUN}.training.precision": ("bfloat16", {"train"}),
    f"{RUN}.training.threads": (2, {"train"}),
    f"{RUN}.training.compile": (True, {"train"}),
    f"{RUN}.evaluation.batch": (3, {"evaluate"}),
    f"{RUN}.evaluation.precision": ("bfloat16", {"evaluate"}),
    f"{RUN}.evaluation.threads": (2, {"evaluate"}),
    f"{RUN}.figure.width": (800, SIZED),
    f"{RUN}.figure.height": (450, SIZED),
    f"{RUN}.figure.time_axis": (9, {"render"}),
    f"{RUN}.figure.settings.example": (1, {"render"}),
    f"{RUN}.film.seconds_per_snapshot": (0.5, FILMS | {"write_captions"}),
    f"{RUN}.film.hold_seconds": (1.0, FILMS | {"write_captions"}),
    f"{RUN}.film.crf": (30, {"encode"}),
    f"{RUN}.film.preset": ("fast", {"encode"}),
    f"{RUN}.film.threads": (1, {"encode", "encode_webm"}),
    f"{RUN}.film.webm_codec": ("vp9", {"encode_webm"}),
    f"{RUN}.film.gif_width": (320, {"encode_gif"}),
    f"{RUN}.film.gif_frames_per_second": (5, {"encode_gif"}),
    f"{RUN}.film.poster": (0.5, {"save_poster"}),
}
NOTES = {
    f"{RUN}.epochs": "only new snapshots are trained, none where the run is shortened; "
    "set `figure.time_axis` beforehand and full blocks are neither drawn nor evaluated again",
    f"{RUN}.keep_checkpoints": "takes hold of checkpoints that are made from then on",
    f"{RUN}.training.plateau_failures": "counts where `plateau_batches` is set",
    f"{RUN}.training.plateau_factor": "counts where `plateau_batches` is set",
    f"{RUN}.training.rho": "another optimiser's (the run's is adam); counts for adadelta alone",
    f"{RUN}.training.momentum": "another optimiser's; counts for sgd alone",
    f"{DATASET}.validation": "the training log holds the validation loss",
    f"{RUN}.dataset": "to another with other settings; it is made where it is not there",
}
# Keys whose change is not told by such a row, and why.
OTHERS = {
    "snapshots_per_block": "the same artifacts, in other blocks: over finished results most is made "
    "again; checkpoints come from the store",
    f"{DATASET}.experiment": "everything",
    f"{DATASET}.settings.fonts": "counts for `perturbed`, with the contents of the folder's fonts: "
    "everything from `generate_dataset` on",
    f"{RUN}.network.name": "everything from `train` on",
    f"{RUN}.network.dense": "as `channels`, for the network cells",
    f"{RUN}.network.dropout": "as `channels`, for deep, cells and tuned",
    f"{RUN}.network.l1": "as `channels`, for tuned and deep",
    f"{RUN}.film.ffmpeg": "encode, encode_webm, encode_gif and publish; with `system`, a change of that "
    "ffmpeg's version too",
}


def following(touched: set[str]) -> set[str]:
    """The rules that run again when `touched` do: these, and all that read their results."""
    found, waiting = set(), list(touched)
    while waiting:
        rule = waiting.pop()
        if rule not in found:
            found.add(rule)
            waiting.extend(READERS.get(rule, ()))
    return found


def stages_of_modules() -> dict[str, list[str]]:
    """Each module of the library → the rules whose results it can change."""
    from epochreel import experiments, plan, provenance

    sheets, found = experiments.find("sheets", REPOSITORY), {}
    for stage in plan.STAGES:
        for name in provenance.modules(plan.files_of(stage, sheets)):
            rules = found.setdefault(name, [])
            if stage != "train_on_stream" or "train" not in rules:
                rules.append(_rule(stage))
    return dict(sorted(found.items()))


def _rule(stage: str) -> str:
    names = {"generate": "generate_dataset", "train_on_stream": "train (unbounded)"}
    return names.get(stage, stage)


def document() -> str:
    """docs/reruns.md."""
    from epochreel import plan

    rows = [
        f"| `{_short(knob)}` | {_listed(following(touched))} | {NOTES.get(knob, '')} |"
        for knob, (_, touched) in KNOBS.items()
    ]
    others = [f"| `{_short(knob)}` | {words} |" for knob, words in OTHERS.items()]
    code = [f"| `{name}` | {', '.join(stages)} |" for name, stages in stages_of_modules().items()]
    packages = [
        f"| {_rule(stage)} | {', '.join(made.packages) or 'none'} |"
        for stage, made in plan.STAGES.items()
    ]
    return _TEXT.format(
        packages="\n".join(packages),
        rows="\n".join(rows),
        others="\n".join(others),
        code="\n".join(code),
    )


def _short(knob: str) -> str:
    return knob.replace("few_sheets", "*").replace("runs.sheets", "runs.*")


def _listed(rules: set[str]) -> str:
    if rules >= DATA:
        rules = rules - DATA | {"generate_dataset"}
    return ", ".join(name for name in ["generate_dataset", *ORDER] if name in rules) or "none"


_TEXT = """# What runs again

Written by `python tests/reruns.py` from the table that the tests prove, row by row, in both
directions: no rule more, none less. A rule whose results changed within a command makes all that
read them run too. The rules for a film's other forms, captions and readings run again where their
results are there or are asked for. `write_manifest` follows whenever something that is kept was made.

## Settings

| key | rules | |
| --- | --- | --- |
{rows}

Other keys:

| key | what follows |
| --- | --- |
{others}

The order of keys, a default written out, `1` for `1.0`: nothing. Two numbers swapped: as for each of
them.

## Files

| change | rules |
| --- | --- |
| a frame is lost | render (its block), encode and its kin, publish |
| an evaluation is lost | evaluate (its block), and what follows |
| a checkpoint is lost | train (its block and those after it; the store spares the training), and what follows |
| results copied elsewhere together with `.snakemake`, a touch, a fresh checkout of the code | none |

Lost files are noticed by `snakemake` without a target and by `all`. Damage is noticed by the stage
that reads the file, and by `snakemake verify`.

## Code

A comment, a docstring or other layout in any module: none. A change of what a module says: the rules
in its row, and what follows them.

| module | rules |
| --- | --- |
{code}

## Packages

Another version of one of these (local labels such as `+cpu` left out) runs the rule again:

| rule | packages |
| --- | --- |
{packages}
"""


if __name__ == "__main__":
    DOCUMENT.write_text(document())
