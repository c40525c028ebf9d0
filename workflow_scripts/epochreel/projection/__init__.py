"""Projections of activations into the plane. This module imports no library: the plan reads it."""

FEWEST_POINTS = 20
MOST_POINTS = 10_000  # all distances between the points are kept in memory
