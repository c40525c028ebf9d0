"""Projections of activations to two dimensions. The plan imports this module: no libraries here."""

FEWEST_POINTS = 20
MOST_POINTS = 10_000  # all pairwise distances are held in memory
