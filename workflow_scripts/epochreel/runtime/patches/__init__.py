"""Changes to Snakemake and its plugins from inside, each with its reason."""
