"""SRGAN: its generator, which is called SRResNet when it is trained without a discriminator, and its discriminator.

Their training is in `training`. Their losses are in `losses`, and in `features` a perceptual one, which is not the
paper's. The lighter network that the course releases is `upscaler`.

Source of both networks: Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative
Adversarial Network", section 2.1 and figure 4.
"""

import math

import keras
from keras import layers

from gan_lib.networks.layers import PixelShuffle

DISCRIMINATOR_WIDTHS = (64, 64, 128, 128, 256, 256, 512, 512)


def srresnet(scale: int = 4, channels: int = 64, blocks: int = 16, picture_channels: int = 3) -> keras.Model:
    """SRResNet: 9x9 convolutions at both ends, residual blocks with batch normalisation between, and a long shortcut.

    Args:
        scale: how many times larger, a power of 2: one pixel shuffle doubles the size.
        channels: width of every hidden layer.
        blocks: residual blocks.
        picture_channels: 3 for colour.

    Returns:
        A model from small pictures, float32 (batch, height, width, picture_channels) in [-1, 1], to large ones, float32
        (batch, scale * height, scale * width, picture_channels), about [-1, 1] and not clipped.

    Raises:
        ValueError: if ``scale`` is no power of 2.

    Differs from the paper: small pictures are in [-1, 1], where the paper has [0, 1].
    """
    doublings = int(math.log2(scale)) if scale >= 2 else 0
    if 2**doublings != scale or not doublings:
        raise ValueError(f"scale is {scale}; 2, 4 or another power of 2 was expected.")
    small = keras.Input((None, None, picture_channels), name="small")
    x = start = _prelu(layers.Conv2D(channels, 9, padding="same")(small))
    for _ in range(blocks):
        y = _prelu(_normalised(layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)))
        y = _normalised(layers.Conv2D(channels, 3, padding="same", use_bias=False)(y))
        x = layers.Add()([x, y])
    x = layers.Add()([_normalised(layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)), start])
    for _ in range(doublings):
        x = _prelu(PixelShuffle(2)(layers.Conv2D(4 * channels, 3, padding="same")(x)))
    large = layers.Conv2D(picture_channels, 9, padding="same", dtype="float32")(x)
    return keras.Model(small, large, name="srresnet")


def srgan_discriminator(
    size: int = 96,
    *,
    widths: tuple[int, ...] = DISCRIMINATOR_WIDTHS,
    dense: int = 1024,
    picture_channels: int = 3,
) -> keras.Model:
    """SRGAN's discriminator: convolutions that halve the picture at every second step, then two dense layers.

    Args:
        size: side of the pictures that it judges, in pixels; a multiple of what its strides halve, 16 with eight
            widths.
        widths: channels of the convolutions; the first, third, ... keep the size, the second, fourth, ... halve it.
        dense: width of the hidden dense layer.
        picture_channels: 3 for colour.

    Returns:
        A model from large pictures, float32 (batch, size, size, picture_channels) in [-1, 1], to logits, float32
        (batch, 1).

    Raises:
        ValueError: if ``size`` cannot be halved that often.

    Differs from the paper: the last layer gives a logit; the sigmoid is part of the loss.
    """
    multiple = 2 ** (len(widths) // 2)
    if size % multiple or size < multiple:
        raise ValueError(f"size is {size}; a multiple of {multiple} was expected, for {len(widths)} convolutions.")
    picture = keras.Input((size, size, picture_channels), name="picture")
    x = picture
    for level, width in enumerate(widths):
        x = layers.Conv2D(width, 3, strides=1 + level % 2, padding="same", use_bias=level == 0)(x)
        x = _normalised(x) if level else x
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.LeakyReLU(negative_slope=0.2)(layers.Dense(dense)(layers.Flatten()(x)))
    return keras.Model(picture, layers.Dense(1, dtype="float32")(x), name="srgan_discriminator")


def _normalised(x):
    return layers.BatchNormalization(momentum=0.9)(x)


def _prelu(x):
    # One slope for each channel, whatever the size of the picture.
    return layers.PReLU(shared_axes=[1, 2])(x)
