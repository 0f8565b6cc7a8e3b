"""pix2pix: the U-Net generator and the conditional PatchGAN discriminator.

Its losses are in `losses` and its training in `training`; the lighter network that the course releases is `denoiser`.

Source of everything here: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks",
section 6.1, and the authors' code.
"""

import keras
from keras import layers

from gan_lib.networks.layers import SpectralNormalization

_INITIALIZER = {"mean": 0.0, "stddev": 0.02}


def _kernel():
    return keras.initializers.RandomNormal(**_INITIALIZER)


def _normalisation(kind: str) -> keras.Layer:
    if kind == "batch":
        return layers.BatchNormalization(gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02))
    # One group for each channel: what is elsewhere called instance normalisation.
    return layers.GroupNormalization(groups=-1, epsilon=1e-5)


def unet_generator(
    picture_channels: int = 3,
    *,
    widths: tuple[int, ...] = (64, 128, 256, 512, 512, 512, 512, 512),
    normalisation: str = "batch",
    dropout: float = 0.5,
) -> keras.Model:
    """The U-Net: down to a single pixel, up again, and a shortcut at every size so that detail keeps its place.

    Args:
        picture_channels: of input and output.
        widths: channels after each halving; as many halvings as there are numbers.
        normalisation: "batch" as published, or "instance".
        dropout: share of values dropped in the three decoder layers nearest to the bottom.

    Returns:
        A model from degraded pictures, float32 (batch, height, width, picture_channels) in [-1, 1], to restored ones
        of the same shape in (-1, 1), by tanh. Height and width must be multiples of 2^levels: 256 with eight.
        With batch size 1 and pictures of that very size, batch normalisation of the single pixel at the bottom would
        subtract it from itself, so there is none in the innermost layer, as in the authors' corrected code.

    Raises:
        ValueError: if there are fewer than two widths, or for another kind of normalisation.

    Differs from the paper: noise comes from dropout alone in both; here dropout is off when ``training=False``,
    while the paper keeps it on for testing as well. There batch normalisation takes the statistics of the test batch,
    too; here it takes the moving averages.
    """
    if len(widths) < 2:
        raise ValueError(f"widths is {widths}; at least two halvings were expected.")
    if normalisation not in ("batch", "instance"):
        raise ValueError(f"normalisation is {normalisation!r}; 'batch' or 'instance' was expected.")
    degraded = keras.Input((None, None, picture_channels), name="degraded")
    x, shortcuts = degraded, []
    for level, width in enumerate(widths):
        if level:
            x = layers.LeakyReLU(negative_slope=0.2)(x)
        normalised = 0 < level < len(widths) - 1
        x = layers.Conv2D(width, 4, strides=2, padding="same", use_bias=not normalised, kernel_initializer=_kernel())(x)
        if normalised:
            x = _normalisation(normalisation)(x)
        shortcuts.append(x)
    for level in range(len(widths) - 2, -1, -1):
        x = layers.ReLU()(x)
        x = layers.Conv2DTranspose(
            widths[level], 4, strides=2, padding="same", use_bias=False, kernel_initializer=_kernel()
        )(x)
        x = _normalisation(normalisation)(x)
        if level >= len(widths) - 4 and dropout:
            x = layers.Dropout(dropout)(x)
        x = layers.Concatenate()([x, shortcuts[level]])
    x = layers.ReLU()(x)
    x = layers.Conv2DTranspose(
        picture_channels, 4, strides=2, padding="same", kernel_initializer=_kernel(), dtype="float32"
    )(x)
    return keras.Model(degraded, layers.Activation("tanh", dtype="float32")(x), name="unet_generator")


def patch_discriminator(
    picture_channels: int = 3,
    *,
    widths: tuple[int, ...] = (64, 128, 256, 512),
    conditional: bool = True,
    normalisation: str = "batch",
) -> keras.Model:
    """The PatchGAN: it says of every patch of 70x70 pixels, not of the whole picture, whether it looks real.

    Args:
        picture_channels: of degraded and of judged pictures.
        widths: channels of the hidden layers; all but the last halve the size.
        conditional: True judges pairs, (degraded, picture): does this belong to that? False judges pictures alone.
        normalisation: "batch" as published, "instance", "spectral" (of every kernel, instead of normalised values; it
            keeps the discriminator's slope, and with it the generator's gradient, within bounds), or "none".

    Returns:
        A model from ``[degraded, picture]`` (or from ``picture``), float32 (batch, height, width, picture_channels) in
        [-1, 1], to a map of logits, float32 (batch, height / 8 - 2, width / 8 - 2, 1) with four widths; one logit sees
        70x70 pixels.

    Raises:
        ValueError: for another kind of normalisation.

    Source: Isola et al. 2017, section 6.1.2, C64-C128-C256-C512; padding by one pixel as in the authors' code. Spectral
    normalisation in a PatchGAN: Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution" (SN-PatchGAN).
    """
    if normalisation not in ("batch", "instance", "spectral", "none"):
        raise ValueError(f"normalisation is {normalisation!r}; 'batch', 'instance', 'spectral' or 'none' was expected.")
    wrapped = SpectralNormalization if normalisation == "spectral" else lambda layer: layer
    picture = keras.Input((None, None, picture_channels), name="picture")
    inputs, x = [picture], picture
    if conditional:
        degraded = keras.Input((None, None, picture_channels), name="degraded")
        inputs = [degraded, picture]
        x = layers.Concatenate()(inputs)
    for level, width in enumerate(widths):
        strides = 1 if level == len(widths) - 1 else 2
        normalised = level > 0 and normalisation in ("batch", "instance")
        x = layers.ZeroPadding2D(1)(x)
        x = wrapped(layers.Conv2D(width, 4, strides=strides, use_bias=not normalised, kernel_initializer=_kernel()))(x)
        if normalised:
            x = _normalisation(normalisation)(x)
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.ZeroPadding2D(1)(x)
    logits = wrapped(layers.Conv2D(1, 4, kernel_initializer=_kernel(), dtype="float32"))(x)
    return keras.Model(inputs if conditional else picture, logits, name="patch_discriminator")
