"""Faults of a cluster: the film is the same each time, and the user learns about them."""

import re
import signal

import pytest
from killing import small

FILM = "results/spirals/training.mp4"
pytestmark = [pytest.mark.cluster, pytest.mark.long]
# Training takes long enough to be caught in the middle.
ADAM = {"name": "adam", "learning_rate": 0.01}
SLOW = {"batch_size": 50, "steps_per_epoch": 400, "optimizer": ADAM}


def several_blocks() -> dict:
    """Return a config of three blocks of a hundred frames that take a while to render."""
    training = {"batch_size": 50, "steps_per_epoch": 10, "optimizer": ADAM}
    figure = {"width": 1280, "height": 720}
    return small(epochs=299, training=training, figure=figure) | {"snapshots_per_block": 100}


def finish_without_node(here, slurm, process, job) -> None:
    """Take the node of a job down; Slurm requeues the job, and the film is the same."""
    slurm.crash_node(job["node"])
    try:
        check_requeued(here, slurm, job, here.ends_well(process))
    finally:
        slurm.start_node(job["node"])


def check_requeued(here, slurm, job, said) -> None:
    """Check for one restart in Slurm, in the job's log and at the end of the command's output."""
    assert slurm.restarts(job["id"]) == 1
    (told,) = re.findall(r"epochreel: 1 job restarted by Slurm, .*: (\S+)", said)
    word, *_ = (here.folder / told).read_text().splitlines()
    assert word.endswith("restarted by Slurm (restart 1): preempted, or its node failed")
    assert job["what"].split("_")[1] in told


def test_a_node_is_lost_while_frames_are_rendered(place, slurm):
    here = place(several_blocks())
    process = here.begin(FILM)
    here.until(process, lambda: list(here.path("spirals/frames").glob("0001*.png")))
    job = here.until(process, lambda: here.running("render"))
    finish_without_node(here, slurm, process, job)


def test_a_training_resumes_after_the_loss_of_its_node(place, slurm):
    here = place(small(training=SLOW))
    process = here.begin(FILM)
    job, _ = here.pause_training(process)
    finish_without_node(here, slurm, process, job)
    assert "are kept: it was interrupted" in log_of_training(here)


def test_a_training_that_exceeds_its_time_is_retried_with_more(place):
    minutes = {"set-resources": {"train": {"runtime": "5 ** (attempt - 1)"}}}
    here = place(small(training=SLOW), minutes)
    process = here.begin(FILM)
    here.pause_training(process)
    said = here.ends_well(process)
    assert "SLURM status is: 'TIMEOUT'" in said and "runtime=5" in said


def test_a_job_that_exceeds_its_memory_is_retried_with_more(place):
    little = {"set-resources": {"render": {"mem_mb": "200 * 3 ** (attempt - 1)"}}}
    here = place(overlay=little)
    said = here.ends_well(here.begin(FILM))
    logs = (here.folder / ".snakemake" / "slurm_logs" / "rule_render").rglob("*.log")
    assert any("Exceeded job memory limit" in log.read_text() for log in logs)
    assert re.search(r"SLURM-job '\d+' failed, SLURM status is: ", said) and "mem_mb=600" in said


def test_a_preempted_training_resumes_from_its_last_snapshot(place, slurm):
    here = place(small(training=SLOW))
    process = here.begin(FILM)
    job, _ = here.pause_training(process)
    slurm.call("sbatch", "-p", "urgent", "-N3", "--exclusive", "-o/dev/null", "--wrap", "sleep 5")
    here.until(process, lambda: not here.running("train"))
    check_requeued(here, slurm, job, here.ends_well(process))
    assert "are kept: it was interrupted" in log_of_training(here)


def test_a_killed_command_is_repeated_while_its_training_still_runs(place):
    here = place(small(training=SLOW))
    killed = here.begin(FILM)
    first, trainer = here.pause_training(killed)
    killed.kill()
    killed.wait()
    here.make("--unlock")
    again = here.begin(FILM)
    here.until(again, lambda: others(here, first["id"]))
    here.until(again, lambda: "run is locked by" in log_of_training(here))
    trainer.resume()
    here.ends_well(again)


def log_of_training(here) -> str:
    """Return the log of the first block; a job that starts deletes that of an earlier one."""
    log = here.path("spirals/logs/train/00000.log")
    return log.read_text() if log.exists() else ""


def others(here, job):
    """Return another running training job, or None."""
    jobs = (each for each in here.slurm.jobs("RUNNING") if each["what"].startswith("rule_train_"))
    return next((each for each in jobs if each["id"] != job), None)


def test_a_restarted_controller_loses_no_job(place, slurm):
    here = place(small(training=SLOW))
    process = here.begin(FILM)
    _, trainer = here.pause_training(process)
    here.until(process, lambda: slurm.has_saved("rule_train_"))
    slurm.stop("slurmctld", signal.SIGKILL)
    here.until(process, lambda: "controller does not answer" in here.heard(process))
    slurm.start_controller()
    trainer.resume()
    assert "epochreel: Slurm's controller answers again" in here.ends_well(process)
