"""Films.

A film is encoded in segments of 10 or 100 snapshots, which are then joined. The last segment is the
end of the film: the hold of the last frame, and the closing picture.

needs  for a segment, its frames, the transitions to its snapshots, if any, and, with
       `film.pace: change`, the run's timeline; for the end, the last frame and the closing picture,
       if any; for the film, all segments, the timeline and the metrics, whose sentences are its
       chapters; for the GIF and the poster, all frames
makes  results/<run>/segments/<segment>.mp4, results/<run>/training.mp4 and poster.png; on request
       the same as .webm, and training.gif
"""


rule encode_segment:
    input:
        frames=of_segment("frames"),
        transitions=of_segment("transitions"),
        timeline=of_run("segment_timeline"),
    output:
        "results/{run}/segments/{segment}.mp4",
    log:
        "results/{run}/logs/encode_segment/{segment}.log",
    benchmark:
        "results/{run}/benchmarks/encode_segment/{segment}.tsv"
    conda:
        "../envs/encoding.yaml"
    threads: threads_of("film")
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        settings=settings_of("encode_segment"),
    script:
        "../workflow_scripts/encode_segment.py"


use rule encode_segment as encode_closing with:
    input:
        frames=of_segment("frames", "closing"),
        closing=all_of("closing"),
        timeline=of_run("segment_timeline"),
    output:
        "results/{run}/segments/closing.mp4",
    log:
        "results/{run}/logs/encode_closing.log",
    benchmark:
        "results/{run}/benchmarks/encode_closing.tsv"
    params:
        settings=settings_of("encode_closing", segment="closing"),


rule encode:
    input:
        segments=of_run("all_segments"),
        metrics=last_of("metrics"),
        timeline="results/{run}/timeline.parquet",
    output:
        "results/{run}/training.mp4",
    log:
        "results/{run}/logs/encode.log",
    benchmark:
        "results/{run}/benchmarks/encode.tsv"
    conda:
        "../envs/encoding.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        settings=settings_of("encode"),
    script:
        "../workflow_scripts/encode.py"


use rule encode_segment as encode_webm_segment with:
    output:
        "results/{run}/segments/{segment}.webm",
    log:
        "results/{run}/logs/encode_webm_segment/{segment}.log",
    benchmark:
        "results/{run}/benchmarks/encode_webm_segment/{segment}.tsv"
    params:
        settings=settings_of("encode_webm_segment"),


use rule encode_closing as encode_webm_closing with:
    output:
        "results/{run}/segments/closing.webm",
    log:
        "results/{run}/logs/encode_webm_closing.log",
    benchmark:
        "results/{run}/benchmarks/encode_webm_closing.tsv"
    params:
        settings=settings_of("encode_webm_closing", segment="closing"),


use rule encode as encode_webm with:
    input:
        segments=of_run("all_webm_segments"),
        metrics=last_of("metrics"),
        timeline="results/{run}/timeline.parquet",
    output:
        "results/{run}/training.webm",
    log:
        "results/{run}/logs/encode_webm.log",
    benchmark:
        "results/{run}/benchmarks/encode_webm.tsv"
    params:
        settings=settings_of("encode_webm"),


rule encode_gif:
    input:
        frames=all_of("frames"),
        transitions=all_of("transitions"),
        closing=all_of("closing"),
        timeline="results/{run}/timeline.parquet",
    output:
        "results/{run}/training.gif",
    log:
        "results/{run}/logs/encode_gif.log",
    benchmark:
        "results/{run}/benchmarks/encode_gif.tsv"
    conda:
        "../envs/encoding.yaml"
    threads: threads_of("film")
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        settings=settings_of("encode_gif"),
    script:
        "../workflow_scripts/encode_gif.py"


rule save_poster:
    input:
        frames=all_of("frames"),
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
    conda:
        "../envs/encoding.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        settings=settings_of("save_poster"),
    script:
        "../workflow_scripts/save_poster.py"
