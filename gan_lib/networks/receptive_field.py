"""The receptive field: how many input pixels one output value can depend on, computed from the layers themselves.

No network is built here.
"""

import math
from typing import NamedTuple

import keras

from gan_lib.networks.layers import BicubicUpscale, PixelShuffle, PixelUnshuffle, PullPush

_POINTWISE = (
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.BatchNormalization,
    keras.layers.Concatenate,
    keras.layers.Dropout,
    keras.layers.InputLayer,
    keras.layers.LeakyReLU,
    keras.layers.Multiply,
    keras.layers.PReLU,
    keras.layers.ReLU,
)


class ReceptiveField(NamedTuple):
    """What a convolutional network sees.

    Attributes:
        size: side of the square of input pixels that one output value can depend on, along the widest path. (A
            U-Net's shortcuts add a pixel or two at the edge of it; the radius counts them.)
        radius: an output pixel depends on no input pixel farther away than this. It can exceed half the size: where
            sizes are halved and doubled, an output pixel does not lie in the middle of what it sees.
        multiple: heights and widths must be multiples of this, or shapes inside do not fit.
    """

    size: int
    radius: int
    multiple: int

    @property
    def margin(self) -> int:
        """What to lay around a tile so that its core comes out as within the whole: the radius, rounded up to a
        multiple."""
        return -(-self.radius // self.multiple) * self.multiple


class _Reach(NamedTuple):
    """What a value inside sees, in input pixels: how many in all, how far up or left of its own place and how far down
    or right, and how far its neighbours are."""

    size: float = 1
    before: float = 0
    after: float = 0
    step: float = 1


def receptive_field(model: keras.Model) -> ReceptiveField:
    """Follows the layers from input to output and adds up what each lets a value see.

    A layer with a kernel of k and a stride of s, where neighbouring values are j input pixels apart, lets it see
    (k - 1) j more, and makes neighbours s j apart. Where branches meet, the wider one counts.

    Args:
        model: a functional model of convolutions, pooling, pixel shuffling and layers that work value by value.

    Returns:
        Size, radius and multiple; of several outputs, the widest.

    Raises:
        ValueError: if the model has a layer whose reach is not known here, such as `Dense` on a flattened picture.

    Example:
        >>> from gan_lib.networks.pix2pix import patch_discriminator
        >>> receptive_field(patch_discriminator()).size
        70

    Source of the arithmetic: Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning".
    """
    seen: dict[int, _Reach] = {}
    largest_step = 1
    for layer in model.layers:
        for node in layer._inbound_nodes:
            if any(id(tensor) not in seen for tensor in node.input_tensors):
                continue  # this layer is also used in another model
            before = _widest([seen[id(tensor)] for tensor in node.input_tensors] or [_Reach()])
            reach = _through(layer, before)
            largest_step = max(largest_step, round(reach.step))
            seen |= {id(tensor): reach for tensor in node.output_tensors}
    widest = _widest([seen[id(tensor)] for tensor in model.outputs])
    return ReceptiveField(round(widest.size), math.ceil(max(widest.before, widest.after)), largest_step)


def _widest(branches: list[_Reach]) -> _Reach:
    return _Reach(*(max(values) for values in zip(*branches, strict=True)))


def _through(layer: keras.Layer, reach: _Reach) -> _Reach:
    layer = getattr(layer, "layer", layer)  # a wrapper, such as SpectralNormalization
    if isinstance(layer, keras.layers.Conv2DTranspose):
        return _enlarged(reach, layer.strides[0], layer.kernel_size[0], layer.padding)
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        more = (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
        return _windowed(reach, layer.strides[0], more, layer.padding)
    if isinstance(layer, (keras.layers.AveragePooling2D, keras.layers.MaxPooling2D)):
        return _windowed(reach, layer.strides[0], layer.pool_size[0] - 1, layer.padding)
    if isinstance(layer, PixelUnshuffle):
        return _windowed(reach, layer.factor, layer.factor - 1, "valid")
    if isinstance(layer, PixelShuffle):
        return _enlarged(reach, layer.factor, layer.factor, "valid")
    if isinstance(layer, keras.layers.UpSampling2D) and layer.interpolation == "nearest":
        return _enlarged(reach, layer.size[0], layer.size[0], "valid")
    if isinstance(layer, BicubicUpscale):
        return _enlarged(_windowed(reach, 1, 4, "same"), layer.factor, layer.factor, "valid")
    if isinstance(layer, PullPush):
        # A value of its smallest map averages 2^levels, and enlarging lets a pixel see two such values on each side.
        far = 2 * 2**layer.levels
        return _Reach(reach.size + 2 * far, reach.before + far, reach.after + far, reach.step)
    if isinstance(layer, keras.layers.ZeroPadding2D):
        shift = layer.padding[0][0] * reach.step
        return reach._replace(before=reach.before + shift, after=reach.after - shift)
    if isinstance(layer, _POINTWISE):
        return reach
    raise ValueError(f"How far {layer.__class__.__name__} reaches is not known here. Add it to receptive_field.py.")


def _windowed(reach: _Reach, stride: int, more: int, padding: str) -> _Reach:
    """Through a window that sees ``more`` values beside the first, and moves on by ``stride``."""
    size, before, after, step = reach
    # "same" pads what the last window lacks, half of it in front and the larger half behind.
    front = max(more + 1 - stride, 0) // 2 if padding == "same" else 0
    return _Reach(size + more * step, before + front * step, after + (more - front) * step, stride * step)


def _enlarged(reach: _Reach, stride: int, kernel: int, padding: str) -> _Reach:
    """Through a layer that makes ``stride`` values of each, every one of them painting ``kernel`` of the new ones."""
    size, before, after, step = reach
    front = max(kernel - stride, 0) // 2 if padding == "same" else 0
    # New value number `place` of the first `stride` is painted by old values `first` to `last`.
    painted = [
        (place / stride, -(-(place + front - kernel + 1) // stride), (place + front) // stride)
        for place in range(stride)
    ]
    return _Reach(
        size + max(last - first for _, first, last in painted) * step,
        before + max(place - first for place, first, _ in painted) * step,
        after + max(last - place for place, _, last in painted) * step,
        step / stride,
    )
