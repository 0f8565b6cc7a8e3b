"""Measures of restored pictures against the truth, picture by picture.

Never in here: generated pictures, which have no truth (`generation`).
"""

import functools

import keras
import numpy as np
import tensorflow as tf

from gan_lib import images
from gan_lib.networks.features import feature_distance

Pictures = np.ndarray | tf.Tensor


def _unit_range(pictures: Pictures, name: str) -> tf.Tensor:
    """To float32 in [0, 1], rounded to the 256 levels of a file, with a batch axis."""
    pictures = tf.convert_to_tensor(pictures)
    if pictures.dtype != tf.uint8 and not pictures.dtype.is_floating:
        raise ValueError(f"{name} has dtype {pictures.dtype.name}; uint8 or a float type in [0, 1] was expected.")
    if len(pictures.shape) not in (3, 4):
        raise ValueError(
            f"{name} has shape {tuple(pictures.shape)}; (height, width, channels) or a batch of those was expected."
        )
    if pictures.dtype == tf.uint8:
        pictures = tf.cast(pictures, tf.float32) / 255.0
    else:
        if tf.executing_eagerly() and float(tf.reduce_max(pictures)) > 2.0:
            raise ValueError(
                f"{name} has float values up to {float(tf.reduce_max(pictures)):.0f}; [0, 1] was expected. "
                "Divide by 255, or pass uint8."
            )
        pictures = tf.round(tf.clip_by_value(tf.cast(pictures, tf.float32), 0.0, 1.0) * 255.0) / 255.0
    return pictures if len(pictures.shape) == 4 else pictures[tf.newaxis]


def checked_pair(restored: Pictures, clean: Pictures) -> tuple[tf.Tensor, tf.Tensor]:
    """Both as float32 in [0, 1], rounded to 256 levels, with a batch axis; ValueError unless they fit each other."""
    given = tf.convert_to_tensor(clean)
    restored, clean = _unit_range(restored, "restored"), _unit_range(given, "clean")
    # A network's output may overshoot, but the truth is a picture: beyond [0, 1] it still is in a network's range.
    if tf.executing_eagerly() and given.dtype.is_floating:
        least, most = float(tf.reduce_min(given)), float(tf.reduce_max(given))
        if least < -1e-3 or most > 1.001:
            raise ValueError(
                f"clean has values from {least:.4g} to {most:.4g}; [0, 1] was expected. Call images.from_network first."
            )
    if not restored.shape.is_compatible_with(clean.shape):
        raise ValueError(
            f"restored has shape {tuple(restored.shape)} and clean {tuple(clean.shape)}; the same was expected."
        )
    return restored, clean


def psnr(restored: Pictures, clean: Pictures) -> tf.Tensor:
    """Peak signal-to-noise ratio: 10 log10(1 / mean squared error), over all channels of a picture.

    Args:
        restored: pictures, uint8 or float in [0, 1], (height, width, channels) or a batch of those. Floats are
            clipped and rounded to 256 levels first, as a file would.
        clean: the truth, of the same shape.

    Returns:
        Decibels, float32, shape (batch,), with a batch of 1 for a single picture; infinite where both agree.

    Raises:
        ValueError: for other dtypes, shapes or ranges.

    Example:
        >>> float(psnr(np.full((8, 8, 1), 10, np.uint8), np.zeros((8, 8, 1), np.uint8))[0])  # doctest: +ELLIPSIS
        28.13...
    """
    return tf.image.psnr(*checked_pair(restored, clean), max_val=1.0)


def _large_enough(restored: tf.Tensor, clean: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    height, width = restored.shape[1:3]
    if height is not None and width is not None and min(height, width) < 11:
        raise ValueError(f"The pictures are {height}x{width}; SSIM's window needs at least 11x11 pixels.")
    return restored, clean


def ssim(restored: Pictures, clean: Pictures) -> tf.Tensor:
    """Structural similarity with the 11x11 Gaussian window of sigma 1.5, averaged over the channels.

    The same as scikit-image's ``structural_similarity`` with ``gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False``.

    Args:
        restored: pictures, uint8 or float in [0, 1], (height, width, channels) or a batch of those, at least
            11 pixels high and wide. Floats are clipped and rounded to 256 levels first.
        clean: the truth, of the same shape.

    Returns:
        Float32, shape (batch,), at most 1 and 1 where both agree.

    Raises:
        ValueError: for other dtypes, shapes or ranges, or a picture smaller than the window.

    Source: Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity".
    """
    restored, clean = _large_enough(*checked_pair(restored, clean))
    return tf.image.ssim(restored, clean, max_val=1.0, filter_size=11, filter_sigma=1.5)


def hole_psnr(restored: Pictures, clean: Pictures, mask: Pictures) -> tf.Tensor:
    """`psnr` of the missing pixels alone.

    Known pixels are copied, so they have no error; counting them makes every method look better, by 6 dB at a hole of
    a quarter of the picture.

    Args:
        restored: as for `psnr`.
        clean: the truth, of the same shape.
        mask: 1 where pixels were missing, 0 elsewhere: (height, width, 1) or a batch of those; each with at least one
            missing pixel.

    Returns:
        Decibels, float32, shape (batch,); infinite where both agree.

    Raises:
        ValueError: for other dtypes, shapes or ranges, a mask with other values, or one without a missing pixel.
    """
    restored, clean = checked_pair(restored, clean)
    missing = _missing(mask, clean)
    squared = tf.reduce_sum(tf.square(restored - clean) * missing, axis=[1, 2, 3])
    error = squared / (tf.reduce_sum(missing, axis=[1, 2, 3]) * clean.shape[-1])
    return -10.0 * tf.math.log(error) / tf.math.log(10.0)


def hole_ssim(restored: Pictures, clean: Pictures, mask: Pictures) -> tf.Tensor:
    """`ssim`, averaged over the missing pixels instead of all.

    The window around a missing pixel may hold known ones: what is compared is also how the fill joins its rim. Beyond
    the border the window sees the picture mirrored, as in scikit-image's map (``full=True``), so that every missing
    pixel counts; `ssim`, as is usual, leaves the outermost five out.

    Args:
        restored: as for `ssim`.
        clean: the truth, of the same shape.
        mask: as for `hole_psnr`.

    Returns:
        Float32, shape (batch,), at most 1 and 1 where both agree.

    Raises:
        ValueError: for other dtypes, shapes or ranges, a mask with other values, one without a missing pixel, or a
            picture smaller than the window.
    """
    restored, clean = _large_enough(*checked_pair(restored, clean))
    missing = _missing(mask, clean)[..., 0]
    options = {"max_val": 1.0, "filter_size": 11, "filter_sigma": 1.5}
    restored, clean = (tf.pad(side, [[0, 0], [5, 5], [5, 5], [0, 0]], "SYMMETRIC") for side in (restored, clean))
    everywhere = tf.image.ssim(restored, clean, **options, return_index_map=True)
    return tf.reduce_sum(everywhere * missing, axis=[1, 2]) / tf.reduce_sum(missing, axis=[1, 2])


def _missing(mask: Pictures, clean: tf.Tensor) -> tf.Tensor:
    """A checked mask as float32 (batch, height, width, 1)."""
    mask = tf.cast(tf.convert_to_tensor(mask), tf.float32)
    mask = mask[tf.newaxis] if len(mask.shape) == 3 else mask
    expected = (*clean.shape[:3], 1)
    if not mask.shape.is_compatible_with(expected):
        raise ValueError(f"The mask has shape {tuple(mask.shape)}; {tuple(expected)} was expected.")
    if tf.executing_eagerly():
        values = np.unique(mask)
        if not np.isin(values, (0.0, 1.0)).all():
            raise ValueError(
                f"The mask has values from {values.min():g} to {values.max():g}; 0 and 1 were expected, 1 where pixels "
                "are missing. Divide one of 8 bit by 255, and round soft edges."
            )
        if not np.max(mask, axis=(1, 2, 3)).all():
            raise ValueError("A mask has no missing pixel, so there is nothing to measure. Is it the wrong way round?")
    return mask


@functools.lru_cache(maxsize=2)
def _as_graph(network: keras.Model):
    """The network as one graph for all sizes: called layer by layer it takes three to five times as long."""
    return tf.function(
        lambda pictures: network(pictures, training=False), input_signature=[tf.TensorSpec([None, None, None, 3])]
    )


def perceptual_distance(judge_network: keras.Model, restored: Pictures, clean: Pictures) -> tf.Tensor:
    """How differently two pictures look to a network that learnt to tell kinds and strengths of damage apart.

    Lower is better. It notices lost texture that PSNR hardly counts, and forgives texture that is plausible but not
    the true one. The numbers belong to this network: they are no LPIPS, and compare only with each other.

    Args:
        judge_network: pictures in [-1, 1] -> feature maps: `networks.features.judging_features` with its released
            weights.
        restored: pictures, uint8 or float in [0, 1], (height, width, 3), or a batch of those; (.., 1) is taken as
            grey. Floats are clipped and rounded to 256 levels first.
        clean: the truth, of the same shape.

    Returns:
        Float32, shape (batch,), at least 0, and 0 where both agree.

    Raises:
        ValueError: for other dtypes, shapes or ranges, or pictures smaller than 16x16 pixels.

    Source: Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric".
    """
    restored, clean = checked_pair(restored, clean)
    if min(clean.shape[1:3]) < 16:
        raise ValueError(f"The pictures are {clean.shape[1]}x{clean.shape[2]}; at least 16x16 pixels were expected.")
    look, distances = _as_graph(judge_network), []
    for pair in zip(restored, clean, strict=True):  # one at a time: the maps of a large picture fill the memory
        maps = [look(images.to_network(_three_channels(picture))) for picture in pair]
        distances.append(feature_distance(*maps))
    return tf.concat(distances, axis=0)


def checkerboard(restored: Pictures, clean: Pictures, *, period: int) -> tf.Tensor:
    """How strong a regular grid lies over a restored picture, such as upsampling layers draw.

    The mean error at each place of a block of ``period`` x ``period`` pixels, over all blocks of the picture; then the
    variance over the places, its mean over the colours, and the root of that. Texture that was missed or invented
    averages out over many blocks, a grid does not. A grid whose sign changes over the picture partly does;
    `losses.checkerboard_loss` looks at small fields.

    Args:
        restored: pictures, uint8 or float in [0, 1], (height, width, channels) or a batch of those. Floats are clipped
            and rounded to 256 levels first.
        clean: the truth, of the same shape.
        period: pixels from one block to the next, such as the factor of a pixel shuffle.

    Returns:
        Levels of 255, float32, shape (batch,), at least 0. Texture leaves something where there is no grid: the more,
        the larger the period and the smaller the picture. In photographs of 256x256 pixels enlarged four times that
        was a quarter of a level at a period of 4. Compare with a method that works without blocks.

    Raises:
        ValueError: for other dtypes, shapes or ranges, or a period below 2 or larger than the pictures.

    Source: the pattern from Odena et al. 2016, "Deconvolution and Checkerboard Artifacts"; the measure is the course's
    own.
    """
    restored, clean = checked_pair(restored, clean)
    height, width, channels = clean.shape[1:]
    if None in (height, width) or not 2 <= period <= min(height, width):
        raise ValueError(
            f"period is {period} in pictures of {height}x{width}; from 2 to the shorter side was expected."
        )
    down, across = height // period, width // period
    error = (restored - clean)[:, : down * period, : across * period]
    blocks = tf.reshape(error, [-1, down, period, across, period, channels])
    places = tf.reduce_mean(blocks, axis=[1, 3])
    return 255.0 * tf.sqrt(tf.reduce_mean(tf.math.reduce_variance(places, axis=[1, 2]), axis=-1))


def _three_channels(picture: tf.Tensor) -> tf.Tensor:
    return tf.repeat(picture, 3, axis=-1)[tf.newaxis] if picture.shape[-1] == 1 else picture[tf.newaxis]
