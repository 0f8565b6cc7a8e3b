"""Degradations: a clean picture, a strength and a seed in, a degraded picture out.

Never in here: weights, files, and the making of batches (``gan_lib.datasets``).

Everything works on batches of float32 pictures (batch, height, width, channels) in [-1, 1], eagerly and inside
``tf.data``. It belongs there and not into a training step: JPEG and antialiased resizing do not compile under XLA. The
random ones take a ``seed``, two integers, and give the same result for the same seed. Strengths may be one number for
the whole batch or one for each picture, unless it says otherwise. Strengths of noise are given for pictures in
[0, 255], as the literature does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gan_lib import images

Strength = float | tf.Tensor
Seed = tuple[int, int] | tf.Tensor

_HALF_RANGE = 127.5  # [0, 255] is so many times wider than [-1, 1]


def gaussian_noise(clean: tf.Tensor, sigma: Strength, *, seed: Seed, grey: Strength = 0.0) -> tf.Tensor:
    """Adds independent Gaussian noise to every value: the model of a sensor's electronics.

    Args:
        clean: float32 (batch, height, width, channels) in [-1, 1].
        sigma: standard deviation, at least 0, for pictures in [0, 255]; in [-1, 1] it is sigma / 127.5.
        seed: two integers.
        grey: 1 gives the channels of a pixel the same noise, as a grey picture has it; 0 gives each its own.

    Returns:
        Noisy pictures of the same shape and dtype, **not clipped**: clipping would shift dark and bright places
        towards grey, and the published figures are for unclipped noise. At sigma 25 their PSNR is 20.17 dB.
    """
    _check("sigma", sigma, at_least=0)
    _check("grey", grey, at_least=0, at_most=1)
    noise = tf.random.stateless_normal(tf.shape(clean), seed=seed, alg="philox")
    grey = _each(grey, clean)
    noise = (1.0 - grey) * noise + grey * noise[..., :1]
    return clean + noise * _each(sigma, clean) / _HALF_RANGE


def poisson_noise(clean: tf.Tensor, photons: Strength, *, seed: Seed) -> tf.Tensor:
    """Counts photons: the noise that light itself has. Bright places get more of it, and still a better picture.

    Args:
        clean: float32 (batch, height, width, channels) in [-1, 1].
        photons: how many are counted on average where the picture is white, above 0. Fewer make more noise: at
            white the standard deviation is 255 / sqrt(photons) levels.
        seed: two integers.

    Returns:
        Noisy pictures of the same shape, from -1 upwards, not clipped at 1.
    """
    _check("number of photons", photons, at_least=1e-3)
    photons = _each(photons, clean)
    rate = (clean * 0.5 + 0.5) * photons
    counts = tf.random.stateless_poisson(tf.shape(clean), seed=seed, lam=tf.maximum(rate, 0.0), dtype=tf.float32)
    return counts / photons * 2.0 - 1.0


def salt_and_pepper(clean: tf.Tensor, share: Strength, *, seed: Seed) -> tf.Tensor:
    """Replaces pixels by black or white: dead pixels and broken bits.

    Args:
        clean: float32 (batch, height, width, channels) in [-1, 1].
        share: of all pixels, in [0, 1]; half of them become black, half white, in all channels.
        seed: two integers.

    Returns:
        Pictures of the same shape in [-1, 1]; pixels that were not hit are exactly as they were.
    """
    _check("share of pixels", share, at_least=0, at_most=1)
    shape = tf.concat([tf.shape(clean)[:-1], [1]], 0)
    draw = tf.random.stateless_uniform(shape, seed=seed, alg="philox")
    share = _each(share, clean)
    return tf.where(draw < share / 2, -1.0, tf.where(draw < share, 1.0, clean))


def gaussian_blur(clean: tf.Tensor, sigma: float) -> tf.Tensor:
    """Blurs with a Gaussian: an optic out of focus, about. Borders are mirrored.

    Args:
        clean: float32 (batch, height, width, channels) in [-1, 1].
        sigma: standard deviation in pixels, at least 0, one number for the whole batch.

    Returns:
        Blurred pictures of the same shape and range.
    """
    _check("sigma", sigma, at_least=0)
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
    _check("quality", quality, at_least=1, at_most=100)
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


def noise_map(clean: tf.Tensor, sigma: Strength) -> tf.Tensor:
    """What a denoiser is told about the noise: sigma / 255 at every pixel, float32 (batch, height, width, 1)."""
    shape = tf.concat([tf.shape(clean)[:-1], [1]], 0)
    level = tf.broadcast_to(_each(sigma, clean) / 255.0, shape)
    return tf.ensure_shape(level, [*clean.shape[:-1], 1])


def _check(name: str, value: Strength, *, at_least: float, at_most: float = np.inf) -> None:
    """Raises for a number that is out of bounds. Tensors pass: within ``tf.data`` their values are not known yet.

    Raises:
        ValueError: if it is too low, too high, or not a number.
    """
    if not tf.is_tensor(value) and not np.all((np.asarray(value) >= at_least) & (np.asarray(value) <= at_most)):
        expected = f"at least {at_least:g}" if at_most == np.inf else f"{at_least:g} to {at_most:g}"
        raise ValueError(f"The {name} is {value}; {expected} was expected.")


def _each(strength: Strength, pictures: tf.Tensor) -> tf.Tensor:
    """A strength, or one for each picture, in a shape that multiplies a batch."""
    strength = tf.cast(strength, tf.float32)
    if strength.shape.rank == 0:
        return strength
    return tf.reshape(strength, [-1] + [1] * (len(pictures.shape) - 1))


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


class Ramp(NamedTuple):
    """One kind of damage at rising strength, to look at and to test a measure with.

    Attributes:
        degrade: (clean, strength, seed) -> degraded pictures of the same shape.
        strengths: from hardly visible to heavy.
        unit: what the strengths count.
    """

    degrade: Callable[[tf.Tensor, float, Seed], tf.Tensor]
    strengths: tuple[float, ...]
    unit: str


def _smaller_and_back(clean: tf.Tensor, factor: int, seed: Seed) -> tf.Tensor:
    del seed
    sides = [max(1, round(side / factor)) for side in clean.shape[1:3]]
    small = tf.image.resize(clean, sides, method="bicubic", antialias=True)
    return tf.clip_by_value(tf.image.resize(small, clean.shape[1:3], method="bicubic"), -1.0, 1.0)


RAMPS = {
    "Gaussian noise": Ramp(lambda x, s, seed: gaussian_noise(x, s, seed=seed), (5, 10, 20, 35, 50), "sigma"),
    "Poisson noise": Ramp(lambda x, s, seed: poisson_noise(x, s, seed=seed), (500, 150, 50, 20, 10), "photons"),
    "salt and pepper": Ramp(
        lambda x, s, seed: salt_and_pepper(x, s, seed=seed), (0.005, 0.01, 0.03, 0.06, 0.12), "share"
    ),
    "Gaussian blur": Ramp(lambda x, s, seed: gaussian_blur(x, s), (0.5, 0.8, 1.2, 2.0, 3.0), "pixels"),
    "motion blur": Ramp(lambda x, s, seed: motion_blur(x, s, 30.0), (2, 4, 6, 10, 15), "pixels"),
    "JPEG": Ramp(lambda x, s, seed: jpeg(x, s), (75, 50, 25, 12, 6), "quality"),
    "smaller and back": Ramp(_smaller_and_back, (2, 3, 4, 6, 8), "times smaller"),
}
