"""Animated loops of the last snapshot.

needs  the evaluation of a run's last snapshot, the test shards
makes  results/<run>/loops/<name>.gif, for each loop that the experiment draws
"""


rule draw_loop:
    input:
        evaluation=last_of("evaluations"),
        test=shards_of("test"),
    output:
        "results/{run}/loops/{name}.gif",
    log:
        "results/{run}/logs/draw_loop/{name}.log",
    benchmark:
        "results/{run}/benchmarks/draw_loop/{name}.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=settings_of("draw_loop"),
        base=BASE,
    script:
        "../workflow_scripts/draw_loop.py"
