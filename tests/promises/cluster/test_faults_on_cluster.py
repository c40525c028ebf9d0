"""What befalls a cluster: the film is the same each time, and the user is told."""

import re
import shutil
import signal

import pytest
from killing import small
from workflow import Workplace

FILM = "results/spirals/training.mp4"
pytestmark = [pytest.mark.cluster, pytest.mark.long]
# Training takes long enough to be met in its middle.
SLOW = {"batch": 50, "batches_per_epoch": 400, "optimizer": "adam", "rate": 0.01}


def several_blocks() -> dict:
    """A config of three blocks of a hundred frames, large enough that drawing takes a while."""
    training = {"batch": 50, "batches_per_epoch": 10, "optimizer": "adam", "rate": 0.01}
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


def test_a_task_of_an_array_that_is_cancelled_is_submitted_again_and_the_others_go_on(place, slurm):
    here = place(several_blocks())
    here.ends_well(here.begin(FILM))
    frames = sorted(here.path("spirals/frames").glob("*.png"))
    for path in [*frames, here.path("spirals/training.mp4")]:
        path.unlink()
    process = here.begin(FILM)
    job = here.until(process, lambda: here.running("render"))
    slurm.call("scancel", job["id"])
    said = here.ends_well(process)
    assert said.count("SLURM status is: 'CANCELLED'") == 1


ARRAYS = {"evaluate": "states/00002.json", "render": "summaries/00002.parquet"}


def ready_for_array(place, rule, config=None, overlay=None):
    """A workplace where all that stands before three blocks of a rule was made by this machine."""
    here = place(config or small(epochs=29), overlay)
    Workplace(here.folder, here.config).make(f"results/spirals/{ARRAYS[rule]}")
    here.write_config()
    return here


def tasks(here, rule):
    """The three tasks of the rule's array once they run, or None."""
    jobs = here.slurm.jobs("RUNNING")
    found = [job for job in jobs if job["what"].startswith(f"rule_{rule}_") and "_" in job["id"]]
    return found if len(found) == 3 else None


def test_a_task_of_an_array_that_is_preempted_is_begun_again_and_the_others_go_on(place, slurm):
    here = ready_for_array(place, "evaluate")
    process = here.begin(FILM)
    job, *others = here.until(process, lambda: tasks(here, "evaluate"))
    here.until(process, lambda: here.works(job, "evaluate"))
    urgent = ("-w", job["node"], "--exclusive", "-o/dev/null", "--wrap", "sleep 5")
    slurm.call("sbatch", "-p", "urgent", *urgent)
    was_begun_again(here, slurm, job, here.ends_well(process))
    assert [slurm.restarts(other["id"]) for other in others] == [0, 0]


def test_a_task_of_an_array_that_loses_its_node_is_begun_again_and_the_others_go_on(place, slurm):
    here = ready_for_array(place, "render")
    process = here.begin(FILM)
    job, *others = here.until(process, lambda: tasks(here, "render"))
    here.until(process, lambda: here.works(job, "render"))
    ends_well_without_its_node(here, slurm, process, job)
    assert [slurm.restarts(other["id"]) for other in others] == [0, 0]


# The panel of a figure that in one frame, of the second block, holds a gigabyte for some seconds.
GREEDY = """

import time

modest = panels


class Greedy:
    def settle(self, canvas):
        pass

    def draw(self, canvas, moment):
        held = bytearray(b"1") * 10**9 if moment.snapshot == 15 else b""
        time.sleep(5 if held else 0)


def panels(story):
    return [*modest(story), Greedy()]
"""


def greedy(folder) -> dict:
    """A config of three blocks, the second of which takes much more memory to draw."""
    config = small(epochs=29)
    about = config["datasets"]["two_spirals"]
    shutil.copytree(about["experiment"], folder)
    with open(folder / "figure.py", "a") as figure:
        figure.write(GREEDY)
    about["experiment"] = f"{folder}/"
    return config


def test_a_task_of_an_array_beyond_its_memory_is_submitted_again_alone_with_more(place, tmp_path):
    some = {"set-resources": {"render": {"mem_mb": "700 * 3 ** (attempt - 1)"}}}
    here = ready_for_array(place, "render", greedy(tmp_path / "greedy"), some)
    said = here.ends_well(here.begin(FILM))
    (failed,) = re.findall(r"SLURM-job '(\w+)' failed", said)
    assert "Exceeded job memory limit" in log_of_task(here, failed)
    assert re.findall(r"mem_mb=(\d+)", said).count("2100") == 1
    assert said.count("Submitted array job") == 1


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


def log_of_task(here, task) -> str:
    """What Slurm has written of a task of an array."""
    return (here.folder / f".snakemake/slurm_logs/rule_render/{task}.log").read_text()


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
