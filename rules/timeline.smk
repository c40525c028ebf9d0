"""Timeline.

needs  nothing if the film is paced evenly; otherwise the metrics of all snapshots of a run
makes  results/<run>/timeline.parquet: when each snapshot appears in the film and for how long
"""


rule timeline:
    input:
        metrics=of_run("pace_metrics"),
    output:
        "results/{run}/timeline.parquet",
    log:
        "results/{run}/logs/timeline.log",
    benchmark:
        "results/{run}/benchmarks/timeline.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        settings=settings_of("timeline"),
        base=BASE,
    script:
        "../workflow_scripts/timeline.py"
