"""Measures of enlarged pictures, as papers on super-resolution report them: the luma channel, without the border.

Never in here: measures in RGB (`restoration`).
"""

import numpy as np
import tensorflow as tf
from PIL import Image

from gan_lib import images
from gan_lib.metrics.restoration import Pictures, checked_pair

# ITU-R BT.601 for studio video, from R, G and B in [0, 1].
_WEIGHTS = (65.481, 128.553, 24.966)
_BLACK = 16.0


def studio_luma(pictures: Pictures) -> tf.Tensor:
    """The channel Y of studio video: black is 16, white 235. It is not rounded.

    Args:
        pictures: uint8 or float in [0, 1], (..., height, width, 3), or (..., 1), which is taken as grey. Floats are
            neither clipped nor rounded.

    Returns:
        Float32 (..., height, width, 1), about [16, 235].

    Source: ITU-R BT.601; what MATLAB's ``rgb2ycbcr`` computes, and after it the literature of super-resolution.
    """
    pictures = tf.convert_to_tensor(pictures)
    pictures = tf.cast(pictures, tf.float32) / (255.0 if pictures.dtype == tf.uint8 else 1.0)
    if pictures.shape[-1] == 1:
        return _BLACK + sum(_WEIGHTS) * pictures
    return _BLACK + tf.reduce_sum(pictures * tf.constant(_WEIGHTS), axis=-1, keepdims=True)


def psnr_y(restored: Pictures, clean: Pictures, *, crop: int) -> tf.Tensor:
    """PSNR of the luma channel, with pixels cut off at each border.

    Args:
        restored: pictures, uint8 or float in [0, 1], (height, width, 3 or 1) or a batch of those. Floats are clipped
            and rounded to 256 levels first, as a file would; the luma is not.
        clean: the truth, of the same shape.
        crop: pixels that are cut off at each of the four borders: as many as the scale says, by custom.

    Returns:
        Decibels, for a peak of 255, float32, shape (batch,); infinite where both agree.

    Raises:
        ValueError: for other dtypes, shapes or ranges, or if nothing is left after the cut.

    Example:
        >>> clean = np.full((64, 64, 3), 100, np.uint8)
        >>> enlarged = np.full((64, 64, 3), 101, np.uint8)
        >>> decibels = psnr_y(enlarged, clean, crop=4)
    """
    return tf.image.psnr(*_luma_pair(restored, clean, crop, 1), max_val=255.0)


def ssim_y(restored: Pictures, clean: Pictures, *, crop: int) -> tf.Tensor:
    """`metrics.ssim` of the luma channel, with pixels cut off at each border.

    Args:
        restored: as for `psnr_y`.
        clean: the truth, of the same shape.
        crop: as for `psnr_y`; at least 11x11 pixels must be left.

    Returns:
        Float32, shape (batch,), at most 1 and 1 where both agree.

    Raises:
        ValueError: for other dtypes, shapes or ranges, or if less than the window is left after the cut.
    """
    return tf.image.ssim(*_luma_pair(restored, clean, crop, 11), max_val=255.0, filter_size=11, filter_sigma=1.5)


def downscaled_error(restored: Pictures, small: Pictures, *, scale: int) -> np.ndarray:
    """How far an enlarged picture, made small again, is from the small one it was made of.

    It needs no truth: what does not even agree with its own input cannot be right. What agrees need not be.

    Args:
        restored: enlarged pictures, uint8 or float in [0, 1], (scale * height, scale * width, 3 or 1), or a batch.
        small: what they were made of, (height, width, 3 or 1), or a batch.
        scale: how many times larger.

    Returns:
        Mean absolute difference in levels of 255, float32, shape (batch,). The filter is Pillow's bicubic one, the
        same that the small pictures of the protocol are made with.

    Raises:
        ValueError: if the sizes do not fit each other.
    """
    restored, small = (np.asarray(p) for p in (restored, small))
    restored, small = (images.to_uint8(p if p.dtype == np.uint8 else np.clip(p, 0, 1)) for p in (restored, small))
    restored, small = (p if p.ndim == 4 else p[np.newaxis] for p in (restored, small))
    expected = (small.shape[0], small.shape[1] * scale, small.shape[2] * scale, small.shape[3])
    if restored.shape != expected:
        raise ValueError(
            f"restored has shape {restored.shape}; {expected} was expected, {scale} times as large as the small "
            "pictures."
        )
    size = (small.shape[2], small.shape[1])
    differences = []
    for large, truth in zip(restored, small, strict=True):
        image = Image.fromarray(large if large.shape[-1] == 3 else large[..., 0])
        again = np.asarray(image.resize(size, Image.Resampling.BICUBIC), np.float32).reshape(truth.shape)
        differences.append(np.abs(again - truth).mean())
    return np.array(differences, np.float32)


def _luma_pair(restored: Pictures, clean: Pictures, crop: int, least: int) -> tuple[tf.Tensor, tf.Tensor]:
    restored, clean = checked_pair(restored, clean)
    height, width = clean.shape[1:3]
    if crop < 0 or min(height, width) - 2 * crop < least:
        raise ValueError(
            f"Of pictures of {height}x{width} pixels {crop} are to be cut off at each border; at least "
            f"{least}x{least} must be left, and crop be 0 or more."
        )
    inside = (slice(None), slice(crop, height - crop), slice(crop, width - crop))
    return studio_luma(restored)[inside], studio_luma(clean)[inside]
