"""Experiment `words`: a network that reads short words letter by letter through a moving mask."""
