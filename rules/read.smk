"""Reading an image of one's own.

needs  images/<name>.png, the network of the run's last snapshot, the state of its last block
makes  results/<run>/readings/<name>.csv; where the experiment draws one, its picture <name>.png
"""


rule read:
    input:
        image="images/{name}.png",
        network="results/{run}/network.safetensors",
        # Holds the digest of that.
        state=last_of("states"),
    output:
        "results/{run}/readings/{name}.csv",
    log:
        "results/{run}/logs/read/{name}.log",
    benchmark:
        "results/{run}/benchmarks/read/{name}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=6000,
        runtime=30,
    params:
        settings=settings_of("read"),
        base=BASE,
    script:
        "../workflow_scripts/read.py"


rule draw_reading:
    input:
        image="images/{name}.png",
        network="results/{run}/network.safetensors",
        # Holds the digest of that.
        state=last_of("states"),
    output:
        "results/{run}/readings/{name}.png",
    log:
        "results/{run}/logs/draw_reading/{name}.log",
    benchmark:
        "results/{run}/benchmarks/draw_reading/{name}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=6000,
        runtime=30,
    params:
        settings=settings_of("draw_reading"),
        base=BASE,
    script:
        "../workflow_scripts/draw_reading.py"
