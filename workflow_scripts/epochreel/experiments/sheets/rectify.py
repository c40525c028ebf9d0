"""Find the table of a sheet on a scan or photo, and redraw it in the networks' geometry.

There are four steps:

- *Ink* turns a page of any colour into darkness relative to the surrounding paper, in the colour
  direction of its ink.
- *Search* counts the pixels of thin horizontal or vertical strokes along slanted lines. The
  distances between the thirteen vertical and the four horizontal rules identify the table.
- *Fit* measures the middles of the rules along their lengths and fits a smooth map from the sheet's
  geometry to the page, which covers margins, size, rotation, slant, and mild perspective or
  bending.
- *Print* samples the table at the pixels of a sheet, as sharp and as black as the training data;
  the rest of the page is white.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from epochreel.core.errors import UserError
from epochreel.experiments.sheets import image_sizes, layout

MAX_TILT = 8.0
"""Largest rotation or slant of a page, degrees."""

# Largest longer side, px, to which a page is reduced for the print and for the search. The search
# also tries the larger size, because small tables vanish at the smaller one.
_PRINT_SIDE, _SEARCH_SIDES = 4000, (1300, 2600)
# Margin added to a page, px, for tables that reach its edges.
_MARGIN = 20
# Smallest width of a table as a share of the page's, and the range of its aspect ratio relative to
# a sheet's.
_MIN_WIDTH_SHARE, _PROPORTIONS = 0.2, (0.6, 1.6)
_NO_TABLE = (
    "no table found: the page must show one whole sheet, upright (rotated by less than "
    f"{MAX_TILT:.0f}°), with its outer box, its eleven column lines, the line below the years and "
    "the line above the totals"
)

# Rules of generated sheets are on whole pixels (see `data._background`).
_RULES = np.floor(layout.RULES + 0.5) + 0.5
_HORIZONTAL = 4  # number of horizontal rules at the start of _RULES; the vertical ones follow
# Rules that must be visible: the box and the horizontal ones. Two column lines may be missing.
_REQUIRED = [0, 1, 2, 3, 4, 16]
_MIDDLE = np.array([(_RULES[0, 0] + _RULES[0, 2]) / 2, (_RULES[0, 1] + _RULES[3, 1]) / 2])
_HALF = np.array([_RULES[0, 2] - _RULES[0, 0], _RULES[3, 1] - _RULES[0, 1]]) / 2
# Margin of the print around the box, px.
_PRINT_MARGIN = 3
# Maximum blur to remove in one step, px². A step multiplies the finest detail, and its noise, by 1
# + 2 · spread: by at most two.
_MAX_SPREAD = 0.5


def straighten(page: np.ndarray) -> np.ndarray:
    """Redraw the sheet on a page as a plain page of `image_sizes.PAGE`: uint8 (1024, 768).

    `page` is uint8, (H, W) or (H, W, 3), of any size, colour and lighting; light ink on dark paper
    is tried second. The result is black ink on white, and white around the table. Raises
    `UserError` if no table is found.
    """
    try:
        return _straighten_dark_ink(page)
    except UserError:
        return _straighten_dark_ink(~page)


def _straighten_dark_ink(page: np.ndarray) -> np.ndarray:
    dark = darkness(_reduce(page, math.ceil(max(page.shape[:2]) / _PRINT_SIDE)))
    dark = np.pad(dark, _MARGIN)
    return 255 - np.round(255 * _sample_sheet(dark, find_table(dark))).astype(np.uint8)


# -- Ink ---------------------------------------------------------------------------------------


def darkness(page: np.ndarray) -> np.ndarray:
    """Return the darkness of a page (H, W) or (H, W, 3): float32 (H, W).

    It is 0 for the surrounding paper, about 1 for ink, and for the noise of the paper negative as
    often as positive. Colours are combined in the direction in which the page's ink stands out
    most.
    """
    channels = page.reshape(*page.shape[:2], -1).astype(np.float32)
    dark = np.clip(1 - channels / _paper(channels), -1, 1)  # (H, W, C)
    # The ink's colour is the direction in which darkness varies most: the first principal
    # component, not centred, since paper is the origin.
    flat = dark.reshape(-1, dark.shape[-1])
    colour = np.abs(np.linalg.eigh(flat.T @ flat)[1][:, -1])
    return dark @ (colour / np.sum(colour**2) / max(colour)).astype(np.float32)


def _paper(channels: np.ndarray) -> np.ndarray:
    """Return the colour of the paper at each pixel, (H, W, C), from the medians of tiles."""
    height, width, _ = channels.shape
    # Assuming that ink covers less than half of each tile, its median is paper.
    tile = max(16, math.ceil(max(height, width) / 32))
    down, across = math.ceil(height / tile), math.ceil(width / tile)
    padding = ((0, down * tile - height), (0, across * tile - width), (0, 0))
    tiles = np.pad(channels, padding, mode="edge").reshape(down, tile, across, tile, -1)
    medians = np.median(tiles, axis=(1, 3))  # (down, across, C)
    # The floor of 0.3 of the page's paper is for tiles in a dark image or shadow; that of 1 is for
    # black pages.
    medians = np.maximum(medians, np.maximum(0.3 * np.median(medians, axis=(0, 1)), 1))
    size = (across * tile, down * tile)
    smooth = [
        np.asarray(Image.fromarray(median).resize(size, Image.Resampling.BILINEAR))
        for median in np.moveaxis(medians, -1, 0)
    ]
    return np.stack(smooth, axis=-1)[:height, :width]


def _reduce(pixels: np.ndarray, times: int) -> np.ndarray:
    """Average each square of `times` × `times` pixels; crop what remains at the edges."""
    if times <= 1:
        return pixels
    height, width = (side // times for side in pixels.shape[:2])
    squares = pixels[: height * times, : width * times].reshape(
        height, times, width, times, *pixels.shape[2:]
    )
    return squares.mean(axis=(1, 3), dtype=np.float32)


# -- Search ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Map:
    """A smooth map from the sheet's pixels to a page's: cubic polynomials.

    `terms` (10, 2) are the coefficients of x and y on the page for 1, u, v, u², uv, v², u³, u²v,
    uv², v³; u and v run from -1 to 1 over the table.
    """

    terms: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Map points (N, 2) of the sheet, px, to points (N, 2) of the page, px."""
        return _powers(points) @ self.terms

    @property
    def scale(self) -> np.ndarray:
        """Page pixels per sheet pixel, horizontally and vertically, in the table's middle: (2,)."""
        return np.hypot(*self.terms[1:3].T) / _HALF  # rows 1 and 2 are the derivatives by u and v


def find_table(dark: np.ndarray) -> Map:
    """Locate the table on a page of `darkness`. Raises `UserError` if there is none."""
    # Try the smaller image first, which is faster to search.
    for times in sorted({math.ceil(max(dark.shape) / side) for side in _SEARCH_SIDES})[::-1]:
        rough = _search(_reduce(dark, times))
        found = rough and _fit(dark, Map(rough.terms * times))
        if found:
            return found
    raise UserError(_NO_TABLE)


def _powers(points: np.ndarray) -> np.ndarray:
    u, v = ((points - _MIDDLE) / _HALF).T  # (N,) each, -1 … 1
    squares, cubes = [u * u, u * v, v * v], [u**3, u * u * v, u * v * v, v**3]
    return np.stack([np.ones_like(u), u, v, *squares, *cubes], axis=1)


def _search(dark: np.ndarray) -> Map | None:
    """Locate the table to within two pixels; on a page without one, return any map or None."""
    # Points (N, 2): position across the stroke, position along it.
    verticals, horizontals = _thin_strokes(dark.T), _thin_strokes(dark)
    if not len(verticals) or not len(horizontals):
        return None
    slant, turn = _tilt(verticals), _tilt(horizontals)
    shares = (_RULES[_HORIZONTAL:, 0] - _RULES[_HORIZONTAL, 0]) / (2 * _HALF[0])
    min_width = _MIN_WIDTH_SHARE * dark.shape[1]
    # Factor 1.1: along slanted lines, a rotated table may be wider than the page.
    left, width = _match_pattern(
        _profile(verticals, slant), shares, (min_width, 1.1 * dark.shape[1])
    )
    across = horizontals[:, 1] + slant * horizontals[:, 0]
    inside = horizontals[(across > left) & (across < left + width)]
    shares = (_RULES[:_HORIZONTAL, 1] - _RULES[0, 1]) / (2 * _HALF[1])
    expected_height = width * _HALF[1] / _HALF[0]
    reach = (_PROPORTIONS[0] * expected_height, _PROPORTIONS[1] * expected_height)
    top, height = _match_pattern(_profile(inside, turn), shares, reach)
    return _affine(left, width, top, height, slant, turn) if width and height else None


def _thin_strokes(dark: np.ndarray) -> np.ndarray:
    """Return the pixels of thin strokes along the second axis: (N, 2) indices, as floats."""
    # A pixel of a thin stroke is darker than those `reach` px away on both sides; a pixel of an
    # area or of a wide stroke is not.
    reach = max(3, round(min(dark.shape) / 200))
    middle = dark[reach:-reach]
    ridge = middle - np.maximum(dark[: -2 * reach], dark[2 * reach :])
    if ridge.size == 0:
        return np.zeros((0, 2), np.float32)
    # The threshold is relative to the page's strongest ridges; 0.1 is for pages without strokes.
    points = np.argwhere(ridge > 0.4 * max(np.quantile(ridge, 0.997), 0.1))
    return points.astype(np.float32) + np.array([reach, 0], np.float32)


def _tilt(points: np.ndarray) -> float:
    """Return the slope of the lines that most points are on: px across per px along."""
    # At the right slope, points concentrate on few lines, which maximizes the sum of squared
    # counts. Try steps of 1/20°, on a sample of the points.
    sample = points[:: max(1, len(points) // 50_000)]
    slopes = np.tan(np.radians(np.linspace(-MAX_TILT, MAX_TILT, 321)))
    return float(max(slopes, key=lambda slope: np.sum(_profile(sample, slope) ** 2)))


def _profile(points: np.ndarray, slope: float) -> np.ndarray:
    """Count the points on each line of this slope, by the start of the line, px."""
    starts = np.round(points[:, 0] - slope * points[:, 1]).astype(np.int64)
    return np.bincount(starts[starts >= 0], minlength=2).astype(np.float32)


def _match_pattern(
    profile: np.ndarray, shares: np.ndarray, reach: tuple[float, float]
) -> tuple[float, float]:
    """Return the start and length, px, of the best match of a pattern of lines in a profile.

    The lines are at `shares` (0…1) of the length. The score adds square roots of the counts, so
    that one strong line cannot make up for a missing one.
    """
    # A line may be off by a pixel, so each position takes the largest of three counts.
    near = np.maximum(profile, np.maximum(np.append(profile[1:], 0), np.append(0, profile[:-1])))
    roots = np.sqrt(near)
    best = (0.0, 0.0, 0.0)
    for length in range(math.ceil(reach[0]), min(int(reach[1]), len(roots) - 1) + 1):
        offsets = np.round(shares * length).astype(int)
        count = len(roots) - length
        score = sum(roots[offset : offset + count] for offset in offsets)
        start = int(np.argmax(score))
        best = max(best, (float(score[start]), float(start), float(length)))
    return best[1:]


def _affine(left: float, width: float, top: float, height: float, slant: float, turn: float) -> Map:
    """Return the map whose first vertical rule is at `left` and first horizontal one at `top`."""
    # Solve x - slant·y = x0 and y - turn·x = y0.
    meet = np.linalg.inv(np.array([[1, -slant], [-turn, 1]]))
    starts = np.array([[left + width / 2, top + height / 2], [width / 2, 0], [0, height / 2]])
    terms = np.zeros((10, 2))
    terms[:3] = starts @ meet.T
    # Starts are pixel indices; a map returns the middles of pixels.
    terms[0] += 0.5
    return Map(terms)


# -- Fit ---------------------------------------------------------------------------------------


def _fit(dark: np.ndarray, rough: Map) -> Map | None:
    """Fit a map to the middles of the rules, from one off by a few pixels; None if it fails."""
    current = rough
    # Sheet pixels. Each fit is closer, so the next one searches a narrower band.
    for reach in (5.0, 3.0, 2.5, 2.5):
        points, normals, middles, seen = _measure(dark, current, reach)
        if not _is_table(seen):
            return None
        slack = 0.3 * float(current.scale.mean())
        current = _fit_lines(points, normals, middles, seen, slack)
    deviation = np.abs(np.sum(normals * (current(points) - middles), axis=1))
    return current if _is_table(seen & (deviation < 0.8 * current.scale.mean())) else None


def _is_table(seen: np.ndarray) -> bool:
    """Check that enough of the rules were seen; `seen` (N,) is by station."""
    rules = seen.reshape(len(_RULES), -1).mean(1) > 0.5
    return bool(rules[_REQUIRED].all() and rules.sum() >= len(_RULES) - 2)


def _stations(count: int = 80) -> np.ndarray:
    """Return points along the rules: (17 * count, 2), sheet pixels."""
    along = ((np.arange(count) + 0.5) / count)[None, :, None]
    return (_RULES[:, None, :2] * (1 - along) + _RULES[:, None, 2:] * along).reshape(-1, 2)


def _measure(dark: np.ndarray, current: Map, reach: float) -> tuple[np.ndarray, ...]:
    """Measure the middles of the rules near their positions under `current`.

    `reach` is the search distance in sheet pixels. Returns points of the sheet (N, 2), unit normals
    of the rules on the page (N, 2), middles on the page (N, 2), and which of them were seen (N,).
    """
    points = _stations()
    ends = np.repeat(_RULES[:, 2:] - _RULES[:, :2], len(points) // len(_RULES), axis=0)
    steps = ends / np.linalg.norm(ends, axis=1, keepdims=True)
    # Tangents of the bent rule by central differences; a quarter turn makes normals of them.
    tangents = current(points + steps) - current(points - steps)
    normals = tangents[:, ::-1] * (-1, 1) / np.linalg.norm(tangents, axis=1, keepdims=True)
    positions = current(points)
    far = reach * float(current.scale.mean())
    offsets = np.arange(-far, far + 0.1, 0.25)
    samples = positions[:, None] + offsets[None, :, None] * normals[:, None]  # (N, offsets, 2)
    across = _bilinear(dark, samples.reshape(-1, 2)).reshape(len(points), -1)
    peaks, middles = _peaks(across, offsets, float(current.scale.mean()))
    # The threshold is relative to the page's median stroke; 0.08 is for pages without rules.
    seen = peaks > 0.4 * np.median(peaks)
    return points, normals, positions + middles[:, None] * normals, seen & (peaks > 0.08)


def _peaks(across: np.ndarray, offsets: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the height and position of the darkest stroke in each row of `across` (N, offsets)."""
    # Centre of gravity of the stroke, without the paper and the faint tails of its profile.
    paper = np.quantile(across, 0.2, axis=1, keepdims=True)
    summit = np.argmax(across, axis=1)
    near = np.abs(offsets[None] - offsets[summit][:, None]) <= 1.5 * scale + 0.5
    height = np.take_along_axis(across, summit[:, None], 1) - paper
    weight = np.where(near, np.maximum(across - paper - 0.2 * height, 0), 0)
    middle = (weight @ offsets) / np.maximum(weight.sum(1), 1e-6)
    return height[:, 0], middle


def _fit_lines(
    points: np.ndarray, normals: np.ndarray, middles: np.ndarray, seen: np.ndarray, slack: float
) -> Map:
    """Fit the map that sends points of the sheet onto the lines through `middles` across `normals`.

    Points that deviate from the other points of their rule by more than `slack` px, for example
    where text touches it, are ignored.
    """
    powers = _powers(points)
    # All points along a rule look the same, so only the distance across it is fitted: one equation
    # per station, for the 20 coefficients of x and y together.
    design = np.concatenate([powers * normals[:, :1], powers * normals[:, 1:]], axis=1)
    target = np.sum(normals * middles, axis=1)
    # Four horizontal rules, in two close pairs, do not determine uv² and v³ in y: leave these out.
    terms, used = np.zeros(20), np.delete(np.arange(20), [18, 19])
    keep = seen
    # Iterated least squares, each time without the outliers of the previous fit.
    for _ in range(4):
        terms[used] = np.linalg.lstsq(design[keep][:, used], target[keep])[0]
        error = np.ma.array(design @ terms - target, mask=~seen).reshape(len(_RULES), -1)
        error = np.abs(error - np.ma.median(error, axis=1, keepdims=True)).filled(np.inf).ravel()
        keep = error <= max(3 * np.median(error[seen]), slack)
    return Map(terms.reshape(2, 10).T)


# -- Print -------------------------------------------------------------------------------------


def _sample_sheet(dark: np.ndarray, mapping: Map) -> np.ndarray:
    """Sample the table's darkness at the pixels of a sheet: float32 (1024, 768), 0…1."""
    # A reduced page keeps at least 1.5 px per sheet pixel.
    times = max(1, int(mapping.scale.min() / 1.5))
    dark, mapping = _reduce(dark, times), Map(mapping.terms / times)
    sheet = np.zeros(image_sizes.PAGE[::-1], np.float32)
    left, top = (int(edge) - _PRINT_MARGIN for edge in _RULES[0, :2])
    right, bottom = (int(edge) + _PRINT_MARGIN + 1 for edge in (_RULES[0, 2], _RULES[3, 1]))
    table = np.zeros((bottom - top, right - left))
    columns, rows = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    corners = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    shares = list(_subpixels(mapping))
    for share in shares:
        table += _cubic(dark, mapping(corners + share)).reshape(table.shape) / len(shares)
    sheet[top:bottom, left:right] = table
    return _normalize(_sharpen(sheet))


def _subpixels(mapping: Map) -> Iterator[np.ndarray]:
    """Yield points within a sheet pixel, about as dense as the page's pixels."""
    across, down = (math.ceil(2 * scale - 0.7) if scale > 1.15 else 1 for scale in mapping.scale)
    for row in range(down):
        for column in range(across):
            yield np.array([(column + 0.5) / across, (row + 0.5) / down])


def _sharpen(sheet: np.ndarray) -> np.ndarray:
    """Remove the blur that makes the rules wider than those of a generated sheet.

    Blur spreads a stroke as diffusion does. Undo one step of it along each axis, then the rest in a
    second step. Sharp sheets are unchanged.
    """
    for axis in (0, 1, 0, 1):
        spread = float(np.clip(_spread(sheet, axis), 0, _MAX_SPREAD))
        # A diffusion step, s / 2 · (second difference), adds s to the variance of a profile.
        bent = np.roll(sheet, 1, axis) + np.roll(sheet, -1, axis) - 2 * sheet
        sheet = sheet - spread / 2 * bent
    return sheet


def _spread(sheet: np.ndarray, axis: int) -> float:
    """Return the variance, px², of the rules' profile beyond that of a generated sheet.

    `axis` is the one along which the profile is taken: 0 for horizontal rules, 1 for vertical ones.
    """
    rules = _RULES[_HORIZONTAL:] if axis else _RULES[:_HORIZONTAL]
    middles, ends = rules[:, 1 - axis].astype(int), rules[0, [axis, axis + 2]].astype(int)
    offsets = np.arange(-2, 3)
    # (rules, 5, length). The median along a rule ignores what crosses or touches it.
    lines = np.moveaxis(sheet, axis, 0)[middles[:, None] + offsets, slice(*ends)]
    profiles = np.median(lines, axis=2)  # (rules, 5)
    profile = np.maximum(profiles - profiles.min(1, keepdims=True), 0).sum(0)
    # A generated rule has one black pixel and the rest of its width as grey, half on each side, so
    # its variance is (width - 1) / width.
    width = layout.RULE_WIDTH * layout.POINT
    return float(profile @ offsets**2 / max(profile.sum(), 1e-6)) - (width - 1) / width


def _normalize(sheet: np.ndarray) -> np.ndarray:
    """Scale darkness so that the rules are fully black."""
    samples = _stations().astype(int)
    level = np.median(sheet[samples[:, 1], samples[:, 0]])
    return np.clip(sheet / max(level, 1e-3), 0, 1)


def _bilinear(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Interpolate an image bilinearly at points (N, 2), px from its corner: (N,); 0 outside."""
    return _interpolate(image, points, lambda part: np.stack([1 - part, part]), 0)


def _cubic(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Interpolate with the Catmull–Rom cubic, which preserves sharper edges."""
    return _interpolate(image, points, _catmull_rom, 1)


def _catmull_rom(part: np.ndarray) -> np.ndarray:
    """Return the weights (4, N) of the pixels around a point 0…1 between the middle two."""
    # Cubic convolution (Keys 1981) with a = -1/2.
    square, cube = part**2, part**3
    return 0.5 * np.stack(
        [
            -part + 2 * square - cube,
            2 - 5 * square + 3 * cube,
            part + 4 * square - 3 * cube,
            cube - square,
        ]
    )


def _interpolate(image, points, kernel, before: int) -> np.ndarray:
    """Sum the pixels around each point with the weights of a separable kernel."""
    height, width = image.shape
    first = np.floor(points - 0.5)  # pixels have their middles at 0.5
    across, down = kernel((points - 0.5 - first).T.astype(np.float32)).swapaxes(0, 1)
    columns, rows = first.T.astype(np.int64) - before
    total = np.zeros(len(points), np.float32)
    for row, up in enumerate(down):
        line = np.zeros(len(points), np.float32)
        # Edges repeat outwards; they have no ink, since `straighten` adds a margin to the page.
        y = np.clip(rows + row, 0, height - 1) * width
        for column, along in enumerate(across):
            line += along * image.ravel()[y + np.clip(columns + column, 0, width - 1)]
        total += up * line
    return total
