"""Projection: points of many dimensions, laid out in the plane.

needs  a block's evaluations; for a projection that goes on from the snapshot before, that one's
       evaluation and projection; for one that is fitted to the whole film, that fit
makes  results/<run>/projections/<snapshot>.parquet; results/<run>/projection.parquet, such a fit
"""


rule project:
    input:
        evaluations=files_of_block("evaluations", "parquet"),
        before=of_block("projected_before"),
        fit=all_of("fit"),
    output:
        files_of_block("projections", "parquet"),
    log:
        "results/{run}/logs/project/{block}.log",
    benchmark:
        "results/{run}/benchmarks/project/{block}.tsv"
    conda:
        "../envs/projecting.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        settings=settings_of("project"),
        base=BASE,
    script:
        "../workflow_scripts/project.py"


rule fit_projection:
    input:
        all_of("evaluations"),
    output:
        "results/{run}/projection.parquet",
    log:
        "results/{run}/logs/fit_projection.log",
    benchmark:
        "results/{run}/benchmarks/fit_projection.tsv"
    conda:
        "../envs/projecting.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        settings=settings_of("fit_projection"),
        base=BASE,
    script:
        "../workflow_scripts/fit_projection.py"
