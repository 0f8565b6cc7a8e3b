"""Layers that lay pixels out otherwise, or make more of them.

What fills missing pixels is not here (`places`).
"""

import keras
import numpy as np
import tensorflow as tf


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
class BicubicUpscale(keras.layers.Layer):
    """Enlarges with the bicubic filter: what a super-resolution network has to add to, without anything learnt.

    Each pixel of the result is a weighted mean of 4x4 pixels. The weights depend on nothing but where it lies within
    the pixel that it replaces, so that all of it is one convolution and a `PixelShuffle`; unlike TensorFlow's own
    bicubic resize, that compiles under XLA.

    Input: (batch, height, width, channels), any range.
    Output: float32 (batch, factor * height, factor * width, channels). The filter overshoots at edges, and the result
    is not clipped. Beyond its borders the picture is mirrored, the edge pixel twice.

    Args:
        factor: how many times larger.

    Raises:
        ValueError: if ``factor`` is below 2.

    Source: Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing", with a = -1/2, as in Pillow,
    MATLAB and TensorFlow. Pillow leaves out what lies beyond the border instead of mirroring.
    """

    def __init__(self, factor: int, **kwargs):
        # float32, whatever the policy: the network's answer is a small change of this.
        super().__init__(**kwargs | {"dtype": "float32"})
        if factor < 2:
            raise ValueError(f"factor is {factor}; a whole number, at least 2, was expected.")
        self.factor = factor

    def build(self, input_shape):
        factor, channels = self.factor, input_shape[-1]
        # How far the middle of each new pixel is from the middle of the old one that it lies in, in old pixels.
        shift = (np.arange(factor) + 0.5) / factor - 0.5
        line = _cubic(np.arange(-2, 3)[:, None] - shift)  # (5 taps, factor)
        square = np.einsum("yp,xq->yxpq", line, line).reshape(5, 5, 1, factor**2, 1)
        kernel = square * np.eye(channels)[None, None, :, None, :]  # each channel for itself
        self.kernel = kernel.reshape(5, 5, channels, -1).astype(np.float32)  # no tensor: it would belong to one graph
        super().build(input_shape)

    def call(self, inputs):
        """The enlarged pictures."""
        padded = tf.pad(inputs, [[0, 0], [2, 2], [2, 2], [0, 0]], "SYMMETRIC")
        return tf.nn.depth_to_space(tf.nn.conv2d(padded, self.kernel, 1, "VALID"), self.factor)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if side is None else side * self.factor for side in (height, width)]
        return (batch, *sides, channels)

    def get_config(self):
        return super().get_config() | {"factor": self.factor}


def _cubic(distance: np.ndarray) -> np.ndarray:
    """The weight of a pixel at a distance, in pixels: Keys' kernel."""
    near, a = np.abs(distance), -0.5
    inner = (a + 2) * near**3 - (a + 3) * near**2 + 1
    outer = a * near**3 - 5 * a * near**2 + 8 * a * near - 4 * a
    return np.where(near <= 1, inner, np.where(near < 2, outer, 0.0))
