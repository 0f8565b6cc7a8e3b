"""How masks are painted: strokes with round ends, drawn larger than they are, again and again until the share fits.

Never in here: kinds of masks (`gan_lib.degradations.masks`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

SCALE = 4  # what is round is drawn so many times larger, and then made smaller
_TRIES = 1_000


def walk(random: np.random.Generator, height: int, width: int, pieces: int) -> np.ndarray:
    """Corners of a stroke: it starts anywhere and turns by up to a quarter at each of them; (pieces + 1, 2) of x, y."""
    place = random.uniform(0, 1, 2) * (width, height)
    angle = random.uniform(0, 2 * np.pi)
    corners = [place]
    for _ in range(pieces):
        long = random.uniform(0.1, 0.3) * max(height, width)
        place = place + long * np.array([np.cos(angle), np.sin(angle)])
        corners.append(place)
        angle += random.uniform(-np.pi / 2, np.pi / 2)
    return np.array(corners)


def stroke(canvas: ImageDraw.ImageDraw, corners: np.ndarray, thickness: float) -> None:
    """A line with round ends and corners, on a canvas that is `SCALE` times larger."""
    radius = SCALE * thickness / 2
    points = [tuple(corner) for corner in corners * SCALE]
    canvas.line(points, fill=255, width=max(1, round(2 * radius)))
    for x, y in points:
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def until(
    height: int, width: int, draw: Callable[[ImageDraw.ImageDraw], None], missing: tuple[float, float]
) -> np.ndarray:
    """Draws again and again until the share of missing pixels fits."""
    for _ in range(_TRIES):
        canvas = Image.new("L", (width * SCALE, height * SCALE))
        draw(ImageDraw.Draw(canvas))
        # A pixel is missing if at least half of it was painted.
        mask = np.float32(np.asarray(canvas.reduce(SCALE)) >= 128)[..., None]
        if missing[0] <= mask.mean() <= missing[1]:
            return mask
    raise ValueError(
        f"None of {_TRIES} drawings left between {missing[0]:.0%} and {missing[1]:.0%} of {height} x {width} pixels "
        "missing. Scale the thickness with the size, or widen the bounds."
    )
