"""Propose which test examples a film shows: easy ones, harder ones, and some still wrong."""

import json
from pathlib import Path

from epochreel.artifacts import evaluations
from epochreel.core.files import atomic_write_bytes
from epochreel.experiment_api import loader
from epochreel.narration import cast as casting
from epochreel.narration.narrator import Narrator
from epochreel.runtime.job import job


def cast(path_to_evaluation: str, path_to_proposal: str, stage: dict, base: Path) -> None:
    """Grade all test examples at the last snapshot, and write a proposal for `figure.examples`."""
    settings = stage["settings"]
    last, count = settings["snapshot"], settings["examples"]["test"]
    narrator = Narrator(loader.of_stage(stage, base), settings["data"]["settings"])
    predictions = evaluations.Predictions(path_to_evaluation, last, stage["reads"]["evaluate"])
    proposals = casting.propose(narrator.grades(predictions, count, last))
    atomic_write_bytes(path_to_proposal, casting.text(proposals).encode())


if __name__ == "__main__":
    with job(snakemake.log[0]):
        cast(
            path_to_evaluation=snakemake.input.evaluation,
            path_to_proposal=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
