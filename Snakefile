"""Epochreel: turns the training of a neural network into a film, reproducibly.

snakemake training.mp4                            the film of the main run
snakemake                                         all artifacts of the main run
snakemake all                                     all artifacts of all runs; on a machine without
                                                  a GPU, of those that do not need one
snakemake results/<run>/training.mp4              the film of any run
snakemake results/<run>/frames/000013.png         one frame
snakemake results/<run>/predictions/<name>.csv    the prediction for images/<name>.png
snakemake results/<run>/loops/<name>.gif          an animated loop of the last snapshot
snakemake results/<run>/cast.txt                  a proposal of test examples for the film
snakemake verify                                  check finished runs against their manifests

At any time, even while Snakemake is running:

python workflow_scripts/preview.py <run>          the film so far, results/<run>/preview.mp4
python workflow_scripts/verify.py                 the same as `snakemake verify`
"""


include: "rules/startup.smk"
include: "rules/common.smk"
include: "rules/input_functions.smk"
include: "rules/terminal.smk"


# The first page of `snakemake --report`.
report: "report/workflow.rst"


rule everything:
    default_target: True
    input:
        "training.mp4",
        list(PLAN.main.files.artifacts()),  # Snakemake skips the first item of a generator.
        PLAN.main.files.manifest,
        PLAN.main.files.of("report"),


rule all:
    input:
        files_of_all,


include: "rules/dataset.smk"
include: "rules/train.smk"
include: "rules/network.smk"
include: "rules/evaluate.smk"
include: "rules/summarize.smk"
include: "rules/project.smk"
include: "rules/render.smk"
include: "rules/timeline.smk"
include: "rules/encode.smk"
include: "rules/publish.smk"
include: "rules/captions.smk"
include: "rules/cast.smk"
include: "rules/report.smk"
include: "rules/loops.smk"
include: "rules/predict.smk"
include: "rules/verify.smk"


# On a cluster these run on the host of the command. They take a second each; in a queue they would
# delay all frames that depend on them.
localrules:
    everything,
    all,
    summarize,
    timeline,
    publish,
