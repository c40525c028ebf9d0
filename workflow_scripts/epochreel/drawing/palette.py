"""Colours of a frame: light background, dark text, and one colour each for right and wrong.

Right and wrong are the blue and the vermilion of Okabe and Ito's colour-blind-safe palette (Color
Universal Design, 2008). Colour is never the only distinction: right is also solid and bold, wrong
also striped, boxed or thin.
"""

Colour = tuple[int, int, int]

PAPER: Colour = (253, 253, 251)
INK: Colour = (33, 37, 43)
QUIET: Colour = (104, 110, 118)
HAIRLINE: Colour = (208, 211, 213)
SLOT: Colour = (236, 238, 239)

RIGHT: Colour = (0, 100, 166)
WRONG: Colour = (213, 94, 0)
RIGHT_TINT: Colour = (217, 232, 243)
WRONG_TINT: Colour = (252, 228, 211)
