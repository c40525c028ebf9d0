"""The settings of a run that the result of each stage depends on: one function per stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from epochreel.experiment_api import source_checks
from epochreel.film import ffmpeg
from epochreel.plan.run_settings import RunSettings

Settings = dict[str, Any]

_PACE = ("seconds_per_snapshot", "hold_seconds")
_ENCODER = (*_PACE, "ffmpeg")
_ADAM = ("beta1", "beta2", "epsilon")
OPTIMIZER_SETTINGS = {
    "adadelta": ("rho", "epsilon"),
    "sgd": ("momentum",),
    "adam": _ADAM,
    "adamw": _ADAM,
}
_PLATEAU = ("plateau_failures", "plateau_factor")


def train(run: RunSettings) -> Settings:
    """The data, the network and the training, with only the arguments of its optimizer."""
    training = run.settings["training"]
    chosen = {name: run.settings[name] for name in ("seed", "snapshots_per_epoch")}
    unused = {name for names in OPTIMIZER_SETTINGS.values() for name in names}
    unused -= set(OPTIMIZER_SETTINGS[training["optimizer"]])
    if training["plateau_batches"] is None:
        unused |= set(_PLATEAU)
    chosen["training"] = {key: value for key, value in training.items() if key not in unused}
    names = ("train", "seed") if run.dataset.is_stream else ()
    drawn = {name: run.dataset.settings[name] for name in names}
    chosen["examples"] = stored_examples(run)
    return {"data": _data(run) | drawn, "network": run.network, **chosen}


def stored_examples(run: RunSettings) -> dict[str, int]:
    """The number of examples in the stored splits that a training reads."""
    splits = ("validation",) if run.dataset.is_stream else ("train", "validation")
    return {split: run.dataset.settings[split] for split in splits}


def describe_network(run: RunSettings) -> Settings:
    """The network, and the data whose first example it is run on."""
    names = ("train", "seed") if run.dataset.is_stream else ()
    drawn = {name: run.dataset.settings[name] for name in names}
    return {"data": _data(run) | drawn, "network": run.network, "seed": run.settings["seed"]}


def evaluate(run: RunSettings) -> Settings:
    """The test set, the network and the evaluation."""
    settings = {"data": _data(run), "examples": _test_examples(run), "network": run.network}
    return settings | {"evaluation": run.settings["evaluation"]}


def summarize(run: RunSettings) -> Settings:
    """No settings: the metrics are those of the evaluations."""
    return {}


def project(run: RunSettings) -> Settings:
    """The kind of projection; for a fit over all snapshots, their number."""
    experiment = {"experiment": run.dataset.settings["experiment"]}
    settings = {"data": experiment, "projection": run.projection}
    settings |= {"snapshots": run.snapshots} if run.has_fit else {}
    return settings | {"seed": run.settings["seed"]}


def render(run: RunSettings) -> Settings:
    """The content of a frame, and the time axis of its curves."""
    training = run.settings["training"]
    figure = {**run.figure, "time_axis": run.figure["time_axis"] or run.epochs}
    del figure["transitions"]
    return {
        "data": _data(run),
        "examples": _test_examples(run),
        "network": run.network,
        "title": run.settings["title"],
        "figure": figure,
        "snapshots_per_epoch": run.settings["snapshots_per_epoch"],
        "batches_per_epoch": training["batches_per_epoch"],
        "batch": training["batch"],
    }


def render_transitions(run: RunSettings) -> Settings:
    """The settings of `render`, and the number of pictures between two snapshots."""
    return {"transitions": run.figure["transitions"], **render(run)}


def film(*names: str) -> Callable[[RunSettings], Settings]:
    """The settings of a film format: `names` are the keys of `film` that it reads."""

    def settings(run: RunSettings) -> Settings:
        chosen = {name: run.settings["film"][name] for name in names}
        if chosen.get("ffmpeg") == "system":
            chosen["version"] = ffmpeg.ffmpeg_version(chosen)
        return {"film": chosen, **{name: run.figure[name] for name in ("width", "height")}}

    return settings


def titled_film(*names: str) -> Callable[[RunSettings], Settings]:
    """The settings of a film format whose metadata holds the title.

    The number of snapshots counts: frames with a user-defined `time_axis` do not depend on it,
    and without it a shorter run's film would pass for this one.
    """

    def settings(run: RunSettings) -> Settings:
        about = {"title": run.settings["title"], "snapshots": run.snapshots}
        return about | film(*names)(run)

    return settings


def encode(*names: str) -> Callable[[RunSettings], Settings]:
    """The settings of an encoded film, including those of its pace."""
    return titled_film(*_ENCODER, *names)


def encode_gif(run: RunSettings) -> Settings:
    """The settings of the GIF, which holds no title."""
    return film(*_ENCODER, "gif_width", "gif_frames_per_second")(run)


def write_captions(run: RunSettings) -> Settings:
    """The pace of the film, and the settings that its sentences depend on."""
    names = ("data", "snapshots_per_epoch", "batches_per_epoch", "batch")
    chosen = {name: render(run)[name] for name in names}
    pace = {name: run.settings["film"][name] for name in _PACE}
    if source_checks.defines(run.experiment.file("figure"), "sentences"):
        chosen["figure"] = run.figure["settings"]
    return {"film": pace, "snapshots": run.snapshots, **chosen}


def predict(run: RunSettings) -> Settings:
    """The network of the last snapshot."""
    return {"data": _data(run), "network": run.network, "snapshot": run.snapshots - 1}


def _data(run: RunSettings) -> Settings:
    return {name: run.dataset.settings[name] for name in ("experiment", "settings")}


def _test_examples(run: RunSettings) -> dict[str, int]:
    return {"test": run.dataset.settings["test"]}
