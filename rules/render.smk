"""Frames.

needs  a block's evaluations, its summary, the test shards (for what the frame shows of them)
makes  results/<run>/frames/<snapshot>.png
"""


rule render:
    input:
        evaluations=files_of_block("evaluations", "parquet"),
        summary="results/{run}/summaries/{block}.parquet",
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
