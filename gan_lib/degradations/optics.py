"""What happens between the scene and the file: blur, fewer pixels, JPEG.

Never in here: random numbers.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gan_lib import images
from gan_lib.degradations.strengths import check


def gaussian_blur(clean: tf.Tensor, sigma: float) -> tf.Tensor:
    """Blurs with a Gaussian: an optic out of focus, about. Borders are mirrored.

    Args:
        clean: float32 (batch, height, width, channels) in [-1, 1].
        sigma: standard deviation in pixels, at least 0, one number for the whole batch.

    Returns:
        Blurred pictures of the same shape and range.
    """
    check("sigma", sigma, at_least=0)
    if sigma == 0:
        return tf.identity(clean)
    radius = int(np.ceil(4 * sigma))
    line = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    line = (line / line.sum()).astype(np.float32)
    return _filter(_filter(clean, line[:, None]), line[None, :])


def motion_blur(clean: tf.Tensor, length: float, angle: float) -> tf.Tensor:
    """Blurs along a straight line: a camera that moved during the exposure. Borders are mirrored.

    Args:
        clean: float32 (batch, height, width, channels) in [-1, 1].
        length: of the movement, in pixels, at least 1 (which changes nothing), one number for the whole batch.
        angle: of the movement, in degrees, counted against the clock from a movement to the right.

    Returns:
        Blurred pictures of the same shape and range.
    """
    if length < 1:
        raise ValueError(f"The movement is {length} pixels long; at least 1 was expected, which changes nothing.")
    radius = int(np.ceil(length / 2))
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1), np.float32)
    # The line as many points, each shared among the four pixels around it.
    along = np.linspace(-(length - 1) / 2, (length - 1) / 2, 16 * radius + 1)
    rows = radius - along * np.sin(np.deg2rad(angle))
    columns = radius + along * np.cos(np.deg2rad(angle))
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    for down in (0, 1):
        for right in (0, 1):
            weight = (1 - np.abs(rows - top - down)) * (1 - np.abs(columns - left - right))
            inside = weight > 1e-9
            np.add.at(kernel, (top[inside] + down, left[inside] + right), weight[inside])
    return _filter(clean, kernel / kernel.sum())


def jpeg(clean: tf.Tensor, quality: int | tf.Tensor) -> tf.Tensor:
    """Saves as JPEG and opens again: blocks of 8x8 pixels, ripples along edges, smeared colours.

    Args:
        clean: float32 (batch, height, width, 1 or 3) in [-1, 1]; rounded to 8 bit on the way.
        quality: 1 (worst) to 100, one whole number, or int32 (batch,).

    Returns:
        Pictures of the same shape and range. Does not compile under XLA.
    """
    check("quality", quality, at_least=1, at_most=100)
    quality = tf.broadcast_to(tf.cast(quality, tf.int32), tf.shape(clean)[:1])
    levels = images.to_uint8(images.from_network(clean))

    def one(picture_and_quality):
        picture, quality = picture_and_quality
        return tf.image.adjust_jpeg_quality(picture, quality, dct_method="INTEGER_ACCURATE")

    saved = tf.map_fn(one, (levels, quality), fn_output_signature=tf.TensorSpec(clean.shape[1:], tf.uint8))
    return tf.ensure_shape(images.to_network(saved), clean.shape)


def bicubic_downscale(clean: tf.Tensor, factor: int) -> tf.Tensor:
    """Makes pictures smaller, with the antialiased bicubic filter that super-resolution is measured with.

    Args:
        clean: float32 (batch, height, width, channels) in [-1, 1]; both sides multiples of ``factor``.
        factor: a whole number, at least 1.

    Returns:
        float32 (batch, height / factor, width / factor, channels), clipped to [-1, 1]; equal to what Pillow's
        ``resize(..., BICUBIC)`` gives, but for its rounding to 8 bit. Does not compile under XLA.

    Raises:
        ValueError: if a side that is known is no multiple of the factor.
    """
    if factor < 1 or any(side is not None and side % factor for side in clean.shape[1:3]):
        raise ValueError(
            f"Pictures of {clean.shape[1]} x {clean.shape[2]} pixels cannot be made {factor} times smaller; sides that "
            "are multiples of the factor were expected. Crop them first."
        )
    height, width = tf.unstack(tf.shape(clean)[1:3])
    # Without antialias=True TensorFlow reads 16 pixels however many it should average, and fine patterns turn coarse.
    # One side after the other, since Pillow clips in between: the filter overshoots at hard edges, and clipping only
    # at the end differs there by up to 6 levels of 255 in photographs.
    narrow = tf.image.resize(clean, [height, width // factor], method="bicubic", antialias=True)
    narrow = tf.clip_by_value(narrow, -1.0, 1.0)
    small = tf.image.resize(narrow, [height // factor, width // factor], method="bicubic", antialias=True)
    sides = [side and side // factor for side in clean.shape[1:3]]
    return tf.ensure_shape(tf.clip_by_value(small, -1.0, 1.0), [clean.shape[0], *sides, clean.shape[3]])


def _filter(pictures: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """Each channel convolved with one kernel (odd height, odd width); mirrored at the borders, the edge pixel twice.

    Raises:
        ValueError: if the pictures are smaller than half the kernel, so that mirroring runs out of pixels.
    """
    down, right = kernel.shape[0] // 2, kernel.shape[1] // 2
    height, width, channels = pictures.shape[1:]
    if (height is not None and height < down) or (width is not None and width < right):
        raise ValueError(
            f"A blur that reaches {max(down, right)} pixels far does not fit pictures of {height} x {width} pixels; "
            "take a weaker one."
        )
    padded = tf.pad(pictures, [[0, 0], [down, down], [right, right], [0, 0]], mode="SYMMETRIC")
    weights = tf.tile(tf.constant(kernel, tf.float32)[:, :, None, None], [1, 1, channels, 1])
    return tf.nn.depthwise_conv2d(padded, weights, strides=[1, 1, 1, 1], padding="VALID")
