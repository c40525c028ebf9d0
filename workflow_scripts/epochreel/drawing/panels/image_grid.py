"""Test images with what the network says about them."""

from __future__ import annotations

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels import columns
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.panels.layout import (
    RIGHT,
    TEXT,
    WRONG,
    coloured,
    draw_picture,
    shortened,
    tiling,
)

_LINE = 34.0  # height of a line of text


class ImageGrid:
    """Test images, each with the prediction below it, and the truth too where they differ.

    Correct predictions are blue with a tick, wrong ones vermilion with a cross and a frame. Shows
    the run's examples, or the first that fit. `image`, `truth` and `prediction` are names of
    columns. Without a column for the prediction, only the images are shown.
    """

    def __init__(
        self,
        run_info: RunInfo,
        image: str | None = None,
        truth: str | None = None,
        prediction: str | None = None,
        title: str | None = None,
    ):
        self._info = run_info
        self._image = columns.find(run_info, "image", image, columns.IMAGE, columns.is_image)
        find = columns.guess if prediction is None else columns.find
        self._prediction = find(
            run_info, "prediction", prediction, columns.PREDICTION, columns.is_class
        )
        if self._prediction:
            self._truth = columns.find(run_info, "truth", truth, columns.TRUTH, columns.is_class)
        self._title = title or "Test images"

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading and, if they never change, the images."""
        note = "✓ right · ✗ wrong, with the truth below"
        body = self._canvas = heading(canvas, self._title, note if self._prediction else None)
        self._is_fixed = columns.is_of_test(self._info, self._image)
        shape = self._picture(self._info.untrained, columns.examples(self._info, 1)[0]).shape
        foot = 2 * _LINE + 6 if self._prediction else 0.0
        aspect, chosen = shape[1] / shape[0], self._info.examples
        size, least = (body.width - 8, body.height - 8), 134.0 * max(aspect, 1.0)
        count = len(chosen) if chosen else None
        across, down, self._wide = tiling(size, aspect, foot, least, count)
        self._high = self._wide / aspect
        self._examples = columns.examples(self._info, across * down)
        pitch = body.width / across, self._high + foot + 18
        self._room = pitch[0] - 18  # of the labels
        self._places = [  # The frames of mistakes need 4 units around the images.
            (4 + n % across * pitch[0], 4 + n // across * pitch[1])
            for n in range(len(self._examples))
        ]
        if self._is_fixed:
            for place, example in zip(self._places, self._examples, strict=True):
                self._draw_image(body, place, self._info.untrained, example)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw what the network says about each image."""
        for place, example in zip(self._places, self._examples, strict=True):
            if not self._is_fixed:
                self._draw_image(self._canvas, place, frame_data, example)
            if self._prediction:
                self._draw_answer(place, frame_data, example)

    def _picture(self, frame_data: FrameData, example: int):
        found = columns.picture(self._info, frame_data, self._image, example)
        return coloured(found, self._info.theme.palette, is_map=False)

    def _draw_image(self, canvas: Canvas, place, frame_data: FrameData, example: int) -> None:
        draw_picture(canvas, *place, self._wide, self._high, self._picture(frame_data, example))
        canvas.frame(*place, self._wide, self._high, canvas.palette.hairline)

    def _draw_answer(self, place: tuple[float, float], frame_data: FrameData, example: int) -> None:
        canvas, (x, y) = self._canvas, place
        said, truth = (
            columns.answer(self._info, frame_data, name, example)
            for name in (self._prediction, self._truth)
        )
        is_right = said == truth
        colour = canvas.palette.right if is_right else canvas.palette.wrong
        base = y + self._high + 0.82 * _LINE
        words = f"{RIGHT if is_right else WRONG} {columns.joined(said)}"
        canvas.text(
            x, base, shortened(canvas, words, TEXT, self._room, "bold"), TEXT, colour, "bold"
        )
        if not is_right:
            canvas.frame(x - 4, y - 4, self._wide + 8, self._high + 8, colour, 5)
            words = shortened(canvas, f"is {columns.joined(truth)}", TEXT, self._room)
            canvas.text(x, base + _LINE, words, TEXT)
