"""The receptive field: how many input pixels one output value can depend on, computed from the layers themselves.

No network is built here.
"""

from typing import NamedTuple

import keras

from gan_lib.networks.layers import PixelShuffle, PixelUnshuffle

_POINTWISE = (
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.BatchNormalization,
    keras.layers.Concatenate,
    keras.layers.Dropout,
    keras.layers.InputLayer,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ReLU,
)


class ReceptiveField(NamedTuple):
    """What a convolutional network sees.

    Attributes:
        size: side of the square of input pixels that one output value can depend on.
        multiple: heights and widths must be multiples of this, or shapes inside do not fit.
    """

    size: int
    multiple: int

    @property
    def radius(self) -> int:
        """An output pixel depends on no input pixel farther away than this."""
        return -(-self.size // 2)


def receptive_field(model: keras.Model) -> ReceptiveField:
    """Follows the layers from input to output and adds up what each lets a value see.

    A layer with a kernel of k and a stride of s, where neighbouring values are j input pixels apart, lets it see
    (k - 1) j more, and makes neighbours s j apart. Where branches meet, the wider one counts.

    Args:
        model: a functional model of convolutions, pooling, pixel shuffling and layers that work value by value.

    Returns:
        Size and multiple; of several outputs, the widest.

    Raises:
        ValueError: if the model has a layer whose reach is not known here, such as `Dense` on a flattened picture.

    Example:
        >>> from gan_lib.networks.pix2pix import patch_discriminator
        >>> receptive_field(patch_discriminator()).size
        70

    Source of the arithmetic: Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning".
    """
    seen = {}  # tensor -> (size, step), both in input pixels
    largest_step = 1
    for layer in model.layers:
        for node in layer._inbound_nodes:
            if any(id(tensor) not in seen for tensor in node.input_tensors):
                continue  # this layer is also used in another model
            before = [seen[id(tensor)] for tensor in node.input_tensors] or [(1, 1)]
            size, step = max(item[0] for item in before), max(item[1] for item in before)
            size, step = _through(layer, size, step)
            largest_step = max(largest_step, round(step))
            for tensor in node.output_tensors:
                seen[id(tensor)] = (size, step)
    return ReceptiveField(round(max(seen[id(tensor)][0] for tensor in model.outputs)), largest_step)


def _through(layer: keras.Layer, size: float, step: float) -> tuple[float, float]:
    layer = getattr(layer, "layer", layer)  # a wrapper, such as SpectralNormalization
    if isinstance(layer, keras.layers.Conv2DTranspose):
        step = step / layer.strides[0]
        # Several of the kernel's k values fall on one output only if k exceeds the stride.
        return size + (max(layer.kernel_size[0] - layer.strides[0], 0)) * step, step
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        reach = (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
        return size + reach * step, step * layer.strides[0]
    if isinstance(layer, (keras.layers.AveragePooling2D, keras.layers.MaxPooling2D)):
        return size + (layer.pool_size[0] - 1) * step, step * layer.strides[0]
    if isinstance(layer, PixelUnshuffle):
        return size + (layer.factor - 1) * step, step * layer.factor
    if isinstance(layer, PixelShuffle):
        return size, step / layer.factor
    if isinstance(layer, keras.layers.UpSampling2D) and layer.interpolation == "nearest":
        return size, step / layer.size[0]
    if isinstance(layer, (keras.layers.ZeroPadding2D, *_POINTWISE)):
        return size, step
    raise ValueError(f"How far {layer.__class__.__name__} reaches is not known here. Add it to receptive_field.py.")
