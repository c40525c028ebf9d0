"""Experiment `sheets`: a network that transcribes ten-year rainfall sheets digit by digit."""
