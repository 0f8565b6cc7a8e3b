"""The course's denoiser: a fast residual network with a map that tells it how much noise to expect.

What trains it is not here, nor is the pix2pix pair that lesson 03 compares it with (`pix2pix`).
"""

import keras
from keras import layers

from gan_lib.networks.layers import PixelShuffle, PixelUnshuffle

MAX_SIGMA = 55.0  # of 255; the strongest noise that the released weights were trained on


def denoiser(channels: int = 64, blocks: int = 10, picture_channels: int = 3) -> keras.Model:
    """A residual network that works at half resolution, so that a photograph takes seconds on a CPU.

    Pixels of 2x2 blocks become channels, a convolution, residual blocks and another convolution follow, and the
    result is laid out as pixels again and added to the input: the network learns what to take away. There is no
    batch normalisation, which would make a picture depend on its neighbours in the batch and on the strength of
    their noise.

    Args:
        channels: width of every hidden layer.
        blocks: residual blocks of two 3x3 convolutions each.
        picture_channels: 3 for colour.

    Returns:
        A model from ``[noisy, noise_level]`` to the restored picture, float32 (batch, height, width,
        picture_channels), about [-1, 1] and not clipped. ``noisy``: float32 of that shape, clean pictures being in
        [-1, 1], not clipped. ``noise_level``: float32 (batch, height, width, 1), the standard deviation of the noise
        at each pixel, as a share of the whole range: sigma / 255. Height and width are even.

    Example:
        >>> import tensorflow as tf
        >>> model = denoiser()
        >>> model([tf.zeros([1, 64, 64, 3]), tf.fill([1, 64, 64, 1], 25 / 255)]).shape
        TensorShape([1, 64, 64, 3])

    Source: half resolution and noise map from Zhang et al. 2018, "FFDNet"; residual blocks without normalisation
    from Lim et al. 2017, "Enhanced Deep Residual Networks" (EDSR).
    Differs from FFDNet: residual blocks for a plain chain of convolutions, the input is added to the output, and no
    batch normalisation.
    """
    noisy = keras.Input((None, None, picture_channels), name="noisy")
    noise_level = keras.Input((None, None, 1), name="noise_level")
    x = layers.Concatenate()([PixelUnshuffle(2)(noisy), layers.AveragePooling2D(2)(noise_level)])
    x = start = layers.Conv2D(channels, 3, padding="same")(x)
    for _ in range(blocks):
        y = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
        x = layers.Add()([x, layers.Conv2D(channels, 3, padding="same")(y)])
    x = layers.Add()([x, start])
    # float32, whatever the policy: bfloat16 has steps as coarse as half a level of an 8-bit picture.
    change = layers.Conv2D(4 * picture_channels, 3, padding="same", kernel_initializer="zeros", dtype="float32")(x)
    restored = layers.Add(dtype="float32")([noisy, PixelShuffle(2, dtype="float32")(change)])
    return keras.Model([noisy, noise_level], restored, name="denoiser")
