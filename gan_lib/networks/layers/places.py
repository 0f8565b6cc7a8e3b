"""Layers that carry values from one place of a map to another: through a whole map, or into a hole.

What turns pixels into channels and back is not here (`pixels`).
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("gan_lib")
class ChannelwiseDense(keras.layers.Layer):
    """Fully connects each channel of a map to itself: every place hears from every other one, channels do not mix.

    With m places and n channels that takes m^2 n weights, where a dense layer would take m^2 n^2. Let a convolution
    follow, so that channels mix, too.

    Input and output: (batch, height, width, channels), all but the batch known; any range.

    Args:
        use_bias: whether to add a number for each place and channel.
        kernel_initializer: how the weights, (channels, places, places), start: a name or an initializer. None draws
            them from N(0, 1 / places), which neither enlarges nor shrinks what comes in. (Keras' own scalings would
            take the channels for the width of a convolution.)

    Raises:
        ValueError: if the input is no map of a known size.

    Example:
        >>> ChannelwiseDense()(tf.zeros([2, 4, 4, 512])).shape
        TensorShape([2, 4, 4, 512])

    Source: Pathak et al. 2016, "Context Encoders: Feature Learning by Inpainting", section 3.1.
    """

    def __init__(self, use_bias: bool = True, kernel_initializer=None, **kwargs):
        super().__init__(**kwargs)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        if len(input_shape) != 4 or None in input_shape[1:]:
            raise ValueError(
                f"The input has shape {tuple(input_shape)}; (batch, height, width, channels), all known but the batch, "
                "was expected, since every place has weights of its own."
            )
        _, height, width, channels = input_shape
        places = height * width
        start = self.kernel_initializer or keras.initializers.RandomNormal(stddev=places**-0.5)
        self.kernel = self.add_weight(shape=(channels, places, places), initializer=start, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight(shape=(height, width, channels), initializer="zeros", name="bias")
        super().build(input_shape)

    def call(self, inputs):
        """Each channel, connected to itself."""
        channels, places, _ = self.kernel.shape
        outputs = tf.einsum("bpc,cpq->bqc", tf.reshape(inputs, [-1, places, channels]), self.kernel)
        outputs = tf.reshape(outputs, tf.shape(inputs))
        return outputs + self.bias if self.use_bias else outputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        start = keras.initializers.serialize(self.kernel_initializer) if self.kernel_initializer else None
        return super().get_config() | {"use_bias": self.use_bias, "kernel_initializer": start}


@keras.saving.register_keras_serializable("gan_lib")
class PullPush(keras.layers.Layer):
    """Fills missing pixels smoothly from the known ones around them: a first guess that a network can improve on.

    *Pull*: the picture is halved again and again, each time averaging known pixels only, until even a wide hole has
    become smaller than a pixel. *Push*: from the smallest picture back to the largest, what is still missing is taken
    from the next smaller one.

    Input: ``[picture, mask]``, float32 (batch, height, width, channels) of any range, and (batch, height, width, 1),
    1 where pixels are missing.
    Output: float32, shape and range of the picture; known pixels bit by bit as they were. What the picture has in its
    missing pixels is not looked at. Where nothing is known within reach, 0.

    Args:
        levels: how often the size is halved; holes up to about 2^levels pixels wide are bridged.

    Raises:
        ValueError: if ``levels`` is below 1.

    Source: Gortler et al. 1996, "The Lumigraph", section 3.4.
    """

    def __init__(self, levels: int = 7, **kwargs):
        # float32, whatever the policy: known pixels must pass through unrounded.
        super().__init__(**kwargs | {"dtype": "float32"})
        if levels < 1:
            raise ValueError(f"levels is {levels}; a whole number, at least 1, was expected.")
        self.levels = levels

    def call(self, inputs):
        """The picture with its missing pixels filled."""
        picture, mask = inputs
        known = 1.0 - mask
        pyramid = [(tf.where(mask > 0.5, 0.0, picture), known)]
        for _ in range(self.levels):
            total, weight = (tf.nn.avg_pool2d(each, 2, 2, "SAME") for each in (pyramid[-1][0], pyramid[-1][1]))
            # `total` is a sum weighted by what is known; a cell counts as known as soon as a quarter of it is.
            mean = tf.math.divide_no_nan(total, weight)
            weight = tf.minimum(1.0, 4.0 * weight)
            pyramid.append((mean * weight, weight))
        filled = pyramid[-1][0]
        for total, weight in reversed(pyramid[:-1]):
            coarse = tf.image.resize(filled, tf.shape(total)[1:3], method="bilinear")
            filled = total + (1.0 - weight) * coarse
        return tf.where(mask > 0.5, filled, picture)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return super().get_config() | {"levels": self.levels}
