"""Patches of Snakemake and its plugins, each for the one version that it was tested with."""
