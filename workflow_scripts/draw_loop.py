"""Draw one of the loops that an experiment makes of a run's last snapshot."""

import json
from pathlib import Path

from epochreel import chance, evaluations, experiments, loops, rendering
from epochreel.jobs import job
from epochreel.shards import Split


def draw_loop(
    path_to_evaluation: str,
    paths_to_test: list,
    path_to_loop: str,
    stage: dict,
    base: Path,
) -> None:
    """Write the loop of that name, an endless GIF.

    Relative paths of the settings start from `base`.
    """
    settings = stage["settings"]
    figure = experiments.find(settings["data"]["experiment"], base).load("figure")
    story = rendering.story(settings, Split.of(stage, "test", paths_to_test))
    last = int(Path(path_to_evaluation).stem)
    made = stage["reads"]["evaluate"]
    chance.begin(0)
    drawn = figure.loops(story, evaluations.of(path_to_evaluation, last, made))
    loops.write(path_to_loop, loops.named(drawn, Path(path_to_loop).stem))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_loop(
            path_to_evaluation=snakemake.input.evaluation,
            paths_to_test=snakemake.input.test,
            path_to_loop=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
            base=snakemake.params.base,
        )
