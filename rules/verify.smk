"""Verification.

needs  everything that is kept of a run, the state of its last block
makes  results/<run>/manifest.json: the digest of each artifact, and what its stages follow from
`snakemake verify` compares the finished runs with their manifests, and with what the config asks
for. It makes nothing again.
"""

from secrets import token_hex


rule write_manifest:
    input:
        unpack(or_stop(lambda wildcards: PLAN.run(wildcards.run).kept_by_kind())),
        # Holds the digest of the network.
        state=or_stop(lambda wildcards: PLAN.run(wildcards.run).last_state()),
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
    params:
        stages=or_stop(lambda wildcards: canonical(PLAN.run(wildcards.run).stages())),
        ends=or_stop(lambda wildcards: canonical(PLAN.run(wildcards.run).ends())),
    script:
        "../workflow_scripts/write_manifest.py"


rule verify:
    output:
        "results/verified.txt",
    log:
        "results/logs/verify.log",
    benchmark:
        "results/benchmarks/verify.tsv"
    conda:
        "../envs/encoding.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=240,
    params:
        base=BASE,
        # Another at each start, so that asking again verifies again.
        asked=token_hex(),
    script:
        "../workflow_scripts/verify.py"
