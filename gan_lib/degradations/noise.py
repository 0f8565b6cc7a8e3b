"""Noise: random numbers added to pixels, counted photons, dead pixels, and the map that tells a network of it.

Never in here: what blurs or loses pixels (`optics`, `masks`).
"""

from __future__ import annotations

import tensorflow as tf

from gan_lib.degradations.strengths import Seed, Strength, check, each

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
    check("sigma", sigma, at_least=0)
    check("grey", grey, at_least=0, at_most=1)
    noise = tf.random.stateless_normal(tf.shape(clean), seed=seed, alg="philox")
    grey = each(grey, clean)
    noise = (1.0 - grey) * noise + grey * noise[..., :1]
    return clean + noise * each(sigma, clean) / _HALF_RANGE


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
    check("number of photons", photons, at_least=1e-3)
    photons = each(photons, clean)
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
    check("share of pixels", share, at_least=0, at_most=1)
    shape = tf.concat([tf.shape(clean)[:-1], [1]], 0)
    draw = tf.random.stateless_uniform(shape, seed=seed, alg="philox")
    share = each(share, clean)
    return tf.where(draw < share / 2, -1.0, tf.where(draw < share, 1.0, clean))


def noise_map(clean: tf.Tensor, sigma: Strength) -> tf.Tensor:
    """What a denoiser is told about the noise: sigma / 255 at every pixel, float32 (batch, height, width, 1)."""
    shape = tf.concat([tf.shape(clean)[:-1], [1]], 0)
    level = tf.broadcast_to(each(sigma, clean) / 255.0, shape)
    return tf.ensure_shape(level, [*clean.shape[:-1], 1])
