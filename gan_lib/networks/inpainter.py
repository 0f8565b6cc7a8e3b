"""The course's inpainter: any mask, any size; what lesson 04b trains and the course releases.

What trains it is not here, nor is the Context Encoder that lesson 04 builds first (`context_encoder`).
"""

import keras
from keras import layers

from gan_lib.networks.layers import PixelShuffle, PixelUnshuffle, PullPush

DILATIONS = (1, 2, 4, 8, 4, 2, 1)


def inpainter(
    widths: tuple[int, int, int] = (32, 64, 96),
    blocks: tuple[int, int] = (1, 1),
    dilations: tuple[int, ...] = DILATIONS,
    picture_channels: int = 3,
) -> keras.Model:
    """A U-shaped residual network that takes the mask as an input, so that one network serves every hole.

    A smooth fill of the hole comes first, without anything learnt, and the network adds what it lacks. It works at a
    half, a quarter and an eighth of the size, with shortcuts between them. The smallest map has dilated convolutions:
    they look 1, 2, 4 and 8 values far, so that the middle of a wide hole sees across its rim.

    Args:
        widths: channels at a half, a quarter and an eighth of the size.
        blocks: residual blocks at a half and at a quarter of the size, as many on the way down as on the way up.
        dilations: one block at an eighth of the size for each number: how far apart are the values that it looks at.
        picture_channels: 3 for colour.

    Returns:
        A model from ``[degraded, mask]`` to pictures, float32 (batch, height, width, picture_channels), about
        [-1, 1] and not clipped. ``degraded``: of that shape, in [-1, 1]; what it has in missing pixels is not looked
        at. ``mask``: float32 (batch, height, width, 1), 1 where pixels are missing. Known pixels come back unchanged.
        Height and width are multiples of 8.

    Raises:
        ValueError: if there are not three widths and two numbers of blocks.

    Example:
        >>> import tensorflow as tf
        >>> model = inpainter()
        >>> model([tf.zeros([1, 64, 64, 3]), tf.zeros([1, 64, 64, 1])]).shape
        TensorShape([1, 64, 64, 3])

    Source: shortcuts from Ronneberger et al. 2015, "U-Net"; dilated convolutions in the middle from Iizuka et al. 2017,
    "Globally and Locally Consistent Image Completion"; residual blocks without normalisation from Lim et al. 2017
    (EDSR); the first guess from Gortler et al. 1996, "The Lumigraph".
    Differs from Iizuka et al.: about a sixth of the weights, a smooth fill to begin with, one discriminator in place of
    two.
    """
    if len(widths) != 3 or len(blocks) != 2:
        raise ValueError(f"widths is {widths} and blocks {blocks}; three and two numbers were expected.")
    degraded = keras.Input((None, None, picture_channels), name="degraded")
    mask = keras.Input((None, None, 1), name="mask")
    guess = PullPush()([degraded, mask])
    x = layers.Conv2D(widths[0], 3, padding="same")(PixelUnshuffle(2)(layers.Concatenate()([guess, mask])))
    shortcuts = []
    for width, count in zip(widths[1:], blocks, strict=True):
        x = _residual_blocks(x, count)
        shortcuts.append(x)
        x = layers.Conv2D(width, 3, strides=2, padding="same")(x)
    for dilation in dilations:
        x = _dilated_block(x, dilation)
    for shortcut, count in zip(reversed(shortcuts), reversed(blocks), strict=True):
        # To four times the channels with a kernel of 1, then the channels become pixels.
        x = PixelShuffle(2)(layers.Conv2D(4 * shortcut.shape[-1], 1)(x))
        x = _residual_blocks(layers.Add()([x, shortcut]), count)
    # float32, whatever the policy: bfloat16 has steps as coarse as half a level of an 8-bit picture.
    change = layers.Conv2D(4 * picture_channels, 3, padding="same", kernel_initializer="zeros", dtype="float32")(x)
    change = layers.Multiply(dtype="float32")([PixelShuffle(2, dtype="float32")(change), mask])
    restored = layers.Add(dtype="float32")([guess, change])
    return keras.Model([degraded, mask], restored, name="inpainter")


def _residual_blocks(x, count: int):
    width = x.shape[-1]
    for _ in range(count):
        y = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = layers.Add()([x, layers.Conv2D(width, 3, padding="same")(y)])
    return x


def _dilated_block(x, dilation: int):
    width = x.shape[-1]
    y = layers.Conv2D(width, 3, padding="same", dilation_rate=dilation, activation="relu")(x)
    return layers.Add()([x, layers.Conv2D(width, 1)(y)])
