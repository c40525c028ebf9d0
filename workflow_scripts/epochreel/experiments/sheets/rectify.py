"""Finding the table of a sheet on a page of any kind, and redrawing it where networks expect it.

Four steps. *Ink*: a page of any colour becomes darkness relative to the paper around, in the one
colour that its ink has. *Search*: thin strokes, level or upright, are counted along slanted lines;
the thirteen upright rules and the four level ones give themselves away by their distances.
*Fit*: the middles of the rules are measured along their lengths, and a smooth map from the sheet's
geometry to the page is laid through them, which takes up margins, size, rotation, slant, and mild
perspective or bending. *Print*: the table is sampled at the pixels of a sheet, as sharp and as
black as those that the networks learn from; all about it is white.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from epochreel.core.errors import UserError
from epochreel.experiments.sheets import image_sizes, layout

MOST_TILT = 8.0
"""How far a page may be turned or slanted, degrees."""

# A page is reduced until its longer side has at most so many pixels: for the print, and for the
# search, which takes the larger one where a small table would vanish in the smaller.
_PRINT_SIDE, _SEARCH_SIDES = 4000, (1300, 2600)
# White put around a page, px, for tables that reach its edges.
_ROOM = 20
# The smallest table that is searched, and its height over its width, next to a sheet's own.
_LEAST_SHARE, _PROPORTIONS = 0.2, (0.6, 1.6)
_NO_TABLE = (
    "no table was found: the page must show one whole sheet, upright (turned by less than "
    f"{MOST_TILT:.0f}°), with its outer box, its eleven column lines, the line under the years and "
    "the line over the totals"
)

# Rules of generated sheets lie on whole pixels (see `data._background`).
_RULES = np.floor(layout.RULES + 0.5) + 0.5
_LEVEL = 4  # of _RULES lie level; the upright ones follow
# The box and the level rules must all be seen, and all columns' lines but two.
_NEEDED = [0, 1, 2, 3, 4, 16]
_MIDDLE = np.array([(_RULES[0, 0] + _RULES[0, 2]) / 2, (_RULES[0, 1] + _RULES[3, 1]) / 2])
_HALF = np.array([_RULES[0, 2] - _RULES[0, 0], _RULES[3, 1] - _RULES[0, 1]]) / 2
# How far beyond the box the print goes, px.
_BRIM = 3
# The most blur that is taken out in one step, px². Such a step multiplies the finest detail, and
# the noise in it, by 1 + 2 · spread: by two at most.
_MOST_SPREAD = 0.5


def straighten(page: np.ndarray) -> np.ndarray:
    """The sheet on a page, redrawn as a plain page of `image_sizes.PAGE`: uint8 (1024, 768).

    `page` is uint8, (H, W) or (H, W, 3), of any size, colours and light; what comes back is black
    ink on white, and white about the table. Raises `UserError` where no table is found.
    """
    dark = darkness(_reduced(page, math.ceil(max(page.shape[:2]) / _PRINT_SIDE)))
    dark = np.pad(dark, _ROOM)
    return 255 - np.round(255 * _printed(dark, find(dark))).astype(np.uint8)


# -- Ink ---------------------------------------------------------------------------------------


def darkness(page: np.ndarray) -> np.ndarray:
    """How dark a page (H, W) or (H, W, 3) is, float32 (H, W): 0 the paper around, about 1 ink.

    Noise of the paper makes it negative as often as positive. Of colours, the mixture is taken in
    which the page's ink stands out most.
    """
    channels = page.reshape(*page.shape[:2], -1).astype(np.float32)
    dark = np.clip(1 - channels / _paper(channels), -1, 1)  # (H, W, C)
    # The direction in which darkness varies most is the ink's: the first principal component, not
    # centred, since paper is the origin.
    flat = dark.reshape(-1, dark.shape[-1])
    colour = np.abs(np.linalg.eigh(flat.T @ flat)[1][:, -1])
    return dark @ (colour / np.sum(colour**2) / max(colour)).astype(np.float32)


def _paper(channels: np.ndarray) -> np.ndarray:
    """The colour of the paper at each pixel: (H, W, C), from the medians of tiles."""
    height, width, _ = channels.shape
    # Ink is taken to cover less than half of each tile, whose median is then paper.
    tile = max(16, math.ceil(max(height, width) / 32))
    down, across = math.ceil(height / tile), math.ceil(width / tile)
    room = ((0, down * tile - height), (0, across * tile - width), (0, 0))
    tiles = np.pad(channels, room, mode="edge").reshape(down, tile, across, tile, -1)
    medians = np.median(tiles, axis=(1, 3))  # (down, across, C)
    # A tile in a dark picture or shadow counts as at least 0.3 of the page's paper; 1 is for pages
    # that are black.
    medians = np.maximum(medians, np.maximum(0.3 * np.median(medians, axis=(0, 1)), 1))
    size = (across * tile, down * tile)
    smooth = [
        np.asarray(Image.fromarray(median).resize(size, Image.Resampling.BILINEAR))
        for median in np.moveaxis(medians, -1, 0)
    ]
    return np.stack(smooth, axis=-1)[:height, :width]


def _reduced(pixels: np.ndarray, times: int) -> np.ndarray:
    """An image with `times` as few rows and columns: the mean of each square; the rest is cut."""
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
    """A smooth map from the sheet's pixels to a page's: polynomials of the third degree.

    `terms` is (10, 2): for each of 1, u, v, u², uv, v², u³, u²v, uv², v³, how it moves x and y on
    the page; u and v run from -1 to 1 over the table.
    """

    terms: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 2) of the sheet, px, as points (N, 2) of the page, px."""
        return _powers(points) @ self.terms

    @property
    def scale(self) -> np.ndarray:
        """Pixels of the page to one of the sheet, across and down, in the table's middle: (2,)."""
        return np.hypot(*self.terms[1:3].T) / _HALF  # rows 1 and 2: the derivatives by u and v


def find(dark: np.ndarray) -> Map:
    """Where on a page of `darkness` the table lies. Raises `UserError` where there is none."""
    # The smaller image first: it is faster to search.
    for times in sorted({math.ceil(max(dark.shape) / side) for side in _SEARCH_SIDES})[::-1]:
        rough = _searched(_reduced(dark, times))
        found = rough and _fitted(dark, Map(rough.terms * times))
        if found:
            return found
    raise UserError(_NO_TABLE)


def _powers(points: np.ndarray) -> np.ndarray:
    u, v = ((points - _MIDDLE) / _HALF).T  # (N,) each, -1 … 1
    squares, cubes = [u * u, u * v, v * v], [u**3, u * u * v, u * v * v, v**3]
    return np.stack([np.ones_like(u), u, v, *squares, *cubes], axis=1)


def _searched(dark: np.ndarray) -> Map | None:
    """The table's place, to a pixel or two; of a page without one, any place or none."""
    uprights, levels = _thin(dark.T), _thin(dark)  # points (N, 2): across the stroke, along it
    if not len(uprights) or not len(levels):
        return None
    slant, turn = _tilt(uprights), _tilt(levels)
    shares = (_RULES[_LEVEL:, 0] - _RULES[_LEVEL, 0]) / (2 * _HALF[0])
    least = _LEAST_SHARE * dark.shape[1]
    # Measured along slanted lines a turned table may be wider than the page: hence 1.1.
    left, width = _pattern(_profile(uprights, slant), shares, (least, 1.1 * dark.shape[1]))
    across = levels[:, 1] + slant * levels[:, 0]
    inside = levels[(across > left) & (across < left + width)]
    shares = (_RULES[:_LEVEL, 1] - _RULES[0, 1]) / (2 * _HALF[1])
    usual = width * _HALF[1] / _HALF[0]
    reach = (_PROPORTIONS[0] * usual, _PROPORTIONS[1] * usual)
    top, height = _pattern(_profile(inside, turn), shares, reach)
    return _affine(left, width, top, height, slant, turn) if width and height else None


def _thin(dark: np.ndarray) -> np.ndarray:
    """The pixels of thin strokes along the second axis: (N, 2) indices, as floats."""
    # A pixel of a thin stroke is darker than those `reach` away on both sides; one of an area or
    # of a wide stroke is not.
    reach = max(3, round(min(dark.shape) / 200))
    middle = dark[reach:-reach]
    ridge = middle - np.maximum(dark[: -2 * reach], dark[2 * reach :])
    if ridge.size == 0:
        return np.zeros((0, 2), np.float32)
    # Relative to the strongest ridges of the page; 0.1 is for pages without strokes.
    points = np.argwhere(ridge > 0.4 * max(np.quantile(ridge, 0.997), 0.1))
    return points.astype(np.float32) + np.array([reach, 0], np.float32)


def _tilt(points: np.ndarray) -> float:
    """The slope of the lines that most points lie on: pixels across for each along."""
    # At the right slope points pile up on few lines, and the sum of squared counts is largest.
    # Every twentieth of a degree is tried, on a sample of the points.
    few = points[:: max(1, len(points) // 50_000)]
    slopes = np.tan(np.radians(np.linspace(-MOST_TILT, MOST_TILT, 321)))
    return float(max(slopes, key=lambda slope: np.sum(_profile(few, slope) ** 2)))


def _profile(points: np.ndarray, slope: float) -> np.ndarray:
    """How many points lie on each line of that slope, by where the line begins, px."""
    starts = np.round(points[:, 0] - slope * points[:, 1]).astype(np.int64)
    return np.bincount(starts[starts >= 0], minlength=2).astype(np.float32)


def _pattern(
    profile: np.ndarray, shares: np.ndarray, reach: tuple[float, float]
) -> tuple[float, float]:
    """Start and length, px, of the lines at `shares` (0…1) of the length that fit the profile best.

    Roots of the counts are added, so that no line of the pattern can stand for another.
    """
    # A line may lie a pixel off its place: each takes the largest count of three.
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
    """The map that has the first upright rule begin at `left`, the first level one at `top`."""
    # x - slant·y = x0 and y - turn·x = y0 meet where both hold.
    meet = np.linalg.inv(np.array([[1, -slant], [-turn, 1]]))
    starts = np.array([[left + width / 2, top + height / 2], [width / 2, 0], [0, height / 2]])
    terms = np.zeros((10, 2))
    terms[:3] = starts @ meet.T
    # Starts are numbers of pixels; a map gives the middles of these.
    terms[0] += 0.5
    return Map(terms)


# -- Fit ---------------------------------------------------------------------------------------


def _fitted(dark: np.ndarray, rough: Map) -> Map | None:
    """The map through the middles of the rules, from one that is off by a few pixels, or none."""
    current = rough
    # px of the sheet: each fit lies closer, so that the next one can look less far aside.
    for reach in (5.0, 3.0, 2.5, 2.5):
        points, normals, middles, seen = _measured(dark, current, reach)
        if not _is_table(seen):
            return None
        slack = 0.3 * float(current.scale.mean())
        current = _through(points, normals, middles, seen, slack)
    off = np.abs(np.sum(normals * (current(points) - middles), axis=1))
    return current if _is_table(seen & (off < 0.8 * current.scale.mean())) else None


def _is_table(seen: np.ndarray) -> bool:
    """Whether enough of the rules was seen: `seen` (N,) by station."""
    rules = seen.reshape(len(_RULES), -1).mean(1) > 0.5
    return bool(rules[_NEEDED].all() and rules.sum() >= len(_RULES) - 2)


def _stations(count: int = 80) -> np.ndarray:
    """Points along the rules: (17 * count, 2), px of the sheet."""
    along = ((np.arange(count) + 0.5) / count)[None, :, None]
    return (_RULES[:, None, :2] * (1 - along) + _RULES[:, None, 2:] * along).reshape(-1, 2)


def _measured(dark: np.ndarray, current: Map, reach: float) -> tuple[np.ndarray, ...]:
    """Where the rules' middles really are near where `current` has them.

    `reach` is how far is looked, px of the sheet. Returns points of the sheet (N, 2), unit normals
    of the rules on the page (N, 2), middles on the page (N, 2), and which were seen (N,).
    """
    points = _stations()
    ends = np.repeat(_RULES[:, 2:] - _RULES[:, :2], len(points) // len(_RULES), axis=0)
    steps = ends / np.linalg.norm(ends, axis=1, keepdims=True)
    # Along the bent rule, by central differences; a quarter turn makes the normal.
    tangents = current(points + steps) - current(points - steps)
    normals = tangents[:, ::-1] * (-1, 1) / np.linalg.norm(tangents, axis=1, keepdims=True)
    places = current(points)
    far = reach * float(current.scale.mean())
    offsets = np.arange(-far, far + 0.1, 0.25)
    spots = places[:, None] + offsets[None, :, None] * normals[:, None]  # (N, offsets, 2)
    across = _bilinear(dark, spots.reshape(-1, 2)).reshape(len(points), -1)
    peaks, middles = _peaks(across, offsets, float(current.scale.mean()))
    # Strokes are compared with the median of the page; 0.08 is for pages without rules.
    seen = peaks > 0.4 * np.median(peaks)
    return points, normals, places + middles[:, None] * normals, seen & (peaks > 0.08)


def _peaks(across: np.ndarray, offsets: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Height and place of the darkest stroke in each row of `across` (N, offsets)."""
    # The centre of gravity of the stroke, without paper and the faint feet of its profile.
    paper = np.quantile(across, 0.2, axis=1, keepdims=True)
    summit = np.argmax(across, axis=1)
    near = np.abs(offsets[None] - offsets[summit][:, None]) <= 1.5 * scale + 0.5
    height = np.take_along_axis(across, summit[:, None], 1) - paper
    weight = np.where(near, np.maximum(across - paper - 0.2 * height, 0), 0)
    middle = (weight @ offsets) / np.maximum(weight.sum(1), 1e-6)
    return height[:, 0], middle


def _through(
    points: np.ndarray, normals: np.ndarray, middles: np.ndarray, seen: np.ndarray, slack: float
) -> Map:
    """The map for which points of the sheet lie on the lines through `middles` across `normals`.

    Of each rule, what lies off the rest of it by more than `slack` px is left out: a text that
    touches it, say.
    """
    powers = _powers(points)
    # Along a rule one point looks like another, so only the distance across it is fitted: one
    # equation a station, for the 20 coefficients of x and y together.
    design = np.concatenate([powers * normals[:, :1], powers * normals[:, 1:]], axis=1)
    goal = np.sum(normals * middles, axis=1)
    # Four level rules, of which two pairs lie close, say little of uv² and v³ in y.
    terms, used = np.zeros(20), np.delete(np.arange(20), [18, 19])
    keep = seen
    # Least squares again and again, each time without the outliers of the fit before.
    for _ in range(4):
        terms[used] = np.linalg.lstsq(design[keep][:, used], goal[keep])[0]
        off = np.ma.array(design @ terms - goal, mask=~seen).reshape(len(_RULES), -1)
        off = np.abs(off - np.ma.median(off, axis=1, keepdims=True)).filled(np.inf).ravel()
        keep = off <= max(3 * np.median(off[seen]), slack)
    return Map(terms.reshape(2, 10).T)


# -- Print -------------------------------------------------------------------------------------


def _printed(dark: np.ndarray, where: Map) -> np.ndarray:
    """The table's darkness on the pixels of a sheet: float32 (1024, 768), 0…1."""
    # A page that is reduced still has at least 1.5 px for each of the sheet.
    times = max(1, int(where.scale.min() / 1.5))
    dark, where = _reduced(dark, times), Map(where.terms / times)
    sheet = np.zeros(image_sizes.PAGE[::-1], np.float32)
    left, top = (int(edge) - _BRIM for edge in _RULES[0, :2])
    right, bottom = (int(edge) + _BRIM + 1 for edge in (_RULES[0, 2], _RULES[3, 1]))
    table = np.zeros((bottom - top, right - left))
    columns, rows = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    corners = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    shares = list(_subpixels(where))
    for share in shares:
        table += _cubic(dark, where(corners + share)).reshape(table.shape) / len(shares)
    sheet[top:bottom, left:right] = table
    return _normalised(_sharpened(sheet))


def _subpixels(where: Map) -> Iterator[np.ndarray]:
    """Points within a pixel of the sheet, about as dense as the page's own pixels."""
    across, down = (math.ceil(2 * scale - 0.7) if scale > 1.15 else 1 for scale in where.scale)
    for row in range(down):
        for column in range(across):
            yield np.array([(column + 0.5) / across, (row + 0.5) / down])


def _sharpened(sheet: np.ndarray) -> np.ndarray:
    """Darkness with the blur taken out by which the rules are wider than those of a sheet.

    Blur spreads a stroke as diffusion does: a step of it is taken back along each axis, and then
    another for what is left. Sheets that are sharp stay as they are.
    """
    for axis in (0, 1, 0, 1):
        spread = float(np.clip(_spread(sheet, axis), 0, _MOST_SPREAD))
        # A step s / 2 · (second difference) of diffusion adds s to the variance of a profile.
        bent = np.roll(sheet, 1, axis) + np.roll(sheet, -1, axis) - 2 * sheet
        sheet = sheet - spread / 2 * bent
    return sheet


def _spread(sheet: np.ndarray, axis: int) -> float:
    """The variance, px², that the profile of the rules has beyond that of a sheet's own rules.

    `axis` is the one that the profile is taken along: 0 for the level rules, 1 for the upright.
    """
    rules = _RULES[_LEVEL:] if axis else _RULES[:_LEVEL]
    middles, ends = rules[:, 1 - axis].astype(int), rules[0, [axis, axis + 2]].astype(int)
    offsets = np.arange(-2, 3)
    # (rules, 5, length): the median along a rule ignores what crosses or touches it.
    lines = np.moveaxis(sheet, axis, 0)[middles[:, None] + offsets, slice(*ends)]
    profiles = np.median(lines, axis=2)  # (rules, 5)
    profile = np.maximum(profiles - profiles.min(1, keepdims=True), 0).sum(0)
    # One pixel of such a rule is black; the rest of its width is grey, half on either side: its
    # variance is (width - 1) / width.
    width = layout.RULE_WIDTH * layout.POINT
    return float(profile @ offsets**2 / max(profile.sum(), 1e-6)) - (width - 1) / width


def _normalised(sheet: np.ndarray) -> np.ndarray:
    """Darkness with the rules as black as black."""
    spots = _stations().astype(int)
    level = np.median(sheet[spots[:, 1], spots[:, 0]])
    return np.clip(sheet / max(level, 1e-3), 0, 1)


def _bilinear(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """An image between its pixels: (N,) at points (N, 2), px from its corner; 0 outside."""
    return _sampled(image, points, lambda part: np.stack([1 - part, part]), 0)


def _cubic(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The same with Catmull and Rom's cubic, which keeps edges sharper."""
    return _sampled(image, points, _catmull_rom, 1)


def _catmull_rom(part: np.ndarray) -> np.ndarray:
    """Weights (4, N) of the pixels around a place that lies 0…1 between the middle two."""
    # Keys' cubic convolution (1981) with a = -1/2.
    square, cube = part**2, part**3
    return 0.5 * np.stack(
        [
            -part + 2 * square - cube,
            2 - 5 * square + 3 * cube,
            part + 4 * square - 3 * cube,
            cube - square,
        ]
    )


def _sampled(image, points, kernel, before: int) -> np.ndarray:
    """A sum over the pixels around each point, by the weights of a separable kernel."""
    height, width = image.shape
    first = np.floor(points - 0.5)  # pixels have their middles at 0.5
    across, down = kernel((points - 0.5 - first).T.astype(np.float32)).swapaxes(0, 1)
    columns, rows = first.T.astype(np.int64) - before
    total = np.zeros(len(points), np.float32)
    for row, up in enumerate(down):
        line = np.zeros(len(points), np.float32)
        # Edges repeat outwards; they hold no ink, since `straighten` adds room about the page.
        y = np.clip(rows + row, 0, height - 1) * width
        for column, along in enumerate(across):
            line += along * image.ravel()[y + np.clip(columns + column, 0, width - 1)]
        total += up * line
    return total
