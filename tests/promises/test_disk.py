"""Full disks, missing permissions, file size limits: one line says so, and a restart resumes."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from killing import CONFIGS, KEPT, Watched, workers
from workflow import Workplace

# The files that each rule makes for the first block, or in all.
MADE = {
    "generate_dataset": ["datasets/*/test/00000.parquet"],
    "train": [
        "{run}/checkpoints/00000?.safetensors",
        "{run}/checkpoint_index/00000.json",
        "{run}/training/00000.parquet",
    ],
    "evaluate": ["{run}/evaluations/00000?.parquet"],
    "summarize": ["{run}/metrics/00000.parquet"],
    "render": ["{run}/frames/00000?.png"],
    "encode_segment": ["{run}/segments/0000.mp4", "{run}/store/segments/*"],
    "encode": ["{run}/training.mp4"],
    "write_manifest": ["{run}/manifest.json"],
}
EVERY = list(CONFIGS)


@pytest.fixture
def run() -> str:
    """The run that a test is about, unless it is parametrized."""
    return "spirals"


@pytest.fixture
def whole(made_alone, run) -> Workplace:
    """A run with everything made. Tests leave it unchanged."""
    return made_alone(run)


def mounted(folder: Path, *how: str) -> None:
    """Mount there, or skip the test where this is not permitted."""
    done = subprocess.run(["mount", *how, folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")


@pytest.fixture
def tight(whole, tmp_path):
    """A copy of the workplace whose `results` are on a small disk."""
    place = Watched(tmp_path / "tight", whole.config, whole.digests(*KEPT))
    held = sum(path.stat().st_size for path in whole.path("").rglob("*") if path.is_file())
    place.path("").mkdir()
    if shutil.which("mount") is None:
        pytest.skip("there is no command to mount with")
    mounted(place.path(""), "-t", "tmpfs", "-o", f"size={held + 4_000_000}", "none")
    shutil.copytree(whole.path(""), place.path(""), dirs_exist_ok=True)
    shutil.copytree(whole.folder / ".snakemake", place.folder / ".snakemake")
    yield place
    subprocess.run(["umount", place.path("")], check=True)


def lose(place: Workplace, rule: str) -> None:
    """Delete what a rule made for the first block; for training, the store too."""
    run = place.config["main_run"]
    for pattern in MADE[rule]:
        for path in place.path("").glob(pattern.format(run=run)):
            path.unlink()
    if rule == "train":
        shutil.rmtree(place.path(f"{run}/store"))


def fill(place: Workplace) -> Path:
    """Leave no byte free, not even the space of earlier logs; return the file to delete."""
    for logs in list(place.path("").rglob("logs")):
        shutil.rmtree(logs)
    filler = place.path("filler")
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return filler


def complaint(said: str) -> str:
    """Return the one line of the failed job; there must be no traceback."""
    assert "Traceback" not in said, said
    lines = re.findall("^epochreel: .*(?:results/| are free: ).*", said, re.MULTILINE)
    assert len(lines) == 1, said
    return lines[0]


def check_resumes(place: Watched) -> None:
    """Check that no earlier file is damaged and that a restart makes the rest, byte for byte."""
    place.look()
    assert not list(place.path("").rglob("*.part"))
    place.make()
    assert place.is_complete()


def refused_on_full_disk(place: Watched, rule: str) -> str:
    """Run a rule on a full disk and check that a restart resumes; return the error."""
    lose(place, rule)
    filler = fill(place)
    done = place.start()
    assert done.returncode == 1
    filler.unlink()
    check_resumes(place)
    return complaint(done.stdout)


@pytest.mark.parametrize("rule", ["encode", "render"])
def test_on_a_full_disk_the_error_names_the_file_and_a_restart_resumes(tight, rule):
    assert re.search("results/.*No space left on device", refused_on_full_disk(tight, rule))


@pytest.mark.long
@pytest.mark.parametrize("run", EVERY)
@pytest.mark.parametrize("rule", [rule for rule in MADE if rule != "train"])
def test_on_a_full_disk_any_job_of_any_experiment_names_the_file(tight, rule):
    assert re.search("results/.*No space left on device", refused_on_full_disk(tight, rule))


def test_training_checks_the_disk_space_before_it_starts(tight):
    assert "0.00 GB are free: free some space" in refused_on_full_disk(tight, "train")


@pytest.mark.long
def test_the_film_is_finished_after_the_disk_was_full_many_times(tight):
    shutil.rmtree(tight.path("spirals"))
    for size in (60, 300, 500, 700, 4000):
        subprocess.run(["mount", "-o", f"remount,size={size}k", tight.path("")], check=True)
        done = tight.start()
        assert done.returncode == 0 or complaint(done.stdout)
        tight.look()
    check_resumes(tight)


def test_a_read_only_folder_is_reported_and_left_unchanged(tight):
    lose(tight, "encode")
    mounted(tight.path(""), "-o", "remount,ro")
    done = tight.start()
    assert done.returncode == 1
    # Snakemake itself refuses, before any job.
    assert re.search("(Read-only|Write-protected)[^$]*results/spirals/", done.stdout)
    mounted(tight.path(""), "-o", "remount,rw")
    check_resumes(tight)


@pytest.fixture
def copied(whole, tmp_path) -> Watched:
    """A copy of the workplace, for changes."""
    shutil.copytree(whole.folder, tmp_path / "copied")
    return Watched(tmp_path / "copied", whole.config, whole.digests(*KEPT))


@pytest.mark.parametrize("rule", ["train", "encode"])
def test_a_limit_on_file_sizes_is_reported_with_the_file(copied, rule):
    lose(copied, rule)
    most = 17_500  # bytes: less than a checkpoint or the film, more than the record of the plan
    limited = copied.begin(before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
    copied.watch(limited)
    assert limited.returncode == 1
    assert re.search("results/.*(File too large|SIGXFSZ)", complaint(copied.heard(limited)))
    check_resumes(copied)


def test_a_killed_worker_is_reported_with_its_rule_and_a_restart_resumes(copied):
    lose(copied, "render")
    started = copied.begin()
    while not (found := workers(started, "render")):
        assert not copied.watch(started, 0.05)
    found[0].kill()
    copied.watch(started)
    assert started.returncode == 1
    said = copied.heard(started)
    assert "Error in rule render" in said and "died with <Signals.SIGKILL: 9>" in said
    check_resumes(copied)


def drop_root_capabilities() -> None:
    """Make file permissions apply to this process and its children even if it runs as root."""
    drop, override, search = 24, 1, 2  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (override, search):
        if os.geteuid() == 0 and libc.prctl(drop, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "cannot give up a right")


@pytest.mark.parametrize(
    "rule, lost, mode",
    [
        ("render", "spirals/evaluations/000003.parquet", 0o644),
        ("evaluate", "spirals/checkpoints/000003.safetensors", 0o644),
        ("train", "datasets/two_spirals/train/00000.parquet", 0o644),
        ("render", "spirals/frames", 0o755),
    ],
)
def test_a_lost_permission_is_reported_with_the_file_and_can_be_restored(copied, rule, lost, mode):
    lose(copied, rule)
    copied.path(lost).chmod(mode & 0o555 if copied.path(lost).is_dir() else 0)
    refused = copied.begin(before=drop_root_capabilities)
    copied.watch(refused)
    copied.path(lost).chmod(mode)
    assert refused.returncode == 1
    assert re.search(f"{lost}.*Permission denied", complaint(copied.heard(refused)))
    check_resumes(copied)
