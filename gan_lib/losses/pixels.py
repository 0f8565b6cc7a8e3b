"""Distances between a restored picture and the truth, pixel by pixel.

Distances between features are in `gan_lib.networks.features`; measures, which nothing is trained with, in
`gan_lib.metrics`.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from gan_lib.losses.means import mean_over


def mean_absolute_error(restored: tf.Tensor, clean: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """The L1 distance. Its best answer to several plausible pictures is their median: it blurs less than L2.

    Args:
        restored: float (batch, height, width, channels) in [-1, 1].
        clean: the truth, of the same shape and range.
        mask: (batch, height, width, 1) of zeros and ones; if given, only pixels where it is 1 count.

    Returns:
        A float32 scalar from 0 to 2; 0 where the mask is 0 everywhere.

    Source: Zhao et al. 2017, "Loss Functions for Image Restoration with Neural Networks".
    """
    return mean_over(tf.abs(tf.cast(restored, tf.float32) - tf.cast(clean, tf.float32)), mask)


def mean_squared_error(restored: tf.Tensor, clean: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """The squared L2 distance. Its best answer to several plausible pictures is their mean: it blurs.

    Arguments as `mean_absolute_error`.

    Returns:
        A float32 scalar from 0 to 4; 0 where the mask is 0 everywhere.
    """
    return mean_over(tf.square(tf.cast(restored, tf.float32) - tf.cast(clean, tf.float32)), mask)


def overlap_weights(size: int = 64, overlap: int = 7, weight: float = 10.0) -> np.ndarray:
    """How much each pixel of a predicted region counts: more in a band along its border, so that no seam shows.

    In the paper the network predicts a little more than the hole: it *sees* the pixels of the band, and a mistake there
    is expensive, so what it predicts joins what is known. For that the hole in the degraded picture is smaller than the
    region by ``overlap`` on each side. Where the whole region is missing, the weights still favour the rim of the hole.

    Args:
        size: side of the region, in pixels.
        overlap: width of the band, in pixels: 7 in the paper, 4 in the released code.
        weight: of the band; everywhere else it is 1.

    Returns:
        float32 (size, size, 1).

    Raises:
        ValueError: if the band is wider than half the region, or the overlap or the weight below 0.

    Example:
        >>> overlap_weights(5, 1)[..., 0].astype(int).tolist()[:2]
        [[10, 10, 10, 10, 10], [10, 1, 1, 1, 10]]

    Source: Pathak et al. 2016, "Context Encoders: Feature Learning by Inpainting", section 3.3.
    """
    if not 0 <= 2 * overlap <= size or weight < 0:
        raise ValueError(
            f"A band of {overlap} pixels with weight {weight} in a region of {size} pixels came; a band from 0 to half "
            "the region and a weight of at least 0 were expected."
        )
    weights = np.full((size, size, 1), weight, np.float32)
    weights[overlap : size - overlap, overlap : size - overlap] = 1
    return weights


def weighted_squared_error(weights: np.ndarray) -> Callable[..., tf.Tensor]:
    """The squared L2 distance in which some pixels count more than others, such as those of `overlap_weights`.

    The Context Encoder multiplies it by 0.999 and the adversarial term by 0.001. Its generator learns ten times as fast
    as its discriminator: Adam with 2e-3 and 2e-4 in the released code, beta_1 0.5 both.

    Args:
        weights: float (height, width, 1), the pictures' size, at least 0.

    Returns:
        A function (restored, clean, mask or None) -> float32 scalar, at least 0, which `training.Restoration` takes as
        its ``pixel_loss``; its arguments are those of `mean_squared_error`, its value that one's at weights of 1. As in
        the released code it is a mean over the pixels: larger weights make it larger.

    Raises:
        ValueError: if the weights are no such map; by the function: if the pictures have another size.

    Example:
        >>> import keras
        >>> from gan_lib.networks.context_encoder import context_encoder_generator, region_discriminator
        >>> from gan_lib.training import Restoration
        >>> scheme = Restoration(context_encoder_generator(), region_discriminator())
        >>> scheme.compile(
        ...     {"generator": keras.optimizers.Adam(2e-3, 0.5), "discriminator": keras.optimizers.Adam(2e-4, 0.5)},
        ...     pixel_loss=weighted_squared_error(overlap_weights()),
        ...     pixel_weight=0.999,
        ...     adversarial_weight=0.001,
        ... )

    Source: Pathak et al. 2016, sections 3.2 and 3.3, and the authors' code.
    """
    weights = np.asarray(weights, np.float32)
    if weights.ndim != 3 or weights.shape[-1] != 1 or not np.isfinite(weights).all() or weights.min(initial=0) < 0:
        raise ValueError(
            f"Weights of shape {weights.shape} came; (height, width, 1) with numbers of at least 0 was expected, such "
            "as overlap_weights returns."
        )

    def loss(restored: tf.Tensor, clean: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        size = tuple(restored.shape[1:3])
        if None not in size and size != weights.shape[:2]:
            raise ValueError(
                f"The weights are for {weights.shape[0]} x {weights.shape[1]} pixels, but pictures of {size[0]} x "
                f"{size[1]} came; make weights of that size."
            )
        errors = tf.square(tf.cast(restored, tf.float32) - tf.cast(clean, tf.float32))
        return mean_over(weights * errors, mask)

    return loss


def checkerboard_loss(period: int, *, blocks: int = 6) -> Callable[..., tf.Tensor]:
    """A term against the fine regular grid that upsampling layers draw, such as pixel shuffles.

    Each pixel of a block of ``period`` x ``period`` comes from kernels of its own. Where a network may choose its
    texture, nothing keeps those alike, and a discriminator is content with a grid that is as strong as the texture it
    misses. The error of a restored picture without a grid is the same on average at all places of a block. This
    is how far it is from that: the variance of the mean error over the places, in each field of ``blocks`` x
    ``blocks`` blocks by itself. A small field also sees a grid that changes over the picture; in a large one the error
    of the texture itself averages out better. It never does so altogether: 6 blocks of 4 pixels leave about 2e-4 for
    enlargements of photographs that have no grid at all, so compare with a method that works without blocks.

    Of a restored picture with a mask all pixels count, not the missing ones alone: the term shrinks with the hole.

    Args:
        period: pixels from one block to the next: the product of *all* upsampling factors, 8 for three shuffles by 2.
            A grid of a part of it counts as well, one of a multiple does not.
        blocks: on each side of a field.

    Returns:
        A function (restored, clean) -> float32 scalar, at least 0, which `training.Restoration` takes as its
        ``checkerboard_loss``. Pictures: float (batch, height, width, channels) in [-1, 1]; what is left over at the
        right and at the bottom beyond whole fields does not count.

    Raises:
        ValueError: if ``period`` is below 2 or ``blocks`` below 1; by the function: if no field fits into the pictures,
            or their size is not known.

    Example:
        >>> uneven = tf.tile(tf.reshape([0.5, -0.5], [1, 1, 2, 1]), [1, 12, 6, 3])
        >>> print(float(checkerboard_loss(2)(uneven, tf.zeros_like(uneven))))
        0.25

    Source: the pattern and its causes from Odena et al. 2016, "Deconvolution and Checkerboard Artifacts"; the term is
    the course's own.
    """
    if period < 2 or blocks < 1:
        raise ValueError(f"A period of {period} and {blocks} blocks came; at least 2 pixels and 1 block were expected.")

    def loss(restored: tf.Tensor, clean: tf.Tensor) -> tf.Tensor:
        side = period * blocks
        down, across = ((length or 0) // side for length in restored.shape[1:3])
        if not down or not across:
            raise ValueError(
                f"Pictures of {restored.shape[1]} x {restored.shape[2]} pixels came; at least {side} x {side} were "
                f"expected, a field of {blocks} blocks of {period} pixels. Ask for fewer blocks."
            )
        error = (tf.cast(restored, tf.float32) - tf.cast(clean, tf.float32))[:, : down * side, : across * side]
        channels = error.shape[-1]
        fields = tf.reshape(error, [-1, down, blocks, period, across, blocks, period, channels])
        places = tf.reduce_mean(fields, axis=[2, 5])  # the mean error at each place of a block, field by field
        return tf.reduce_mean(tf.math.reduce_variance(places, axis=[2, 4]))

    return loss
