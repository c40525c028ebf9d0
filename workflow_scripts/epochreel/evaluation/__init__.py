"""Evaluation of checkpoints on the test set."""
