"""Batches of clean pictures -> batches of (degraded, clean), in ``tf.data``, in an order that survives a restart.

Never in here: how a picture is degraded (``gan_lib.degradations``), files, networks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from gan_lib.datasets.batching import LAST_EPOCH, fetched_ahead

if TYPE_CHECKING:
    import tensorflow as tf

RIM = 2  # small pixels on each side of a patch that downscaling is wrong in: the reach of the bicubic filter


def restoration_pairs(
    clean: tf.data.Dataset, degrade: Callable, *, seed: int = 0, first_batch: int = 0
) -> tf.data.Dataset:
    """Degrades each batch with random numbers that depend on nothing but (seed, index of the batch).

    Args:
        clean: batches of pictures, float32 (batch, height, width, channels) in [-1, 1], such as `patches` gives.
        degrade: (batch, seed) -> what the training scheme gets: ``(inputs, clean)`` or ``(inputs, clean, mask)``;
            ``seed`` is an int32 tensor of two numbers, other ones for each batch.
        seed: selects the random numbers.
        first_batch: index of the first batch. To resume after ``k`` epochs of ``n`` batches pass ``k * n``, and
            ``first_epoch=k`` to whatever makes ``clean``.

    Returns:
        Dataset of what ``degrade`` returns.

    Example:
        >>> from gan_lib.degradations import gaussian_noise
        >>> from gan_lib.datasets import bundled_photographs, patches
        >>> pairs = restoration_pairs(
        ...     patches(bundled_photographs(), size=64, batch_size=16),
        ...     lambda clean, seed: (gaussian_noise(clean, 25, seed=seed), clean),
        ... )
    """
    import tensorflow as tf

    if first_batch < 0:
        raise ValueError(f"Expected first_batch of 0 or more, got {first_batch}.")
    numbered = tf.data.Dataset.zip(tf.data.Dataset.range(first_batch, LAST_EPOCH), clean)

    def one(index, batch):
        numbers = tf.random.experimental.stateless_fold_in([seed, 0], tf.cast(index, tf.int32), alg="philox")
        return degrade(batch, numbers)

    return fetched_ahead(numbered.map(one, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True))


def denoising_pairs(
    clean: tf.data.Dataset,
    *,
    sigma: float | tuple[float, float],
    grey_share: float = 0.0,
    seed: int = 0,
    first_batch: int = 0,
) -> tf.data.Dataset:
    """Gaussian noise of one known strength, or of a strength drawn for each picture, and the map that tells it.

    Args:
        clean: batches of pictures, float32 (batch, height, width, channels) in [-1, 1].
        sigma: standard deviation for pictures in [0, 255], or the two ends of an interval to draw from evenly.
        grey_share: share of pictures, in [0, 1], that are made grey and get grey noise, so that the network also
            knows those: a grey photograph's noise is the same in all three channels.
        seed: selects strengths, noise and which pictures become grey.
        first_batch: as in `restoration_pairs`.

    Returns:
        Dataset of ((noisy, noise_level), clean): float32 (batch, height, width, channels), not clipped; float32
        (batch, height, width, 1), sigma / 255; float32 in [-1, 1].

    Raises:
        ValueError: if sigma is negative, an interval runs backwards, or the share is not in [0, 1].
    """
    import tensorflow as tf

    from gan_lib import degradations

    low, high = sigma if isinstance(sigma, tuple) else (sigma, sigma)
    if not 0 <= low <= high:
        raise ValueError(f"Expected a sigma of at least 0, or (lowest, highest), got {sigma}.")
    if not 0 <= grey_share <= 1:
        raise ValueError(f"Expected a share of grey pictures from 0 to 1, got {grey_share}.")

    def degrade(batch, numbers):
        count = tf.shape(batch)[0]
        seeds = [tf.random.experimental.stateless_fold_in(numbers, stream, alg="philox") for stream in range(3)]
        strength = tf.random.stateless_uniform([count], seeds[0], low, max(high, low + 1e-6), alg="philox")
        grey = tf.cast(tf.random.stateless_uniform([count], seeds[1], alg="philox") < grey_share, tf.float32)
        if grey_share:
            mix = grey[:, None, None, None]
            batch = (1.0 - mix) * batch + mix * tf.image.rgb_to_grayscale(batch)
        noisy = degradations.gaussian_noise(batch, strength, seed=seeds[2], grey=grey)
        return (noisy, degradations.noise_map(batch, strength)), batch

    return restoration_pairs(clean, degrade, seed=seed, first_batch=first_batch)


def inpainting_pairs(
    clean: tf.data.Dataset, masks: np.ndarray, *, seed: int = 0, first_batch: int = 0
) -> tf.data.Dataset:
    """Pictures with pixels missing; each gets one of many masks, mirrored at random and, if it is square, transposed.

    Args:
        clean: batches of pictures, float32 (batch, height, width, channels) in [-1, 1].
        masks: uint8 (count, height, width, 1) of zeros and ones, 1 where pixels are missing, such as
            `degradations.mask_bank` draws; as large as the pictures.
        seed: selects the masks and how they lie.
        first_batch: as in `restoration_pairs`.

    Returns:
        Dataset of ((degraded, mask), clean, mask): pictures with the mean of their known pixels where pixels are
        missing, and float32 (batch, height, width, 1).

    Raises:
        ValueError: if the masks have another shape or dtype, other values than 0 and 1, or not the pictures' size.
    """
    import tensorflow as tf

    from gan_lib import degradations

    masks = np.asarray(masks)
    if masks.ndim != 4 or masks.shape[-1] != 1 or not masks.size or masks.dtype != np.uint8 or masks.max(initial=0) > 1:
        raise ValueError(
            f"Masks of shape {masks.shape} and dtype {masks.dtype} came; uint8 (count, height, width, 1) of zeros and "
            "ones was expected, 1 where pixels are missing, such as mask_bank draws."
        )
    size = tuple(clean.element_spec.shape[1:3])
    if size != masks.shape[1:3]:
        raise ValueError(
            f"The masks are {masks.shape[1]} x {masks.shape[2]} pixels, the pictures {size}; make them alike."
        )
    square = masks.shape[1] == masks.shape[2]
    with tf.device("CPU:0"):
        bank = tf.constant(masks)

    def degrade(batch, numbers):
        count = tf.shape(batch)[0]
        seeds = [tf.random.experimental.stateless_fold_in(numbers, stream, alg="philox") for stream in range(2)]
        which = tf.random.stateless_uniform([count], seeds[0], 0, len(masks), tf.int32, alg="philox")
        way = (
            tf.random.stateless_uniform([count, 3], seeds[1], 0, 2, tf.int32, alg="philox")[:, :, None, None, None] > 0
        )
        mask = tf.gather(bank, which)
        mask = tf.where(way[:, 0], tf.reverse(mask, [1]), mask)
        mask = tf.where(way[:, 1], tf.reverse(mask, [2]), mask)
        if square:
            mask = tf.where(way[:, 2], tf.transpose(mask, [0, 2, 1, 3]), mask)
        mask = tf.cast(tf.ensure_shape(mask, [*batch.shape[:3], 1]), tf.float32)
        return (degradations.remove(batch, mask), mask), batch, mask

    return restoration_pairs(clean, degrade, seed=seed, first_batch=first_batch)


def super_resolution_pairs(
    clean: tf.data.Dataset, *, scale: int, seed: int = 0, first_batch: int = 0
) -> tf.data.Dataset:
    """Large pictures and what antialiased bicubic downscaling leaves of them, rounded to 8 bit as a file would be.

    A picture is cut smaller by `RIM` small pixels on each side after it was scaled down: at a border of a picture the
    filter has nothing to average over beyond, but a patch out of the middle of a photograph has no border there.

    Args:
        clean: batches of pictures, float32 (batch, height, width, channels) in [-1, 1]; both sides multiples of
            ``scale``, and ``2 * RIM * scale`` pixels larger than what shall come out.
        scale: how many times smaller.
        seed: as in `restoration_pairs`; nothing is drawn at random here.
        first_batch: as in `restoration_pairs`.

    Returns:
        Dataset of (small, clean): float32 (batch, height / scale - 2 * RIM, ...) and (batch, height - 2 * RIM * scale,
        ...), both in [-1, 1].

    Raises:
        ValueError: if a side is no multiple of ``scale`` or too small.
    """
    from gan_lib import degradations, images

    sides = clean.element_spec.shape[1:3]
    if min(sides) <= 2 * RIM * scale:
        raise ValueError(
            f"Patches of {sides[0]} x {sides[1]} pixels came; more than {2 * RIM * scale} were expected, of which "
            f"{RIM * scale} on each side are cut off again."
        )

    def degrade(batch, numbers):
        small = degradations.bicubic_downscale(batch, scale)[:, RIM:-RIM, RIM:-RIM]
        small = images.to_network(images.to_uint8(images.from_network(small)))
        rim = RIM * scale
        return small, batch[:, rim:-rim, rim:-rim]

    return restoration_pairs(clean, degrade, seed=seed, first_batch=first_batch)
