"""Jobs load only what their results depend on, as observed in the jobs, not read from source."""

from collections import defaultdict

import pytest
import rerun_packages
import reruns
import witness
from rerun_loaded import LEARNING, Stage, distributions, own, stage_of, stages

from epochreel.plan.run_settings import FILM_WIDE
from epochreel.plan.stages import PROJECTIONS


@pytest.fixture(scope="module")
def jobs(rerun_world) -> list[tuple[Stage, set[str]]]:
    """For each job whose results depend on code: its stage, and the modules that it loaded."""
    recorded = witness.recorded_jobs(rerun_world.folder / "witness")
    made = (job for job in recorded if job.script not in reruns.idle())
    return [(stage_of(job, rerun_world.config), job.modules) for job in made]


@pytest.fixture(scope="module")
def loaded(jobs) -> dict[Stage, set[str]]:
    """Stage → everything that its jobs loaded."""
    found = defaultdict(set)
    for stage, modules in jobs:
        found[stage] |= modules
    return found


# Sheets and images are stored datasets, words are generated during training.
UNSEEN = {
    Stage(rule, name, is_stream=True) for rule in LEARNING for name in ("sheets", "activations")
}
UNSEEN |= {Stage(rule, "words") for rule in LEARNING}


def test_every_stage_except_train_keeping_last_was_observed(loaded):
    assert loaded.keys() == stages() - UNSEEN


def test_a_job_loads_only_modules_that_its_results_are_known_to_depend_on(jobs):
    for stage, modules in jobs:
        assert own(modules) <= stage.modules, stage


# These read the result of a fit over all snapshots, and record in their keys what it depends on.
UNLOADED = {
    Stage("project", "activations", projection=name): {
        "epochreel.projection.methods",
        f"epochreel.projection.methods.{name}",
    }
    for name in FILM_WIDE
}


def test_a_stage_depends_on_no_module_that_none_of_its_jobs_loads(loaded):
    for stage, modules in loaded.items():
        assert own(stage.modules) - modules == UNLOADED.get(stage, set()), stage


def test_a_job_loads_only_packages_of_its_key_or_without_effect(jobs):
    for stage, modules in jobs:
        found = distributions(modules) - stage.packages
        assert found <= rerun_packages.computing_nothing(stage.rule, stage.projection), stage


def test_a_projection_depends_on_no_package_that_none_of_its_jobs_loads(loaded):
    for stage in filter(lambda stage: stage.projection, loaded):
        needless = set(PROJECTIONS[stage.projection]) if stage in UNLOADED else set()
        # numba imports scipy in any case.
        assert stage.packages - distributions(loaded[stage]) == needless - {"scipy"}, stage


def test_each_package_listed_as_computing_nothing_is_loaded_by_some_job(loaded):
    found = distributions(set().union(*loaded.values()))
    assert rerun_packages.BROUGHT.keys() <= found
