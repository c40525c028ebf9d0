"""Verification.

needs  everything that is kept of a run
makes  results/<run>/manifest.json: the digest of each artifact
`snakemake verify` compares the finished runs with their manifests, and with what the config asks
for. It makes nothing again.
"""


rule write_manifest:
    input:
        or_stop(lambda wildcards: list(PLAN.run(wildcards.run).kept())),
    output:
        "results/{run}/manifest.json",
    log:
        "results/{run}/logs/write_manifest.log",
    benchmark:
        "results/{run}/benchmarks/write_manifest.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=60,
    script:
        "../workflow_scripts/write_manifest.py"


rule verify:
    log:
        "results/verify.log",
    benchmark:
        "results/verify.tsv"
    conda:
        "../envs/encoding.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=240,
    params:
        base=BASE,
    script:
        "../workflow_scripts/verify.py"
