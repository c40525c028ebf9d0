"""Valid files in the wrong place are refused by the stage that reads them."""

from __future__ import annotations

import os
import re

import pytest
from foreign_files import another_runs, other_weights, red, reversed_note


@pytest.mark.parametrize(
    "kind, suffix, lost, told",
    [
        (
            "checkpoints",
            "safetensors",
            "evaluations/000004.parquet",
            "is damaged, or not the checkpoint that ",
        ),
        ("evaluations", "parquet", "frames/000004.png", "holds snapshot 5, not 3: "),
        ("evaluations", "parquet", "metrics/00000.parquet", "holds snapshot 5, not 3"),
    ],
)
def test_two_swapped_files_are_detected_by_the_stage_that_reads_them(
    copied, kind, suffix, lost, told
):
    one, other = (copied.path(f"sheets/{kind}/{n:06d}.{suffix}") for n in (3, 5))
    held = one.read_bytes(), other.read_bytes()
    for path, data in zip((other, one), held, strict=True):
        path.unlink()
        path.write_bytes(data)
        os.utime(path, (1, 1))
    for path in copied.path(f"sheets/{lost}").parent.glob("0000*"):
        path.unlink()
    done = copied.start("results/sheets/training.mp4", f"results/sheets/{lost}")
    assert f"results/sheets/{kind}/000003.{suffix} {told}" in done.stdout


@pytest.mark.parametrize(
    "change, name, told",
    [
        (
            other_weights,
            "checkpoints/000004.safetensors",
            "is damaged, or not the checkpoint that ",
        ),
        (another_runs, "evaluations/000004.parquet", "was made with other settings"),
        (another_runs, "metrics/00000.parquet", "was made with other settings"),
        (another_runs, "../datasets/few_sheets/test/00000.parquet", "was made with other settings"),
        (red, "frames/000004.png", "has no snapshot number: delete it"),
        (reversed_note, "frames/000004.png", "was made with other settings"),
    ],
)
def test_a_valid_file_of_another_run_never_gets_into_the_film(copied, change, name, told):
    path = os.path.normpath(f"results/sheets/{name}")
    change(copied.folder / path)
    done = copied.start("results/sheets/training.mp4")
    assert done.returncode == 1
    assert re.search(rf"^epochreel: .*{path},? {told}", done.stdout, re.MULTILINE)
    (copied.folder / path).unlink()
    copied.make("results/sheets/training.mp4")
