"""The paths of a run's files, derived from the declarations of its stages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from epochreel.plan.dataset import SPLITS
from epochreel.plan.run_settings import RunSettings
from epochreel.plan.stages import STAGES, Artifact, artifacts_of


class RunFiles:
    """The paths of a run's files, relative to the working folder, in snapshot order."""

    def __init__(self, run: RunSettings):
        self._run = run

    def of(self, kind: str) -> list[str]:
        """Return the artifacts of one kind, such as `frames`; none if the run lacks the stage."""
        return [
            path
            for stage in STAGES.values()
            if stage.exists(self._run)
            for artifact in stage.makes
            if artifact.kind == kind
            for path in self._paths(artifact)
        ]

    def last(self, kind: str) -> str:
        """Return the artifact of the last snapshot or block."""
        return self.of(kind)[-1]

    def _paths(self, artifact: Artifact) -> list[str]:
        run = self._run
        numbers = (
            run.numbers()
            if "{snapshot}" in artifact.path
            else run.blocks()
            if "{block}" in artifact.path
            else run.segments()
            if "{segment}" in artifact.path
            else [""]
        )
        names = ({"snapshot": n, "block": n, "segment": n} for n in numbers)
        return [artifact.path.format(run=run.name, **name) for name in names]

    def artifacts_by_kind(self) -> dict[str, list[str]]:
        """Return all artifacts by kind, including the dataset's splits as kinds."""
        kinds = {artifact.kind: self._paths(artifact) for _, artifact in artifacts_of(self._run)}
        return kinds | {split: self._run.dataset.shards(split) for split in SPLITS}

    def artifacts(self) -> Iterator[str]:
        """Yield all artifacts."""
        return chain.from_iterable(self.artifacts_by_kind().values())

    @property
    def film(self) -> str:
        """The film."""
        return self.last("film")

    @property
    def manifest(self) -> str:
        """The manifest."""
        return f"results/{self._run.name}/manifest.json"

    def missing_kinds(self) -> set[str]:
        """Return the kinds of artifacts that other runs have and this one does not."""
        return {
            artifact.kind
            for stage in STAGES.values()
            if not stage.exists(self._run)
            for artifact in stage.makes
        }

    def of_segment(self, kind: str, segment: str) -> list[str]:
        """Return the artifacts of one kind of a segment's snapshots."""
        position = self._run.segment_position(segment)
        return self.of(kind)[position["first"] :][: position["count"]]

    def all_segments(self) -> list[str]:
        """Return all segments of the film, in order."""
        return [*self.of("segments"), *self.of("closing_segment")]

    def all_webm_segments(self) -> list[str]:
        """Return all segments of the WebM film, in order."""
        return [path.removesuffix(".mp4") + ".webm" for path in self.all_segments()]

    def segment_timeline(self) -> list[str]:
        """Return the timeline if the settings alone do not determine it, otherwise nothing."""
        return self.of("timeline") if self._run.is_paced_by_change else []

    def pace_metrics(self) -> list[str]:
        """Return the metrics of all snapshots if they set the film's pace, otherwise nothing."""
        return [self.last("metrics")] if self._run.is_paced_by_change else []

    def frame_inputs_before(self, block: str) -> list[str]:
        """Return the evaluation and projection of the last snapshot before a block, if any."""
        snapshot = int(block) * self._run.size - 1
        if snapshot < 0:
            return []
        return [self.of(kind)[snapshot] for kind in ("evaluations", "projections")]

    def first_evaluation(self) -> str:
        """Return the evaluation of the untrained network."""
        return self.of("evaluations")[0]

    def training_so_far(self, block: str) -> list[str]:
        """Return the training tables up to a block if a panel shows them, otherwise nothing."""
        return self.of("training")[: int(block) + 1] if self._run.shows_training else []

    def projection_inputs_before(self, block: str) -> list[str]:
        """Return the same for a projection; none if it is fitted to all snapshots."""
        return [] if self._run.has_fit else self.frame_inputs_before(block)

    def train_sample(self) -> list[str]:
        """Return the shards of the training examples evaluated in addition to the test set."""
        return self._run.dataset.sample(self._run.settings["evaluation"]["train_sample"])

    def first_train_shard(self) -> list[str]:
        """Return the shard of the first training example; none for an unbounded training set."""
        return self._run.dataset.sample(1)
