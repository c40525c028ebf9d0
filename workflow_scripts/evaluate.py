"""Evaluate one block of checkpoints on the test set."""

import json
from pathlib import Path

from epochreel.artifacts import checkpoint_index, padding
from epochreel.artifacts.dataset_shards import Split
from epochreel.evaluation.evaluator import Evaluator
from epochreel.experiment_api import loader
from epochreel.provenance import keys
from epochreel.runtime.job import job


def evaluate(
    paths_to_checkpoints: list,
    path_to_index: str,
    paths_to_test: list,
    paths_to_sample: list,
    paths_to_evaluations: list,
    stage: dict,
    base: Path,
) -> None:
    """Write one evaluation for each snapshot of the block, with checkpoints from its index."""
    settings = stage["settings"]
    experiment = loader.of_stage(stage, base)
    first, count, key = stage["first"], stage["count"], keys.key(stage)
    test = Split.of(stage, "test", paths_to_test)
    sample = Split.sample(stage, "train", paths_to_sample, settings["evaluation"]["train_sample"])
    evaluator = Evaluator(experiment, settings, test, sample)
    key_digest, last = stage["reads"]["train"], first + count - 1
    checksums = checkpoint_index.digests(path_to_index, stage["steps"], last, key_digest)
    for slot, (checkpoint, checksum) in enumerate(
        zip(paths_to_checkpoints, checksums, strict=False)
    ):
        target = paths_to_evaluations[slot]
        evaluator.evaluate(checkpoint, target, first + slot, key, checksum)
    if again := experiment.to_repeat(first, count):
        evaluator.load(again)
        # The last one without the others, then the first one after another.
        for slot in (count - 1, 0):
            checkpoint, target = paths_to_checkpoints[slot], paths_to_evaluations[slot]
            evaluator.check_repeatable(checkpoint, target, slot, key, checksums[slot])
    padding.fill(paths_to_evaluations, count)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        evaluate(
            paths_to_checkpoints=snakemake.input.checkpoints,
            path_to_index=snakemake.input.checkpoint_index,
            paths_to_test=snakemake.input.test,
            paths_to_sample=snakemake.input.sample,
            paths_to_evaluations=snakemake.output,
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
