"""docs/drawing.md: every example draws its picture, and every function has one."""

import inspect

import drawing_document
import numpy as np
import pytest
from PIL import Image

from epochreel.drawing import strokes
from epochreel.drawing.canvas import Canvas


@pytest.fixture(scope="module")
def drawn():
    """The pictures of all examples, by path."""
    return dict(drawing_document.pictures())


@pytest.mark.parametrize("path", drawing_document.examples(), ids=lambda path: path.stem)
def test_an_example_draws_its_picture(drawn, path):
    with Image.open(path) as picture:
        committed = np.asarray(picture.convert("RGB"))
    assert np.array_equal(drawn[path], committed), f"run {drawing_document.__file__}"


def test_every_picture_has_an_example():
    folder = drawing_document.DOCUMENT.parent / "images" / "drawing"
    assert {*folder.iterdir()} == drawing_document.examples().keys()


def test_every_function_of_the_canvas_is_in_an_example():
    text = drawing_document.DOCUMENT.read_text()
    code = "".join(drawing_document.examples().values())
    functions = [
        name for name, _ in inspect.getmembers(Canvas, inspect.isfunction) if name[0] != "_"
    ]
    assert [name for name in functions if f"{name}(" not in text] == []
    assert {f for f in functions if f".{f}(" not in code} <= {"measure", "wrap"}
    assert all(kind in code for kind in strokes.MARKS)
