"""The plan of the workflow: what the config asks for, as numbers, paths and settings of stages."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

from epochreel import experiments, own, provenance, schema, video
from epochreel.errors import UserError, shown
from epochreel.provenance import code_digest, versions

SPLITS = ("train", "validation", "test")
UNBOUNDED = "unbounded"
MOST_SHARDS = 100_000  # of a split: their names have five digits
SCRIPTS = Path(__file__).parent.parent
SCHEMA = SCRIPTS.parent / "config.schema.yaml"


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
_PROJECTED = ("numpy", "pyarrow", "numba", "llvmlite", "scipy", "scikit-learn")
_PROJECTED += ("umap-learn", "pynndescent")
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
    "read": Stage("read", ("reading", "model"), (*_TORCH, "pandas")),
    "draw_reading": Stage("draw_reading", ("reading", "model"), _READ_AND_DRAWN, "picture"),
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
FILM_WIDE = ("aligned_umap", "linear")
"""Projections that are one fit over all snapshots."""
_PLATEAU = ("plateau_failures", "plateau_factor")


class Plan:
    """A checked config. `base` is the folder that its relative paths start from.

    Raises `UserError` for a config that cannot be carried out.
    """

    def __init__(self, config: Mapping[str, Any], base: Path):
        self.base = base
        checked = schema.checked(dict(config), _manual())
        self.size: int = checked["snapshots_per_block"]
        self.datasets = {
            name: Dataset(name, settings, self) for name, settings in checked["datasets"].items()
        }
        self.runs = {name: Run(name, settings, self) for name, settings in checked["runs"].items()}
        self.main = self.run(checked["main_run"], "main_run")
        self.checked = checked

    @property
    def places(self) -> list[str]:
        """The trailing digits of the snapshots of one block: `00` … `99` for blocks of 100."""
        width = len(str(self.size)) - 1
        return [f"{place:0{width}d}" if width else "" for place in range(self.size)]

    @property
    def block_digits(self) -> int:
        """The number of leading digits that name a block."""
        return 6 - (len(str(self.size)) - 1)

    def run(self, name: str, key: str | None = None) -> Run:
        """The run of that name, or `UserError`; `key` is the config's key that names it."""
        return _named("run", name, self.runs, key)

    @staticmethod
    def pattern_of(runs: Iterable[Run]) -> str:
        """A regular expression that matches the names of `runs` alone, and nothing for none."""
        return "|".join(run.name for run in runs) or "(?!)"

    def refuse_targets_beyond(self, targets: Iterable[str]) -> None:
        """Refuse to make a file of a snapshot that its run does not have (`UserError`).

        The places of a block after the run's last snapshot are there for Snakemake alone.
        """
        for target in targets or ():
            path = os.path.relpath(target) if target else ""
            match = re.fullmatch(r"results/([^/]+)/[a-z]+/(\d{6})\.\w+", path)
            if match and match[1] in self.runs:
                run = self.runs[match[1]]
                if int(match[2]) >= run.snapshots:
                    raise UserError(f"{target}: run '{run.name}' ends at snapshot {run.last}")

    def dataset(self, name: str, key: str | None = None) -> Dataset:
        """The dataset of that name, or `UserError`; `key` is the config's key that names it."""
        return _named("dataset", name, self.datasets, key)


class Dataset:
    """One dataset of the config."""

    def __init__(self, name: str, settings: dict[str, Any], plan: Plan):
        self.name, self.plan = name, plan
        self.experiment = experiments.find(settings["experiment"], plan.base)
        self._schema = _experiment_schema(self.experiment)
        where = f"datasets.{name}.settings"
        settings["settings"] = self.check("data", settings["settings"], where)
        self.settings = settings
        for split in SPLITS:
            self._refuse_many_shards(split)

    def _refuse_many_shards(self, split: str) -> None:
        count = self._shard_count(split)
        if count > MOST_SHARDS:
            each = self.settings["examples_per_shard"]
            raise UserError(
                f"config: 'datasets.{self.name}.examples_per_shard' holds {each}, which makes "
                f"{count} shards of the split {split}; there may be {MOST_SHARDS}: make them larger"
            )

    def check(self, part: str, value: Any, where: str) -> Any:
        """`value` checked against the experiment's own schema of `part`, defaults filled in."""
        return own.checked(self.experiment, part, value, self._schema.get(part, {}), where)

    @property
    def is_stream(self) -> bool:
        """Whether the training set is unbounded: drawn while it is used, and in no shard."""
        return self.settings["train"] == UNBOUNDED

    def _shard_count(self, split: str) -> int:
        examples = self.settings[split]
        return 0 if examples == UNBOUNDED else -(-examples // self.settings["examples_per_shard"])

    def shards(self, split: str) -> list[str]:
        """The paths of a split's shards; none for an unbounded training set."""
        numbers = range(self._shard_count(split))
        return [f"results/datasets/{self.name}/{split}/{i:05d}.parquet" for i in numbers]

    def sample(self, count: int) -> list[str]:
        """The shards that hold the first `count` training examples."""
        return self.shards("train")[: -(-count // self.settings["examples_per_shard"])]

    def keys(self) -> dict[str, str]:
        """What each shard should follow from, by path."""
        return {
            path: provenance.key(self.shard_settings(split, Path(path).stem))
            for split in SPLITS
            for path in self.shards(split)
        }

    def folders(self) -> dict[str, Path]:
        """The folders of the user's that the settings name, by key."""
        keys = schema.folders(self._schema.get("data", {}))
        named = {key: self.settings["settings"].get(key) for key in keys}
        return {key: self.plan.base / value for key, value in named.items() if value is not None}

    def files(self) -> list[str]:
        """The files in those folders that its data are made from, sorted.

        Relative to the working folder, so that all may move together. Raises `UserError` for a
        folder that is none, and for a file whose name Snakemake cannot carry.
        """
        for key, folder in self.folders().items():
            if not _is_folder(folder):
                raise UserError(
                    f"config: 'datasets.{self.name}.settings.{key}': "
                    f"there is no folder {shown(str(folder), 500)}"
                )
        suffixes = schema.suffixes(self._schema.get("data", {}))
        found = (
            path
            for key, folder in self.folders().items()
            for path in folder.rglob("*")
            if path.suffix.lower() in suffixes.get(key, [path.suffix.lower()])
        )
        files = sorted(os.path.relpath(path) for path in found if path.is_file())
        for file in files:
            _refuse_odd_name(file)
        return files

    def shard_settings(self, split: str, shard: str) -> dict[str, Any]:
        """What generating one shard follows from."""
        if self.settings[split] == UNBOUNDED:
            raise UserError(
                f"dataset '{self.name}' has no shards of its split {split}: it is unbounded"
            )
        first = int(shard) * self.settings["examples_per_shard"]
        count = min(self.settings["examples_per_shard"], self.settings[split] - first)
        if count < 1:
            raise UserError(
                f"dataset '{self.name}' has {self.settings[split]} examples in its split {split}: "
                f"there is no shard {shard}"
            )
        return self._generate() | {
            "split": split,
            "first": first,
            "count": count,
            "folders": sorted(self.folders()),
        }

    def _generate(self) -> dict[str, Any]:
        """What is common to all shards."""
        names = ("experiment", "seed", "settings")
        settings = {name: self.settings[name] for name in names}
        return _stage_settings("generate", self.experiment, settings)

    @cached_property
    def made(self) -> str:
        """The digest of the key that all shards carry."""
        return provenance.key_digest(self._generate())


class Run:
    """One run of the config."""

    def __init__(self, name: str, settings: dict[str, Any], plan: Plan):
        self.name, self.plan, self.settings = name, plan, settings
        self.dataset = plan.dataset(settings["dataset"], f"runs.{name}.dataset")
        where = f"runs.{name}"
        self.network = self.dataset.check("network", settings["network"], f"{where}.network")
        kinds = schema.by_name(_manual()["$defs"]["projections"])
        self.projection = schema.checked(settings["projection"], kinds, f"{where}.projection")
        figure = settings["figure"]
        drawn = self.dataset.check("figure", figure["settings"], f"{where}.figure.settings")
        self.figure = figure | {"settings": drawn}
        self._told: dict[str, dict[str, Any]] = {}
        self._refuse_contradictions(where)

    def _refuse_contradictions(self, where: str) -> None:
        settings, training = self.settings, self.settings["training"]
        batches = training["batches_per_epoch"]
        if settings["snapshots_per_epoch"] > batches:
            raise UserError(
                f"config: '{where}.snapshots_per_epoch' holds {settings['snapshots_per_epoch']}; "
                f"it may hold at most one snapshot a batch, and an epoch has {batches}"
            )
        if self.snapshots > 999_999:
            raise UserError(
                f"config: '{where}.epochs' makes {self.snapshots} snapshots; "
                "six digits name at most 999999"
            )
        try:
            video.frames_per_snapshot(settings["film"])
        except UserError as error:
            raise UserError(f"config: '{where}.film': {error}") from None
        axis = self.figure["time_axis"]
        if axis is not None and axis < settings["epochs"]:
            raise UserError(
                f"config: '{where}.figure.time_axis' holds {axis}; "
                f"it may hold {settings['epochs']} (the run's epochs) or more"
            )
        if training["plateau_batches"] and not self.dataset.settings["validation"]:
            raise UserError(
                f"config: '{where}.training.plateau_batches' holds {training['plateau_batches']}, "
                f"and the dataset '{self.dataset.name}' has no validation examples to look at"
            )
        self._refuse_sample(where)
        self._refuse_tweens(where)
        lacking = "" if settings["title"].isascii() else _lacking(settings["title"])
        if lacking:
            raise UserError(
                f"config: '{where}.title' has the letter {shown(lacking[0])}, which the frames' "
                "font (DejaVu Sans) lacks; it may hold letters of that font"
            )
        self._refuse_what_the_experiment_refuses(where)

    def _refuse_sample(self, where: str) -> None:
        asked = self.settings["evaluation"]["train_sample"]
        stored = 0 if self.dataset.is_stream else self.dataset.settings["train"]
        if asked > stored:
            raise UserError(
                f"config: '{where}.evaluation.train_sample' holds {asked}; the dataset "
                f"'{self.dataset.name}' stores {stored} training examples"
            )

    def _refuse_tweens(self, where: str) -> None:
        asked, shown = self.figure["tweens"], video.frames_per_snapshot(self.settings["film"])
        if asked and not self.projects:
            raise UserError(
                f"config: '{where}.figure.tweens' holds {asked}; the experiment "
                f"'{self.dataset.settings['experiment']}' projects no points: it may hold 0"
            )
        if asked >= shown and asked:
            raise UserError(
                f"config: '{where}.figure.tweens' holds {asked}; it may hold at most {shown - 1}, "
                f"since a snapshot is shown for {shown} film frame(s) (film.seconds_per_snapshot)"
            )

    def _refuse_what_the_experiment_refuses(self, where: str) -> None:
        data, figure = self.dataset.settings, self.figure["settings"]
        examples = data["test"], self.settings["evaluation"]["train_sample"]
        shown = figure, self.settings["film"]
        settings = (data["settings"], self.network, *shown, *examples)
        for key, words in own.contradictions(self.experiment, *settings):
            raise UserError(f"config: '{where}.{key}' {words}")

    @property
    def experiment(self) -> experiments.Experiment:
        """The run's experiment."""
        return self.dataset.experiment

    @property
    def snapshots(self) -> int:
        """How many snapshots the run has, the untrained network included."""
        return self.settings["epochs"] * self.settings["snapshots_per_epoch"] + 1

    @property
    def keeps_all(self) -> bool:
        """Whether all checkpoints are kept."""
        return self.settings["keep_checkpoints"] == "all"

    @property
    def last(self) -> str:
        """The number of the last snapshot, in six digits."""
        return f"{self.snapshots - 1:06d}"

    def numbers(self) -> list[str]:
        """The numbers of all snapshots, in six digits."""
        return [f"{snapshot:06d}" for snapshot in range(self.snapshots)]

    def blocks(self) -> list[str]:
        """The names of all blocks: the leading digits of their snapshots' numbers."""
        count = -(-self.snapshots // self.plan.size)
        return [f"{block:0{self.plan.block_digits}d}" for block in range(count)]

    def real(self, block: str) -> int:
        """How many snapshots of a block lie within the run; `UserError` where none does."""
        count = min(self.plan.size, self.snapshots - int(block) * self.plan.size)
        if count < 1:
            raise UserError(f"run '{self.name}' ends at snapshot {self.last}")
        return count

    def paths(self, kind: str, suffix: str) -> list[str]:
        """One path per snapshot, such as `results/<run>/frames/000042.png`."""
        return [f"results/{self.name}/{kind}/{number}.{suffix}" for number in self.numbers()]

    def kept(self) -> Iterator[str]:
        """Everything of the run that is kept, the film and the network first."""
        yield f"results/{self.name}/training.mp4"
        yield f"results/{self.name}/network.safetensors"
        yield from self.paths("frames", "png")
        yield from self.paths("evaluations", "parquet")
        yield from self.summaries()
        yield from self.projections()
        yield from self.tweens()
        if self.keeps_all:
            yield from self.paths("checkpoints", "safetensors")
            yield from self.states()
        for split in SPLITS:
            yield from self.dataset.shards(split)

    @property
    def manifest(self) -> str:
        """The path of the run's manifest."""
        return f"results/{self.name}/manifest.json"

    def keys(self) -> dict[str, str]:
        """What each kept artifact that carries its key should follow from, by path."""
        kinds = {
            "evaluate": self.paths("evaluations", "parquet"),
            "summarize": self.summaries(),
            "render": self.paths("frames", "png"),
        }
        if self.projects:
            kinds["project"] = self.projections()
        if self.tweens():
            kinds["render_tweens"] = self.tweens()
        keys, stages = self.dataset.keys(), self.stages()
        for stage, paths in kinds.items():
            keys |= dict.fromkeys(paths, stages[stage])
        return keys

    def stages(self) -> dict[str, str]:
        """What the stages that make the kept artifacts follow from, by stage."""
        names = ["train", "evaluate", "summarize", "render", "encode"]
        names += ["project"] if self.projects else []
        names += ["fit_projection"] if self.film_projection() else []
        names += ["render_tweens"] if self.tweens() else []
        return {name: provenance.key(self.stage_settings(name)) for name in names}

    def summaries(self) -> list[str]:
        """The paths of the summaries of all blocks."""
        return [f"results/{self.name}/summaries/{block}.parquet" for block in self.blocks()]

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
            made = _stage_settings("train_on_stream", self.experiment, settings)
            return made | reads | {"folders": sorted(self.dataset.folders())}
        more = ()
        if stage in ("project", "fit_projection"):
            # The kind is found by its name, not imported.
            more = (provenance.LIBRARY / "projecting" / f"{self.projection['name']}.py",)
        return _stage_settings(stage, self.experiment, settings, more) | reads

    def _reads(self, stage: str) -> dict[str, str]:
        has = {
            "generate": stage != "train" or any(self._learnt_from().values()),
            "fit_projection": self.film_projection(),
            "project": self.projects,
            "render_tweens": self.tweens(),
        }
        return {name: self.made(name) for name in READS.get(stage, ()) if has.get(name, True)}

    def made(self, stage: str) -> str:
        """The digest of the key that the artifacts of a stage carry."""
        if stage == "generate":
            return self.dataset.made
        return provenance.key_digest(self.stage_settings(stage))

    def block_settings(self, stage: str, block: str) -> dict[str, Any]:
        """The same for one block, with its number of real snapshots."""
        place = {"first": int(block) * self.plan.size, "real": self.real(block)}
        return self.stage_settings(stage) | place

    @property
    def projects(self) -> bool:
        """Whether the film shows points of many dimensions in the plane."""
        return self.experiment.file("projection").is_file()

    def projections(self) -> list[str]:
        """The layouts of all snapshots, where there are such."""
        return self.paths("projections", "parquet") if self.projects else []

    def tweens(self) -> list[str]:
        """The pictures that lead to each snapshot, where there are such."""
        return self.paths("tweens", "png") if self.figure["tweens"] else []

    def film_projection(self) -> list[str]:
        """The fit over all snapshots, where the run's projection is one."""
        is_wide = self.projects and self.projection["name"] in FILM_WIDE
        return [f"results/{self.name}/projection.parquet"] if is_wide else []

    def shown_before(self, block: str) -> list[str]:
        """The evaluation and the projection of the last snapshot before a block, if any."""
        snapshot = int(block) * self.plan.size - 1
        kinds = ("evaluations", "projections") if snapshot >= 0 else ()
        return [f"results/{self.name}/{kind}/{snapshot:06d}.parquet" for kind in kinds]

    def projected_before(self, block: str) -> list[str]:
        """The same for a projection that goes on from the snapshot before."""
        return [] if self.film_projection() else self.shown_before(block)

    def sample(self) -> list[str]:
        """The shards with the training examples that are tried beside the test set."""
        return self.dataset.sample(self.settings["evaluation"]["train_sample"])

    def files_of_stream(self) -> list[str]:
        """The user's files that an unbounded training set is drawn from, sorted."""
        return self.dataset.files() if self.dataset.is_stream else []

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
        settings |= {"snapshots": self.snapshots} if self.film_projection() else {}
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

    @property
    def epochs(self) -> int:
        """How long the run trains."""
        return self.settings["epochs"]

    def states(self) -> list[str]:
        """The paths of what each block of checkpoints declares."""
        return [f"results/{self.name}/states/{block}.json" for block in self.blocks()]

    def last_state(self) -> str:
        """The path of what the last block of checkpoints declares."""
        return self.states()[-1]

    def last_summary(self) -> str:
        """The path of the summary of all the run's snapshots."""
        return self.summaries()[-1]

    def _film(self, stage: str) -> dict[str, Any]:
        """As the pictures alone, with what the film's metadata say: title and settings digest."""
        stages = ("train", "evaluate", "render")
        names = ("experiment", "seed", "train", "test", "settings")
        data = {name: self.dataset.settings[name] for name in names}
        parts = [self.stage_settings(name)["settings"] for name in stages]
        digest = provenance.digest([data, *parts])
        return {"title": self.settings["title"], "digest": digest, **self._pictures(stage)}

    def _pictures(self, stage: str) -> dict[str, Any]:
        film = {name: self.settings["film"][name] for name in FILM_SETTINGS[stage]}
        if film.get("ffmpeg") == "system":
            film["version"] = video.ffmpeg_version(film)
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


@cache
def _manual() -> Mapping[str, Any]:
    return schema.load_yaml(SCHEMA.read_text("utf-8"))


def _stage_settings(
    name: str,
    experiment: experiments.Experiment,
    settings: Mapping[str, Any],
    more: tuple[Path, ...] = (),
) -> dict[str, Any]:
    """`more` are files that the stage runs, beside those of `files_of`."""
    stage = STAGES[name]
    return {
        "settings": dict(settings),
        "reads": {},
        "code": _code(name, experiment, more),
        "versions": versions(stage.packages),
    }


@cache
def _code(name: str, experiment: experiments.Experiment, more: tuple[Path, ...]) -> str:
    folder = None if experiment.is_builtin else experiment.folder
    return code_digest([*files_of(name, experiment), *more], folder)


def files_of(name: str, experiment: experiments.Experiment) -> list[Path]:
    """The files that a stage starts from: its script, and the experiment's for it."""
    stage = STAGES[name]
    files = [SCRIPTS / f"{stage.script}.py", *map(experiment.file, stage.modules)]
    for file in files:
        if not file.is_file():
            raise UserError(f"{shown(str(file), 500)} is missing: '{name}' cannot be made without")
    if stage.function and not experiment.defines(stage.modules[0], stage.function):
        file = shown(str(files[1]), 500)
        raise UserError(f"{file} does not define {stage.function}: '{name}' cannot be made without")
    return files


def _experiment_schema(experiment: experiments.Experiment) -> Mapping[str, Any]:
    """The schemas of an experiment's own settings, by part: data, network, figure."""
    file = experiment.folder / own.SCHEMA
    parts = {}
    if experiment.is_builtin:
        parts = _manual()["$defs"].get(experiment.folder.name, {})
    elif file.is_file():
        parts = own.parts(file)
    network = {"network": schema.by_name(parts["networks"])} if "networks" in parts else {}
    return {**parts, **network}


def _lacking(title: str) -> str:
    from epochreel import fonts  # Only now: most titles need no look into a font.

    return fonts.lacking(title, "DejaVuSans-Bold.ttf")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # The name is too long, say.
        return False


def _refuse_odd_name(file: str) -> None:
    """Braces are wildcards to Snakemake; bytes that are no UTF-8 reach Python as surrogates."""
    if re.search("[{}\ud800-\udfff]", file):
        raise UserError(
            f"{shown(file, 500)}: Snakemake takes no path with braces, or with bytes that are no "
            "UTF-8: rename it"
        )


def _named(kind: str, name: str, known: Mapping[str, Any], key: str | None) -> Any:
    if name in known:
        return known[name]
    names = ", ".join(known)
    if key is None:
        raise UserError(f"there is no {kind} {shown(name)} in the config; it has {names}")
    raise UserError(f"config: '{key}' holds {shown(name)}; it may hold one of {names}")
