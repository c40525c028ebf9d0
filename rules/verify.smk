"""Verification.

needs  all artifacts of a run, its last checkpoint index, the user's files that its data are made
       from
makes  results/<run>/manifest.json: the checksum of each of these files and the cache keys of the
       stages
`snakemake verify` compares finished runs with their manifests and with the config. It reruns
nothing.
"""


rule write_manifest:
    input:
        unpack(of_run("artifacts_by_kind")),
        # Contains the checksum of the network.
        last_index=last_of("checkpoint_index"),
        sources=ancient(run_sources),
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


# Without an output, and without a benchmark, which counts as one, the rule runs on every request,
# regardless of what Snakemake has recorded.
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
