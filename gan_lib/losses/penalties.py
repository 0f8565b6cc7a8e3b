"""Penalties on the slope of a discriminator, which bound how fast its opinion changes.

Source of each: see its docstring. The losses that they are added to are in `adversarial`.
"""

from collections.abc import Callable

import tensorflow as tf

from gan_lib.losses.means import mean

Judge = Callable[[tf.Tensor], tf.Tensor]


def _input_gradients(discriminator: Judge, pictures: tf.Tensor) -> tf.Tensor:
    """The gradient of each picture's score by its own pixels, shape (batch, pixels), float32."""
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        scores = tf.cast(discriminator(pictures), tf.float32)
    gradients = tf.cast(tape.gradient(scores, pictures), tf.float32)  # squares of float16 numbers underflow
    return tf.reshape(gradients, [tf.shape(pictures)[0], -1])


def gradient_penalty(
    discriminator: Judge, real: tf.Tensor, fake: tf.Tensor, seed: tf.Tensor | tuple[int, int]
) -> tf.Tensor:
    """How far the critic's slope is from 1, on the lines between real and generated pictures.

    Each picture pair gets **one** uniform draw in [0, 1], so each pair gives one point of its line. (A normal
    draw, which circulates, leaves the line.)

    Args:
        discriminator: pictures -> logits, called on float32 pictures shaped like ``real``. It must treat each
            picture alone: no batch normalisation.
        real: real pictures, float32 (batch, height, width, channels) in [-1, 1].
        fake: generated pictures of the same shape and range.
        seed: two integers for the draw; the same seed gives the same points.

    Returns:
        A float32 scalar, the mean of (||gradient|| - 1)^2; the paper multiplies it by 10.

    Source: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", equation 3.
    """
    # A named algorithm: "auto" may draw other numbers on another device.
    mix = tf.random.stateless_uniform([tf.shape(real)[0]] + [1] * (len(real.shape) - 1), seed=seed, alg="philox")
    points = tf.cast(real, tf.float32) + mix * (tf.cast(fake, tf.float32) - tf.cast(real, tf.float32))
    squares = tf.reduce_sum(tf.square(_input_gradients(discriminator, points)), axis=1)
    # The root has an infinite slope at 0, which would turn the second derivative into NaN.
    return mean(tf.square(tf.sqrt(squares + 1e-12) - 1.0))


def r1_penalty(
    discriminator: Judge, real: tf.Tensor, fake: tf.Tensor | None = None, seed: tf.Tensor | None = None
) -> tf.Tensor:
    """Half the mean squared slope of the discriminator on real pictures.

    At equilibrium nothing distinguishes real from fake, so the discriminator should be flat there; R1 asks
    for that and makes the game converge.

    Args:
        discriminator: pictures -> logits, called on float32 pictures.
        real: real pictures, float32 (batch, height, width, channels) in [-1, 1].
        fake: not used; there so that both penalties are called alike.
        seed: not used, likewise.

    Returns:
        A float32 scalar, at least 0. Multiply it by gamma; the paper uses 10.

    Source: Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?", equation 9.
    """
    del fake, seed
    return 0.5 * mean(tf.reduce_sum(tf.square(_input_gradients(discriminator, tf.cast(real, tf.float32))), axis=1))
