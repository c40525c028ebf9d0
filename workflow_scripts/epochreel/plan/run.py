"""The runs of a config: their snapshots, and the files that these make."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import Any

from epochreel.config import schema
from epochreel.core.errors import UserError
from epochreel.experiment_api.loader import Experiment
from epochreel.plan import schemas
from epochreel.plan.dataset import SPLITS, Dataset
from epochreel.plan.fingerprints import Origins
from epochreel.plan.validation import refuse_contradictions
from epochreel.provenance import keys as cache_keys

FILM_WIDE = ("aligned_umap", "linear")
"""Projections that are one fit over all snapshots."""
_MADE_BY = {
    "evaluations": "evaluate",
    "summaries": "summarize",
    "frames": "render",
    "projections": "project",
    "tweens": "render_tweens",
}
"""The kinds of kept artifacts of a run that carry their key, and the stages that make them."""


def block_digits(size: int) -> int:
    """The number of leading digits that name a block of `size` snapshots."""
    return 6 - (len(str(size)) - 1)


class Run:
    """One run of the config, its snapshots in blocks of `size`."""

    def __init__(self, name: str, settings: dict[str, Any], dataset: Dataset, size: int):
        self.name, self.settings, self.dataset, self.size = name, settings, dataset, size
        where = f"runs.{name}"
        self.network = self.dataset.check("network", settings["network"], f"{where}.network")
        kinds = schema.by_name(schemas.shared()["$defs"]["projections"])
        self.projection = schema.checked(settings["projection"], kinds, f"{where}.projection")
        figure = settings["figure"]
        drawn = self.dataset.check("figure", figure["settings"], f"{where}.figure.settings")
        self.figure = figure | {"settings": drawn}
        refuse_contradictions(self, where)

    @property
    def experiment(self) -> Experiment:
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
        count = -(-self.snapshots // self.size)
        return [f"{block:0{block_digits(self.size)}d}" for block in range(count)]

    def real(self, block: str) -> int:
        """How many snapshots of a block lie within the run; `UserError` where none does."""
        count = min(self.size, self.snapshots - int(block) * self.size)
        if count < 1:
            raise UserError(f"run '{self.name}' ends at snapshot {self.last}")
        return count

    def ends(self) -> list[int]:
        """The number of each block's last snapshot."""
        return [int(block) * self.size + self.real(block) - 1 for block in self.blocks()]

    def paths(self, kind: str, suffix: str) -> list[str]:
        """One path per snapshot, such as `results/<run>/frames/000042.png`."""
        return [f"results/{self.name}/{kind}/{number}.{suffix}" for number in self.numbers()]

    def kept(self) -> Iterator[str]:
        """Everything of the run that is kept, the film and the network first."""
        return chain.from_iterable(self.kept_by_kind().values())

    def kept_by_kind(self) -> dict[str, list[str]]:
        """The same by kind, each in order; a split of the dataset is one, too."""
        by_kind = {
            "film": [self.film],
            "network": [f"results/{self.name}/network.safetensors"],
            "frames": self.paths("frames", "png"),
            "evaluations": self.paths("evaluations", "parquet"),
            "summaries": self.summaries(),
            "projections": self.projections(),
            "tweens": self.tweens(),
        }
        if self.keeps_all:
            by_kind["checkpoints"] = self.paths("checkpoints", "safetensors")
            by_kind["states"] = self.states()
        return by_kind | {split: self.dataset.shards(split) for split in SPLITS}

    @property
    def film(self) -> str:
        """The path of the run's film."""
        return f"results/{self.name}/training.mp4"

    @property
    def manifest(self) -> str:
        """The path of the run's manifest."""
        return f"results/{self.name}/manifest.json"

    def keys(self) -> dict[str, str]:
        """What each kept artifact that carries its key should follow from, by path."""
        keys, kept, stages = self.dataset.keys(), self.kept_by_kind(), self.stages()
        for kind, stage in _MADE_BY.items():
            # A stage that the run has not makes nothing.
            keys |= dict.fromkeys(kept[kind], stages.get(stage))
        return keys

    def stages(self) -> dict[str, str]:
        """What the stages that make the kept artifacts follow from, by stage."""
        names = ["train", "evaluate", "summarize", "render", "encode"]
        names += ["project"] if self.projects else []
        names += ["fit_projection"] if self.film_projection() else []
        names += ["render_tweens"] if self.tweens() else []
        return {name: cache_keys.key(self.stage_settings(name)) for name in names}

    def summaries(self) -> list[str]:
        """The paths of the summaries of all blocks."""
        return [f"results/{self.name}/summaries/{block}.parquet" for block in self.blocks()]

    @cached_property
    def _origins(self) -> Origins:
        return Origins(self)

    def stage_settings(self, stage: str) -> dict[str, Any]:
        """What a stage's results follow from: `Origins.stage_settings`."""
        return self._origins.stage_settings(stage)

    def made(self, stage: str) -> str:
        """The digest of the key that the artifacts of a stage carry."""
        return self._origins.made(stage)

    def block_settings(self, stage: str, block: str) -> dict[str, Any]:
        """The same for one block, with its number of real snapshots."""
        place = {"first": int(block) * self.size, "real": self.real(block)}
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

    def lacking(self) -> set[str]:
        """The kinds of files, one a snapshot, that other runs have and this one has not."""
        return {kind for kind in ("projections", "tweens") if not getattr(self, kind)()}

    def film_projection(self) -> list[str]:
        """The fit over all snapshots, where the run's projection is one."""
        is_wide = self.projects and self.projection["name"] in FILM_WIDE
        return [f"results/{self.name}/projection.parquet"] if is_wide else []

    def shown_before(self, block: str) -> list[str]:
        """The evaluation and the projection of the last snapshot before a block, if any."""
        snapshot = int(block) * self.size - 1
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
