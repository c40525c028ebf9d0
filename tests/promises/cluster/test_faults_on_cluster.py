"""What befalls a cluster: the film is the same each time, and the user is told."""

import re
import signal

import pytest
from killing import small

FILM = "results/spirals/training.mp4"
pytestmark = [pytest.mark.cluster, pytest.mark.long]
# Training takes long enough to be met in its middle.
ADAM = {"name": "adam", "learning_rate": 0.01}
SLOW = {"batch_size": 50, "steps_per_epoch": 400, "optimizer": ADAM}


def several_blocks() -> dict:
    """A config of three blocks of a hundred frames, large enough that drawing takes a while."""
    training = {"batch_size": 50, "steps_per_epoch": 10, "optimizer": ADAM}
    figure = {"width": 1280, "height": 720}
    return small(epochs=299, training=training, figure=figure) | {"snapshots_per_block": 100}


def ends_well_without_its_node(here, slurm, process, job) -> None:
    """Take the node of a job down; Slurm begins the job once more, and the film is the same."""
    slurm.crash_node(job["node"])
    try:
        was_begun_again(here, slurm, job, here.ends_well(process))
    finally:
        slurm.start_node(job["node"])


def was_begun_again(here, slurm, job, said) -> None:
    """Slurm knows of one restart; the job's log tells it first, and the command's last words."""
    assert slurm.restarts(job["id"]) == 1
    (told,) = re.findall(r"epochreel: 1 job begun again by Slurm, .*: (\S+)", said)
    word, *_ = (here.folder / told).read_text().splitlines()
    assert word.endswith("begun again by Slurm (restart 1): preempted, or its node was lost")
    assert job["what"].split("_")[1] in told


def test_a_node_is_lost_while_frames_are_drawn(place, slurm):
    here = place(several_blocks())
    process = here.begin(FILM)
    here.until(process, lambda: list(here.path("spirals/frames").glob("0001*.png")))
    job = here.until(process, lambda: here.running("render"))
    ends_well_without_its_node(here, slurm, process, job)


def test_a_node_is_lost_under_a_training_which_goes_on_from_its_last_snapshot(place, slurm):
    here = place(small(training=SLOW))
    process = here.begin(FILM)
    job, _ = here.pause_training(process)
    ends_well_without_its_node(here, slurm, process, job)
    assert "are kept: it was interrupted" in log_of_training(here)


def test_a_training_beyond_its_time_is_submitted_again_with_more_and_goes_on(place):
    minutes = {"set-resources": {"train": {"runtime": "5 ** (attempt - 1)"}}}
    here = place(small(training=SLOW), minutes)
    process = here.begin(FILM)
    here.pause_training(process)
    said = here.ends_well(process)
    assert "SLURM status is: 'TIMEOUT'" in said and "runtime=5" in said


def test_a_job_beyond_its_memory_is_submitted_again_with_more(place):
    little = {"set-resources": {"render": {"mem_mb": "200 * 3 ** (attempt - 1)"}}}
    here = place(overlay=little)
    said = here.ends_well(here.begin(FILM))
    logs = (here.folder / ".snakemake" / "slurm_logs" / "rule_render").rglob("*.log")
    assert any("Exceeded job memory limit" in log.read_text() for log in logs)
    assert re.search(r"SLURM-job '\d+' failed, SLURM status is: ", said) and "mem_mb=600" in said


def test_a_training_that_is_preempted_goes_on_from_its_last_snapshot(place, slurm):
    here = place(small(training=SLOW))
    process = here.begin(FILM)
    job, _ = here.pause_training(process)
    slurm.call("sbatch", "-p", "urgent", "-N3", "--exclusive", "-o/dev/null", "--wrap", "sleep 5")
    here.until(process, lambda: not here.running("train"))
    was_begun_again(here, slurm, job, here.ends_well(process))
    assert "are kept: it was interrupted" in log_of_training(here)


def test_the_command_is_killed_and_given_again_while_its_training_runs_on(place):
    here = place(small(training=SLOW))
    killed = here.begin(FILM)
    first, trainer = here.pause_training(killed)
    killed.kill()
    killed.wait()
    here.make("--unlock")
    again = here.begin(FILM)
    here.until(again, lambda: others(here, first["id"]))
    here.until(again, lambda: "another process trains this run" in log_of_training(here))
    trainer.resume()
    here.ends_well(again)


def log_of_training(here) -> str:
    """What the first block's log holds; a job that begins deletes that of one before it."""
    log = here.path("spirals/logs/train/00000.log")
    return log.read_text() if log.exists() else ""


def others(here, job):
    """A job that trains, too."""
    jobs = (each for each in here.slurm.jobs("RUNNING") if each["what"].startswith("rule_train_"))
    return next((each for each in jobs if each["id"] != job), None)


def test_the_controller_is_restarted(place, slurm):
    here = place(small(training=SLOW))
    process = here.begin(FILM)
    _, trainer = here.pause_training(process)
    here.until(process, lambda: slurm.has_saved("rule_train_"))
    slurm.stop("slurmctld", signal.SIGKILL)
    here.until(process, lambda: "controller does not answer" in here.heard(process))
    slurm.start_controller()
    trainer.resume()
    assert "epochreel: Slurm's controller answers again" in here.ends_well(process)
