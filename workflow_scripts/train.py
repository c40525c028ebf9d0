"""Train one block of snapshots."""

import json
from pathlib import Path

from epochreel.experiment_api import loader, sources
from epochreel.runtime.job import job
from epochreel.training.block import Block, Outputs, RunSize
from epochreel.training.training_data import TrainingData


def train(
    paths_to_train: list,
    paths_to_validation: list,
    paths_to_sources: list,
    outputs: Outputs,
    stage: dict,
    base: Path,
    run_size: RunSize,
) -> None:
    """Make the files of one block, resuming from the run's store.

    `stage` defines the training and the block; `run_size` does not affect the checkpoints. Relative
    paths in the settings start from `base`.
    """
    experiment = loader.of_stage(stage, base)
    options = stage["settings"]["data"]["settings"]
    sources.check_unchanged(experiment, options, stage, base, paths_to_sources)
    paths = paths_to_train, paths_to_validation, paths_to_sources
    data = TrainingData(experiment, stage, base, *paths)
    Block(experiment, stage, data, outputs, run_size).make()


if __name__ == "__main__":
    with job(snakemake.log.text):
        stage = json.loads(snakemake.params.settings)
        run = snakemake.config["runs"][snakemake.wildcards.run]
        train(
            paths_to_train=snakemake.input.train,
            paths_to_validation=snakemake.input.validation,
            paths_to_sources=snakemake.input.sources,
            outputs=Outputs(
                before=snakemake.input.before or None,
                checkpoints=snakemake.output.checkpoints,
                index=snakemake.output.checkpoint_index,
                table=snakemake.output.table,
                system=snakemake.log.system,
                store=Path(snakemake.output.checkpoint_index).parents[1] / "store",
            ),
            stage=stage,
            base=snakemake.params.base,
            run_size=RunSize(
                run=snakemake.wildcards.run,
                snapshots=int(snakemake.params.snapshots) - stage["first"],
                keeps_all=run["keep_checkpoints"] == "all",
                test_examples=snakemake.config["datasets"][run["dataset"]]["test"],
                pixels=run["figure"]["width"] * run["figure"]["height"],
            ),
        )
