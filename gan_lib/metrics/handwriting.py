"""What a handwriting is like: slant and thickness of strokes, arrays of digits in, a number for each out.

How good a picture is, is not measured here (see `generation`).

Both follow Castro et al. 2019, "Morpho-MNIST: Quantitative Assessment and Diagnostics for Representation Learning",
section 3, in intent; see each function for what it computes instead.
"""

import numpy as np


def _ink(pictures: np.ndarray) -> np.ndarray:
    """float64 (count, height, width) in [0, 1] with a margin of one empty pixel."""
    pictures = np.asarray(pictures)
    if pictures.dtype != np.uint8 or not (pictures.ndim == 3 or (pictures.ndim == 4 and pictures.shape[-1] == 1)):
        raise ValueError(
            f"Pictures of dtype {pictures.dtype} and shape {pictures.shape} came; grey ones, uint8 of shape "
            "(count, height, width, 1), were expected, with bright strokes on black."
        )
    flat = pictures.reshape(pictures.shape[:3])
    return np.pad(flat / 255.0, ((0, 0), (1, 1), (1, 1)))


def slant(pictures: np.ndarray) -> np.ndarray:
    """How far each digit leans to the right.

    The angle by which an upright digit must be sheared so that its ink correlates as much between rows and columns as
    here: atan(m11 / m02), with the ink's second moments about its centre. What leans by nature, such as the stroke of
    a 7, has a slant of its own, so compare digits of one class, or changes.

    Args:
        pictures: uint8 (count, height, width, 1), bright strokes on black.

    Returns:
        Degrees, float64 (count,), positive to the right, in (-90, 90); NaN where a picture has no ink or one row only.

    Raises:
        ValueError: for other dtypes or shapes.

    Source: Castro et al. 2019, section 3.1, the horizontal shear from image moments.

    Example:
        >>> from gan_lib.datasets import load_digits
        >>> degrees = slant(load_digits().test_images[:10])
    """
    ink = _ink(pictures)
    rows, columns = np.arange(ink.shape[1], dtype=float), np.arange(ink.shape[2], dtype=float)
    by_row, by_column, mass = ink.sum(axis=2), ink.sum(axis=1), ink.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        y = rows - (by_row @ rows / mass)[:, np.newaxis]
        x = columns - (by_column @ columns / mass)[:, np.newaxis]
        spread = (by_row * y**2).sum(axis=1)
        together = np.einsum("nyx,ny,nx->n", ink, y, x)
        # Rows count downwards, so a stroke that leans to the right has its small rows at large columns.
        return np.degrees(np.arctan(np.where(spread > 1e-9, -together / spread, np.nan)))


def thickness(pictures: np.ndarray) -> np.ndarray:
    """How thick each digit's strokes are: twice the ink by the length of its outline.

    A stroke of width w and length l has the area w l and an outline of about 2 l. Both are taken from the greys,
    without a threshold: the area is the sum of the ink, and the outline the sum of its slope (the total variation,
    which for a black and white picture is the length of its edge). So a pen that is a tenth of a pixel wider shows,
    and paler ink changes nothing.

    Args:
        pictures: uint8 (count, height, width, 1), bright strokes on black.

    Returns:
        Pixels, float64 (count,), above 0; NaN where a picture has no ink.

    Raises:
        ValueError: for other dtypes or shapes.

    Source: Castro et al. 2019, section 3.1.
    Differs from the paper: there it is twice the mean distance from the skeleton to the outline, on a picture enlarged
    four times and made black and white. A test holds that both agree on real digits.
    """
    ink = _ink(pictures)
    # Roberts' slopes: differences along both diagonals of each 2x2 pixels, so that a stroke that leans to the left
    # counts as one that leans to the right.
    falling, rising = ink[:, 1:, 1:] - ink[:, :-1, :-1], ink[:, 1:, :-1] - ink[:, :-1, 1:]
    outline = np.hypot(falling, rising).sum(axis=(1, 2)) / np.sqrt(2.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(outline > 1e-9, 2 * ink.sum(axis=(1, 2)) / outline, np.nan)
