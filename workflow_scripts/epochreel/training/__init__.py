"""Training: from one snapshot to the next."""
