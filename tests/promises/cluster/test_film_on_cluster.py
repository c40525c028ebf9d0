"""A film that a cluster makes, with the shipped profile, is the one that this machine makes."""

import pytest
import yaml
from killing import small
from workflow import MINIATURE, Workplace

FILM = "results/spirals/training.mp4"
pytestmark = pytest.mark.cluster


def test_a_film_is_the_same_and_a_cancelled_job_is_submitted_again(place, slurm):
    here = place()
    process = here.begin(FILM)
    job = here.until(process, lambda: here.running("evaluate"))
    slurm.call("scancel", job["id"])
    said = here.ends_well(process)
    assert f"SLURM-job '{job['id']}' failed, SLURM status is: 'CANCELLED'" in said


@pytest.mark.long
def test_the_films_of_the_miniature_are_the_same(place):
    here = place(yaml.safe_load(MINIATURE.read_text()))
    here.ends_well(here.begin("all"))


@pytest.mark.long
def test_a_cluster_continues_what_one_machine_has_begun(place):
    here = place(small(epochs=29))
    Workplace(here.folder, here.config).make("results/spirals/states/00002.json")
    here.write_config()
    said = here.ends_well(here.begin(FILM))
    assert "\nrule train:" not in said
