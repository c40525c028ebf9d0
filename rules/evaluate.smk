"""Evaluation.

needs  a block's checkpoints, the test shards
makes  results/<run>/evaluations/<snapshot>.parquet: every prediction on the test set
"""


rule evaluate:
    input:
        checkpoints=files_of_block("checkpoints", "safetensors"),
        test=shards_of("test"),
    output:
        files_of_block("evaluations", "parquet"),
    log:
        "results/{run}/logs/evaluate/{block}.log",
    benchmark:
        "results/{run}/benchmarks/evaluate/{block}.tsv"
    conda:
        "../envs/training.yaml"
    threads: or_stop(lambda wildcards: PLAN.run(wildcards.run).settings["evaluation"]["threads"])
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        settings=settings_of("evaluate"),
        base=BASE,
    script:
        "../workflow_scripts/evaluate.py"
