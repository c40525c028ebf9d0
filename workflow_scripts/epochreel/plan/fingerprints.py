"""What the results of a run's stages follow from."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from epochreel.film import ffmpeg
from epochreel.plan.stages import READS, stage_settings
from epochreel.provenance import keys

if TYPE_CHECKING:
    from epochreel.plan.run import Run

_PACE = ("seconds_per_snapshot", "hold_seconds")
FILM_SETTINGS = {
    "encode": (*_PACE, "ffmpeg", "threads", "crf", "preset"),
    "encode_webm": (*_PACE, "ffmpeg", "threads", "webm_codec"),
    "encode_gif": (*_PACE, "ffmpeg", "gif_width", "gif_frames_per_second"),
    "save_poster": ("poster",),
    "write_captions": _PACE,
}
_ADAM = ("beta1", "beta2", "epsilon")
OPTIMIZER_SETTINGS = {
    "adadelta": ("rho", "epsilon"),
    "sgd": ("momentum",),
    "adam": _ADAM,
    "adamw": _ADAM,
}
_PLATEAU = ("plateau_failures", "plateau_factor")


class Origins:
    """What the results of the stages of one run follow from, as it asks for them."""

    def __init__(self, run: Run):
        self.settings, self.dataset, self.experiment = run.settings, run.dataset, run.experiment
        self.network, self.projection, self.figure = run.network, run.projection, run.figure
        self.epochs, self.snapshots = run.epochs, run.snapshots
        self._has_fit = bool(run.film_projection())
        self._has_layouts = run.projects
        self._told: dict[str, dict[str, Any]] = {}

    def stage_settings(self, stage: str) -> dict[str, Any]:
        """What a stage's results follow from: its settings, its code and its packages' versions.

        Also, by stage, the digests of the keys that what it reads must carry. Each stage is told
        once and then known: those after it ask for it again for each of their blocks.
        """
        if stage not in self._told:
            self._told[stage] = self._tell(stage)
        return dict(self._told[stage])

    def _tell(self, stage: str) -> dict[str, Any]:
        settings = self._stages[stage]()
        reads = {"reads": self._reads(stage)}
        if stage == "train" and self.dataset.is_stream:
            made = stage_settings("train_on_stream", self.experiment, settings)
            return made | reads | {"folders": sorted(self.dataset.folders())}
        projection = self.projection["name"] if stage in ("project", "fit_projection") else None
        return stage_settings(stage, self.experiment, settings, projection) | reads

    def _reads(self, stage: str) -> dict[str, str]:
        has = {
            "generate": stage != "train" or any(self._learnt_from().values()),
            "fit_projection": self._has_fit,
            "project": self._has_layouts,
            "render_tweens": self.figure["tweens"],
        }
        return {name: self.made(name) for name in READS.get(stage, ()) if has.get(name, True)}

    def made(self, stage: str) -> str:
        """The digest of the key that the artifacts of a stage carry."""
        if stage == "generate":
            return self.dataset.made
        return keys.key_digest(self.stage_settings(stage))

    @cached_property
    def _stages(self) -> dict[str, Callable[[], dict[str, Any]]]:
        return {
            "train": self._train,
            "evaluate": self._evaluate,
            "summarize": self._summarize,
            "fit_projection": self._project,
            "project": self._project,
            "render": self._render,
            "render_tweens": self._render_tweens,
            "encode": partial(self._film, "encode"),
            "encode_webm": partial(self._film, "encode_webm"),
            "encode_gif": partial(self._pictures, "encode_gif"),
            "save_poster": partial(self._pictures, "save_poster"),
            "write_captions": self._captions,
            "read": self._read,
            "draw_reading": self._read,
            "draw_loop": self._render,
        }

    def _data(self) -> dict[str, Any]:
        return {name: self.dataset.settings[name] for name in ("experiment", "settings")}

    def _train(self) -> dict[str, Any]:
        training = self.settings["training"]
        chosen = {name: self.settings[name] for name in ("seed", "snapshots_per_epoch")}
        of_others = {name for names in OPTIMIZER_SETTINGS.values() for name in names}
        of_others -= set(OPTIMIZER_SETTINGS[training["optimizer"]])
        if training["plateau_batches"] is None:
            of_others |= set(_PLATEAU)
        chosen["training"] = {k: value for k, value in training.items() if k not in of_others}
        names = ("train", "seed") if self.dataset.is_stream else ()
        drawn = {name: self.dataset.settings[name] for name in names}
        chosen["examples"] = self._learnt_from()
        return {"data": self._data() | drawn, "network": self.network, **chosen}

    def _learnt_from(self) -> dict[str, int]:
        """How many examples the stored splits have that a training reads."""
        splits = ("validation",) if self.dataset.is_stream else ("train", "validation")
        return {split: self.dataset.settings[split] for split in splits}

    def _tried_on(self) -> dict[str, int]:
        return {"test": self.dataset.settings["test"]}

    def _evaluate(self) -> dict[str, Any]:
        settings = {"data": self._data(), "examples": self._tried_on(), "network": self.network}
        return settings | {"evaluation": self.settings["evaluation"]}

    def _summarize(self) -> dict[str, Any]:
        return {}

    def _project(self) -> dict[str, Any]:
        experiment = {"experiment": self.dataset.settings["experiment"]}
        settings = {"data": experiment, "projection": self.projection}
        settings |= {"snapshots": self.snapshots} if self._has_fit else {}
        return settings | {"seed": self.settings["seed"]}

    def _render_tweens(self) -> dict[str, Any]:
        return {"tweens": self.figure["tweens"], **self._render()}

    def _render(self) -> dict[str, Any]:
        training = self.settings["training"]
        figure = {**self.figure, "time_axis": self.figure["time_axis"] or self.epochs}
        del figure["tweens"]
        return {
            "data": self._data(),
            "examples": self._tried_on(),
            "network": self.network,
            "title": self.settings["title"],
            "figure": figure,
            "snapshots_per_epoch": self.settings["snapshots_per_epoch"],
            "batches_per_epoch": training["batches_per_epoch"],
            "batch": training["batch"],
        }

    def _film(self, stage: str) -> dict[str, Any]:
        """As the pictures alone, with how many these are, and what the film's metadata say.

        That is the title and a digest of settings. Pictures with a `time_axis` of one's own do not
        follow from their number: without it, a shorter run's film would pass for this one.
        """
        stages = ("train", "evaluate", "render")
        names = ("experiment", "seed", "train", "test", "settings")
        data = {name: self.dataset.settings[name] for name in names}
        parts = [self.stage_settings(name)["settings"] for name in stages]
        digest = keys.digest([data, *parts])
        about = {"title": self.settings["title"], "digest": digest, "snapshots": self.snapshots}
        return about | self._pictures(stage)

    def _pictures(self, stage: str) -> dict[str, Any]:
        film = {name: self.settings["film"][name] for name in FILM_SETTINGS[stage]}
        if film.get("ffmpeg") == "system":
            film["version"] = ffmpeg.ffmpeg_version(film)
        size = {name: self.figure[name] for name in ("width", "height")}
        return {"film": film, **size}

    def _captions(self) -> dict[str, Any]:
        names = ("data", "snapshots_per_epoch", "batches_per_epoch", "batch")
        chosen = {name: self._render()[name] for name in names}
        film = {name: self.settings["film"][name] for name in FILM_SETTINGS["write_captions"]}
        if self.experiment.defines("figure", "sentences"):
            chosen["figure"] = self.figure["settings"]
        return {"film": film, "snapshots": self.snapshots, **chosen}

    def _read(self) -> dict[str, Any]:
        last = self.snapshots - 1
        return {"data": self._data(), "network": self.network, "snapshot": last}
