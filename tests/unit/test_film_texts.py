"""The texts of the built-in films: they fit their panels at full size."""

import pytest
import test_activations_figure
import test_sheets_figure
import test_words_figure

from epochreel.drawing.canvas import Canvas

FILMS = {
    "pages": lambda: test_sheets_figure.scene(),
    "cells": lambda: test_sheets_figure.scene(variant="cells", cells=30),
    "words": lambda: test_words_figure.scene(),
    "activations": lambda: test_activations_figure.scene(),
}


@pytest.mark.parametrize("film", FILMS)
def test_every_heading_and_note_fits_at_its_full_size(film, monkeypatch):
    drawn, text = [], Canvas.text

    def record(canvas, x, y, words, size, *arguments, **options):
        weight = options.get("weight", "regular")
        drawn.append((words, canvas.measure(words, size, weight), options.get("fit", 1e9)))
        return text(canvas, x, y, words, size, *arguments, **options)

    monkeypatch.setattr(Canvas, "text", record)
    FILMS[film]()
    # Numbers and signs in tiles, such as "100", are made to fit their tile.
    notes = [each for each in drawn if len(each[0]) > 3]
    assert len(notes) > 5 and [words for words, wide, fit in notes if wide > fit] == []
