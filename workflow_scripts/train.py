"""Train one block of snapshots."""

import json
from pathlib import Path

from epochreel import blocks, experiments
from epochreel.jobs import job


def train(paths: blocks.Paths, stage: dict, base: Path, outlook: blocks.Outlook) -> None:
    """Make the checkpoints of one block, going on from the run's store.

    `stage` is what defines the training, and which block of it is made; `outlook` what does not
    change the checkpoints. Relative paths of the settings start from `base`.
    """
    experiment = experiments.find(stage["settings"]["data"]["experiment"], base)
    blocks.Block(experiment, stage, base, paths, outlook).make()


if __name__ == "__main__":
    with job(snakemake.log[0]):
        stage = json.loads(snakemake.params.settings)
        run = snakemake.config["runs"][snakemake.wildcards.run]
        train(
            paths=blocks.Paths(
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
            outlook=blocks.Outlook(
                run=snakemake.wildcards.run,
                snapshots=run["epochs"] * run["snapshots_per_epoch"] + 1 - stage["first"],
                keeps_all=run["keep_checkpoints"] == "all",
                test_examples=snakemake.config["datasets"][run["dataset"]]["test"],
                pixels=run["figure"]["width"] * run["figure"]["height"],
            ),
        )
