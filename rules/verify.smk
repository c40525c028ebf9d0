"""Verification.

needs  everything that is kept of a run, the state of its last block, the user's files that its data
       are made from
makes  results/<run>/manifest.json: the digest of each of these files, and what the stages follow from
`snakemake verify` compares the finished runs with their manifests, and with what the config asks
for. It makes nothing again.
"""


rule write_manifest:
    input:
        unpack(of_run("artifacts_by_kind")),
        # Holds the digest of the network.
        checkpoint_index=last_of("checkpoint_index"),
        sources=run_sources,
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
        settings=manifest_settings,
    script:
        "../workflow_scripts/write_manifest.py"


# Without an output, and without a benchmark, which Snakemake takes for one, it runs whenever it is
# asked for, whatever Snakemake remembers.
rule verify:
    log:
        "results/logs/verify.log",
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
