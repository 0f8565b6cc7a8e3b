"""networks/pix2pix: sizes as published, shapes, precision, and what makes the pair a pair."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from gan_lib.networks.layers import SpectralNormalization
from gan_lib.networks.pix2pix import patch_discriminator, unet_generator

POLICIES = ["float32", "mixed_bfloat16", "mixed_float16"]
SMALL = (4, 6, 8)


def picture(side=16, channels=3, count=2, seed=0):
    return tf.random.stateless_uniform([count, side, side, channels], seed=(0, seed), minval=-1.0, maxval=1.0)


def of_kind(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def test_number_of_weights_as_published():
    """54.4 million and 2.77 million, as the authors' code reports."""
    assert unet_generator().count_params() / 1e6 == pytest.approx(54.4, abs=0.05)
    assert patch_discriminator().count_params() / 1e6 == pytest.approx(2.77, abs=0.005)
    # Of two pictures the first layer sees twice the channels: 4 x 4 x 3 x 64 weights more.
    alone = patch_discriminator(conditional=False)
    assert patch_discriminator().count_params() - alone.count_params() == 4 * 4 * 3 * 64


def test_encoder_and_decoder_of_the_unet():
    model = unet_generator()
    down, up = of_kind(model, layers.Conv2D), of_kind(model, layers.Conv2DTranspose)
    down = [layer for layer in down if layer not in up]
    assert [layer.filters for layer in down] == [64, 128, 256, 512, 512, 512, 512, 512]
    assert [layer.filters for layer in up] == [512, 512, 512, 512, 256, 128, 64, 3]
    assert {layer.kernel_size for layer in down + up} == {(4, 4)}
    assert {layer.strides for layer in down + up} == {(2, 2)}
    assert len(of_kind(model, layers.Concatenate)) == 7
    assert [layer.rate for layer in of_kind(model, layers.Dropout)] == [0.5] * 3
    # None behind the first and the innermost convolution, nor behind the last one: 6 down, 7 up.
    assert len(of_kind(model, layers.BatchNormalization)) == 13


def test_the_shortcuts_carry_detail():
    """With the way through the bottom cut off, the output still depends on single pixels of the input."""
    model = unet_generator(widths=SMALL, dropout=0.0)
    up = of_kind(model, layers.Conv2DTranspose)
    up[0].kernel.assign(tf.zeros_like(up[0].kernel))
    changed = picture() + tf.reshape(tf.one_hot(5 * 16 + 9, 256), [1, 16, 16, 1]) * 0.5
    difference = np.abs(model(changed) - model(picture())).max(axis=(0, 3))
    assert difference[5, 9] > 0
    assert difference[0, 0] == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_pictures_come_out_in_float32_and_in_range(policy, precision):
    precision(policy)
    model = unet_generator(widths=SMALL)
    restored = model(picture() * 30.0)
    assert restored.shape == (2, 16, 16, 3)
    assert restored.dtype == tf.float32
    assert float(tf.reduce_max(tf.abs(restored))) <= 1.0
    logits = patch_discriminator(widths=(4, 6))([picture(32), picture(32)])
    assert logits.dtype == tf.float32


def test_one_picture_of_the_smallest_size_is_not_subtracted_from_itself():
    model = unet_generator(widths=SMALL, dropout=0.0)
    first, second = (model(picture(side=8, count=1, seed=seed), training=True) for seed in (0, 1))
    bottom = keras.Model(model.input, of_kind(model, layers.Conv2DTranspose)[0].input)
    assert bottom(picture(side=8, count=1), training=True).shape == (1, 1, 1, 8)
    assert float(tf.reduce_max(bottom(picture(side=8, count=1), training=True))) > 0
    assert float(tf.reduce_max(tf.abs(first - second))) > 1e-3


def test_dropout_only_in_training():
    model = unet_generator(widths=SMALL)
    np.testing.assert_array_equal(model(picture(), training=False), model(picture(), training=False))
    first, second = model(picture(), training=True), model(picture(), training=True)
    assert float(tf.reduce_max(tf.abs(first - second))) > 1e-4


def test_sides_are_multiples_of_two_for_each_level():
    model = unet_generator(widths=SMALL)
    assert model(picture(side=24)).shape == (2, 24, 24, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be equal"):
        model(picture(side=12))


@pytest.mark.parametrize("side, patches", [(70, 6), (256, 30), (64, 6)])
def test_a_logit_for_each_patch(side, patches):
    logits = patch_discriminator(widths=(4, 4, 4, 4))([picture(side, count=1)] * 2)
    assert logits.shape == (1, side // 8 - 2, side // 8 - 2, 1)
    assert logits.shape[1] == patches


def test_the_conditional_one_looks_at_both_pictures():
    model = patch_discriminator(widths=(4, 6), normalisation="none")
    assert [tensor.name for tensor in model.inputs] == ["degraded", "picture"]
    one, other = picture(seed=1), picture(seed=2)
    pairs = [model([one, other]), model([other, other]), model([one, one])]
    for first, second in ((0, 1), (0, 2)):
        assert float(tf.reduce_max(tf.abs(pairs[first] - pairs[second]))) > 1e-5
    assert patch_discriminator(widths=(4, 6), conditional=False)(one).shape == model([one, other]).shape


@pytest.mark.parametrize(
    "kind, layer, count",
    [("batch", layers.BatchNormalization, 2), ("instance", layers.GroupNormalization, 2), ("none", layers.Layer, None)],
)
def test_kinds_of_normalisation(kind, layer, count):
    model = patch_discriminator(widths=(4, 6, 8), normalisation=kind)
    normalised = of_kind(model, (layers.BatchNormalization, layers.GroupNormalization))
    assert len(normalised) == (count or 0)
    assert all(isinstance(found, layer) for found in normalised)
    # A bias before a normalisation would be subtracted again.
    assert [found.use_bias for found in of_kind(model, layers.Conv2D)] == [True, not count, not count, True]


def test_spectral_normalisation_is_of_every_kernel():
    model = patch_discriminator(widths=(4, 6), normalisation="spectral")
    assert len(of_kind(model, SpectralNormalization)) == 3 and not of_kind(model, layers.Conv2D)
    assert model([picture(32, seed=1)] * 2, training=True).shape == (2, 14, 14, 1)


def test_instance_normalisation_treats_each_picture_alone():
    model = patch_discriminator(widths=(4, 6), normalisation="instance")
    both = [picture(32, seed=1), picture(32, seed=2)]
    alone = model([part[:1] for part in both], training=True)
    np.testing.assert_allclose(model(both, training=True)[0], alone[0], atol=1e-5)


@pytest.mark.parametrize("build", [unet_generator, patch_discriminator])
def test_small_normal_numbers_to_start_from(build):
    for layer in build().layers:
        if hasattr(layer, "kernel"):
            assert layer.kernel.numpy().std() == pytest.approx(0.02, rel=0.1)
        if isinstance(layer, layers.BatchNormalization):
            assert layer.gamma.numpy().mean() == pytest.approx(1.0, abs=0.02)


def test_unknown_arguments_are_named():
    with pytest.raises(ValueError, match="normalisation is 'layer'; 'batch' or 'instance' was expected"):
        unet_generator(normalisation="layer")
    with pytest.raises(ValueError, match="normalisation is 'layer'; 'batch', 'instance', 'spectral' or 'none'"):
        patch_discriminator(normalisation="layer")
    with pytest.raises(ValueError, match="at least two halvings"):
        unet_generator(widths=(64,))
