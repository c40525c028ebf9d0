"""Lines of text that the network reads or writes, compared with the truth."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels import columns
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.panels.layout import coloured, draw_picture

_SIZES, _GAP = (52.0, 42.0, 32.0), 22.0
_PICTURE = 0.35  # of the width, at most
_MOST = 400  # characters of a text


class TextLines:
    """What the network reads in some test examples, in a monospaced font.

    Right characters are blue, wrong ones vermilion and boxed; the truth is below mistakes.
    `truth` and `prediction` are columns of text, or of lists of classes; a class named `end` ends
    a text. The column `image` is shown next to each text; by default that of the test images, if
    any.
    """

    def __init__(
        self,
        run_info: RunInfo,
        truth: str | None = None,
        prediction: str | None = None,
        image: str | None = None,
        end: str | None = None,
        title: str | None = None,
    ):
        self._info, self._end = run_info, end
        text = columns.is_text if run_info.rows_per_example == 1 else columns.is_class
        self._truth = columns.find(run_info, "truth", truth, columns.TRUTH, text)
        self._prediction = columns.find(
            run_info, "prediction", prediction, columns.PREDICTION, text
        )
        find = columns.guess if image is None else columns.find
        self._image = find(run_info, "image", image, columns.IMAGE, columns.is_image)
        self._title = title or "What the network reads"

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading and the images, and divide the panel into slots."""
        note = "Boxed: wrong, with the truth below"
        body = self._canvas = heading(canvas, self._title, note)
        examples = columns.examples(self._info, 40)
        untrained = self._info.untrained
        longest = max(len(self._tokens(untrained, self._truth, n)) for n in examples)
        for self._size in _SIZES:  # The largest at which the texts fit in a line each.
            self._line = 1.3 * self._size
            self._advance = body.measure("0", self._size, "mono")
            self._left = self._picture_width(body, examples, 2 * self._line)
            self._across = max(int((body.width - self._left) // self._advance), 1)
            if self._across > longest:
                break
        self._slots, y = [], 0.0
        for example in examples:
            # The longest truth decides, so that nothing moves between frames.
            lines = len(self._lines(self._tokens(untrained, self._truth, example)))
            high = 2 * self._line * min(lines, 4)
            if y + high > body.height and self._slots:
                break
            self._slots.append((example, y, min(lines, 4)))
            if self._left:
                self._draw_image(body, example, y, high)
            y += high + _GAP

    def _picture_width(self, body: Canvas, examples: Sequence[int], high: float) -> float:
        if not self._image or not columns.is_of_test(self._info, self._image) or not examples:
            return 0.0
        shape = self._info.test[examples[0]][self._image].shape
        return min(high * shape[1] / shape[0], _PICTURE * body.width) + 24

    def _draw_image(self, body: Canvas, example: int, y: float, high: float) -> None:
        pixels = coloured(self._info.test[example][self._image], body.palette, is_map=False)
        share = min((self._left - 24) / pixels.shape[1], high / pixels.shape[0])
        size = share * pixels.shape[1], share * pixels.shape[0]
        draw_picture(body, 0, y, *size, pixels)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the texts of this snapshot."""
        for example, y, most in self._slots:
            said = self._tokens(frame_data, self._prediction, example)
            truth = self._tokens(frame_data, self._truth, example)
            wrong = wrong_places(said, truth)
            self._draw_lines(said, wrong, y, most)
            if wrong:
                self._draw_lines(truth, None, y + self._line * most, most)

    def _tokens(self, frame_data: FrameData, name: str, example: int) -> list[str]:
        """Return the characters of an example's text."""
        found = columns.answer(self._info, frame_data, name, example)
        if self._end in found:
            found = found[: found.index(self._end)]
        text = columns.joined(found) if len(found) != 1 else found[0]
        return list(text[:_MOST].replace("\n", " "))

    def _lines(self, tokens: Sequence[str]) -> list[range]:
        """Wrap a text between words where possible; return the places in each line."""
        starts, end = [0], len(tokens)
        while end - starts[-1] > self._across:
            start = starts[-1]
            cut = start + self._across
            spaces = [n for n in range(start + 1, cut + 1) if tokens[n - 1] == " "]
            starts.append(spaces[-1] if spaces else cut)
        return [range(a, b) for a, b in zip(starts, [*starts[1:], end], strict=True)]

    def _draw_lines(
        self, tokens: Sequence[str], wrong: set[int] | None, y: float, most: int
    ) -> None:
        """Draw a text; `wrong` are the places of wrong characters, None for the truth."""
        canvas, lines = self._canvas, self._lines(tokens)
        colours = canvas.palette
        for number, line in enumerate(lines[:most]):
            base = y + self._line * number + 0.8 * self._line
            if number == most - 1 and len(lines) > most:
                line = range(line.start, line.stop - 1)
                canvas.text(self._x(len(line)), base, "…", self._size, colours.quiet, "mono")
            for start, stop, is_wrong in _runs(line, wrong or set()):
                x, text = self._x(start - line.start), "".join(tokens[start:stop])
                colour = colours.quiet if wrong is None else colours.right
                if is_wrong:
                    wide, colour = (stop - start) * self._advance, colours.wrong
                    canvas.fill(
                        x, base - 0.76 * self._line, wide, self._line - 3, colours.wrong_tint
                    )
                    canvas.frame(
                        x, base - 0.76 * self._line, wide, self._line - 3, colours.wrong, 2
                    )
                canvas.text(x, base, text, self._size, colour, "mono")
        if wrong and not tokens:  # An empty answer is a mistake that has no character.
            canvas.text(
                self._left, y + 0.8 * self._line, "(nothing)", self._size, colours.wrong, "mono"
            )

    def _x(self, place: int) -> float:
        return self._left + place * self._advance


def wrong_places(said: Sequence[str], truth: Sequence[str]) -> set[int]:
    """Return the places of wrong characters; {-1} if only some are missing.

    Texts of the same length are compared place by place, others after alignment.
    """
    if len(said) == len(truth):
        return {n for n, pair in enumerate(zip(said, truth, strict=True)) if pair[0] != pair[1]}
    blocks = SequenceMatcher(None, said, truth, autojunk=False).get_matching_blocks()
    right = {block.a + n for block in blocks for n in range(block.size)}
    return set(range(len(said))) - right or {-1}


def _runs(line: range, wrong: set[int]) -> list[tuple[int, int, bool]]:
    """Split a line into (start, stop, is_wrong): parts of right and of wrong characters."""
    runs: list[tuple[int, int, bool]] = []
    for place in line:
        is_wrong = place in wrong
        if runs and runs[-1][2] == is_wrong:
            runs[-1] = (runs[-1][0], place + 1, is_wrong)
        else:
            runs.append((place, place + 1, is_wrong))
    return runs
