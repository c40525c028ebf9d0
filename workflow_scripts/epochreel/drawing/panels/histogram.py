"""The weights or the gradients of a layer over training time."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from epochreel.core.errors import UserError, shown
from epochreel.drawing.canvas import Canvas
from epochreel.drawing.frame import FrameData, RunInfo
from epochreel.drawing.panels.curve import draw_time, time_name
from epochreel.drawing.panels.heading import heading
from epochreel.drawing.panels.layout import NOTE, draw_picture, round_end, shades

_BINS, _COLUMNS = 96, 240
_KINDS = {"weights": "weight", "gradients": "gradient"}


class HistogramOverTime:
    """Distribution of a layer's weights or gradients: time to the right, values upwards.

    The darker, the more of them have a value; shades are relative to the most frequent value at
    each time. `layer` is the name of a parameter in the training table, such as `hidden.weight`; by
    default the first. `of` is "weights" or "gradients". The axis of values ends at a round number
    that holds all values so far.
    """

    def __init__(
        self,
        run_info: RunInfo,
        layer: str | None = None,
        of: str = "weights",
        title: str | None = None,
    ):
        self._info, self._layer, self._kind = run_info, layer, _KINDS[of]
        self._title = title or f"{of.capitalize()}{f' of {layer[:60]}' if layer else ''}"

    def draw_static(self, canvas: Canvas) -> None:
        """Draw the heading and the name of the time axis."""
        body = self._canvas = heading(canvas, self._title)
        left, foot = 110.0, 2.8 * NOTE
        self._plot = (left, 10.0, body.width - left - 28, body.height - 10 - foot)
        style = {"align": "right", "colour": body.palette.quiet}
        body.text(body.width, body.height - 4, time_name(self._info), NOTE, **style)

    def draw(self, canvas: Canvas, frame_data: FrameData) -> None:
        """Draw the shades up to this snapshot, and both axes."""
        body, (x, y, width, height) = self._canvas, self._plot
        low, high, counts = self._histograms(frame_data)
        axis = self._info.time_axis
        positions = axis.positions(frame_data.history)
        end = axis.end_at(positions[-1])
        shares = np.clip(axis.shares(positions, end), 0, 1)
        limit = round_end(np.abs(np.concatenate((low, high)).astype(float))) or 1.0
        colours = body.palette
        # Each column of pixels shows the last snapshot up to its time.
        places = (np.arange(_COLUMNS) + 0.5) / _COLUMNS
        latest = np.searchsorted(shares, places, side="right") - 1
        until = shares[-1] if len(shares) > 1 else 1 / _COLUMNS
        used = np.unique(latest[(latest >= 0) & (places <= max(until, places[0]))])
        density = np.zeros((_BINS, len(shares)))
        edges = np.linspace(-limit, limit, _BINS + 1)
        for number in used:
            density[:, number] = _rebinned(low[number], high[number], counts[number], edges)
        density /= np.maximum(density.max(0), 1e-12)
        picture = np.where(places <= max(until, places[0]), density[:, latest.clip(0)], 0.0)
        pixels = shades(picture[::-1] ** 0.5, colours.right, colours.paper)
        draw_picture(body, x, y, width, height, pixels)
        for value, share in ((-limit, 1.0), (0.0, 0.5), (limit, 0.0)):
            level = y + height * share
            body.rule(x, level, x + width, level, colours.hairline)
            style = {"align": "right", "middle": True, "fit": x - 16}
            body.text(x - 14, level, f"{value:,.4g}", NOTE, colours.quiet, **style)
        draw_time(body, axis, end, self._plot)

    def _histograms(self, frame_data: FrameData) -> tuple[np.ndarray, np.ndarray, list]:
        """Return the ends (n,) and the counts of the histogram of each snapshot."""
        if frame_data.training is None:
            raise UserError(
                "a histogram over time can only be drawn by figure.panels in the config"
            )
        layers = frame_data.training["layers"].combine_chunks()
        names = pc.struct_field(layers[0].values, "name").to_pylist()
        if self._layer is not None and self._layer not in names:
            raise UserError(
                f"figure.panels: there is no layer {shown(self._layer)} for a histogram; expected "
                f"one of {', '.join(names)}"
            )
        number = names.index(self._layer) if self._layer else 0
        chosen = pc.list_element(layers, number)
        low, high = (
            pc.struct_field(chosen, f"{self._kind}_{end}").to_numpy(zero_copy_only=False)
            for end in ("minimum", "maximum")
        )
        return low, high, pc.struct_field(chosen, f"{self._kind}_counts")


def _rebinned(low: float, high: float, counts, edges: np.ndarray) -> np.ndarray:
    """Return the share of values between `edges`, (bins,); zero without a histogram."""
    numbers = counts.values.to_numpy(zero_copy_only=False) if counts.is_valid else np.zeros(0)
    if not len(numbers) or not np.isfinite((low, high)).all() or not numbers.sum():
        return np.zeros(len(edges) - 1)
    if high <= low:  # All have the same value.
        return np.histogram([low], edges)[0].astype(float)
    known = np.concatenate(([0], np.cumsum(numbers))) / numbers.sum()
    return np.diff(np.interp(edges, np.linspace(low, high, len(known)), known))
