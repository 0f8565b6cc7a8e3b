"""How several pictures are laid out in one: side by side, or one in the middle of another.

Never in here: files, ranges, drawing with matplotlib.
"""

import math

import numpy as np

from gan_lib.images.ranges import Picture, tensorflow_of


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


def centre(pictures: Picture, size: int | tuple[int, int]) -> Picture:
    """The middle of pictures, such as what is missing behind a hole there.

    Args:
        pictures: (height, width, channels) or (batch, height, width, channels), any dtype and range; an array or a
            tensor.
        size: height and width of the middle, in pixels; one number for a square. Where it cannot lie evenly, it lies
            half a pixel towards the top or the left.

    Returns:
        The same kind and range, of that size.

    Raises:
        ValueError: if the pictures are smaller.

    Example:
        >>> centre(np.arange(16).reshape(4, 4, 1), 2)[..., 0]
        array([[ 5,  6],
               [ 9, 10]])
    """
    rows, columns = _middle(pictures, *((size, size) if isinstance(size, int) else size))
    return pictures[..., rows, columns, :]


def paste_centre(pictures: Picture, region: Picture, *, overlap: int = 0) -> Picture:
    """Puts a region into the middle of pictures; all other pixels stay bit by bit as they are.

    Args:
        pictures: (height, width, channels) or (batch, height, width, channels), any range.
        region: what goes into the middle, of the same dtype and number of channels, and no larger.
        overlap: pixels along the region's border that are not taken, since the pictures have them already: a Context
            Encoder is trained to predict a little more than the hole (`gan_lib.losses.overlap_weights`).

    Returns:
        New pictures, an array or a tensor as ``pictures`` is.

    Raises:
        ValueError: if the region does not fit into the pictures, or nothing of it is left without the overlap.

    Example:
        >>> paste_centre(np.zeros((4, 4, 1), np.uint8), np.full((2, 2, 1), 7, np.uint8))[..., 0].tolist()[1]
        [0, 7, 7, 0]
    """
    height, width = region.shape[-3:-1]
    if pictures.dtype != region.dtype or tuple(pictures.shape[-1:]) != tuple(region.shape[-1:]):
        raise ValueError(
            f"A region of {region.dtype} with {region.shape[-1]} channels came for pictures of {pictures.dtype} with "
            f"{pictures.shape[-1]}; the same of both was expected."
        )
    if overlap < 0 or 2 * overlap >= min(height, width):
        raise ValueError(
            f"The overlap is {overlap} of {height} x {width} pixels; from 0 to less than half was expected."
        )
    rows, columns = _middle(pictures, height, width)
    rows = slice(rows.start + overlap, rows.stop - overlap)
    columns = slice(columns.start + overlap, columns.stop - overlap)
    region = region[..., overlap : height - overlap, overlap : width - overlap, :]
    tf = tensorflow_of(pictures)
    if tf is None:
        pasted = np.array(pictures)
        pasted[..., rows, columns, :] = region
        return pasted
    # Tensors cannot be written into: the region between what is left and right of it, and that between top and bottom.
    middle = tf.concat([pictures[..., rows, : columns.start, :], region, pictures[..., rows, columns.stop :, :]], -2)
    return tf.concat([pictures[..., : rows.start, :, :], middle, pictures[..., rows.stop :, :, :]], -3)


def _middle(pictures: Picture, height: int, width: int) -> tuple[slice, slice]:
    """The rows and the columns of the middle; the same place as that of `gan_lib.degradations.centre_hole`."""
    full_height, full_width = pictures.shape[-3:-1]
    if not (0 < height <= full_height and 0 < width <= full_width):
        raise ValueError(
            f"A middle of {height} x {width} pixels was asked for in pictures of {full_height} x {full_width}; from 1 "
            "pixel to all that the pictures have was expected."
        )
    top, left = (full_height - height) // 2, (full_width - width) // 2
    return slice(top, top + height), slice(left, left + width)
