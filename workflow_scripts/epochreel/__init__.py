"""The library behind the workflow's scripts: data, training, drawing and film."""

import os

from epochreel.provenance import planned

if planned.is_job():
    # Snakemake sets these to the threads of the job, which `--cores` limits; the rounding of sums
    # would depend on them. The number of threads of torch is a setting.
    for _library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
        os.environ[f"{_library}_NUM_THREADS"] = "1"
planned.install()
