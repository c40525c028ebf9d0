"""Training.

needs  the training and validation shards (or, for an unbounded training set, the user's files that
       it is drawn from), the block before
makes  results/<run>/checkpoints/<snapshot>.safetensors, results/<run>/states/<block>.json,
       results/<run>/training/<block>.parquet: losses, learning rate, gradients, a row per snapshot;
       results/<run>/layers.parquet: the layers of the network
keeps  results/<run>/store/, what the training resumes from (not an output)
logs   results/<run>/logs/train/<block>.system.parquet: time, throughput, machine
"""


rule train:
    input:
        train=shards_of("train"),
        validation=shards_of("validation"),
        sources=of_run("stream_sources"),
        before=of_block_before("results/{run}/states/{block}.json"),
    output:
        checkpoints=files_of_block("checkpoints", "safetensors"),
        state="results/{run}/states/{block}.json",
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
    script:
        "../workflow_scripts/train.py"


# The same for runs with `keep_checkpoints: last`: each checkpoint is removed when it has been
# evaluated. Whether an output is kept is a property of a rule in Snakemake, so this is one.
use rule train as train_keeping_last with:
    output:
        checkpoints=temp(files_of_block("checkpoints", "safetensors")),
        state="results/{run}/states/{block}.json",
        table="results/{run}/training/{block}.parquet",
    wildcard_constraints:
        run=runs_keeping("last"),


rule describe_network:
    input:
        train=of_run("first_train_shard"),
        sources=of_run("stream_sources"),
    output:
        "results/{run}/layers.parquet",
    log:
        "results/{run}/logs/describe_network.log",
    benchmark:
        "results/{run}/benchmarks/describe_network.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=settings_of("describe_network"),
        base=BASE,
    script:
        "../workflow_scripts/describe_network.py"


rule save_network:
    input:
        checkpoint=last_of("checkpoints"),
        state=last_of("states"),
    output:
        "results/{run}/network.safetensors",
    log:
        "results/{run}/logs/save_network.log",
    benchmark:
        "results/{run}/benchmarks/save_network.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
    params:
        trained=key_of("train"),
    script:
        "../workflow_scripts/save_network.py"
