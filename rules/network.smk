"""The network of a run.

needs  the first training shard (or the user's files that an unbounded training set is drawn from);
       the last checkpoint and the checkpoint index of its block
makes  results/<run>/layers.parquet: the layer table; results/<run>/network.safetensors: the weights
       of the last snapshot
"""


rule describe_network:
    input:
        train=of_run("first_train_shard"),
        sources=ancient(stream_sources),
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
        checkpoint_index=last_of("checkpoint_index"),
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
