"""The checked settings of one run, and the snapshots and blocks that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from itertools import count
from typing import Any

from epochreel.config import schema
from epochreel.core.errors import UserError
from epochreel.experiment_api.loader import Experiment, config_path
from epochreel.film import timing
from epochreel.plan import palette_file, panel_list, schemas, snapshot_schedule
from epochreel.plan.dataset import Dataset

CLOSING = "closing"
"""Name of the segment at the end of a film."""
FILM_WIDE = ("aligned_umap", "linear")
"""Projections that are fitted to all snapshots at once."""


def block_digits(size: int) -> int:
    """Return the number of leading digits that name a block of `size` snapshots."""
    return 6 - (len(str(size)) - 1)


class RunSettings:
    """The settings of one run, defaults filled in; its snapshots in blocks of `size`."""

    def __init__(self, name: str, settings: dict[str, Any], dataset: Dataset, size: int):
        self.name, self.settings, self.dataset, self.size = name, settings, dataset, size
        where = f"runs.{name}"
        self.network = dataset.check("network", settings["network"], f"{where}.network")
        self.projection = _checked("projections", settings["projection"], f"{where}.projection")
        schedule = settings["snapshots"]
        self.schedule = _checked("snapshots", schedule, f"{where}.snapshots", "schedule")
        training = settings["training"]
        self.training = training | {
            key: _checked(kinds, training[key], f"{where}.training.{key}")
            for key, kinds in (("optimizer", "optimizers"), ("schedule", "schedules"))
        }
        figure = settings["figure"]
        drawn = dataset.check("figure", figure["settings"], f"{where}.figure.settings")
        colours = self._colours(f"{where}.figure.palette")
        kept = {name: value for name, value in figure.items() if name != "panels"}
        self.figure = kept | {"settings": drawn, "palette": colours}
        listed = figure["panels"]
        self.panels = (
            None if listed is None else panel_list.checked(listed, f"{where}.figure.panels")
        )

    def _colours(self, where: str) -> palette_file.Colours:
        """Return the colours that replace those of the theme."""
        figure = self.settings["figure"]
        if figure["palette"] is None:
            return {}
        try:
            path = config_path(self.dataset.base, figure["palette"])
            return palette_file.read(path, figure["theme"])
        except UserError as error:
            raise UserError(f"config: {where}: {error}") from None

    @property
    def experiment(self) -> Experiment:
        """The run's experiment."""
        return self.dataset.experiment

    @property
    def epochs(self) -> int:
        """The length of the training in epochs."""
        return self.settings["epochs"]

    @property
    def keeps_all(self) -> bool:
        """True if all checkpoints are kept."""
        return self.settings["keep_checkpoints"] == "all"

    @property
    def projects(self) -> bool:
        """True if the film lays out high-dimensional points in the plane."""
        return self.experiment.file("projection").is_file()

    @property
    def has_fit(self) -> bool:
        """True if the projection is fitted to all snapshots at once."""
        return self.projects and self.projection["name"] in FILM_WIDE

    @property
    def has_own_figure(self) -> bool:
        """True if the experiment's figure.py arranges the panels, not the config or the default."""
        return self.panels is None and self.experiment.file("figure").is_file()

    @property
    def shows_training(self) -> bool:
        """True if a panel shows the training table, such as a histogram of weights."""
        kinds = {panel["panel"] for panel in panel_list.panels(self.panels or [])}
        return bool(kinds & panel_list.OF_TRAINING)

    @property
    def has_transitions(self) -> bool:
        """True if points move between snapshots."""
        return bool(self.figure["tweens"])

    @property
    def is_paced_by_change(self) -> bool:
        """True if metrics set the pace of the film, so that timing it requires all of them."""
        return self.settings["film"]["pace"] == "change"

    @property
    def sentence_snapshots(self) -> int:
        """The smallest number of snapshots that share a sentence.

        Viewers need time to read it. A film with `pace: change` is timed accordingly.
        """
        return self._snapshots_for(timing.SENTENCE_FRAMES)

    @property
    def first_sentence_snapshots(self) -> int:
        """The same for the sentence of the untrained network, which the opening shows already."""
        opening = timing.opening_frames(self.settings["film"])
        return self._snapshots_for(timing.SENTENCE_FRAMES - opening)

    def _snapshots_for(self, frames: int) -> int:
        if self.is_paced_by_change:
            return 1
        return max(-(-frames // timing.frames_per_snapshot(self.settings["film"])), 1)

    @property
    def has_end_segment(self) -> bool:
        """True if the film continues after the segments of its snapshots."""
        return timing.has_end(self.settings["film"], self.figure["tweens"])

    @property
    def has_closing(self) -> bool:
        """True if the film ends with a closing picture."""
        return self.settings["film"]["closing_seconds"] > 0

    @property
    def steps_per_epoch(self) -> int:
        """The number of training steps per epoch."""
        return self.training["steps_per_epoch"]

    @cached_property
    def snapshots(self) -> int:
        """The number of snapshots, including the untrained network."""
        length = self.steps_per_epoch, self.epochs
        return snapshot_schedule.count_snapshots(self.schedule, *length)

    @cached_property
    def steps(self) -> Sequence[int]:
        """The training step of each snapshot."""
        return snapshot_schedule.steps(self.schedule, self.steps_per_epoch, self.epochs)

    def step(self, snapshot: int) -> int:
        """Return the number of training steps before a snapshot."""
        return self.steps[snapshot]

    def position(self, snapshot: int) -> float:
        """Return the time of a snapshot in the unit of the time axis."""
        step, unit = self.step(snapshot), self.figure["time_unit"]
        if unit == "epochs":
            return step / self.steps_per_epoch
        return step * (self.training["batch_size"] if unit == "examples" else 1)

    @property
    def time_start(self) -> float:
        """The left end of a logarithmic time axis; it does not depend on the length of the run.

        It is 1, or a smaller power of ten if snapshot 1 comes before 1.
        """
        if self.figure["time_scale"] == "linear":
            return 1.0
        return float(f"1e-{next(n for n in count() if self.position(1) * 10**n >= 1)}")

    @property
    def last(self) -> str:
        """The number of the last snapshot, as six digits."""
        return f"{self.snapshots - 1:06d}"

    def numbers(self) -> list[str]:
        """Return the numbers of all snapshots, as six digits."""
        return [f"{snapshot:06d}" for snapshot in range(self.snapshots)]

    def blocks(self) -> list[str]:
        """Return the names of all blocks: the leading digits of their snapshots' numbers."""
        count = -(-self.snapshots // self.size)
        return [f"{block:0{block_digits(self.size)}d}" for block in range(count)]

    def segments(self) -> list[str]:
        """Return the names of all segments: the leading digits of their snapshots' numbers."""
        size = self.settings["film"]["segment"]
        firsts = range(0, self.snapshots, size)
        return [f"{first // size:0{block_digits(size)}d}" for first in firsts]

    def segment_position(self, segment: str) -> dict[str, int]:
        """Return the first snapshot and the count of a segment.

        The end of the film, `closing`, shows only the last snapshot. The number of all snapshots is
        included if the times depend on it. Raises `UserError` if there is no such segment.
        """
        size = self.settings["film"]["segment"]
        if segment == CLOSING and self.has_end_segment:
            position = {"first": self.snapshots - 1, "count": 1}
        elif segment in self.segments():
            first = int(segment) * size
            position = {"first": first, "count": min(size, self.snapshots - first)}
        else:
            raise UserError(f"run '{self.name}' has no segment {segment} of {size} snapshots")
        return position | ({"snapshots": self.snapshots} if self.is_paced_by_change else {})

    def snapshot_count(self, block: str) -> int:
        """Return the number of snapshots in a block. Raises `UserError` if there are none."""
        count = min(self.size, self.snapshots - int(block) * self.size)
        if count < 1:
            raise UserError(f"run '{self.name}' ends at snapshot {self.last}")
        return count

    def last_snapshots(self) -> list[int]:
        """Return the last snapshot of each block."""
        return [int(block) * self.size + self.snapshot_count(block) - 1 for block in self.blocks()]


def _checked(kinds: str, value: Any, where: str, key: str = "name") -> dict[str, Any]:
    """Check an object whose `key` selects one of the schemas in $defs/<kinds>."""
    return schema.checked(value, _schema_of(kinds, key), where)


@cache
def _schema_of(kinds: str, key: str) -> dict[str, Any]:
    return schema.by_name(schemas.shared()["$defs"][kinds], key)
