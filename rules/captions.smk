"""Captions.

needs  the metrics of all snapshots of a run, its timeline
makes  results/<run>/training.vtt, on request
"""


rule write_captions:
    input:
        metrics=last_of("metrics"),
        timeline="results/{run}/timeline.parquet",
    output:
        "results/{run}/training.vtt",
    log:
        "results/{run}/logs/write_captions.log",
    benchmark:
        "results/{run}/benchmarks/write_captions.tsv"
    conda:
        "../envs/encoding.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        settings=settings_of("write_captions"),
    script:
        "../workflow_scripts/write_captions.py"
