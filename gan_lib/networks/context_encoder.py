"""The Context Encoder: a generator that sees a picture with a hole and makes up the hole, and its discriminators.

Its loss is in `gan_lib.losses`, its training in `gan_lib.training`; the course's network for any size is `inpainter`.

Source of everything here: Pathak et al. 2016, "Context Encoders: Feature Learning by Inpainting", section 3, and the
authors' code, github.com/pathak22/context-encoder, in which the network for 128x128 pictures is.
"""

import keras
from keras import layers

from gan_lib.networks.layers import ChannelwiseDense

BOTTLENECKS = ("channelwise", "dense")
OUTPUTS = ("centre", "whole")


def context_encoder_generator(
    picture_size: int = 128,
    picture_channels: int = 3,
    *,
    widths: tuple[int, ...] = (64, 64, 128, 256, 512),
    bottleneck: str = "channelwise",
    bottleneck_width: int = 4000,
    output: str = "centre",
    mask_input: bool = False,
    batch_normalisation: bool = True,
) -> keras.Model:
    """Halves the picture to a small map, lets every place of it hear from every other one, and doubles it again.

    A hole of 64 pixels is wider than what five convolutions of stride 2 can see across, so the bottleneck has to carry
    what is known on the left to what is missing on the right: see `ChannelwiseDense`.

    Args:
        picture_size: side of the square pictures, in pixels; a multiple of 2 for each width. For 28 pixels give two
            widths, (64, 128), for 32 three.
        picture_channels: 3 for colour, 1 for grey.
        widths: channels after each halving. The decoder has them backwards.
        bottleneck: "channelwise", as the paper has it: each channel is fully connected to itself, then a convolution
            of stride 1 mixes the channels; or "dense", as the released code has it: all values to ``bottleneck_width``
            numbers and back, which is 66 million weights in place of 0.4 at the default size.
        bottleneck_width: for "dense", and of no effect otherwise.
        output: "centre" makes the middle half of each side, 64x64 of 128x128; "whole" the whole picture, for masks of
            any shape, where only the missing pixels of the answer are used.
        mask_input: whether the network is told the mask too.
        batch_normalisation: as published. Without it small batches train more steadily, and more slowly.

    Returns:
        A model from degraded pictures, float32 (batch, picture_size, picture_size, picture_channels) in [-1, 1], or,
        with ``mask_input``, from ``[degraded, mask]``, mask float32 (batch, picture_size, picture_size, 1) and 1 where
        pixels are missing, to pictures of the side that ``output`` says, float32 in (-1, 1), by tanh.

    Raises:
        ValueError: for another bottleneck or output, fewer than two widths, or a size that cannot be halved so often.

    Example:
        >>> import tensorflow as tf
        >>> context_encoder_generator(28, 1, widths=(32, 64))(tf.zeros([2, 28, 28, 1])).shape
        TensorShape([2, 14, 14, 1])

    Differs from the paper: its encoder is AlexNet's, for 227x227 pixels, and its decoder has five doublings; here both
    are those of the released code. How wide the convolution of stride 1 is, the paper does not say: here 1x1.
    Differs from the released code: it has the dense bottleneck only. ``mask_input`` is in neither of the two.
    """
    _check(picture_size, widths, bottleneck, output)
    degraded = keras.Input((picture_size, picture_size, picture_channels), name="degraded")
    inputs, x = degraded, degraded
    if mask_input:
        inputs = [degraded, keras.Input((picture_size, picture_size, 1), name="mask")]
        x = layers.Concatenate()(inputs)
    x = _halvings(x, widths, batch_normalisation)
    if bottleneck == "channelwise":
        x = ChannelwiseDense(use_bias=not batch_normalisation)(x)
        x = layers.Conv2D(widths[-1], 1, **_weights(batch_normalisation))(x)
        x = layers.LeakyReLU(negative_slope=0.2)(_normalised(x, batch_normalisation))
    else:
        x = _dense_bottleneck(x, bottleneck_width, batch_normalisation)
    # One doubling fewer for the centre: from 4x4 to 64x64 where the encoder came from 128x128.
    hidden = len(widths) - (2 if output == "centre" else 1)
    for width in widths[-2::-1][:hidden]:
        x = layers.ReLU()(_normalised(_doubled(x, width, batch_normalisation), batch_normalisation))
    x = _doubled(x, picture_channels, batch_normalisation, use_bias=True, dtype="float32")
    x = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(inputs, x, name=f"context_encoder_generator_{output}")


def region_discriminator(
    region_size: int = 64,
    picture_channels: int = 3,
    *,
    widths: tuple[int, ...] = (64, 128, 256, 512),
    batch_normalisation: bool = True,
) -> keras.Model:
    """Says whether the filled region looks real; of the picture around it, it sees nothing.

    So it cannot tell whether the region continues its surroundings. The paper shows it no more than that on purpose: a
    discriminator that sees the seam tells real from filled by that alone, and such a pair is hard to train
    (section 3.2).

    Args:
        region_size: side of the region, in pixels: 64 in the middle of 128x128, 14 in the middle of 28x28.
        picture_channels: 3 for colour, 1 for grey.
        widths: channels after each halving.
        batch_normalisation: as published, of all layers but the first.

    Returns:
        A model from regions, float32 (batch, region_size, region_size, picture_channels) in [-1, 1], to logits,
        float32 (batch, 1).

    Raises:
        ValueError: if the region is too small to be halved so often.

    Differs from the released code: it returns logits, not probabilities.
    """
    if region_size < 2 ** len(widths):
        raise ValueError(
            f"A region of {region_size} pixels cannot be halved {len(widths)} times; give fewer widths than {widths}."
        )
    region = keras.Input((region_size, region_size, picture_channels), name="region")
    x = layers.Flatten()(_halvings(region, widths, batch_normalisation))
    # A convolution as wide as the map has one output: that is a dense layer.
    start = _weights(batch_normalisation) | {"use_bias": True}
    logits = layers.Dense(1, dtype="float32", name="logits", **start)(x)
    return keras.Model(region, logits, name="region_discriminator")


def context_encoder_discriminator(
    picture_size: int = 128,
    picture_channels: int = 3,
    *,
    widths: tuple[int, ...] = (64, 64, 128, 256, 512),
    batch_normalisation: bool = True,
) -> keras.Model:
    """The discriminator for masks of any shape: whole pictures, with the filled pixels in their places.

    Arguments, result and errors as `region_discriminator`; one halving more, as in the released code.
    """
    return region_discriminator(picture_size, picture_channels, widths=widths, batch_normalisation=batch_normalisation)


def _check(picture_size: int, widths: tuple[int, ...], bottleneck: str, output: str) -> None:
    if bottleneck not in BOTTLENECKS:
        raise ValueError(f"bottleneck is {bottleneck!r}; one of {', '.join(BOTTLENECKS)} was expected.")
    if output not in OUTPUTS:
        raise ValueError(f"output is {output!r}; one of {', '.join(OUTPUTS)} was expected.")
    if len(widths) < 2:
        raise ValueError(f"widths is {widths}; at least two halvings were expected.")
    if picture_size < 1 or picture_size % 2 ** len(widths):
        raise ValueError(
            f"Pictures of {picture_size} pixels cannot be halved {len(widths)} times, once for each of the widths "
            f"{widths}; a multiple of {2 ** len(widths)} was expected. Give fewer widths, or another size."
        )


def _weights(batch_normalisation: bool) -> dict:
    """How a layer's weights start, as arguments: N(0, 0.02) as published, and no bias, which a mean would take away.

    Without the normalisation the scale of the weights counts, so they start at Keras' default.
    """
    start = keras.initializers.RandomNormal(stddev=0.02) if batch_normalisation else "glorot_uniform"
    return {"kernel_initializer": start, "use_bias": not batch_normalisation}


def _normalised(x, wanted: bool):
    if not wanted:
        return x
    start = keras.initializers.RandomNormal(1.0, 0.02)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=start)(x)  # PyTorch's defaults


def _halvings(x, widths: tuple[int, ...], batch_normalisation: bool):
    """A convolution of stride 2 and a LeakyReLU for each width; normalised, all but the first."""
    for level, width in enumerate(widths):
        weights = _weights(batch_normalisation) | ({} if level else {"use_bias": True})
        x = layers.Conv2D(width, 4, strides=2, padding="same", **weights)(x)
        x = layers.LeakyReLU(negative_slope=0.2)(_normalised(x, batch_normalisation and level > 0))
    return x


def _doubled(x, filters: int, batch_normalisation: bool, **kwargs):
    weights = _weights(batch_normalisation) | kwargs
    return layers.Conv2DTranspose(filters, 4, strides=2, padding="same", **weights)(x)


def _dense_bottleneck(x, units: int, batch_normalisation: bool):
    """To a row of numbers and back to a map of the same shape; the released code has convolutions as wide as it."""
    shape, weights = x.shape[1:], _weights(batch_normalisation)
    x = layers.Dense(units, **weights)(layers.Flatten()(x))
    x = layers.LeakyReLU(negative_slope=0.2)(_normalised(x, batch_normalisation))
    x = layers.Reshape(shape)(layers.Dense(shape[0] * shape[1] * shape[2], **weights)(x))
    # After the numbers became a map again: the normalisation is one for each channel, not one for each value.
    return layers.ReLU()(_normalised(x, batch_normalisation))
