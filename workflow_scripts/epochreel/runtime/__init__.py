"""The environment of a job: logging, watchdog, Snakemake and Slurm."""
