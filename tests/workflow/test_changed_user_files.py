"""The user's files as inputs of the workflow: dates, hidden files, changes, damage."""

from __future__ import annotations

import os
import shutil

import pytest
from PIL import Image
from workflow import Workplace, alone

FUTURE = 1_924_992_000  # In the year 2031.
SHARD = "results/datasets/few_sketches/test/00000.parquet"
DATA = {"generate_dataset few_sketches test 00000"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Workplace:
    """A dataset of images next to the config, dated in the future, with hidden files."""
    config = alone("sketches")
    data = {"source": "folder", "folder": "./", "classes": ["balls", "boxes"], "size": 8}
    config["datasets"]["few_sketches"] |= {"train": 30, "test": 30, "settings": data}
    place = Workplace(tmp_path_factory.mktemp("images"), config)
    for split in ("train", "test"):
        for kind in ("balls", "boxes"):
            folder = place.folder / split / kind
            folder.mkdir(parents=True)
            for number in range(20):
                path = folder / f"{number}.png"
                Image.new("L", (9, 8), 10 * number).save(path)
                path.with_name(f"._{number}.png").write_bytes(b"\0\5\x16\7")
                os.utime(path, (FUTURE, FUTURE))
    place.said = place.make(SHARD)
    return place


@pytest.fixture
def place(finished, tmp_path) -> Workplace:
    shutil.copytree(finished.folder, tmp_path / "place")
    return Workplace(tmp_path / "place", finished.config)


def test_images_dated_in_the_future_are_used_and_rerun_nothing(place):
    assert place.jobs(SHARD) == set()


def test_a_warning_counts_hidden_files_once_per_command(finished):
    assert finished.said.count("80 hidden or system file(s)") == 1
    assert finished.said.count("such as test/b") + finished.said.count("such as train/b") == 1


@pytest.mark.parametrize("date", [0, FUTURE + 10], ids=["older", "newer"])
def test_an_image_replaced_by_one_with_any_date_remakes_the_data(place, date):
    path = place.folder / "train/balls/3.png"
    Image.new("L", (9, 8), 255).save(path)
    os.utime(path, (date, date))
    assert place.jobs(SHARD) == DATA


def test_another_date_alone_reruns_nothing(place):
    os.utime(place.folder / "train/balls/3.png")
    assert place.jobs(SHARD) == set()


@pytest.mark.parametrize("name", ["train/balls/new.png", "train/balls/3.png"])
def test_an_added_or_removed_image_remakes_the_data(place, name):
    path = place.folder / name
    path.unlink() if path.exists() else shutil.copy(path.with_name("1.png"), path)
    assert place.jobs(SHARD) == DATA


def test_files_that_are_not_read_rerun_nothing(place):
    for name in ("train/notes.txt", "train/balls/._new.png", "results/more.png", "more.png"):
        (place.folder / name).write_bytes(b"any")
    assert place.jobs(SHARD) == set()


def test_touch_accepts_changed_files(place):
    Image.new("L", (9, 8), 255).save(place.folder / "train/balls/3.png")
    place.make("--touch", SHARD)
    assert place.jobs(SHARD) == set()


def test_a_job_names_all_damaged_images_at_once(place):
    for name in ("train/balls/1.png", "test/boxes/2.png", "test/balls/0.png"):
        (place.folder / name).write_bytes(b"no image")
    done = place.start(SHARD)
    (line,) = (line for line in done.stdout.splitlines() if "files cannot be used" in line)
    assert done.returncode == 1 and "3 of 80 files cannot be used" in line
    assert "boxes/2.png" in line and "balls/1.png" in line


def test_an_image_added_while_a_job_waits_is_refused(place):
    """The image appears when the job starts: Python runs `sitecustomize` in every process."""
    (place.folder / "train/balls/3.png").unlink()
    new = place.folder / "train/balls/new.png"
    (place.folder / "code").mkdir()
    (place.folder / "code/sitecustomize.py").write_text(
        "import shutil, sys\n"
        "if any('.snakemake' in word for word in sys.orig_argv):\n"
        f"    shutil.copy({str(new.with_name('1.png'))!r}, {str(new)!r})\n"
    )
    place.environment = {"PYTHONPATH": str(place.folder / "code")}
    done = place.start(SHARD)
    assert done.returncode == 1
    assert "new.png was added while the workflow was running: run the same" in done.stdout
    assert place.start(SHARD).returncode == 0
