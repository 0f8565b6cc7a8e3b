"""The conditional GAN for digits: a generator that is told which digit to draw, a discriminator that knows it too.

The networks without labels, whose drawing layers are used here, are in `dcgan`; losses are in `gan_lib.losses`.

Source: Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", for the idea and the generator; Miyato and
Koyama 2018, "cGANs with Projection Discriminator", section 3, for the discriminator.
Differs from the paper: Mirza and Osindero's networks are fully connected and see the label as ten numbers of which
one is 1; here the label chooses a learnt vector, and the layers are a DCGAN's with resize convolutions. Miyato and
Koyama sum their features over all places of a ResNet before the inner product, and normalise the generator class by
class; here a hidden dense layer may make the features from all places, and without it each place keeps its own, since
a small network sees no whole digit at any one of them. They bound the discriminator by spectral normalisation; here
the lesson's R1 penalty does, so there is no normalisation at all.
"""

import keras
from keras import layers

from gan_lib.networks.dcgan import drawn_from


def _label_input(classes: int) -> keras.KerasTensor:
    if classes < 2:
        raise ValueError(f"classes is {classes}; at least 2 were expected, or there is nothing to ask for.")
    return keras.Input((), dtype="int32", name="label")


def conditional_generator(
    latent_dim: int = 100, classes: int = 10, label_dim: int = 32, widths: tuple[int, ...] = (64, 32, 16)
) -> keras.Model:
    """The generator: each label has a learnt vector, which joins z before the first layer.

    Args:
        latent_dim: length of the latent vector z, drawn from N(0, 1).
        classes: how many labels there are, 0 to ``classes - 1``.
        label_dim: length of a label's vector.
        widths: channels at 7x7, at 14x14, and of a hidden layer at 28x28.

    Returns:
        A model from [z, labels], float32 (batch, latent_dim) and int32 (batch,), to pictures,
        float32 (batch, 28, 28, 1) in [-1, 1]. Labels out of range are not noticed here: check them before, as
        `datasets.batches` and `callbacks.draw_pictures` do.

    Raises:
        ValueError: if there are fewer than two classes.

    Example:
        >>> generator = conditional_generator(widths=(16, 8, 4))
        >>> generator([keras.ops.zeros([2, 100]), keras.ops.array([3, 7])]).shape
        TensorShape([2, 28, 28, 1])
    """
    latent, label = keras.Input((latent_dim,), name="latent"), _label_input(classes)
    # A standard deviation of 1, as z has: with Keras' 0.03 the label would be drowned by z at the start.
    start = keras.initializers.RandomNormal(stddev=1.0)
    wish = layers.Embedding(classes, label_dim, embeddings_initializer=start, name="label_embedding")(label)
    pictures = drawn_from(layers.Concatenate()([latent, wish]), widths, upsampling="resize")
    return keras.Model([latent, label], pictures, name="conditional_generator")


def projection_discriminator(
    classes: int = 10, widths: tuple[int, int] = (32, 64), hidden_units: int = 0
) -> keras.Model:
    """The discriminator: "is it a picture?" plus "is it a picture of that label?".

    The logit is the sum of a dense layer over the features, which knows no label, and of the inner product of the
    features with the label's learnt vector. There is no batch normalisation, so each picture is judged alone.

    Args:
        classes: how many labels there are, 0 to ``classes - 1``.
        widths: channels at 14x14 and at 7x7. There are 49 times the second many features.
        hidden_units: width of a dense layer after these, whose outputs are the features then; 0 for none. It lets the
            discriminator judge how the parts of a picture fit together.

    Returns:
        A model from [pictures, labels], float32 (batch, 28, 28, 1) in [-1, 1] and int32 (batch,), to logits,
        float32 (batch, 1).

    Raises:
        ValueError: if there are fewer than two classes.
    """
    pictures, label = keras.Input((28, 28, 1), name="pictures"), _label_input(classes)
    x = pictures
    for width in widths:
        x = layers.Conv2D(width, 5, strides=2, padding="same")(x)
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    x = layers.Flatten(name="places" if hidden_units else "features")(x)
    if hidden_units:
        x = layers.LeakyReLU(negative_slope=0.2, name="features")(layers.Dense(hidden_units)(x))
    features = x
    unconditional = layers.Dense(1, dtype="float32", name="unconditional")(features)
    # As the dense layer's weights: both halves start with the same say.
    table = layers.Embedding(
        classes, features.shape[-1], embeddings_initializer="glorot_uniform", dtype="float32", name="label_embedding"
    )
    projection = layers.Dot(axes=1, dtype="float32", name="projection")([table(label), features])
    logits = layers.Add(dtype="float32", name="logits")([unconditional, projection])
    return keras.Model([pictures, label], logits, name="projection_discriminator")
