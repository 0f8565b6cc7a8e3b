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

from gan_lib.networks.layers import CategoricalCode, SpectralNormalization

UPSAMPLINGS = ("transposed", "resize")
NORMALISATIONS = ("batch", "spectral", None)


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


def _normalised(x):
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def dcgan_generator(
    latent_dim: int = 100, widths: tuple[int, ...] = (128, 64), upsampling: str = "transposed", categories: int = 0
) -> keras.Model:
    """The generator: a dense projection to 7x7, then two doublings to 28x28.

    Batch normalisation and ReLU follow every layer but the last, which is a tanh.

    Args:
        latent_dim: length of the latent vector z, drawn from N(0, 1).
        widths: channels at 7x7 and at 14x14; a third number adds a hidden layer of so many channels at 28x28, which
            the paper has not. Without it each pixel is a weighted sum of the features at 14x14, and nothing is decided
            at full size.
        upsampling: "transposed" doubles with a transposed convolution, as published; "resize" repeats each
            pixel and convolves, which leaves no checkerboard (Odena et al. 2016, "Deconvolution and
            Checkerboard Artifacts").
        categories: how many of z's numbers, the first ones, become a choice of one kind of picture
            (`layers.CategoricalCode`); 0, as published, for none.

    Returns:
        A model from z, float32 (batch, latent_dim), to pictures, float32 (batch, 28, 28, 1) in [-1, 1].

    Raises:
        ValueError: if ``upsampling`` is not one of the two, ``widths`` are neither two nor three, or z has fewer
            numbers than ``categories``.

    Example:
        >>> dcgan_generator(widths=(16, 8))(keras.ops.zeros([2, 100])).shape
        TensorShape([2, 28, 28, 1])
    """
    latent = keras.Input((latent_dim,), name="latent")
    vectors = CategoricalCode(categories, name="choice")(latent) if categories else latent
    return keras.Model(latent, drawn_from(vectors, widths, upsampling), name=f"dcgan_generator_{upsampling}")


def drawn_from(vectors, widths: tuple[int, ...], upsampling: str):
    """The layers of `dcgan_generator` after its input, for generators that are asked with more than z.

    Args:
        vectors: a Keras tensor, (batch, any length).
        widths: as `dcgan_generator` has them.
        upsampling: likewise.

    Returns:
        A Keras tensor, float32 (batch, 28, 28, 1) in [-1, 1].

    Raises:
        ValueError: as `dcgan_generator`.
    """
    if upsampling not in UPSAMPLINGS:
        raise ValueError(f"upsampling is {upsampling!r}; one of {', '.join(UPSAMPLINGS)} was expected.")
    if len(widths) not in (2, 3):
        raise ValueError(f"widths is {tuple(widths)}; two numbers of channels, or three, were expected.")
    x = layers.Dense(7 * 7 * widths[0], use_bias=False, kernel_initializer=_initial_weights())(vectors)
    x = _normalised(layers.Reshape((7, 7, widths[0]))(x))
    for width in widths[1:]:
        x = _normalised(_doubled(x, width, upsampling, use_bias=False))
    last = {"activation": "tanh", "dtype": "float32"}
    if len(widths) == 2:
        return _doubled(x, 1, upsampling, **last)
    return layers.Conv2D(1, 3, padding="same", kernel_initializer=_initial_weights(), **last)(x)


def dcgan_discriminator(
    widths: tuple[int, int] = (64, 128), normalisation: str | None = "batch", hidden_units: int = 0
) -> keras.Model:
    """The discriminator: two strided convolutions and one logit.

    LeakyReLU 0.2 follows every convolution, batch normalisation every one but the first. Real and generated
    pictures must go through it in **separate** batches: mixed ones would share their statistics.

    Args:
        widths: channels at 14x14 and at 7x7.
        normalisation: "batch" as published. With None the discriminator judges each picture alone, and is sharper.
            "spectral" bounds every layer instead (Miyato et al. 2018, "Spectral Normalization for Generative
            Adversarial Networks"), the last one included.
        hidden_units: width of a dense layer before the logit; 0, as published, for none. It lets the discriminator
            judge how the parts of a picture fit together. Many weights (128 units: 401,000), little to compute.

    Returns:
        A model from pictures, float32 (batch, 28, 28, 1) in [-1, 1], to logits, float32 (batch, 1).

    Raises:
        ValueError: if ``normalisation`` is none of the three.
    """
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"normalisation is {normalisation!r}; one of {NORMALISATIONS} was expected.")
    batch = normalisation == "batch"
    # Without batch normalisation the scale of the weights counts, so they start at Keras' default, not N(0, 0.02).
    start = {"kernel_initializer": _initial_weights() if batch else "glorot_uniform"}

    def bounded(layer):
        return SpectralNormalization(layer) if normalisation == "spectral" else layer

    pictures = keras.Input((28, 28, 1), name="pictures")
    x = bounded(layers.Conv2D(widths[0], 5, strides=2, padding="same", **start))(pictures)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = bounded(layers.Conv2D(widths[1], 5, strides=2, padding="same", use_bias=not batch, **start))(x)
    if batch:
        x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Flatten()(x)
    if hidden_units:
        x = bounded(layers.Dense(hidden_units, **start))(x)
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    logits = bounded(layers.Dense(1, dtype="float32", name="logits", **start))(x)
    return keras.Model(pictures, logits, name="dcgan_discriminator")
