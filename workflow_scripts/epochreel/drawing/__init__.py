"""Drawing frames: a canvas, text, marks, and the panels that all films share."""
