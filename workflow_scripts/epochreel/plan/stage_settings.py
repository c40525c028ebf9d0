"""The settings that the result of each stage depends on, one function per stage.

They have their config keys: the terminal names what has changed (see `runtime.terminal.reasons`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from epochreel.film import ffmpeg
from epochreel.plan import snapshot_schedule
from epochreel.plan.run_settings import RunSettings

Settings = dict[str, Any]

_HOLDS = ("opening_seconds", "hold_seconds", "closing_seconds")
_ENCODER = ("ffmpeg", "threads", "keyframe_seconds")
_PACES = {"even": ("seconds_per_snapshot",), "change": ("seconds", "max_seconds_per_snapshot")}


def train(run: RunSettings) -> Settings:
    """Return the data, the network and the training."""
    names = ("train", "seed") if run.dataset.is_stream else ()
    generated = {name: run.dataset.settings[name] for name in names}
    return {
        "data": _data(run) | generated,
        "examples": stored_examples(run),
        "network": run.network,
        "seed": run.settings["seed"],
        "snapshots": snapshot_schedule.identity(run.schedule),
        "training": run.training,
    }


def stored_examples(run: RunSettings) -> dict[str, int]:
    """Return the number of examples in each stored split that a training reads."""
    splits = ("validation",) if run.dataset.is_stream else ("train", "validation")
    return {split: run.dataset.settings[split] for split in splits}


def describe_network(run: RunSettings) -> Settings:
    """Return the network, and the data whose first example it processes."""
    names = ("train", "seed") if run.dataset.is_stream else ()
    generated = {name: run.dataset.settings[name] for name in names}
    return {"data": _data(run) | generated, "network": run.network, "seed": run.settings["seed"]}


def evaluate(run: RunSettings) -> Settings:
    """Return the test set, the network and the evaluation."""
    settings = {"data": _data(run), "examples": _test_examples(run), "network": run.network}
    return settings | {"evaluation": run.settings["evaluation"]}


def summarize(run: RunSettings) -> Settings:
    """Return what the sentences depend on: data, cast, and the lengths of epochs and phases."""
    names = ("sentence_snapshots", "first_sentence_snapshots")
    return {name: getattr(run, name) for name in names} | _story(run)


def project(run: RunSettings) -> Settings:
    """Return the projection, and the number of snapshots if it is fitted to all of them."""
    experiment = {"experiment": run.dataset.settings["experiment"]}
    settings = {"data": experiment, "projection": run.projection}
    settings |= {"snapshots": run.snapshots} if run.has_fit else {}
    return settings | {"seed": run.settings["seed"]}


def render(run: RunSettings) -> Settings:
    """Return the content of a frame, and its panels unless the experiment's figure.py has them.

    The library's panels need `train_sample` to leave out the rows of the training sample.
    """
    found = picture(run)
    if not run.has_own_figure:
        sample = run.settings["evaluation"]["train_sample"]
        found["figure"] |= {"panels": run.panels, "train_sample": sample}
    return found


def picture(run: RunSettings) -> Settings:
    """Return the content of any picture, and the time axis of its curves."""
    names = (
        *("width", "height", "theme", "palette", "time_unit", "time_scale", "time_axis"),
        *("examples", "settings"),
    )
    figure = {name: run.figure[name] for name in names} | {"time_start": run.time_start}
    return {
        "data": _data(run),
        "examples": _test_examples(run),
        "network": run.network,
        "title": run.settings["title"],
        "figure": figure,
        "steps_per_epoch": run.steps_per_epoch,
        "batch_size": run.training["batch_size"],
    }


def render_transitions(run: RunSettings) -> Settings:
    """Return the settings of `render`, and the number of pictures between two snapshots."""
    return {"tweens": run.figure["tweens"], **render(run)}


def timeline(run: RunSettings) -> Settings:
    """Return the settings of the film's pace, and the experiment if its metrics set the pace."""
    film = run.settings["film"]
    names = ("pace", *_PACES[film["pace"]], *_HOLDS)
    settings = {"film": {name: film[name] for name in names}, "snapshots": run.snapshots}
    experiment = {"data": {"experiment": run.dataset.settings["experiment"]}}
    return settings | (experiment if run.is_paced_by_change else {})


def render_closing(run: RunSettings) -> Settings:
    """Return the settings of `render`, and the number of snapshots, of which the last is shown."""
    return {"snapshots": run.snapshots, **picture(run)}


def film(*names: str) -> Callable[[RunSettings], Settings]:
    """Return the settings function of a film format that reads the keys `names` of `film`."""

    def settings(run: RunSettings) -> Settings:
        chosen = {name: run.settings["film"][name] for name in names}
        if chosen.get("ffmpeg") == "system":
            chosen["version"] = ffmpeg.ffmpeg_version(chosen)
        return {"film": chosen, **{name: run.figure[name] for name in ("width", "height")}}

    return settings


def encode(run: RunSettings) -> Settings:
    """Return the settings of a film that is joined from segments."""
    about = {"title": run.settings["title"], "snapshots": run.snapshots}
    return about | film("ffmpeg", "segment")(run)


def encode_segment(*names: str) -> Callable[[RunSettings], Settings]:
    """Return the settings function of a segment of snapshots; `names` select the quality.

    If the pace is even, they include neither the length of the run nor the end of the film.
    """
    return _of_segment("segment", *names, change=("hold_seconds",))


def encode_closing(*names: str) -> Callable[[RunSettings], Settings]:
    """Return the settings function of the segment at the end of a film."""
    return _of_segment("hold_seconds", "closing_seconds", *names)


def _of_segment(*names: str, change: tuple[str, ...] = ()) -> Callable[[RunSettings], Settings]:
    """Return the settings function of any segment; `change` are settings for that pace only."""
    paces = {"even": ("seconds_per_snapshot", "opening_seconds"), "change": change}

    def settings(run: RunSettings) -> Settings:
        chosen = (*_ENCODER, *names, "pace", *paces[run.settings["film"]["pace"]])
        return {"tweens": run.figure["tweens"]} | film(*chosen)(run)

    return settings


def encode_gif(run: RunSettings) -> Settings:
    """Return the settings of the GIF, which has no title."""
    return film("ffmpeg", "gif_width", "gif_frames_per_second")(run)


def write_captions(run: RunSettings) -> Settings:
    """Return the number of snapshots, and the settings that place the sentence in a frame."""
    figure = {name: run.figure[name] for name in ("width", "height", "theme")}
    return {"snapshots": run.snapshots, "figure": figure}


def cast(run: RunSettings) -> Settings:
    """Return the data and the last snapshot, whose evaluation is graded."""
    examples = {"examples": _test_examples(run), "snapshot": run.snapshots - 1}
    return {"data": _data(run), **examples}


def write_report(run: RunSettings) -> Settings:
    """Return what the pages of a run depend on: its settings, except those without effect."""
    data = run.dataset.settings
    names = ("seed", "epochs", "snapshots", "evaluation")
    shown = {
        "title": run.settings["title"],
        "dataset": {name: data[name] for name in ("experiment", "train", "validation", "test")}
        | {"seed": data["seed"], "settings": data["settings"]},
        "network": run.network,
        "training": run.training,
        **{name: run.settings[name] for name in names},
        **({"projection": run.projection} if run.projects else {}),
        "figure": run.figure | ({"panels": run.panels} if run.panels else {}),
        "film": timeline(run)["film"] | encode_segment("crf", "preset")(run)["film"],
    }
    about = {"title": run.settings["title"], "snapshots": run.snapshots}
    return {"data": _data(run), "shown": shown, **about}


def predict(run: RunSettings) -> Settings:
    """Return the network of the last snapshot."""
    return {"data": _data(run), "network": run.network, "snapshot": run.snapshots - 1}


def _story(run: RunSettings) -> Settings:
    return {
        "data": _data(run),
        "figure": {"examples": run.figure["examples"]},
        "steps_per_epoch": run.steps_per_epoch,
        "batch_size": run.training["batch_size"],
    }


def _data(run: RunSettings) -> Settings:
    return {name: run.dataset.settings[name] for name in ("experiment", "settings")}


def _test_examples(run: RunSettings) -> dict[str, int]:
    return {"test": run.dataset.settings["test"]}
