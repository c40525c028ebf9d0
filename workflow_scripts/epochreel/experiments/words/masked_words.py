"""The words whose masks are stored.

A separate module, since planning checks the cast of a film without importing NumPy.
"""

MASKED = 32
"""Number of test words, the first ones, whose masks an evaluation contains."""
