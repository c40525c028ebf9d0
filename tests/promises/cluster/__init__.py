"""Tests on a private Slurm cluster."""
