"""Patches for Snakemake and its plugins, each for the one version it was tested with."""
