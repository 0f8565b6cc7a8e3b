"""Layers that hold a kernel within bounds.

Layers that move or fill pixels are not here (`pixels`, `places`).
"""

import keras
import tensorflow as tf

_TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)


def _unit(vector: tf.Tensor) -> tf.Tensor:
    # TensorFlow's own epsilon, 1e-12, would leave vectors shorter than a millionth as short as they are.
    return tf.math.l2_normalize(vector, epsilon=1e-30)


@keras.saving.register_keras_serializable("gan_lib")
class SpectralNormalization(keras.layers.Wrapper):
    """Divides a layer's kernel by its largest singular value, so that a dense layer stretches nothing by more than 1.

    A convolution's kernel is taken as a matrix with one column for each output channel, as in the paper. Where its
    windows overlap it may stretch by a small factor more: by 3 at most for a kernel of 5 and a stride of 2, whose
    windows share a pixel up to nine times.

    The largest singular value is estimated by one step of power iteration at each call in training; the
    vector it needs is kept from call to call, so the estimate improves while the kernel moves slowly. A kernel of zeros
    has nothing to divide by and stays as it is.

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
    Differs from the paper: algorithm 1 iterates once per update, here each call in training does; in an adversarial
    step there are three, for real pictures, for generated ones, and for those that the generator learns from.
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
        kept = u = _unit(tf.convert_to_tensor(self.u))
        v = _unit(tf.matmul(u, constant, transpose_b=True))
        if training:
            for _ in range(self.power_iterations):
                u = _unit(tf.matmul(v, constant))
                v = _unit(tf.matmul(u, constant, transpose_b=True))
            # A vector of zeros, which a kernel of zeros leads to, would never find a direction again.
            self.u.assign(tf.where(tf.reduce_any(u != 0.0), u, kept))
        sigma = tf.reduce_sum(tf.matmul(v, matrix) * u)  # u and v are constants, the kernel is not
        return kernel / tf.where(sigma > 0.0, sigma, 1.0)

    def call(self, inputs, training=False):
        """Calls the wrapped layer with its kernel divided; shape and range as the wrapped layer says."""
        # A stateless scope swaps the value that the layer reads, for this call only; the layer casts it.
        with keras.StatelessScope(state_mapping=[(self.layer.kernel, self.normalised_kernel(training))]):
            return self.layer(inputs)

    def get_config(self):
        return super().get_config() | {"power_iterations": self.power_iterations}
