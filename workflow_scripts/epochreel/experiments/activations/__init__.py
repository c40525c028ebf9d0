"""Experiment `activations`: an image classifier whose hidden activations the film shows."""
