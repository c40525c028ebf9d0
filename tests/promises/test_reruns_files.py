"""The table of reruns: files lost, altered, touched or copied elsewhere."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import reruns
from rerun_files import ALTERED, LOST, LOST_WHERE_PROJECTED, Case
from rerun_rows import DATA, NETWORK, Row
from workflow import ARTIFACTS, Workplace, jobs_in

from epochreel.core.bundled_fonts import bundled

PLACES = [
    pytest.param((), id="default"),
    pytest.param(("all",), id="all", marks=pytest.mark.long),
]


@pytest.fixture
def place(rerun_world, tmp_path) -> Workplace:
    """The finished workplace, for losing and replacing files."""
    return rerun_world.linked_at(tmp_path / "place")


def files_of(case: Case, place: Workplace) -> list[Path]:
    found = sorted(place.folder.glob(case.path))
    assert found, case.path
    return found


def jobs_after(change: Callable[[Path], None], case: Case, place: Workplace, *targets: str):
    """Return the jobs that would run after the files of a case have changed."""
    for path in files_of(case, place):
        change(path)
    return place.jobs(*targets)


@pytest.mark.parametrize("case", LOST_WHERE_PROJECTED, ids=lambda case: case.what)
def test_a_lost_file_of_a_projected_run_is_made_again_too(place, case):
    assert jobs_after(Path.unlink, case, place, "all") == case.jobs


@pytest.mark.parametrize("targets", PLACES)
@pytest.mark.parametrize("case", LOST, ids=lambda case: case.what)
def test_a_lost_file_is_made_again_with_everything_that_reads_it(place, case, targets):
    assert jobs_after(Path.unlink, case, place, *targets) == case.jobs


def alter(path: Path) -> None:
    """Replace a file by another of the same size and the current time."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()
    path.write_bytes(data)


@pytest.mark.parametrize("targets", PLACES)
@pytest.mark.parametrize("case", ALTERED, ids=lambda case: case.what)
def test_a_file_changed_by_hand_is_read_again_by_its_readers(place, case, targets):
    assert jobs_after(alter, case, place, *targets) == case.jobs


REFUSED = [case for case in ALTERED if case.refused]


@pytest.mark.long
@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.what)
def test_the_reader_of_a_changed_file_names_it_and_deleting_it_repairs_it(copied, case):
    before = copied.digests(*ARTIFACTS)
    alter(copied.folder / case.path)
    done = copied.start()
    lines = [line for line in done.stdout.splitlines() if line.startswith("epochreel: ")]
    assert done.returncode == 1 and "Traceback" not in done.stdout
    assert any(case.path in line for line in lines), done.stdout
    (copied.folder / case.path).unlink()
    copied.make()
    assert copied.digests(*ARTIFACTS) == before


def test_changes_with_preserved_modification_times_rerun_nothing(place):
    for case in ALTERED:
        for path in files_of(case, place):
            times = path.stat().st_atime_ns, path.stat().st_mtime_ns
            alter(path)
            os.utime(path, ns=times)
    said = place.make("--dry-run", *reruns.TARGETS)
    assert not jobs_in(said), said[-6000:]


def test_copying_results_with_snakemakes_metadata_reruns_nothing(rerun_world, tmp_path):
    shutil.copytree(rerun_world.folder, tmp_path / "copy", copy_function=shutil.copyfile)
    (tmp_path / "copy/bin/ffmpeg").chmod(0o755)
    files = [path for path in (tmp_path / "copy/results").rglob("*") if path.is_file()]
    for number, path in enumerate(random.Random(1).sample(files, len(files))):
        os.utime(path, (1e9 + number, 1e9 + number))
    assert Workplace(tmp_path / "copy", rerun_world.config).jobs(*reruns.TARGETS) == set()


FOLDERS = [
    ("in_fonts.settings.fonts", "fonts/DejaVuSans.ttf", DATA),
    ("in_fonts.settings.fonts", "fonts/added.ttf", DATA),
    ("in_fonts.settings.fonts", "fonts/notes.txt", set()),
    ("on_pictures.settings.backgrounds", "pictures/one.png", DATA | NETWORK),
    ("on_pictures.settings.backgrounds", "pictures/added.png", DATA | NETWORK),
    ("on_pictures.settings.backgrounds", "pictures/notes.txt", set()),
    ("in_folders.settings.folder", "kinds/train/one/0.png", DATA),
    ("in_folders.settings.folder", "kinds/train/notes.txt", set()),
    ("clothes.settings.fashion_files", "clothes/train-images-idx3-ubyte", DATA),
]


@pytest.mark.parametrize("key, name, touched", FOLDERS, ids=[name for _, name, _ in FOLDERS])
def test_a_changed_source_file_remakes_the_data_but_no_other_file_does(place, key, name, touched):
    other = {".ttf": bundled("DejaVuSerif.ttf")}.get(Path(name).suffix)
    (place.folder / name).unlink(missing_ok=True)
    shutil.copy(other or place.folder / "other_pictures/one.png", place.folder / name)
    expected = reruns.expected(place.config, Row(f"datasets.{key}", None, touched))
    assert reruns.without_blocks(place.jobs(*reruns.TARGETS)) == expected
