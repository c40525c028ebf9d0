"""Errors, files, locks, random seeds, logging and devices; knows nothing of runs."""
