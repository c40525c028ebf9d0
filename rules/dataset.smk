"""Datasets.

needs  the settings of a dataset, and the files in the user's folders that they name
makes  results/datasets/<dataset>/<split>/<shard>.parquet
"""


rule generate_dataset:
    input:
        # `params` holds their digest: modification times may be in the future, or stay the same.
        ancient(dataset_sources),
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
        mem_mb=3000,  # for one image of 200 megapixels
        runtime=30,
    params:
        settings=shard_settings,
        base=BASE,
    script:
        "../workflow_scripts/generate_dataset.py"
