"""Training.

needs  the training and validation shards (or, for an unbounded training set, the user's files that
       it is drawn from), the previous block
makes  results/<run>/checkpoints/<snapshot>.safetensors;
       results/<run>/checkpoint_index/<block>.json;
       results/<run>/training/<block>.parquet: losses, learning rate, gradients; a row per snapshot
stores results/<run>/store/: the state that training resumes from (not an output)
logs   results/<run>/logs/train/<block>.system.parquet: time, throughput, machine
"""


rule train:
    input:
        train=shards_of("train"),
        validation=shards_of("validation"),
        sources=ancient(stream_sources),
        before=of_block_before("results/{run}/checkpoint_index/{block}.json"),
    output:
        checkpoints=files_of_block("checkpoints", "safetensors"),
        checkpoint_index="results/{run}/checkpoint_index/{block}.json",
        table="results/{run}/training/{block}.parquet",
    log:
        text="results/{run}/logs/train/{block}.log",
        system="results/{run}/logs/train/{block}.system.parquet",
    benchmark:
        "results/{run}/benchmarks/train/{block}.tsv"
    wildcard_constraints:
        run=runs_keeping("all"),
    conda:
        "../envs/training.yaml"
    threads: threads_of("training")
    resources:
        mem_mb=16000,
        runtime=720,
        gpu=1,
    params:
        settings=settings_of("train"),
        base=BASE,
        snapshots=snapshots_of,
    script:
        "../workflow_scripts/train.py"


# The same for runs with `keep_checkpoints: last`: each checkpoint is deleted after its evaluation.
# `temp` belongs to a rule's outputs in Snakemake, so this requires a separate rule.
use rule train as train_keeping_last with:
    output:
        checkpoints=temp(files_of_block("checkpoints", "safetensors")),
        checkpoint_index="results/{run}/checkpoint_index/{block}.json",
        table="results/{run}/training/{block}.parquet",
    wildcard_constraints:
        run=runs_keeping("last"),
