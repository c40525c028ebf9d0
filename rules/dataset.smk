"""Datasets.

needs  the settings of a dataset, and the folders of the user's that these name
makes  results/datasets/<dataset>/<split>/<shard>.parquet
"""


rule generate_dataset:
    input:
        or_stop(lambda wildcards: PLAN.dataset(wildcards.dataset).files()),
    output:
        "results/datasets/{dataset}/{split}/{shard}.parquet",
    log:
        "results/datasets/{dataset}/logs/{split}/{shard}.log",
    benchmark:
        "results/datasets/{dataset}/benchmarks/{split}/{shard}.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=or_stop(
            lambda wildcards: canonical(
                PLAN.dataset(wildcards.dataset).shard_settings(wildcards.split, wildcards.shard)
            )
        ),
        base=BASE,
    script:
        "../workflow_scripts/generate_dataset.py"
