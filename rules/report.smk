"""Pages for Snakemake's report.

needs  the film of a run and the metrics of all its snapshots
makes  results/<run>/report/{film,metrics,settings}.html, self-contained pages

`snakemake --report report.html` combines them and the poster in one file.
"""


rule write_report:
    input:
        film="results/{run}/training.mp4",
        metrics=last_of("metrics"),
    output:
        film=report(
            "results/{run}/report/film.html",
            caption="../report/film.rst",
            category=title_of,
            labels={"Contents": "1 Film"},
        ),
        metrics=report(
            "results/{run}/report/metrics.html",
            caption="../report/metrics.rst",
            category=title_of,
            labels={"Contents": "3 Metrics"},
        ),
        settings=report(
            "results/{run}/report/settings.html",
            caption="../report/settings.rst",
            category=title_of,
            labels={"Contents": "4 Settings"},
        ),
    log:
        "results/{run}/logs/write_report.log",
    benchmark:
        "results/{run}/benchmarks/write_report.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=settings_of("write_report"),
        base=BASE,
    script:
        "../workflow_scripts/write_report.py"
