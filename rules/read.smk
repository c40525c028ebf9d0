"""Reading a page of one's own.

needs  pages/<name>.png, the network of the run's last snapshot
makes  results/<run>/readings/<name>.csv
"""


rule read:
    input:
        page="pages/{name}.png",
        network="results/{run}/network.safetensors",
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
