"""Around a job: logging, watchdog, Snakemake and Slurm."""
