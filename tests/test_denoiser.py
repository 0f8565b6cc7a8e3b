"""networks/denoiser: what its docstring promises."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_lib.networks.denoiser import denoiser

POLICIES = ["float32", "mixed_bfloat16", "mixed_float16"]


def noisy_pair(height=12, width=16, channels=3, sigma=25.0, count=2):
    clean = tf.random.stateless_uniform([count, height, width, channels], seed=(0, 1), minval=-1.0, maxval=1.0)
    noisy = clean + tf.random.stateless_normal(clean.shape, seed=(0, 2)) * sigma / 127.5
    return [noisy, tf.fill([count, height, width, 1], sigma / 255)]


def kernels(model):
    return [layer for layer in model.layers if hasattr(layer, "kernel")]


def test_number_of_weights():
    # 3x3 kernels: 13 to 64 channels, twenty times 64 to 64, 64 to 12; and a number for each channel.
    assert denoiser().count_params() == (9 * 13 * 64 + 64) + 20 * (9 * 64 * 64 + 64) + (9 * 64 * 12 + 12) == 753_036
    assert denoiser(channels=8, blocks=1, picture_channels=1).count_params() == 368 + 2 * 584 + 292


def test_before_training_it_returns_its_input():
    model, inputs = denoiser(), noisy_pair()
    np.testing.assert_array_equal(model(inputs), inputs[0])
    assert not kernels(model)[-1].kernel.numpy().any()
    assert all(layer.kernel.numpy().std() > 0.01 for layer in kernels(model)[:-1])


def test_the_noise_map_matters_once_it_is_trained():
    model = denoiser(channels=8, blocks=1)
    kernels(model)[-1].kernel.assign(tf.ones_like(kernels(model)[-1].kernel) * 0.1)
    noisy, level = noisy_pair()
    first, second = model([noisy, level]), model([noisy, 2 * level])
    assert float(tf.reduce_max(tf.abs(first - second))) > 1e-3
    # Each pixel has a level of its own: a change on the far right leaves the left side alone.
    here = tf.concat([level[:, :, :-1], level[:, :, -1:] * 3], axis=2)
    changed = np.abs((model([noisy, here]) - first).numpy()).max(axis=(0, 1, 3))
    assert changed[-1] > 1e-4
    assert changed[0] == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_float32_comes_out_under_every_policy(policy, precision):
    precision(policy)
    model, inputs = denoiser(channels=8, blocks=1), noisy_pair()
    restored = model(inputs)
    assert restored.dtype == tf.float32
    # The picture itself never goes through 16 bits, or it would come back coarser than it went in.
    np.testing.assert_array_equal(restored, inputs[0])
    assert kernels(model)[-1].compute_dtype == "float32"
    assert {layer.compute_dtype for layer in kernels(model)[:-1]} == {policy.removeprefix("mixed_")}


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_even_size_and_number_of_channels(channels):
    model = denoiser(channels=8, blocks=1, picture_channels=channels)
    for height, width in ((2, 2), (6, 30)):
        inputs = noisy_pair(height, width, channels)
        assert model(inputs).shape == (2, height, width, channels)


@pytest.mark.parametrize("height, width", [(7, 8), (8, 7), (1, 1)])
def test_odd_sides_are_one_sentence(height, width):
    model = denoiser(channels=8, blocks=1)
    with pytest.raises(ValueError, match=f"The picture is {height} x {width}; .*multiples of 2 were expected. Pad it"):
        model(noisy_pair(height, width))


def test_odd_sides_are_one_sentence_where_the_size_is_known_to_keras():
    inputs = keras.Input((5, 8, 3))
    with pytest.raises(ValueError, match="The picture is 5 x 8"):
        denoiser(channels=8, blocks=1)([inputs, keras.Input((5, 8, 1))])


def test_a_picture_does_not_depend_on_the_others_in_its_batch():
    model = denoiser(channels=8, blocks=2)
    for layer in kernels(model):
        layer.kernel.assign(tf.random.stateless_normal(layer.kernel.shape, seed=(0, 3)) * 0.1)
    noisy, level = noisy_pair()
    alone = model([noisy[:1], level[:1]], training=True)
    together = model([noisy, tf.concat([level[:1], 3 * level[1:]], axis=0)], training=True)
    np.testing.assert_allclose(alone[0], together[0], atol=1e-5)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
