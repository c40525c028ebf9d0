"""Line sketches of ten kinds of objects, drawn with an unsteady hand.

A sketch is a list of strokes. A stroke is a polyline of points (n, 2) in the square from -1 to 1,
with x to the right and y downwards; the first stroke is never left out. Proportions are random,
parts are left out, added, rotated and mirrored, and strokes waver and do not quite meet. No two
sketches of a kind are equal, and no single part identifies a kind.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

_WHITE = 255
_SUPERSAMPLING = 4  # Pillow draws without anti-aliasing
_STEP = 0.08  # between the points of a stroke, small enough for it to waver


class Pen:
    """Collects the strokes of one sketch; draws all its random numbers from `rng`."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.strokes: list[np.ndarray] = []

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between `low` and `high`."""
        return float(self.rng.uniform(low, high))

    def integer(self, low: int, high: int) -> int:
        """Return a random integer from `low` to `high`, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """Return True with the probability `share`."""
        return bool(self.rng.random() < share)

    def line(self, *points: tuple[float, float]) -> None:
        """Draw straight lines from point to point."""
        corners = np.array(points, float)
        steps = np.diff(corners, axis=0)
        counts = np.maximum(np.ceil(np.hypot(*steps.T) / _STEP), 1).astype(int)
        parts = [
            corner + step * np.linspace(0, 1, count, endpoint=False)[:, None]
            for corner, step, count in zip(corners, steps, counts, strict=False)
        ]
        self.strokes.append(np.concatenate([*parts, corners[-1:]]))

    def shape(self, *points: tuple[float, float]) -> None:
        """Draw straight lines from point to point and back to the first."""
        self.line(*points, points[0])

    def arc(
        self,
        x: float,
        y: float,
        x_radius: float,
        y_radius: float,
        start: float = 0.0,
        end: float = 360.0,
        turn: float = 0.0,
    ) -> None:
        """Draw an arc of an ellipse centred at (x, y), rotated by `turn`.

        Angles are in degrees, clockwise from the right.
        """
        length = np.radians(abs(end - start)) * max(x_radius, y_radius)
        angles = np.radians(np.linspace(start, end, max(int(length / _STEP), 5) + 1))
        across, down = x_radius * np.cos(angles), y_radius * np.sin(angles)
        cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        points = (x + across * cos - down * sin, y + across * sin + down * cos)
        self.strokes.append(np.stack(points, 1))


def draw(kind: str, rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw a sketch of a kind in `classes.SKETCHES`: uint8 (size, size), dark on white."""
    pen = Pen(rng)
    _DRAW_FUNCTIONS[kind](pen)
    strokes = _distort(pen)
    scale = size * _SUPERSAMPLING
    picture = Image.new("L", (scale, scale), _WHITE)
    board = ImageDraw.Draw(picture)
    # Stroke width as a share of the image, log-uniform: doubling and halving are equally likely.
    weight = np.exp(rng.uniform(np.log(0.014), np.log(0.04)))
    for stroke in strokes:
        width = max(weight * rng.uniform(0.8, 1.25), 1 / size)  # at least one pixel
        dark = int(rng.integers(0, 70))
        points = (stroke + 1) / 2 * scale
        board.line([*map(tuple, points.tolist())], dark, max(round(width * scale), 1), "curve")
    return np.asarray(picture.resize((size, size), Image.Resampling.BOX))


# -- Unsteady hand -----------------------------------------------------------------------------


def _distort(pen: Pen) -> list[np.ndarray]:
    """Return the strokes as if drawn in a hurry: some missing, all wavering and askew."""
    first, *others = pen.strokes
    strokes = [first, *(stroke for stroke in others if not pen.chance(0.06))]
    if pen.chance(0.3):
        strokes.append(_scribble(pen))
    # Rotate and bend all strokes together, so that the parts still fit; then let each waver.
    lengths = np.cumsum([len(stroke) for stroke in strokes])[:-1]
    points = np.concatenate(strokes) @ _slant(pen)
    points = np.split(points + _bend(points, pen), lengths)
    waver = pen.uniform(0.01, 0.045)
    points = [stroke + _waver(len(stroke), waver, pen) for stroke in points]
    return _into_view(points, pen)


def _slant(pen: Pen) -> np.ndarray:
    """Return a random (2, 2) map: a rotation by up to 20°, a stretch, a shear, maybe a flip."""
    angle = np.radians(np.clip(pen.rng.normal(0, 9), -20, 20))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    stretch = np.diag(
        [pen.uniform(0.7, 1.15) * (-1 if pen.chance(0.5) else 1), pen.uniform(0.7, 1.15)]
    )
    lean = np.array([[1, 0], [pen.uniform(-0.2, 0.2), 1]])
    return stretch @ lean @ turn


def _bend(points: np.ndarray, pen: Pen) -> np.ndarray:
    """Return a smooth distortion of the whole drawing at the points: (n, 2)."""
    waves = pen.rng.normal(0, 1.6, (2, 2))  # radians per unit, along each axis
    phases = pen.rng.uniform(0, 2 * np.pi, 2)
    return 0.06 * np.sin(points @ waves + phases)


def _waver(count: int, strength: float, pen: Pen) -> np.ndarray:
    """Return a stroke's random displacement, (count, 2): knots along it and shifts of its ends."""
    along = np.linspace(0, 1, count)[:, None]
    knots = pen.rng.normal(0, strength, (2 + count // 5, 2))
    grid = np.linspace(0, 1, len(knots))
    # One knot about every five points, interpolated linearly.
    smooth = np.stack([np.interp(along[:, 0], grid, knots[:, axis]) for axis in (0, 1)], 1)
    start, end = pen.rng.normal(0, strength, (2, 2))
    return smooth + start * (1 - along) + end * along


def _scribble(pen: Pen) -> np.ndarray:
    """Return a stroke that belongs to no part of the object."""
    count = pen.integer(3, 8)
    start = pen.rng.uniform(-0.9, 0.9, 2)
    return start + np.cumsum(pen.rng.normal(0, 0.16, (count, 2)), 0)


def _into_view(strokes: list[np.ndarray], pen: Pen) -> list[np.ndarray]:
    """Scale the strokes to 55–92 % of the image and place them at random in it."""
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    reach = pen.uniform(0.55, 0.92)
    scale = 2 * reach / max(high - low)
    # The image is 2 wide; 0.03 at each edge leaves room for the stroke width.
    free = np.maximum(1.94 - (high - low) * scale, 0) / 2
    middle = pen.rng.uniform(-1, 1, 2) * free
    return [(stroke - (low + high) / 2) * scale + middle for stroke in strokes]


# -- The objects -------------------------------------------------------------------------------


def _bicycle(pen: Pen) -> None:
    apart, wheel = pen.uniform(0.5, 0.65), pen.uniform(0.26, 0.4)
    for x in (-apart, apart):
        pen.arc(x, 0.35, wheel, wheel)
        _spokes(pen, x, 0.35, wheel)
    pedal, seat = (
        (pen.uniform(-0.12, 0.05), 0.35),
        (pen.uniform(-0.35, -0.2), pen.uniform(-0.25, -0.1)),
    )
    head = (pen.uniform(0.3, 0.45), pen.uniform(-0.35, -0.15))
    pen.line((-apart, 0.35), seat, pedal, (-apart, 0.35))
    pen.line(pedal, head, (apart, 0.35))
    if pen.chance(0.7):
        pen.line(seat, head)
    pen.line((seat[0] - 0.14, seat[1] - 0.08), (seat[0] + 0.12, seat[1] - 0.08))
    pen.line(
        head, (head[0] - 0.04, head[1] - 0.2), (head[0] + pen.uniform(-0.2, 0.2), head[1] - 0.25)
    )


def _spokes(pen: Pen, x: float, y: float, wheel: float) -> None:
    count, first = pen.integer(0, 4), pen.uniform(0, 90)
    for angle in np.radians(first + 180 * np.arange(count) / max(count, 1)):
        across, down = wheel * np.cos(angle), wheel * np.sin(angle)
        pen.line((x - across, y - down), (x + across, y + down))


def _boat(pen: Pen) -> None:
    deck, keel, depth = pen.uniform(0.65, 0.9), pen.uniform(0.35, 0.6), pen.uniform(0.25, 0.4)
    if pen.chance(0.5):
        pen.shape((-deck, 0.35), (deck, 0.35), (keel, 0.35 + depth), (-keel, 0.35 + depth))
    else:
        pen.line((-deck, 0.35), (deck, 0.35))
        pen.arc(0, 0.35, deck, depth, 0, 180)
    mast, top = pen.uniform(-0.2, 0.2), pen.uniform(-0.95, -0.5)
    pen.line((mast, 0.35), (mast, top))
    if pen.chance(0.8):
        pen.shape((mast + 0.05, top), (mast + pen.uniform(0.35, 0.65), 0.25), (mast + 0.05, 0.25))
    if pen.chance(0.5):
        pen.shape(
            (mast - 0.05, top + 0.15), (mast - pen.uniform(0.3, 0.5), 0.25), (mast - 0.05, 0.25)
        )
    if pen.chance(0.3):
        # A flag.
        pen.shape((mast, top), (mast + 0.2, top + 0.08), (mast, top + 0.16))
    for y in 0.45 + depth + 0.12 * np.arange(pen.integer(0, 2)):
        _waves(pen, float(y))


def _waves(pen: Pen, y: float) -> None:
    wide = pen.uniform(0.15, 0.3)
    for x in np.arange(-0.9, 0.9, 2 * wide):
        pen.arc(float(x) + wide, y, wide, 0.07, 180, 360)


def _car(pen: Pen) -> None:
    long, roof, hood = pen.uniform(0.8, 0.95), pen.uniform(-0.5, -0.25), pen.uniform(-0.1, 0.05)
    front, back = pen.uniform(0.3, 0.6), pen.uniform(-0.85, -0.45)
    slope = pen.uniform(0.05, 0.3)
    cabin = ((back, hood), (back + slope * 0.7, roof), (front - slope, roof), (front, hood))
    if pen.chance(0.6):
        pen.shape((-long, hood), *cabin, (long, hood + 0.05), (long, 0.4), (-long, 0.4))
    else:
        pen.shape((-long, hood), (long, hood), (long, 0.4), (-long, 0.4))
        pen.line(*cabin)
    wheel, y = pen.uniform(0.14, 0.24), 0.4
    for x in (pen.uniform(-0.6, -0.45), pen.uniform(0.45, 0.6)):
        pen.arc(x, y, wheel, wheel)
        if pen.chance(0.4):
            pen.arc(x, y, wheel / 2.5, wheel / 2.5)
    if pen.chance(0.6):
        middle = (front + back) / 2
        # The edge of a door.
        pen.line((middle, roof), (middle, pen.uniform(hood, 0.35)))
    if pen.chance(0.4):
        # A headlight.
        pen.arc(long - 0.08, hood + 0.15, 0.06, 0.06)


def _cup(pen: Pen) -> None:
    top, foot = pen.uniform(0.4, 0.65), pen.uniform(0.25, 0.6)
    high, low = pen.uniform(-0.6, -0.3), pen.uniform(0.35, 0.65)
    rim = pen.uniform(0.05, 0.16)
    if pen.chance(0.7):
        pen.line((-top, high), (-foot, low), (foot, low), (top, high))
    else:
        pen.arc(0, high, top, low - high, 0, 180)
    pen.arc(0, high, top, rim)
    middle, reach = (high + low) / 2 - 0.05, pen.uniform(0.18, 0.35)
    side = (top + foot) / 2
    pen.arc(side, middle, reach, pen.uniform(0.18, 0.3), -95, 95)
    if pen.chance(0.4):
        pen.arc(side, middle, reach * 0.6, 0.14, -95, 95)
    if pen.chance(0.35):
        # A saucer.
        pen.arc(0, low, pen.uniform(0.7, 0.9), pen.uniform(0.06, 0.14))
    # Steam: each wisp is an S of two half circles.
    for x in np.linspace(-0.25, 0.25, pen.integer(0, 3)):
        for number in range(2):
            start = 90 if number else -90
            pen.arc(float(x), high - 0.2 - 0.16 * number, 0.07, 0.08, start, start + 180)


def _face(pen: Pen) -> None:
    wide, high = pen.uniform(0.5, 0.8), pen.uniform(0.65, 0.9)
    pen.arc(0, 0, wide, high)
    apart, level, eye = (
        wide * pen.uniform(0.3, 0.5),
        -high * pen.uniform(0.1, 0.35),
        pen.uniform(0.04, 0.14),
    )
    closed = pen.chance(0.2)
    for x in (-apart, apart):
        pen.arc(x, level, eye, eye * pen.uniform(0.5, 1), 180 if closed else 0, 360)
        if pen.chance(0.3):
            pen.line((x - eye, level - eye - 0.1), (x + eye, level - eye - pen.uniform(0.06, 0.14)))
    mood, mouth = pen.uniform(-1, 1), wide * pen.uniform(0.3, 0.55)
    smile = (20, 160) if mood > -0.4 else (200, 340)
    pen.arc(0, high * pen.uniform(0.25, 0.45), mouth, 0.05 + 0.25 * abs(mood), *smile)
    if pen.chance(0.6):
        # A nose.
        pen.line((0, level + 0.1), (pen.uniform(-0.12, 0.12), 0.15), (0, 0.18))
    if pen.chance(0.3):
        for side in (-1, 1):
            # Ears.
            pen.arc(side * wide, 0, 0.12, 0.18)
    # Hair.
    for angle in np.radians(np.linspace(200, 340, pen.integer(0, 9))):
        x, y = wide * np.cos(angle), high * np.sin(angle)
        pen.line((x, y), (x * pen.uniform(1.05, 1.35), y * pen.uniform(1.05, 1.3)))


def _fish(pen: Pen) -> None:
    long, high = pen.uniform(0.5, 0.7), pen.uniform(0.22, 0.45)
    if pen.chance(0.5):
        pen.arc(0.15, 0, long, high)
    else:
        # Back and belly: two flat arcs that cross at mouth and tail.
        pen.arc(0.15, high, long * 1.1, high * 2, 205, 335)
        pen.arc(0.15, -high, long * 1.1, high * 2, 25, 155)
    tail, spread = 0.15 - long, pen.uniform(0.2, 0.45)
    back = tail - pen.uniform(0.2, 0.4)
    pen.line(
        (tail, 0), (back, -spread), (back + pen.uniform(0, 0.15), 0), (back, spread), (tail, 0)
    )
    eye = 0.15 + long * pen.uniform(0.5, 0.7)
    pen.arc(eye, -high * 0.25, *[pen.uniform(0.03, 0.09)] * 2)
    if pen.chance(0.5):
        # A fin.
        pen.line((0, -high), (0.15, -high - pen.uniform(0.1, 0.3)), (0.4, -high * 0.85))
    if pen.chance(0.4):
        # A gill.
        pen.arc(eye - 0.25, 0, 0.12, high * 0.7, -80, 80)
    # Scales.
    for x in np.linspace(-0.2, 0.2, pen.integer(0, 3)):
        pen.arc(float(x), 0, 0.08, high * 0.5, -90, 90)
    # Bubbles.
    for y in np.arange(pen.integer(0, 2)):
        pen.arc(0.15 + long + 0.15, -0.2 - 0.2 * float(y), 0.05, 0.05)


def _flower(pen: Pen) -> None:
    heart, petals = pen.uniform(0.1, 0.2), pen.integer(4, 9)
    y, long = -0.35, pen.uniform(0.14, 0.26)
    pen.arc(0, y, heart, heart)
    first = pen.uniform(0, 360)
    # Narrow enough that neighbouring petals do not cover each other.
    wide = min(long * pen.uniform(0.5, 0.9), 2.2 * (heart + long) / petals)
    for angle in first + np.arange(petals) * 360 / petals:
        across, down = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        far = heart + long
        pen.arc(across * far, y + down * far, long, wide, 0, 360, float(angle))
    foot, sway = pen.uniform(0.75, 0.95), pen.uniform(-0.15, 0.15)
    pen.line((0, y + heart + long), (sway, 0.4), (0, foot))
    for side in (-1, 1):
        if pen.chance(0.55):
            leaf, at = pen.uniform(0.15, 0.26), pen.uniform(0.35, 0.7)
            pen.arc(sway + side * leaf, at, leaf, 0.09, 0, 360, -side * pen.uniform(10, 45))


def _house(pen: Pen) -> None:
    wide, high = pen.uniform(0.5, 0.85), pen.uniform(0.35, 0.7)
    wall, foot = 0.85 - high * 1.2, 0.85
    pen.shape((-wide, wall), (wide, wall), (wide, foot), (-wide, foot))
    over, ridge = wide + pen.uniform(0, 0.15), wall - pen.uniform(0.3, 0.7)
    # Half the ridge of a hipped roof; 0 makes a gable.
    flat = pen.uniform(0, 0.6) * wide if pen.chance(0.4) else 0.0
    pen.line((-over, wall), (-flat, ridge), (flat, ridge), (over, wall))
    if pen.chance(0.7):
        door, left = pen.uniform(0.1, 0.16), pen.uniform(-0.5, 0.3) * wide
        top = foot - high * pen.uniform(0.5, 0.8)
        pen.line((left, foot), (left, top), (left + 2 * door, top), (left + 2 * door, foot))
    for _ in range(pen.integer(0, 3)):
        side, x, y = (
            pen.uniform(0.08, 0.14),
            pen.uniform(-0.75, 0.75) * wide,
            wall + pen.uniform(0.2, 0.35),
        )
        _window(pen, x, y, side)
    if pen.chance(0.4):
        # A chimney.
        x = wide * pen.uniform(0.35, 0.6)
        top, right = ridge - 0.1, x + 0.16
        pen.line((x, (wall + ridge) / 2), (x, top), (right, top), (right, wall))


def _window(pen: Pen, x: float, y: float, side: float) -> None:
    left, right, top, foot = x - side, x + side, y - side, y + side
    pen.shape((left, top), (right, top), (right, foot), (left, foot))
    if pen.chance(0.5):
        pen.line((left, y), (right, y))
        pen.line((x, top), (x, foot))


def _tree(pen: Pen) -> None:
    thick, crown = pen.uniform(0.05, 0.14), pen.uniform(0.1, 0.45)
    kind = pen.integer(0, 2)
    if kind == 0:
        _leafy(pen)
    elif kind == 1:
        _fir(pen)
    else:
        _bare(pen, (0.0, crown), -90.0, pen.uniform(0.45, 0.65), 2)
    pen.line((-thick, crown), (-thick * pen.uniform(1, 1.6), 0.9))
    pen.line((thick, crown), (thick * pen.uniform(1, 1.6), 0.9))
    if pen.chance(0.4):
        pen.line((-pen.uniform(0.3, 0.8), 0.9), (pen.uniform(0.3, 0.8), 0.9))


def _leafy(pen: Pen) -> None:
    wide, high, bumps = pen.uniform(0.4, 0.7), pen.uniform(0.35, 0.55), pen.integer(5, 10)
    if pen.chance(0.25):
        pen.arc(0, -0.3, wide, high)
    else:
        for angle in np.arange(bumps) * 360 / bumps:
            across, down = wide * np.cos(np.radians(angle)), high * np.sin(np.radians(angle))
            # A bump, open towards the middle of the crown.
            round_ = 2.4 * (wide + high) / 2 / bumps
            pen.arc(across, -0.3 + down, round_, round_, angle - 100, angle + 100)
    for _ in range(pen.integer(0, 4)):
        pen.arc(pen.uniform(-0.5, 0.5) * wide, -0.3 + pen.uniform(-0.5, 0.5) * high, 0.06, 0.06)


def _fir(pen: Pen) -> None:
    layers, wide = pen.integer(1, 4), pen.uniform(0.4, 0.65)
    for layer in range(layers):
        top, foot = -0.95 + 1.1 * layer / layers, -0.95 + 1.2 * (layer + 1.2) / layers
        reach = wide * (layer + 1.5) / (layers + 0.5)
        pen.shape((0, top), (reach, foot), (-reach, foot))


def _bare(pen: Pen, start: tuple[float, float], angle: float, long: float, more: int) -> None:
    """Draw a branch and, recursively, those that grow from it."""
    across, down = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    end = (start[0] + long * across, start[1] + long * down)
    pen.line(start, end)
    for side in (-1, 0, 1) if more else ():
        if side or pen.chance(0.5):
            grown = angle + side * pen.uniform(25, 55)
            _bare(pen, end, grown, long * pen.uniform(0.55, 0.8), more - 1)


def _umbrella(pen: Pen) -> None:
    wide, high, foot = pen.uniform(0.65, 0.9), pen.uniform(0.45, 0.75), pen.uniform(0.6, 0.85)
    pen.arc(0, 0, wide, high, 180, 360)
    parts = pen.integer(1, 5)
    edges = np.linspace(-wide, wide, parts + 1)
    for left, right in pairwise(edges):
        if parts == 1 or pen.chance(0.1):
            pen.line((left, 0), (right, 0))
        else:
            pen.arc((left + right) / 2, 0, (right - left) / 2, pen.uniform(0.06, 0.14), 180, 360)
    for edge in edges[1:-1]:
        if pen.chance(0.6):
            pen.line((float(edge), -0.02), (float(edge) * 0.5, -high * 0.7), (0, -high))
    hook = pen.uniform(0.08, 0.18)
    pen.line((0, -high * pen.uniform(0, 1.15)), (0, foot))
    pen.arc(hook, foot, hook, hook, 180, pen.uniform(0, 40))


_DRAW_FUNCTIONS = {
    "bicycle": _bicycle,
    "boat": _boat,
    "car": _car,
    "cup": _cup,
    "face": _face,
    "fish": _fish,
    "flower": _flower,
    "house": _house,
    "tree": _tree,
    "umbrella": _umbrella,
}
