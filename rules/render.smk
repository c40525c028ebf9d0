"""Frames, transitions and the closing picture.

needs  a block's evaluations, its metrics, the test shards (for the examples in the frame); if
       points are projected, the block's projections; for the transition to its first snapshot,
       the evaluation and projection of the previous snapshot; for the columns that a panel may
       show, the evaluation of snapshot 0; for histograms, the training tables so far
makes  results/<run>/frames/<snapshot>.png; if points move between snapshots,
       results/<run>/transitions/<snapshot>.png, animated: the transition to that snapshot; from the
       last evaluation and all metrics, results/<run>/closing.png, unless film.closing_seconds is 0
"""


rule render:
    input:
        evaluations=files_of_block("evaluations", "parquet"),
        projections=projections_of_block,
        metrics="results/{run}/metrics/{block}.parquet",
        # Tells panels which columns and metrics all evaluations have.
        untrained=of_run("first_evaluation"),
        training=of_block("training_so_far"),
        test=shards_of("test"),
    output:
        files_of_block("frames", "png"),
    log:
        "results/{run}/logs/render/{block}.log",
    benchmark:
        "results/{run}/benchmarks/render/{block}.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=settings_of("render"),
        base=BASE,
    script:
        "../workflow_scripts/render.py"


rule render_transitions:
    input:
        evaluations=files_of_block("evaluations", "parquet"),
        projections=projections_of_block,
        before=of_block("frame_inputs_before"),
        metrics="results/{run}/metrics/{block}.parquet",
        # Tells panels which columns and metrics all evaluations have.
        untrained=of_run("first_evaluation"),
        training=of_block("training_so_far"),
        test=shards_of("test"),
    output:
        files_of_block("transitions", "png"),
    log:
        "results/{run}/logs/render_transitions/{block}.log",
    benchmark:
        "results/{run}/benchmarks/render_transitions/{block}.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        settings=settings_of("render_transitions"),
        base=BASE,
    script:
        "../workflow_scripts/render_transitions.py"


rule render_closing:
    input:
        evaluation=last_of("evaluations"),
        metrics=last_of("metrics"),
        test=shards_of("test"),
    output:
        "results/{run}/closing.png",
    log:
        "results/{run}/logs/render_closing.log",
    benchmark:
        "results/{run}/benchmarks/render_closing.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=settings_of("render_closing"),
        base=BASE,
    script:
        "../workflow_scripts/render_closing.py"
