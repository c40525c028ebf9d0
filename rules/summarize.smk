"""Metrics.

needs  a block's evaluations, the metrics of the previous block
makes  results/<run>/metrics/<block>.parquet: the metrics of all snapshots so far, the sentence of
       each, and the grades of the examples that the film shows
"""


rule summarize:
    input:
        evaluations=files_of_block("evaluations", "parquet"),
        before=of_block_before("results/{run}/metrics/{block}.parquet"),
    output:
        "results/{run}/metrics/{block}.parquet",
    log:
        "results/{run}/logs/summarize/{block}.log",
    benchmark:
        "results/{run}/benchmarks/summarize/{block}.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        settings=settings_of("summarize"),
        base=BASE,
    script:
        "../workflow_scripts/summarize.py"
