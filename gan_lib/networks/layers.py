"""Layers that the papers need and Keras lacks.

Whole networks do not belong here: each paper has a file of its own beside this one.
"""

import keras
import tensorflow as tf

_TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)


@keras.saving.register_keras_serializable("gan_lib")
class SpectralNormalization(keras.layers.Wrapper):
    """Divides a layer's kernel by its largest singular value, so that the layer stretches nothing by more than 1.

    The largest singular value is estimated by one step of power iteration at each call in training; the
    vector it needs is kept from call to call, so the estimate improves while the kernel moves slowly.

    Two things differ from `keras.layers.SpectralNormalization` and matter in a discriminator:

    * The gradient flows through the singular value, as in the paper (its equation 10): only the two vectors
      are constants. Keras stops the whole estimate, which lets the kernel grow without a bound.
    * The kernel variable itself is never overwritten. It keeps its float32 precision under a mixed policy;
      the division happens on the fly, in float32, and only its result is cast for the computation.

    Input and output: those of the wrapped layer, unchanged in shape and range.

    Args:
        layer: a built or unbuilt layer with a ``kernel``: Dense, Conv2D, Conv2DTranspose, ...
        power_iterations: steps of the estimate at each training call; the paper uses 1.

    Raises:
        ValueError: if ``power_iterations`` is not positive, or the wrapped layer has no kernel.

    Example:
        >>> layer = SpectralNormalization(keras.layers.Dense(8))
        >>> layer(tf.ones([2, 4]), training=True).shape
        TensorShape([2, 8])

    Source: Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks", algorithm 1.
    Differs from the paper: nothing; the kernel is reshaped to (inputs, outputs) as in the authors' code.
    """

    def __init__(self, layer: keras.Layer, power_iterations: int = 1, **kwargs):
        # The policy of this wrapper is that of the division. The wrapped layer keeps its own and casts for itself.
        # Without both lines Keras would hand out kernel and vector in the half precision of a mixed policy.
        super().__init__(layer, **(kwargs | {"dtype": "float32"}))
        self.autocast = False
        if power_iterations < 1:
            raise ValueError(f"power_iterations is {power_iterations}; at least 1 step was expected.")
        self.power_iterations = power_iterations

    def build(self, input_shape):
        super().build(input_shape)
        if not hasattr(self.layer, "kernel"):
            raise ValueError(
                f"{self.layer.__class__.__name__} has no kernel to normalise. "
                "Wrap a layer that has one, such as Dense or Conv2D."
            )
        # Dense and Conv2D keep their outputs on the last axis, Conv2DTranspose on the one before it.
        self._transposed = isinstance(self.layer, _TRANSPOSED)
        outputs = self.layer.kernel.shape[-2 if self._transposed else -1]
        # No aggregation: each replica of a distributed run computes the same numbers from the same kernel, and one
        # that waited for the others could not be called inside the condition of a lazy penalty.
        self.u = self.add_weight(
            shape=(1, outputs),
            initializer=keras.initializers.RandomNormal(seed=1),
            trainable=False,
            name="u",
            dtype="float32",
        )
        self.built = True

    def _matrix(self, kernel: tf.Tensor) -> tf.Tensor:
        if self._transposed:
            kernel = tf.linalg.matrix_transpose(kernel)
        return tf.reshape(kernel, [-1, kernel.shape[-1]])

    def normalised_kernel(self, training: bool = False) -> tf.Tensor:
        """The kernel divided by its estimated largest singular value, float32, in the kernel's own shape."""
        kernel = tf.convert_to_tensor(self.layer.kernel)
        matrix = self._matrix(kernel)
        constant = tf.stop_gradient(matrix)
        u = tf.math.l2_normalize(tf.convert_to_tensor(self.u))
        v = tf.math.l2_normalize(tf.matmul(u, constant, transpose_b=True))
        if training:
            for _ in range(self.power_iterations):
                u = tf.math.l2_normalize(tf.matmul(v, constant))
                v = tf.math.l2_normalize(tf.matmul(u, constant, transpose_b=True))
            self.u.assign(u)
        sigma = tf.reduce_sum(tf.matmul(v, matrix) * u)  # u and v are constants, the kernel is not
        return kernel / sigma

    def call(self, inputs, training=False):
        """Calls the wrapped layer with its kernel divided; shape and range as the wrapped layer says."""
        # A stateless scope swaps the value that the layer reads, for this call only; the layer casts it.
        with keras.StatelessScope(state_mapping=[(self.layer.kernel, self.normalised_kernel(training))]):
            return self.layer(inputs)

    def get_config(self):
        return super().get_config() | {"power_iterations": self.power_iterations}


@keras.saving.register_keras_serializable("gan_lib")
class PixelUnshuffle(keras.layers.Layer):
    """Moves each block of pixels into the channels: less to compute for the layers that follow, and nothing lost.

    Input: (batch, height, width, channels), both sides multiples of ``factor``; any range.
    Output: (batch, height / factor, width / factor, factor^2 * channels), the same numbers.

    Args:
        factor: side of a block, in pixels.

    Raises:
        ValueError: if ``factor`` is below 2, or a side that is known is no multiple of it.

    Source: Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network", backwards; used on the input of denoisers by Zhang et al. 2018, "FFDNet".
    """

    def __init__(self, factor: int = 2, **kwargs):
        super().__init__(**kwargs)
        if factor < 2:
            raise ValueError(f"factor is {factor}; a whole number of pixels, at least 2, was expected.")
        self.factor = factor

    def call(self, inputs):
        """The blocks as channels."""
        self._check_sides(inputs.shape)  # when it is called, for a network built for any size
        return tf.nn.space_to_depth(inputs, self.factor)

    def _check_sides(self, shape):
        if any(side is not None and side % self.factor for side in shape[1:3]):
            raise ValueError(
                f"The picture is {shape[1]} x {shape[2]}; sides that are multiples of {self.factor} were expected. "
                "Pad it first."
            )

    def compute_output_shape(self, input_shape):
        self._check_sides(input_shape)
        batch, height, width, channels = input_shape
        sides = [None if side is None else side // self.factor for side in (height, width)]
        return (batch, *sides, channels * self.factor**2)

    def get_config(self):
        return super().get_config() | {"factor": self.factor}


@keras.saving.register_keras_serializable("gan_lib")
class PixelShuffle(keras.layers.Layer):
    """Lays channels out as blocks of pixels: the inverse of `PixelUnshuffle`.

    Input: (batch, height, width, factor^2 * channels), any range.
    Output: (batch, factor * height, factor * width, channels), the same numbers.

    Args:
        factor: side of a block, in pixels.

    Raises:
        ValueError: if ``factor`` is below 2, or the channels are no multiple of its square.

    Source: Shi et al. 2016, section 3.2.
    """

    def __init__(self, factor: int = 2, **kwargs):
        super().__init__(**kwargs)
        if factor < 2:
            raise ValueError(f"factor is {factor}; a whole number of pixels, at least 2, was expected.")
        self.factor = factor

    def build(self, input_shape):
        if input_shape[-1] % self.factor**2:
            raise ValueError(
                f"The input has {input_shape[-1]} channels; a multiple of {self.factor**2} was expected, "
                f"one for each pixel of a {self.factor} x {self.factor} block."
            )
        super().build(input_shape)

    def call(self, inputs):
        """The channels as blocks."""
        return tf.nn.depth_to_space(inputs, self.factor)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if side is None else side * self.factor for side in (height, width)]
        return (batch, *sides, channels // self.factor**2)

    def get_config(self):
        return super().get_config() | {"factor": self.factor}


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
