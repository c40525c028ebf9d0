"""What jobs follow from is what they load: told by the jobs themselves, not by the code's text."""

import pytest
import reruns
import witness

STREAMS = (False, True)


@pytest.fixture(scope="module")
def jobs(rerun_world):
    """Script → for each of its jobs, all modules that it had loaded."""
    found = {}
    for job in witness.noted(rerun_world.folder / "witness"):
        found.setdefault(job.script, []).append(job.modules)
    return found


def followed(script, modules):
    """The modules that a script's results are said to follow from.

    Where the job has loaded an experiment it is that one's rule that counts.
    """
    experiments = [
        name for name in reruns.experiments_there_are() if f"epochreel.{name}" in modules
    ]
    found = set()
    for experiment in experiments or reruns.experiments_there_are():
        for is_stream in STREAMS:
            stages = reruns.stages_of(experiment, is_stream, reruns._projections())
            rules = [parts for parts in stages.values() if script in parts[0]]
            found = found.union(*(parts[0] for parts in rules))
    return found


def test_every_script_whose_results_follow_from_code_was_seen(jobs):
    scripts = {name for name in reruns.modules() if "." not in name} - set(reruns.idle())
    assert jobs.keys() >= scripts - {"epochreel"}


def test_a_job_loads_no_module_that_its_results_are_not_known_to_follow_from(jobs):
    for script, loaded in jobs.items():
        for modules in loaded if script not in reruns.idle() else []:
            own = {name for name in modules if name.split(".")[0] == "epochreel"}
            assert own <= followed(script, modules), script
