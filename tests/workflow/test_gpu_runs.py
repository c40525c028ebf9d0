"""`all` omits runs that need a GPU where there is none, but only if jobs run on this machine."""

import os
import re

import pytest
from workflow import Workplace, miniature, with_key

OMITTED = "epochreel: omitting cells, words: they need a GPU, and torch finds none here"


@pytest.fixture
def place(tmp_path) -> Workplace:
    """The miniature with two runs that need a GPU, on a machine without one."""
    config = with_key(miniature(), "runs.cells.needs", "gpu")
    place = Workplace(tmp_path / "place", with_key(config, "runs.words.needs", "gpu"))
    place.environment = {"CUDA_VISIBLE_DEVICES": ""}
    return place


def planned_runs(said: str) -> set[str]:
    return set(re.findall(r"run=(\w+)", said))


def fake_gpu(folder) -> dict[str, str]:
    """Return an environment in which torch finds a GPU."""
    (folder / "torch.py").write_text("class cuda:\n    is_available = lambda: True\n")
    return {"PYTHONPATH": str(folder)}


def test_all_omits_the_runs_in_one_line(place):
    said = place.make("--dry-run", "all")
    assert said.count(OMITTED) == 1
    assert planned_runs(said) == {"sheets", "sketches"}


def test_a_run_asked_for_by_name_is_made_anyway(place):
    said = place.make("--dry-run", "results/cells/training.mp4")
    assert "omitting" not in said and planned_runs(said) == {"cells"}


def test_the_main_run_is_omitted_from_all_but_made_by_default(place):
    config = with_key(place.config, "runs.sheets.needs", "gpu")
    assert not {job for job in place.jobs("all", config=config) if "sheets" in job.split()}
    assert "publish" not in place.jobs("all", config=config)
    assert {"publish", "encode sheets"} <= place.jobs(config=config)


def test_nothing_is_omitted_if_torch_finds_a_gpu(place, tmp_path):
    place.environment = fake_gpu(tmp_path)
    said = place.make("--dry-run", "all")
    assert "omitting" not in said and planned_runs(said) == set(place.config["runs"])


def test_nothing_is_omitted_on_a_cluster(place):
    pytest.importorskip("snakemake_executor_plugin_slurm")
    said = place.make("--dry-run", "all", "--executor", "slurm", "--jobs", "1")
    assert "omitting" not in said and planned_runs(said) == set(place.config["runs"])


def test_torch_is_asked_only_if_all_is_requested_and_a_run_needs_a_gpu(place, tmp_path):
    asked = tmp_path / "asked"
    (tmp_path / "torch.py").write_text(f"open({str(asked)!r}, 'w')\n")
    place.environment = {"PYTHONPATH": str(tmp_path)}
    place.make("--dry-run", "results/cells/training.mp4")
    place.jobs("all", config=miniature())
    assert not os.path.exists(asked)
    place.make("--dry-run", "all")
    assert os.path.exists(asked)
