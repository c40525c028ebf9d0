"""The runs of a config: settings, files and fingerprints."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from epochreel.core.errors import UserError
from epochreel.plan.fingerprints import Fingerprints, shard_keys
from epochreel.plan.made_snapshots import check_appended
from epochreel.plan.run_files import RunFiles
from epochreel.plan.run_settings import RunSettings
from epochreel.plan.stages import STAGES, artifacts_of, stages_of
from epochreel.provenance import keys


class Run(RunSettings):
    """One run of the config."""

    @cached_property
    def files(self) -> RunFiles:
        """The paths of the run's files."""
        return RunFiles(self)

    @cached_property
    def fingerprints(self) -> Fingerprints:
        """The fingerprints of the run's stages."""
        return Fingerprints(self)

    def stage_settings(self, stage: str) -> dict[str, Any]:
        """Return the fingerprint of a stage."""
        return self.fingerprints.of(stage)

    def block_settings(self, stage: str, block: str) -> dict[str, Any]:
        """Return the fingerprint of a stage for one block, with its snapshots and their steps."""
        first, count = int(block) * self.size, self.snapshot_count(block)
        steps = list(self.steps[first : first + count])
        return self.stage_settings(stage) | {"first": first, "count": count, "steps": steps}

    def check_steps(self) -> None:
        """Check that steps were only appended to the list since the existing snapshots were made.

        Compares the steps with the last checkpoint index of this training in the working folder.
        Raises `UserError`.
        """
        if self.schedule["schedule"] == "list":
            folder, where = Path(f"results/{self.name}/checkpoint_index"), f"runs.{self.name}"
            key_digest = self.key_digest("train")
            check_appended(self.steps, folder, key_digest, f"{where}.snapshots.steps")

    def job_settings(
        self, stage: str, block: str | None = None, segment: str | None = None
    ) -> dict[str, Any]:
        """Return the settings that a job receives: for a block, for a segment, or for the run.

        If they read the user's files, the digest of these files is included. It is in no cache key.
        """
        found = self.stage_settings(stage) if block is None else self.block_settings(stage, block)
        found |= {} if segment is None else self.segment_position(segment)
        return found | (self.dataset.source_settings() if "folders" in found else {})

    def key_digest(self, stage: str) -> str:
        """Return the digest of the cache key that the artifacts of a stage carry."""
        return self.fingerprints.digest(stage)

    def key_digests(self) -> Iterator[str]:
        """Yield the digests of the keys of all stages that may be run for this run."""
        for stage in STAGES.values():
            if stage.settings and stage.exists(self):
                # An experiment may lack what a stage on request needs, such as inference.py.
                with contextlib.suppress(UserError):
                    yield self.key_digest(stage.rule)

    def stages(self) -> dict[str, str]:
        """Return the cache keys of the stages that make the artifacts, by stage."""
        return {stage.rule: keys.key(self.stage_settings(stage.rule)) for stage in stages_of(self)}

    def manifest_settings(self) -> dict[str, Any]:
        """Return the content of the manifest except the files, and what checking it requires."""
        return {
            "stages": self.stages(),
            "made_by": self.made_by(),
            "sources": list(self.dataset.sources()),
            "last_snapshots": self.last_snapshots(),
        }

    def made_by(self) -> dict[str, str]:
        """Map each kind of artifact that carries its cache key to the stage that makes it."""
        return {
            artifact.kind: stage.rule
            for stage, artifact in artifacts_of(self)
            if artifact.carries_key
        }

    def artifact_keys(self) -> dict[str, str]:
        """Return the expected cache key of each artifact that carries one, by path."""
        expected, stages = shard_keys(self.dataset), self.stages()
        for kind, stage in self.made_by().items():
            expected |= dict.fromkeys(self.files.of(kind), stages[stage])
        return expected
