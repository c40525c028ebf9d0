"""Films.

needs  all frames of a run, in order, its transitions, if any, and, except for the poster, its
       timeline
makes  results/<run>/training.mp4 and poster.png; on request training.webm and training.gif
"""


rule encode:
    input:
        frames=all_of("frames"),
        transitions=all_of("transitions"),
        timeline="results/{run}/timeline.parquet",
    output:
        "results/{run}/training.mp4",
    log:
        "results/{run}/logs/encode.log",
    benchmark:
        "results/{run}/benchmarks/encode.tsv"
    conda:
        "../envs/encoding.yaml"
    threads: threads_of("film")
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        settings=settings_of("encode"),
    script:
        "../workflow_scripts/encode.py"


use rule encode as encode_webm with:
    output:
        "results/{run}/training.webm",
    log:
        "results/{run}/logs/encode_webm.log",
    benchmark:
        "results/{run}/benchmarks/encode_webm.tsv"
    params:
        settings=settings_of("encode_webm"),


use rule encode as encode_gif with:
    output:
        "results/{run}/training.gif",
    log:
        "results/{run}/logs/encode_gif.log",
    benchmark:
        "results/{run}/benchmarks/encode_gif.tsv"
    params:
        settings=settings_of("encode_gif"),


use rule encode as save_poster with:
    input:
        frames=all_of("frames"),
        transitions=all_of("transitions"),
    output:
        report(
            "results/{run}/poster.png",
            caption="../report/poster.rst",
            category=title_of,
            labels={"Contents": "2 Poster"},
        ),
    log:
        "results/{run}/logs/save_poster.log",
    benchmark:
        "results/{run}/benchmarks/save_poster.tsv"
    threads: 1
    params:
        settings=settings_of("save_poster"),
