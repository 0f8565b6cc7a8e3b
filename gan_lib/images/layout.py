"""How several pictures are laid out in one.

Never in here: files, ranges, drawing with matplotlib.
"""

import math

import numpy as np


def tile(pictures: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Lay pictures out in rows, from the top left, without gaps.

    Args:
        pictures: (count, height, width, channels), uint8 in [0, 255] or float in [0, 1].
        columns: pictures in a row; the square root of the count, rounded up, if None.

    Returns:
        One picture (rows * height, columns * width, channels) of the same dtype and range; places that no picture
        fills are 0, black.

    Raises:
        ValueError: for another shape, no pictures, or fewer than one column.

    Example:
        >>> tile(np.zeros((6, 28, 28, 1), np.uint8), columns=3).shape
        (56, 84, 1)
    """
    pictures = np.asarray(pictures)
    if pictures.ndim != 4 or not len(pictures):
        raise ValueError(f"Expected pictures of shape (count, height, width, channels), got {pictures.shape}.")
    count, height, width, channels = pictures.shape
    columns = math.ceil(math.sqrt(count)) if columns is None else columns
    if columns < 1:
        raise ValueError(f"Expected at least 1 column, got {columns}.")
    rows = math.ceil(count / columns)
    full = np.zeros((rows * columns, height, width, channels), pictures.dtype)
    full[:count] = pictures
    return full.reshape(rows, columns, height, width, channels).swapaxes(1, 2).reshape(rows * height, -1, channels)
