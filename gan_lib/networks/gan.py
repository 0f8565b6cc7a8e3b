"""The fully connected GAN of lesson 1, and its two-dimensional miniature for the ring of Gaussians.

Convolutional networks have their own files (`dcgan`); losses are in `gan_lib.losses`.

Source: Goodfellow et al. 2014, "Generative Adversarial Nets".
Differs from the paper: its networks used maxout units with dropout in the discriminator, a mix of rectifier
and sigmoid units in the generator, and SGD with momentum. These have the shape in common use today: ReLU and
LeakyReLU, a tanh output, a discriminator that returns a logit, and (in the lesson) Adam.
"""

import math
from collections.abc import Sequence

import keras
from keras import layers


def fully_connected_generator(
    latent_dim: int = 100,
    picture_shape: tuple[int, int, int] = (28, 28, 1),
    widths: Sequence[int] = (256, 512, 1024),
) -> keras.Model:
    """A generator of dense layers only.

    Args:
        latent_dim: length of the latent vector z, drawn from N(0, 1).
        picture_shape: height, width and channels of the pictures.
        widths: units of the hidden layers, from z to the picture.

    Returns:
        A model from z, float32 (batch, latent_dim), to pictures, float32 (batch, *picture_shape) in [-1, 1].

    Example:
        >>> fully_connected_generator(widths=(32,))(keras.ops.zeros([2, 100])).shape
        TensorShape([2, 28, 28, 1])
    """
    latent = keras.Input((latent_dim,), name="latent")
    x = latent
    for width in widths:
        x = layers.Dense(width)(x)
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    # The last layer computes in float32 whatever the policy: tanh in bfloat16 has 8 bits, as few as the picture.
    x = layers.Dense(math.prod(picture_shape), activation="tanh", dtype="float32")(x)
    pictures = layers.Reshape(picture_shape, dtype="float32", name="pictures")(x)
    return keras.Model(latent, pictures, name="fully_connected_generator")


def fully_connected_discriminator(
    picture_shape: tuple[int, int, int] = (28, 28, 1), widths: Sequence[int] = (512, 256)
) -> keras.Model:
    """A discriminator of dense layers only.

    Args:
        picture_shape: height, width and channels of the pictures.
        widths: units of the hidden layers, from the picture to the logit.

    Returns:
        A model from pictures, float32 (batch, *picture_shape) in [-1, 1], to logits, float32 (batch, 1).
    """
    pictures = keras.Input(picture_shape, name="pictures")
    x = layers.Flatten()(pictures)
    for width in widths:
        x = layers.Dense(width)(x)
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model(pictures, logits, name="fully_connected_discriminator")


def ring_generator(latent_dim: int = 16, width: int = 128) -> keras.Model:
    """A small generator of points in the plane.

    Args:
        latent_dim: length of the latent vector z, drawn from N(0, 1).
        width: units of each of the two hidden layers.

    Returns:
        A model from z, float32 (batch, latent_dim), to points, float32 (batch, 2), any real numbers.
    """
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            layers.Dense(width, activation="relu"),
            layers.Dense(width, activation="relu"),
            layers.Dense(2, dtype="float32"),
        ],
        name="ring_generator",
    )


def ring_discriminator(width: int = 128) -> keras.Model:
    """A small discriminator of points in the plane.

    Args:
        width: units of each of the two hidden layers.

    Returns:
        A model from points, float32 (batch, 2), to logits, float32 (batch, 1).
    """
    return keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(width, activation="relu"),
            layers.Dense(width, activation="relu"),
            layers.Dense(1, dtype="float32"),
        ],
        name="ring_discriminator",
    )
