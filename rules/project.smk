"""Projection of high-dimensional points to two dimensions.

needs  a block's evaluations; for methods that continue from the previous snapshot, its evaluation
       and projection; for methods fitted to all snapshots, the fit
makes  results/<run>/projections/<snapshot>.parquet; results/<run>/projection.parquet: the fit
"""


rule project:
    input:
        evaluations=files_of_block("evaluations", "parquet"),
        before=of_block("projection_inputs_before"),
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
