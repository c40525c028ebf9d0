"""Publication.

needs  the film of the main run
makes  training.mp4: a copy of it
"""


rule publish:
    input:
        f"results/{PLAN.main.name}/training.mp4",
    output:
        "training.mp4",
    log:
        f"results/{PLAN.main.name}/logs/publish.log",
    benchmark:
        f"results/{PLAN.main.name}/benchmarks/publish.tsv"
    conda:
        "../envs/encoding.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        encoded=or_stop(PLAN.main.key_digest)("encode"),
    script:
        "../workflow_scripts/publish.py"
