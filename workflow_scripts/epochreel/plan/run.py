"""The runs of a config: settings, files and fingerprints."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from epochreel.plan.fingerprints import Fingerprints, shard_keys
from epochreel.plan.run_files import RunFiles
from epochreel.plan.run_settings import RunSettings
from epochreel.plan.stages import artifacts_of, stages_of
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
        """The fingerprint of a stage."""
        return self.fingerprints.of(stage)

    def block_settings(self, stage: str, block: str) -> dict[str, Any]:
        """The fingerprint for one block, with its first snapshot and its number of real ones."""
        place = {"first": int(block) * self.size, "count": self.snapshot_count(block)}
        return self.stage_settings(stage) | place

    def key_digest(self, stage: str) -> str:
        """The digest of the cache key that the artifacts of a stage carry."""
        return self.fingerprints.digest(stage)

    def stages(self) -> dict[str, str]:
        """The cache keys of the stages that make what is kept, by stage, in canonical form."""
        return {stage.rule: keys.key(self.stage_settings(stage.rule)) for stage in stages_of(self)}

    def manifest_settings(self) -> dict[str, Any]:
        """The content of the manifest besides the files, and what its checks need to know."""
        return {
            "stages": self.stages(),
            "made_by": self.made_by(),
            "sources": list(self.dataset.sources()),
            "last_snapshots": self.last_snapshots(),
        }

    def made_by(self) -> dict[str, str]:
        """Map each kind of kept artifact that carries its cache key to the stage that makes it."""
        return {
            key_digest.kind: stage.rule
            for stage, key_digest in artifacts_of(self)
            if key_digest.carries_key
        }

    def artifact_keys(self) -> dict[str, str]:
        """The expected cache key of each kept artifact that carries one, by path."""
        found, stages = shard_keys(self.dataset), self.stages()
        for kind, stage in self.made_by().items():
            found |= dict.fromkeys(self.files.of(kind), stages[stage])
        return found
