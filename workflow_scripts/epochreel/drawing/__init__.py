"""Drawing frames: a canvas, text, marks, and the panels that every film shares."""
