"""The course's upscaler: a light residual network that enlarges; what lesson 05 trains and the course releases.

What trains it is not here, nor are the published SRResNet and its discriminator (`srgan`).
"""

import keras
from keras import layers

from gan_lib.networks.layers import BicubicUpscale, PixelShuffle


def upscaler(scale: int = 4, channels: int = 48, blocks: int = 10, picture_channels: int = 3) -> keras.Model:
    """A residual network that works on the small picture and adds to its bicubic enlargement.

    All convolutions run at the small size, where a pixel costs a sixteenth of one at four times the size; only the
    last one lays its channels out as pixels. There is no batch normalisation: it would make a picture's contrast depend
    on its neighbours in the batch.

    Args:
        scale: how many times larger, 2 or more.
        channels: width of every hidden layer.
        blocks: residual blocks of two 3x3 convolutions each.
        picture_channels: 3 for colour.

    Returns:
        A model from small pictures, float32 (batch, height, width, picture_channels) in [-1, 1], to large ones, float32
        (batch, scale * height, scale * width, picture_channels), about [-1, 1] and not clipped. Untrained it is bicubic
        interpolation.

    Raises:
        ValueError: if ``scale`` is below 2.

    Example:
        >>> import tensorflow as tf
        >>> upscaler()(tf.zeros([1, 24, 24, 3])).shape
        TensorShape([1, 96, 96, 3])

    Source: residual blocks without normalisation from Lim et al. 2017, "Enhanced Deep Residual Networks for Single
    Image Super-Resolution" (EDSR), section 3.1; enlarging at the very end from Shi et al. 2016, "ESPCN".
    Differs from EDSR-baseline (16 blocks of 64 channels, two pixel shuffles by 2, 1.5 million weights): fewer and
    narrower blocks, one pixel shuffle, and bicubic interpolation as a shortcut around everything.
    """
    if scale < 2:
        raise ValueError(f"scale is {scale}; a whole number, at least 2, was expected.")
    small = keras.Input((None, None, picture_channels), name="small")
    x = start = layers.Conv2D(channels, 3, padding="same")(small)
    for _ in range(blocks):
        y = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
        x = layers.Add()([x, layers.Conv2D(channels, 3, padding="same")(y)])
    x = layers.Add()([layers.Conv2D(channels, 3, padding="same")(x), start])
    # float32, whatever the policy: bfloat16 has steps as coarse as half a level of an 8-bit picture.
    pixels = picture_channels * scale**2
    change = layers.Conv2D(pixels, 3, padding="same", kernel_initializer="zeros", dtype="float32")(x)
    large = layers.Add(dtype="float32")([BicubicUpscale(scale)(small), PixelShuffle(scale, dtype="float32")(change)])
    return keras.Model(small, large, name="upscaler")
