"""networks/receptive_field: the arithmetic against the published figure, and against gradients of real networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from gan_lib.networks.denoiser import denoiser
from gan_lib.networks.layers import PixelShuffle, PixelUnshuffle, SpectralNormalization
from gan_lib.networks.pix2pix import patch_discriminator, unet_generator
from gan_lib.networks.receptive_field import receptive_field


def of_layers(*stack):
    inputs = outputs = keras.Input((None, None, 1))
    for layer in stack:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def everything_positive(model):
    """Kernels above 0 and no dead unit, so that nothing cancels and each connection shows in the gradient."""
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            height, width = layer.kernel.shape[:2]
            layer.kernel.assign(tf.ones_like(layer.kernel) / (height * width * layer.kernel.shape[2]))
    return model


def seen_by(model, side, row):
    """Which rows of the input the output pixel (row, middle) depends on."""
    everything_positive(model)
    pictures = [tf.ones([1, side, side, tensor.shape[-1]]) * 0.01 for tensor in model.inputs]
    with tf.GradientTape() as tape:
        tape.watch(pictures[0])
        outputs = model(pictures if len(pictures) > 1 else pictures[0], training=False)
        value = tf.reduce_sum(outputs[:, row, side // 2])
    slopes = np.abs(tape.gradient(value, pictures[0]).numpy()).sum(axis=(0, 2, 3))
    return np.flatnonzero(slopes)


NETWORKS = {
    "denoiser": lambda: denoiser(channels=4, blocks=2),
    "two levels": lambda: unet_generator(widths=(3, 3), dropout=0),
    "three levels": lambda: unet_generator(widths=(3, 3, 3), dropout=0.5),
    "blocks of four": lambda: of_layers(PixelUnshuffle(4), layers.Conv2D(16, 3, padding="same"), PixelShuffle(4)),
    "odd transposed": lambda: of_layers(
        layers.Conv2D(2, 3, strides=2, padding="same"), layers.Conv2DTranspose(1, 5, strides=2, padding="same")
    ),
    "resized": lambda: of_layers(
        layers.AveragePooling2D(2), layers.UpSampling2D(2), layers.Conv2D(1, 4, padding="same", dilation_rate=2)
    ),
    "padded": lambda: of_layers(layers.ZeroPadding2D(2), layers.Conv2D(1, 5)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_no_output_sees_farther_and_one_sees_as_far(name):
    model = NETWORKS[name]()
    field = receptive_field(model)
    side = 4 * (-(-field.radius // 8)) * 8
    middle = side // 2
    seen = {row: seen_by(model, side, row) - row for row in range(middle, middle + field.multiple)}
    assert max(np.abs(rows).max() for rows in seen.values()) == field.radius
    shortcuts = 2 if "levels" in name else 0
    assert max(rows.max() - rows.min() + 1 for rows in seen.values()) == field.size + shortcuts


@pytest.mark.parametrize("name", ["denoiser", "three levels"])
def test_a_pixel_beyond_the_radius_changes_nothing(name):
    """With random weights, and to the last bit: what tiles rely on."""
    model = NETWORKS[name]()
    for weight in model.trainable_weights:
        weight.assign(tf.random.stateless_normal(weight.shape, seed=(0, 1)) * 0.2)
    radius = receptive_field(model).radius
    picture = tf.random.stateless_uniform([1, 64, 64, 3], seed=(0, 2), minval=-1.0, maxval=1.0)
    changed = picture + tf.reshape(tf.one_hot(32 * 64 + 32, 64 * 64), [1, 64, 64, 1])
    level = tf.fill([1, 64, 64, 1], 0.1)

    def restored(noisy):
        return model([noisy, level] if len(model.inputs) > 1 else noisy, training=False).numpy()

    difference = np.abs(restored(changed) - restored(picture)).max(axis=(0, 3))
    rows, columns = np.nonzero(difference)
    distance = np.maximum(np.abs(rows - 32), np.abs(columns - 32))
    assert 0 < distance.max() <= radius


def test_the_patch_of_the_patchgan():
    """70 pixels, as its authors call it; without a hidden layer 16, and 1 for kernels of one pixel."""
    assert receptive_field(patch_discriminator()).size == 70
    assert receptive_field(patch_discriminator(conditional=False, normalisation="none")).size == 70
    assert receptive_field(patch_discriminator(widths=(64, 128))).size == 16
    assert receptive_field(of_layers(layers.Conv2D(4, 1), layers.Conv2D(1, 1))).size == 1


def test_the_multiple():
    assert receptive_field(unet_generator()).multiple == 256
    assert receptive_field(denoiser()).multiple == 2
    assert receptive_field(of_layers(layers.Conv2D(1, 3))).multiple == 1


def test_by_hand():
    # Block of 2 pixels, then 22 convolutions that reach 2 pixels to each side.
    assert receptive_field(denoiser()) == receptive_field(denoiser(channels=4)) == (2 + 22 * 4, 45, 2)


def test_through_a_wrapper():
    plain, wrapped = layers.Conv2D(2, 5, dilation_rate=3), SpectralNormalization(layers.Conv2D(2, 5, dilation_rate=3))
    assert receptive_field(of_layers(plain)).size == receptive_field(of_layers(wrapped)).size == 13


def test_a_layer_that_sees_everything_is_named():
    with pytest.raises(ValueError, match="How far GroupNormalization reaches is not known here"):
        receptive_field(unet_generator(widths=(4, 4, 4), normalisation="instance"))
