"""Errors, files, locks, random seeds and devices; knows nothing of runs."""
