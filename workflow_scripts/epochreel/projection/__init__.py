"""Projections of activations to two dimensions.

Planning imports this module, so it must not import numerical libraries.
"""

FEWEST_POINTS = 20
MOST_POINTS = 10_000  # all pairwise distances are held in memory
