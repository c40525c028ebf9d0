"""Evaluation.

needs  a block's checkpoints and their index, the test shards; if configured, some training shards
makes  results/<run>/evaluations/<snapshot>.parquet: every prediction on the test set
"""


rule evaluate:
    input:
        checkpoints=files_of_block("checkpoints", "safetensors"),
        # Contains their checksums and cache key. Without it, stale checkpoints would go unnoticed.
        checkpoint_index="results/{run}/checkpoint_index/{block}.json",
        test=shards_of("test"),
        sample=of_run("train_sample"),
    output:
        files_of_block("evaluations", "parquet"),
    log:
        "results/{run}/logs/evaluate/{block}.log",
    benchmark:
        "results/{run}/benchmarks/evaluate/{block}.tsv"
    conda:
        "../envs/training.yaml"
    threads: threads_of("evaluation")
    resources:
        # No `gpu` resource: evaluation shares a GPU with the training that is running.
        mem_mb=4000,
        runtime=240,
    params:
        settings=settings_of("evaluate"),
        base=BASE,
    script:
        "../workflow_scripts/evaluate.py"
