"""The paths of the files of one run, derived from the declarations of its stages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from epochreel.plan.dataset import SPLITS
from epochreel.plan.run_settings import RunSettings
from epochreel.plan.stages import STAGES, Artifact, artifacts_of


class RunFiles:
    """The paths of a run's files, relative to the working folder, in the order of snapshots."""

    def __init__(self, run: RunSettings):
        self._run = run

    def of(self, kind: str) -> list[str]:
        """The artifacts of one kind, such as `frames`; none where the run lacks their stage."""
        return [
            path
            for stage in STAGES.values()
            if stage.exists(self._run)
            for made in stage.makes
            if made.kind == kind
            for path in self._paths(made)
        ]

    def last(self, kind: str) -> str:
        """The artifact of the last snapshot or block."""
        return self.of(kind)[-1]

    def _paths(self, made: Artifact) -> list[str]:
        run = self._run
        numbers = (
            run.numbers()
            if "{snapshot}" in made.path
            else run.blocks()
            if "{block}" in made.path
            else [""]
        )
        return [made.path.format(run=run.name, snapshot=n, block=n) for n in numbers]

    def artifacts_by_kind(self) -> dict[str, list[str]]:
        """All kept files by kind; the splits of the dataset are kinds, too."""
        kinds = {made.kind: self._paths(made) for _, made in artifacts_of(self._run)}
        return kinds | {split: self._run.dataset.shards(split) for split in SPLITS}

    def artifacts(self) -> Iterator[str]:
        """All kept files."""
        return chain.from_iterable(self.artifacts_by_kind().values())

    @property
    def film(self) -> str:
        """The film."""
        return self.last("film")

    @property
    def manifest(self) -> str:
        """The manifest."""
        return f"results/{self._run.name}/manifest.json"

    def lacking(self) -> set[str]:
        """The kinds of files that other runs have and this one lacks."""
        return {
            made.kind
            for stage in STAGES.values()
            if not stage.exists(self._run)
            for made in stage.makes
        }

    def shown_before(self, block: str) -> list[str]:
        """The evaluation and the projection of the last snapshot before a block, if any."""
        snapshot = int(block) * self._run.size - 1
        if snapshot < 0:
            return []
        return [self.of(kind)[snapshot] for kind in ("evaluations", "projections")]

    def projected_before(self, block: str) -> list[str]:
        """The same for a projection that goes on from the snapshot before."""
        return [] if self._run.has_fit else self.shown_before(block)

    def train_sample(self) -> list[str]:
        """The shards with the training examples that are evaluated in addition to the test set."""
        return self._run.dataset.sample(self._run.settings["evaluation"]["train_sample"])

    def first_train_shard(self) -> list[str]:
        """The shard of the first training example; none for an unbounded training set."""
        return self._run.dataset.sample(1)

    def stream_sources(self) -> list[str]:
        """The user's files that an unbounded training set is drawn from, sorted."""
        return self._run.dataset.files() if self._run.dataset.is_stream else []
