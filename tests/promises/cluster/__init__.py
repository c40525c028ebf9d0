"""Tests on a Slurm of their own."""
