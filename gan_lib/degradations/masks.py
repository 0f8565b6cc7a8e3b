"""Masks: which pixels are missing, drawn with a seed; and `remove`, which takes those pixels out of pictures.

Never in here: how a hole is filled (`gan_lib.baselines`, `gan_lib.networks`), files.

A mask is **1 where pixels are missing**, float32 (height, width, 1) of exact zeros and ones. Drawing is plain NumPy and
Pillow, one mask at a time and away from ``tf.data``: for training, draw many in advance (`mask_bank`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from PIL import ImageDraw

from gan_lib.degradations.brushes import SCALE, stroke, until, walk

MaskSeed = int | Sequence[int]


def centre_hole(height: int, width: int, seed: MaskSeed = 0, *, share: float = 0.5) -> np.ndarray:
    """A rectangle in the middle.

    Args:
        height: of the mask, in pixels.
        width: of the mask, in pixels.
        seed: of no effect; it is here so that all kinds are called alike.
        share: of each side, in (0, 1); 0.5 takes a quarter of the pixels.

    Returns:
        float32 (height, width, 1), 1 where pixels are missing.

    Raises:
        ValueError: if a side is below 1, or the share not between 0 and 1.

    Source: Pathak et al. 2016, "Context Encoders", section 3.1.
    """
    del seed
    _check(height, width)
    if not 0 < share < 1:
        raise ValueError(f"The hole takes {share} of each side; more than 0 and less than 1 was expected.")
    mask = np.zeros((height, width, 1), np.float32)
    tall, wide = max(1, round(height * share)), max(1, round(width * share))
    top, left = (height - tall) // 2, (width - wide) // 2
    mask[top : top + tall, left : left + wide] = 1
    return mask


def random_blocks(
    height: int,
    width: int,
    seed: MaskSeed,
    *,
    count: tuple[int, int] = (1, 4),
    sides: tuple[float, float] = (0.125, 0.375),
) -> np.ndarray:
    """Rectangles anywhere, which may overlap.

    Args:
        height: of the mask, in pixels.
        width: of the mask, in pixels.
        seed: an integer or several, for ``numpy.random.default_rng``.
        count: fewest and most rectangles.
        sides: shortest and longest side, as a share of the mask's.

    Returns:
        float32 (height, width, 1), 1 where pixels are missing.

    Raises:
        ValueError: if a side is below 1, an interval runs backwards, or a rectangle may be larger than the mask.

    Source: Pathak et al. 2016, section 3.1.
    """
    _check(height, width, count=count, sides=sides)
    if sides[1] > 1:
        raise ValueError(f"sides is {sides}; shares of the mask's sides, 1 at most, were expected.")
    mask, random = np.zeros((height, width, 1), np.float32), np.random.default_rng(seed)
    for _ in range(random.integers(*count, endpoint=True)):
        tall, wide = (max(1, round(side * random.uniform(*sides))) for side in (height, width))
        top, left = random.integers(0, height - tall, endpoint=True), random.integers(0, width - wide, endpoint=True)
        mask[top : top + tall, left : left + wide] = 1
    return mask


def free_form(
    height: int,
    width: int,
    seed: MaskSeed,
    *,
    strokes: tuple[int, int] = (2, 4),
    pieces: tuple[int, int] = (3, 6),
    thickness: tuple[float, float] = (4.0, 10.0),
    missing: tuple[float, float] = (0.1, 0.3),
) -> np.ndarray:
    """Strokes of a brush, each of several straight pieces that turn: what somebody paints over an unwanted thing.

    The defaults are the protocol of ``evaluate inpaint`` for 128x128 pixels. For other sizes scale the thickness.

    Args:
        height: of the mask, in pixels.
        width: of the mask, in pixels.
        seed: an integer or several, for ``numpy.random.default_rng``.
        strokes: fewest and most strokes.
        pieces: fewest and most pieces of a stroke.
        thickness: thinnest and thickest stroke, in pixels.
        missing: least and largest share of missing pixels; all is drawn again until it fits.

    Returns:
        float32 (height, width, 1), 1 where pixels are missing.

    Raises:
        ValueError: if a side is below 1, an interval runs backwards, or a thousand drawings did not fit.

    Source of the idea: Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution", section 3.4.
    """
    _check(height, width, strokes=strokes, pieces=pieces, thickness=thickness, missing=missing)
    random = np.random.default_rng(seed)

    def draw(canvas: ImageDraw.ImageDraw) -> None:
        for _ in range(random.integers(*strokes, endpoint=True)):
            wide = random.uniform(*thickness)
            corners = walk(random, height, width, random.integers(*pieces, endpoint=True))
            stroke(canvas, corners, wide)

    return until(height, width, draw, missing)


def scratches(
    height: int,
    width: int,
    seed: MaskSeed,
    *,
    count: tuple[int, int] = (1, 6),
    thickness: tuple[float, float] = (1.0, 3.0),
) -> np.ndarray:
    """Long thin lines, nearly straight and mostly upright, as a projector leaves them on film.

    Args:
        height: of the mask, in pixels.
        width: of the mask, in pixels.
        seed: an integer or several, for ``numpy.random.default_rng``.
        count: fewest and most scratches.
        thickness: thinnest and thickest scratch, in pixels.

    Returns:
        float32 (height, width, 1), 1 where pixels are missing; at least one pixel is.

    Raises:
        ValueError: if a side is below 1, or an interval runs backwards.
    """
    _check(height, width, count=count, thickness=thickness)
    random = np.random.default_rng(seed)

    def draw(canvas: ImageDraw.ImageDraw) -> None:
        for _ in range(random.integers(*count, endpoint=True)):
            angle = random.normal(np.pi / 2, 0.25)
            long = random.uniform(0.4, 1.2) * max(height, width)
            along = np.linspace(-0.5, 0.5, 6)[:, None] * long * np.array([np.cos(angle), np.sin(angle)])
            bend = random.normal(0, 0.006 * long, (6, 2)).cumsum(axis=0)
            corners = random.uniform(0.1, 0.9, 2) * (width, height) + along + bend
            stroke(canvas, corners, random.uniform(*thickness))

    return until(height, width, draw, (1e-9, 1.0))


def occlusion(height: int, width: int, seed: MaskSeed, *, missing: tuple[float, float] = (0.1, 0.3)) -> np.ndarray:
    """A blob with a wavy rim, anywhere and partly outside: a finger before the lens, a stain, a torn corner.

    Args:
        height: of the mask, in pixels.
        width: of the mask, in pixels.
        seed: an integer or several, for ``numpy.random.default_rng``.
        missing: least and largest share of missing pixels; all is drawn again until it fits.

    Returns:
        float32 (height, width, 1), 1 where pixels are missing.

    Raises:
        ValueError: if a side is below 1, an interval runs backwards, or a thousand drawings did not fit.
    """
    _check(height, width, missing=missing)
    random = np.random.default_rng(seed)
    around = np.linspace(0, 2 * np.pi, 72, endpoint=False)

    def draw(canvas: ImageDraw.ImageDraw) -> None:
        radius = np.sqrt(random.uniform(*missing) * height * width / np.pi) * random.uniform(1.0, 1.3)
        waves = sum(
            random.normal(0, 0.22 / order) * np.cos(order * around + random.uniform(0, 2 * np.pi))
            for order in range(1, 7)
        )
        stretch = random.uniform(0.7, 1.4)
        rim = radius * np.maximum(0.2, 1 + waves)
        centre = random.uniform(0.0, 1.0, 2) * (width, height)
        points = centre + np.stack([rim * np.cos(around) * stretch, rim * np.sin(around) / stretch], axis=1)
        canvas.polygon([tuple(point) for point in points * SCALE], fill=255)

    return until(height, width, draw, missing)


MASKS: dict[str, Callable[[int, int, MaskSeed], np.ndarray]] = {
    "centre": centre_hole,
    "blocks": random_blocks,
    "free-form": free_form,
    "scratches": scratches,
    "occlusion": occlusion,
}


def mask_bank(kinds: Sequence[str], count: int, height: int, width: int, *, seed: int) -> np.ndarray:
    """Many masks, the kinds in turn, to draw from while a network is trained.

    Args:
        kinds: names out of `MASKS`.
        count: how many masks, at least 1.
        height: of each, in pixels.
        width: of each, in pixels.
        seed: mask number i follows from (seed, i).

    Returns:
        uint8 (count, height, width, 1) of zeros and ones.

    Raises:
        ValueError: for an unknown kind, none, or a count below 1.
    """
    unknown = [kind for kind in kinds if kind not in MASKS]
    if unknown or not kinds or count < 1:
        raise ValueError(
            f"{count} masks of the kinds {list(kinds)} were asked for; at least one of each out of {', '.join(MASKS)} "
            "was expected."
        )
    bank = np.empty((count, height, width, 1), np.uint8)
    for index in range(count):
        bank[index] = MASKS[kinds[index % len(kinds)]](height, width, (seed, index))
    return bank


def remove(clean: tf.Tensor, mask: tf.Tensor, value: float | None = None) -> tf.Tensor:
    """Takes the missing pixels out of pictures.

    Args:
        clean: float32 (batch, height, width, channels) in [-1, 1].
        mask: float32 (batch, height, width, 1), 1 where pixels are missing.
        value: what stands in their place; None is the mean of the picture's known pixels, channel by channel, or 0 if
            none is known.

    Returns:
        Degraded pictures, float32 of the same shape and range; known pixels bit by bit as they were.
    """
    clean, mask = tf.convert_to_tensor(clean), tf.cast(mask, tf.float32)
    if value is None:
        known = 1.0 - mask
        total = tf.reduce_sum(clean * known, axis=[1, 2], keepdims=True)
        fill = tf.math.divide_no_nan(total, tf.reduce_sum(known, axis=[1, 2], keepdims=True))
    else:
        fill = tf.cast(value, clean.dtype)
    # Chosen, not blended, so that known pixels are not rounded.
    return tf.where(mask > 0.5, fill, clean)


def _check(height: int, width: int, **intervals: tuple[float, float]) -> None:
    if height < 1 or width < 1:
        raise ValueError(f"A mask of {height} x {width} pixels was asked for; at least 1 x 1 was expected.")
    for name, (low, high) in intervals.items():
        if not 0 <= low <= high:
            raise ValueError(f"{name} is {(low, high)}; two numbers from 0 up, the smaller first, were expected.")
