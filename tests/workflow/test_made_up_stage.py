"""A rule, a script and one declaration are enough to add a stage."""

from __future__ import annotations

import json

import pytest
from killing import small
from workflow import Workplace, copy_code

RULE = """
rule export_accuracy:
    input:
        last_of("metrics"),
    output:
        "results/{run}/accuracy.txt",
    log:
        "results/{run}/logs/export_accuracy.log",
    benchmark:
        "results/{run}/benchmarks/export_accuracy.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 1
    params:
        settings=settings_of("export_accuracy"),
    script:
        "../workflow_scripts/export_accuracy.py"
"""
SCRIPT = '''"""Export the accuracy of the last snapshot as text."""

import json
from pathlib import Path

from epochreel.artifacts import metrics
from epochreel.runtime.job import job


def export_accuracy(path_to_metrics: str, path_to_text: str, stage: dict) -> None:
    """Write the accuracy."""
    count, key_digest = stage["settings"]["snapshots"], stage["reads"]["summarize"]
    table = metrics.read(path_to_metrics, count, key_digest)
    Path(path_to_text).write_text(str(table["accuracy"][-1].as_py()))


if __name__ == "__main__":
    with job(snakemake.log[0]):
        export_accuracy(
            path_to_metrics=snakemake.input[0],
            path_to_text=snakemake.output[0],
            stage=json.loads(snakemake.params.settings),
        )
'''
DECLARATION = """    Stage(
        "export_accuracy",
        settings=lambda run: {"snapshots": run.snapshots},
        needs=Dependencies(packages=("numpy", "pyarrow")),
        reads=("summarize",),
        makes=(Artifact("accuracy", "results/{run}/accuracy.txt"),),
    ),
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workplace:
    """A small run, made by a copy of the code with one more stage."""
    folder = tmp_path_factory.mktemp("made_up")
    code = copy_code(folder / "code")
    (code / "rules/export.smk").write_text(RULE)
    (code / "workflow_scripts/export_accuracy.py").write_text(SCRIPT)
    snakefile, stages = code / "Snakefile", code / "workflow_scripts/epochreel/plan/stages.py"
    last = 'include: "rules/verify.smk"\n'
    text = snakefile.read_text().replace(last, last + 'include: "rules/export.smk"\n')
    snakefile.write_text(text)
    declared = stages.read_text().replace(")\nSTAGES = ", f"{DECLARATION})\nSTAGES = ")
    stages.write_text(declared)
    place = Workplace(folder / "work", small(epochs=2), code)
    place.make("all")
    return place


def test_the_artifact_of_a_new_stage_is_made_and_listed_in_the_manifest(place):
    assert 0 <= float(place.path("spirals/accuracy.txt").read_text()) <= 1
    manifest = json.loads(place.path("spirals/manifest.json").read_text())
    assert "results/spirals/accuracy.txt" in manifest["artifacts"]
    assert "export_accuracy" in manifest["stages"]


def test_verify_checks_the_artifact_of_a_new_stage(place):
    path = place.path("spirals/accuracy.txt")
    text = path.read_text()
    path.write_text("1.5")
    assert "results/spirals/accuracy.txt differs from the manifest" in place.start("verify").stdout
    path.write_text(text)


def test_a_change_of_its_script_reruns_only_the_new_stage(place):
    script = place.repository / "workflow_scripts/export_accuracy.py"
    script.write_text(SCRIPT.replace("[-1]", "[0]"))
    assert place.jobs("all") == {"export_accuracy spirals", "write_manifest spirals"}
    script.write_text(SCRIPT)


def test_a_change_of_its_input_reruns_the_new_stage(place):
    config = json.loads(json.dumps(place.config))
    config["runs"]["spirals"]["seed"] = 9
    assert "export_accuracy spirals" in place.jobs("all", config=config)
