"""Jobs run the planned code and settings, even if files change or jobs start elsewhere."""

from __future__ import annotations

import os
import shutil

import pytest
from killing import CONFIGS, KEPT
from workflow import REPOSITORY, Workplace, copy_code

RETRY = "changed while the workflow was running: run the same command again"


@pytest.fixture
def mine(tmp_path):
    """A workplace with an editable user-defined experiment: the spirals."""
    shutil.copytree(REPOSITORY / "examples" / "spirals", tmp_path / "mine")
    place = Workplace(tmp_path / "place", CONFIGS["spirals"]())
    place.config["datasets"]["two_spirals"]["experiment"] = f"{tmp_path / 'mine'}/"
    place.write_config()
    return place


def reported(said: str) -> list[str]:
    words = [line for line in said.splitlines() if line.startswith("epochreel: ")]
    assert words and "Traceback" not in said, said[-3000:]
    return [word for word in words if "needs about" not in word]


def test_a_file_edited_while_the_workflow_runs_ends_the_jobs_that_load_it(mine, tmp_path):
    data, evaluation = (tmp_path / "mine" / f"{name}.py" for name in ("data", "evaluation"))
    text = evaluation.read_text()
    edit = f"open({str(evaluation)!r}, 'w').write({text.replace('> 0.5', '> 0.4')!r})"
    in_a_job = "'snakemake' in vars(sys.modules['__main__'])"
    data.write_text(f"{data.read_text()}\n\nimport sys\nif {in_a_job}:\n    {edit}\n")
    done = mine.start("everything")
    assert done.returncode == 1
    assert set(reported(done.stdout)) == {f"epochreel: {evaluation} {RETRY}"}
    assert mine.digests("spirals/checkpoints/*") and not mine.digests("spirals/evaluations/*")
    evaluation.write_text(text)
    mine.make("everything")


def test_another_copy_of_the_library_on_the_path_changes_nothing(tmp_path, made_alone):
    other = copy_code(tmp_path / "other") / "workflow_scripts"
    palette = other / "epochreel" / "drawing" / "palette.py"
    palette.write_text(palette.read_text().replace("(253, 253, 251)", "(60, 0, 60)"))
    alone = made_alone("spirals")
    place = Workplace(tmp_path / "place", alone.config)
    (place.folder / "epochreel").symlink_to(other / "epochreel")
    place.environment = {"PYTHONPATH": str(other), "PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "1"}
    place.make("--notemp")
    assert place.digests(*KEPT) == alone.digests(*KEPT)


def test_as_a_module_of_another_workflow_it_makes_the_same_film(tmp_path, made_alone):
    alone = made_alone("spirals")
    place = Workplace(tmp_path / "place", alone.config, repository=tmp_path / "place")
    os.makedirs(place.folder / "results" / "frames")
    leftover = (
        place.folder / "results" / "frames" / f".000001.png@{os.uname().nodename}-999999.part"
    )
    leftover.write_text("")
    (place.folder / "Snakefile").write_text(f"""
configfile: "config.yaml"


module film:
    snakefile:
        "{REPOSITORY / "Snakefile"}"
    config:
        config


use rule * from film as film_*
""")
    place.make("--notemp", "film_everything")
    assert place.digests(*KEPT) == alone.digests(*KEPT)
    assert not leftover.exists()
