"""Draw one of an experiment's loops for a run's last snapshot."""

import json
from pathlib import Path

from epochreel.artifacts import evaluations
from epochreel.core import seeding
from epochreel.experiment_api import loader
from epochreel.film import render
from epochreel.formats import gif
from epochreel.runtime.job import job


def draw_loop(
    path_to_evaluation: str,
    paths_to_test: list,
    path_to_loop: str,
    stage: dict,
    base: Path,
) -> None:
    """Write the loop named by `path_to_loop`, an endless GIF."""
    experiment = loader.of_stage(stage, base)
    figure = experiment.load("figure")
    run_info = render.run_info_maker(stage, experiment, paths_to_test)()
    last = int(Path(path_to_evaluation).stem)
    key_digest = stage["reads"]["evaluate"]
    seeding.seed_all(0)
    loops = figure.loops(run_info, evaluations.read_snapshot(path_to_evaluation, last, key_digest))
    gif.write(path_to_loop, gif.named(loops, Path(path_to_loop).stem))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_loop(
            path_to_evaluation=snakemake.input.evaluation,
            paths_to_test=snakemake.input.test,
            path_to_loop=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
