"""DCGAN for 28x28 pictures: the generator and the discriminator of Radford et al., at the size of MNIST.

The fully connected networks are in `gan`; losses are in `gan_lib.losses`.

Source: Radford, Metz and Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks", section 3 and figure 1.
Differs from the paper: 28x28 grey pictures instead of 64x64 in colour, so two doublings from 7x7 instead of
four from 4x4, and narrower layers; the batch normalisation's memory is shorter (momentum 0.9, as in
PyTorch's default, where Keras has 0.99), since a lesson trains for minutes.
"""

import keras
from keras import layers

UPSAMPLINGS = ("transposed", "resize")


def _initial_weights() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=0.02)


def _doubled(x, filters: int, upsampling: str, **kwargs):
    """Doubles height and width: (batch, h, w, c) -> (batch, 2h, 2w, filters)."""
    kwargs["kernel_initializer"] = _initial_weights()
    if upsampling == "transposed":
        # A kernel of 5 and a stride of 2 overlap unevenly: some pixels get 9 contributions, others 4 or 6.
        # That is the paper's choice, and where the checkerboard comes from.
        return layers.Conv2DTranspose(filters, 5, strides=2, padding="same", **kwargs)(x)
    x = layers.UpSampling2D(2, interpolation="nearest")(x)
    # 3 after repeating each pixel sees about as far as 5 between inserted zeros, at a third of the cost.
    return layers.Conv2D(filters, 3, padding="same", **kwargs)(x)


def dcgan_generator(
    latent_dim: int = 100, widths: tuple[int, int] = (128, 64), upsampling: str = "transposed"
) -> keras.Model:
    """The generator: a dense projection to 7x7, then two doublings to 28x28.

    Batch normalisation and ReLU follow every layer but the last, which is a tanh.

    Args:
        latent_dim: length of the latent vector z, drawn from N(0, 1).
        widths: channels at 7x7 and at 14x14.
        upsampling: "transposed" doubles with a transposed convolution, as published; "resize" repeats each
            pixel and convolves, which leaves no checkerboard (Odena et al. 2016, "Deconvolution and
            Checkerboard Artifacts").

    Returns:
        A model from z, float32 (batch, latent_dim), to pictures, float32 (batch, 28, 28, 1) in [-1, 1].

    Raises:
        ValueError: if ``upsampling`` is not one of the two.

    Example:
        >>> dcgan_generator(widths=(16, 8))(keras.ops.zeros([2, 100])).shape
        TensorShape([2, 28, 28, 1])
    """
    if upsampling not in UPSAMPLINGS:
        raise ValueError(f"upsampling is {upsampling!r}; one of {', '.join(UPSAMPLINGS)} was expected.")
    latent = keras.Input((latent_dim,), name="latent")
    x = layers.Dense(7 * 7 * widths[0], use_bias=False, kernel_initializer=_initial_weights())(latent)
    x = layers.Reshape((7, 7, widths[0]))(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.ReLU()(x)
    x = _doubled(x, widths[1], upsampling, use_bias=False)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.ReLU()(x)
    pictures = _doubled(x, 1, upsampling, activation="tanh", dtype="float32")
    return keras.Model(latent, pictures, name=f"dcgan_generator_{upsampling}")


def dcgan_discriminator(widths: tuple[int, int] = (64, 128), batch_normalisation: bool = True) -> keras.Model:
    """The discriminator: two strided convolutions and one logit.

    LeakyReLU 0.2 follows every convolution, batch normalisation every one but the first. Real and generated
    pictures must go through it in **separate** batches: mixed ones would share their statistics.

    Args:
        widths: channels at 14x14 and at 7x7.
        batch_normalisation: as published. Without it the discriminator judges each picture alone, and is sharper.

    Returns:
        A model from pictures, float32 (batch, 28, 28, 1) in [-1, 1], to logits, float32 (batch, 1).
    """
    # Without the normalisation the scale of the weights counts, so they start at Keras' default instead of N(0, 0.02).
    start = _initial_weights() if batch_normalisation else "glorot_uniform"
    pictures = keras.Input((28, 28, 1), name="pictures")
    x = layers.Conv2D(widths[0], 5, strides=2, padding="same", kernel_initializer=start)(pictures)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Conv2D(
        widths[1], 5, strides=2, padding="same", use_bias=not batch_normalisation, kernel_initializer=start
    )(x)
    if batch_normalisation:
        x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Flatten()(x)
    logits = layers.Dense(1, kernel_initializer=start, dtype="float32", name="logits")(x)
    return keras.Model(pictures, logits, name="dcgan_discriminator")
