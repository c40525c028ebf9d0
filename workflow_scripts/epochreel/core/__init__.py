"""Errors, files, locks, random seeds, logging and devices; independent of runs."""
