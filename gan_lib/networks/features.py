"""Frozen feature extractors: the eyes of a perceptual loss and, apart from it, of a measure.

Only networks that turn pictures into feature maps live here, and the loss made of them; measures are in `metrics`.

Three networks, for two purposes that must not meet:

* `vgg19_features`, with ImageNet weights that Keras downloads, and `perceptual_features`, whose weights come with the
  course, **train** generators.
* `judging_features`, another architecture that was trained with another seed and order of the data, **judges**. It
  never trains anyone: whoever climbs the judge's gradient learns to please the judge.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf
from keras import layers

# What `keras.applications.vgg19` subtracts: the mean of ImageNet's pictures, in BGR, in [0, 255].
_IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)


def vgg19_features(layer_names: Sequence[str] = ("block5_conv4",), *, weights: str | None = "imagenet") -> keras.Model:
    """VGG19 as Keras ships it, up to the layers that are asked for; the range is converted inside.

    Args:
        layer_names: layers whose outputs are wanted, after their activation.
        weights: "imagenet", which Keras takes from its cache or downloads (80 MB), a file, or None for random ones.

    Returns:
        A frozen model from pictures, float32 (batch, height, width, 3) in **[-1, 1]**, to feature maps, at least 0: a
        list of them for several names, one tensor for one.

    Raises:
        OSError: if ImageNet's weights are neither in Keras' cache nor can be downloaded.
        ValueError: if a layer is not in the network, or the file is missing or holds other weights.

    Source: Simonyan and Zisserman 2015, "Very Deep Convolutional Networks"; as a loss: Ledig et al. 2017, "SRGAN",
    section 2.2.1, there the last convolution before the fifth pooling, block5_conv4.
    """
    try:
        vgg = keras.applications.VGG19(include_top=False, weights=weights)
    except Exception as error:  # urllib, OSError or Keras' own, by what fails
        if weights != "imagenet":
            raise ValueError(
                f"VGG19 cannot be given the weights {str(weights)!r} ({error}). Name a file with weights of VGG19 "
                'without its top, or pass "imagenet", or None for random ones.'
            ) from error
        raise OSError(
            f"VGG19's ImageNet weights are neither in Keras' cache nor can they be downloaded ({error}). Connect this "
            "machine once, or use perceptual_features, whose weights come with the course."
        ) from error
    pictures = keras.Input((None, None, 3), name="pictures")
    blue_green_red = layers.Rescaling(127.5, offset=127.5)(pictures)[..., ::-1]
    centred = layers.Rescaling(1.0, offset=[-value for value in _IMAGENET_MEAN_BGR])(blue_green_red)
    inner = keras.Model(vgg.input, [vgg.get_layer(name).output for name in layer_names])
    return _frozen(keras.Model(pictures, inner(centred), name="vgg19_features"))


def perceptual_features() -> keras.Model:
    """The course's own feature network for the perceptual loss: six convolutions in the manner of VGG.

    Returns:
        A frozen model from pictures, float32 (batch, height, width, 3) in [-1, 1], to three feature maps at full,
        half and quarter size with 32, 64 and 96 channels, at least 0.

    Source of the form: Simonyan and Zisserman 2015, with average pooling as Gatys et al. 2016 advise for losses.
    """
    pictures = keras.Input((None, None, 3), name="pictures")
    x, maps = pictures, []
    for level, width in enumerate((32, 64, 96)):
        if level:
            x = layers.AveragePooling2D(2)(x)
        for _ in range(2):
            x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization(momentum=0.95)(x)
            x = layers.ReLU()(x)
        maps.append(x)
    return _frozen(keras.Model(pictures, maps, name="perceptual_features"))


def judging_features() -> keras.Model:
    """The course's judge of photographs: strided convolutions that look at a picture twice, the second time from afar.

    The same layers see the picture and the picture at half size. Strong blur leaves nothing to see for filters of a few
    pixels, so that still stronger blur makes no difference to them; from afar it does. It trains nobody, and it
    computes in float32 under every precision policy, so that a measure does not depend on the machine.

    Returns:
        A frozen model from pictures, float32 (batch, height, width, 3) in [-1, 1], to eight feature maps, at least 0:
        at full, half, quarter and eighth size with 16, 40, 72 and 96 channels, then the same from half size on.

    Source of the form: Springenberg et al. 2015, "Striving for Simplicity: The All Convolutional Net"; of looking at
    two sizes: Wang et al. 2003, "Multi-Scale Structural Similarity".
    """
    pictures = keras.Input((None, None, 3), name="pictures")
    half = layers.AveragePooling2D(2, padding="same", dtype="float32")(pictures)
    near, far, near_maps, far_maps = pictures, half, [], []
    for level, width in enumerate((16, 40, 72, 96)):
        for kernel, strides in ((5, 1) if level == 0 else (4, 2), (3, 1)):
            for layer in (
                layers.Conv2D(width, kernel, strides=strides, padding="same", use_bias=False, dtype="float32"),
                layers.BatchNormalization(momentum=0.95, dtype="float32"),
                layers.ReLU(dtype="float32"),
            ):
                near, far = layer(near), layer(far)
        near_maps.append(near)
        far_maps.append(far)
    return _frozen(keras.Model(pictures, near_maps + far_maps, name="judging_features"))


def damage_classifier(network: keras.Model, classes: int) -> keras.Model:
    """A feature network with a last layer on top, to be trained to tell kinds and strengths of damage apart.

    It shares every weight with the network, which is no longer frozen until you set ``network.trainable = False``.

    Args:
        network: `perceptual_features` or `judging_features`.
        classes: how many kinds and strengths there are.

    Returns:
        A model from pictures, as the network takes them, to logits, float32 (batch, classes).
    """
    network.trainable = True
    # Every size has its say, so that each of the maps is worth comparing.
    seen = [layers.GlobalAveragePooling2D(dtype="float32")(maps) for maps in network.outputs]
    logits = layers.Dense(classes, dtype="float32", name="logits")(layers.Concatenate(dtype="float32")(seen))
    return keras.Model(network.input, logits, name="damage_classifier")


def _frozen(model: keras.Model) -> keras.Model:
    model.trainable = False
    return model


def feature_distance(features: Sequence[tf.Tensor], reference: Sequence[tf.Tensor]) -> tf.Tensor:
    """How differently pictures look to a feature network: noise against signal, in features instead of pixels.

    For each map the mean squared difference is divided by the mean square of the true picture's features. The
    logarithms of 1 plus that are added over the maps. One map adds 0.69 where the difference is as large as what there
    is to see, as when everything is blurred away.

    Args:
        features: feature maps of the pictures in question, each (batch, height, width, channels).
        reference: of the true pictures.

    Returns:
        Float32 (batch,), at least 0 and 0 for equal pictures.

    Source: in the manner of Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual
    Metric". Differs from the paper: there the features of each place are divided by their own length. That distance
    has an upper limit, and with the small networks of this course strong noise came out nearer than weaker noise.
    """
    total = 0.0
    for one, true in zip(features, reference, strict=True):
        one, true = tf.cast(one, tf.float32), tf.cast(true, tf.float32)
        difference = tf.reduce_mean(tf.square(one - true), axis=[1, 2, 3])
        # The constant keeps pictures in which there is nothing to see from dividing by 0.
        total += tf.math.log1p(difference / (tf.reduce_mean(tf.square(true), axis=[1, 2, 3]) + 1e-3))
    return total


class PerceptualLoss:
    """The distance of two batches of pictures in the eyes of a frozen feature network, to be differentiated.

    It is `feature_distance`, the mean over the batch. Differs from Ledig et al. 2017, "SRGAN", section 2.2.1: there it
    is the mean squared difference of one VGG map that was scaled by 1/12.75; here each map's is divided by the mean
    square of the true picture's own, and the logarithms of 1 plus that are added. SRGAN's weight for its loss does not
    carry over.

    Args:
        network: pictures in [-1, 1] -> feature maps: `perceptual_features` with its released weights, or
            `vgg19_features`. Never `judging_features`.

    Raises:
        ValueError: if the judging network came.

    Example:
        >>> loss = PerceptualLoss(perceptual_features())
        >>> float(loss(tf.zeros([1, 32, 32, 3]), tf.zeros([1, 32, 32, 3])))
        0.0
    """

    def __init__(self, network: keras.Model):
        if network.name == "judging_features":
            raise ValueError("judging_features came as a loss. The network that judges trains nobody; take another.")
        self.network = network

    def __call__(self, restored: tf.Tensor, clean: tf.Tensor) -> tf.Tensor:
        """A float32 scalar, the mean over the batch; both float32 (batch, height, width, 3) in [-1, 1]."""
        # Nothing is learnt from the clean side, so its features need no gradient.
        wanted = [tf.stop_gradient(features) for features in self._maps(clean)]
        return tf.reduce_mean(feature_distance(self._maps(restored), wanted))

    def _maps(self, pictures: tf.Tensor) -> list[tf.Tensor]:
        maps = self.network(pictures, training=False)
        return list(maps) if isinstance(maps, (list, tuple)) else [maps]  # Keras unwraps a list of one
