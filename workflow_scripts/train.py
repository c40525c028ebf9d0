"""Train one block of snapshots."""

import json
from pathlib import Path

from epochreel.experiment_api import loader
from epochreel.runtime.job import job
from epochreel.training import block


def train(paths: block.Paths, stage: dict, base: Path, outlook: block.Outlook) -> None:
    """Make the checkpoints of one block, going on from the run's store.

    `stage` is what defines the training, and which block of it is made; `outlook` what does not
    change the checkpoints. Relative paths of the settings start from `base`.
    """
    experiment = loader.find(stage["settings"]["data"]["experiment"], base)
    block.Block(experiment, stage, base, paths, outlook).make()


if __name__ == "__main__":
    with job(snakemake.log[0]):
        stage = json.loads(snakemake.params.settings)
        run = snakemake.config["runs"][snakemake.wildcards.run]
        train(
            paths=block.Paths(
                train=snakemake.input.train,
                validation=snakemake.input.validation,
                own=snakemake.input.own,
                before=snakemake.input.before or None,
                checkpoints=snakemake.output.checkpoints,
                state=snakemake.output.state,
                store=Path(snakemake.output.state).parents[1] / "store",
                table=Path(snakemake.log[0]).with_suffix(".parquet"),
                layers=Path(snakemake.log[0]).parents[1] / "layers.parquet",
            ),
            stage=stage,
            base=snakemake.params.base,
            outlook=block.Outlook(
                run=snakemake.wildcards.run,
                snapshots=run["epochs"] * run["snapshots_per_epoch"] + 1 - stage["first"],
                keeps_all=run["keep_checkpoints"] == "all",
                test_examples=snakemake.config["datasets"][run["dataset"]]["test"],
                pixels=run["figure"]["width"] * run["figure"]["height"],
            ),
        )
