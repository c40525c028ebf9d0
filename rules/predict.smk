"""Predictions for a user's image.

needs  images/<name>.png, the network of the run's last snapshot, the last checkpoint index
makes  results/<run>/predictions/<name>.csv; if the experiment draws predictions, <name>.png
"""


rule predict:
    input:
        # `params` holds its digest: the modification time of a photo may be in the future.
        image=ancient("images/{name}.png"),
        network="results/{run}/network.safetensors",
        # Contains the checksum of the network.
        checkpoint_index=last_of("checkpoint_index"),
    output:
        "results/{run}/predictions/{name}.csv",
    log:
        "results/{run}/logs/predict/{name}.log",
    benchmark:
        "results/{run}/benchmarks/predict/{name}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=6000,
        runtime=30,
    params:
        settings=settings_of("predict"),
        image=image_digest,
        base=BASE,
    script:
        "../workflow_scripts/predict.py"


rule draw_prediction:
    input:
        # `params` holds its digest: the modification time of a photo may be in the future.
        image=ancient("images/{name}.png"),
        network="results/{run}/network.safetensors",
        # Contains the checksum of the network.
        checkpoint_index=last_of("checkpoint_index"),
    output:
        "results/{run}/predictions/{name}.png",
    log:
        "results/{run}/logs/draw_prediction/{name}.log",
    benchmark:
        "results/{run}/benchmarks/draw_prediction/{name}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=6000,
        runtime=30,
    params:
        settings=settings_of("draw_prediction"),
        base=BASE,
    script:
        "../workflow_scripts/draw_prediction.py"
