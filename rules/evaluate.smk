"""Evaluation.

needs  a block's checkpoints and state, the test shards; if asked for, a sample of the training examples
makes  results/<run>/evaluations/<snapshot>.parquet: every prediction on the test set
"""


rule evaluate:
    input:
        checkpoints=files_of_block("checkpoints", "safetensors"),
        # Holds the digests of these. Without it, checkpoints that lie there would be taken for
        # those that the config asks for.
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
        # No `gpu`: where there is one, it is shared with a training that goes on.
        mem_mb=4000,
        runtime=240,
    params:
        settings=settings_of("evaluate"),
        base=BASE,
    script:
        "../workflow_scripts/evaluate.py"
