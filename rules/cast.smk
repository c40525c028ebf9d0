"""Cast.

needs  the evaluation of a run's last snapshot
makes  results/<run>/cast.txt, on request: a proposal for figure.examples
"""


rule cast:
    input:
        evaluation=last_of("evaluations"),
    output:
        "results/{run}/cast.txt",
    log:
        "results/{run}/logs/cast.log",
    benchmark:
        "results/{run}/benchmarks/cast.tsv"
    conda:
        "../envs/rendering.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=settings_of("cast"),
        base=BASE,
    script:
        "../workflow_scripts/cast.py"
