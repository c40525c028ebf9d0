"""A film made on a cluster with the shipped profile equals the one made on this machine."""

import os
from collections import Counter
from pathlib import Path

import pytest
import yaml
from killing import small
from workflow import MINIATURE, Workplace

FILM = "results/spirals/training.mp4"
pytestmark = pytest.mark.cluster


def logging_reads(log: Path) -> dict[str, str]:
    """Return an environment in which each process logs which results it opens."""
    hook = str(Path(__file__).with_name("reads"))
    return os.environ | {"PYTHONPATH": hook, "READS": str(log)}


def test_the_film_is_the_same_after_a_cancelled_job_and_a_silent_controller(place, slurm, tmp_path):
    here, log = place(), tmp_path / "reads.log"
    process = here.begin(FILM, env=logging_reads(log))
    job = here.until(process, lambda: here.running("evaluate"))
    slurm.call("scancel", job["id"])
    # While the last job runs, nothing is submitted that the controller would have to accept.
    here.until(process, lambda: here.running("encode"))
    with slurm.silent_controller():
        here.until(process, lambda: "controller does not answer" in here.heard(process), seconds=90)
    said = here.ends_well(process, seconds=300)
    assert f"SLURM-job '{job['id']}' failed, SLURM status is: 'CANCELLED'" in said
    opened = Counter(
        line.split()[1]
        for line in log.read_text().splitlines()
        if line.startswith(f"{process.pid} ")
    )
    times = {times for path, times in opened.items() if "/evaluations/" in path}
    assert times == {1}, (
        "Snakemake reads an input more than once: see runtime/patches/checksum_cache"
    )


@pytest.mark.long
def test_the_films_of_the_miniature_are_the_same(place):
    here = place(yaml.safe_load(MINIATURE.read_text()))
    here.ends_well(here.begin("all"))


@pytest.mark.long
def test_a_cluster_continues_what_one_machine_began(place):
    here = place(small(epochs=29))
    Workplace(here.folder, here.config).make("results/spirals/checkpoint_index/00002.json")
    here.write_config()
    assert "\nrule train:" not in here.ends_well(here.begin(FILM))
