"""The networks of super-resolution: the course's own, SRResNet and SRGAN's discriminator; and their pairs."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from gan_lib import images, training
from gan_lib.datasets import bundled_photographs, patches, super_resolution_pairs
from gan_lib.networks.layers import BicubicUpscale
from gan_lib.networks.receptive_field import receptive_field
from gan_lib.networks.srgan import srgan_discriminator, srresnet
from gan_lib.networks.upscaler import upscaler


@pytest.fixture(scope="module")
def photograph():
    return bundled_photographs("train")["coffee"][100:180, 200:296]


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_the_bicubic_layer_is_what_pillow_does_away_from_the_border(photograph, factor):
    large = images.from_network(BicubicUpscale(factor)(images.to_network(photograph)[None]))[0].numpy()
    size = (photograph.shape[1] * factor, photograph.shape[0] * factor)
    pillow = np.asarray(Image.fromarray(photograph).resize(size, Image.Resampling.BICUBIC))
    inside = slice(3 * factor, -3 * factor)
    # Pillow rounds to 8 bit after each direction.
    difference = np.abs(images.to_uint8(large).astype(int) - pillow)[inside, inside]
    assert difference.max() <= 1 and difference.mean() < 0.3


def test_the_bicubic_layer_keeps_one_colour_up_to_the_border_and_float32_under_half_precision(precision):
    precision("mixed_bfloat16")
    large = BicubicUpscale(4)(tf.fill([1, 5, 7, 3], 0.3))
    assert large.dtype == tf.float32 and large.shape == (1, 20, 28, 3)
    np.testing.assert_allclose(large, 0.3, atol=1e-6)


def test_the_bicubic_layer_compiles_under_xla():
    picture = tf.random.uniform([1, 8, 8, 3])
    layer = BicubicUpscale(2)
    np.testing.assert_allclose(tf.function(layer, jit_compile=True)(picture), layer(picture), atol=1e-5)


@pytest.mark.parametrize("make", [BicubicUpscale, upscaler, srresnet])
def test_no_enlargement_is_refused(make):
    with pytest.raises(ValueError, match="is 1; "):
        make(1)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_untrained_the_upscaler_is_bicubic_interpolation(scale):
    small = tf.random.uniform([2, 10, 13, 3], -1, 1)
    model = upscaler(scale, channels=8, blocks=1)
    np.testing.assert_allclose(model(small), BicubicUpscale(scale)(small), atol=1e-6)
    assert model.output_shape == (None, None, None, 3)


def test_a_value_reaches_as_far_as_the_receptive_field_says():
    model = upscaler(4, channels=8, blocks=2)
    random = np.random.default_rng(0)
    model.set_weights([random.normal(0, 0.2, weight.shape) for weight in model.get_weights()])
    small = random.uniform(-1, 1, [1, 41, 41, 3]).astype(np.float32)
    other = small.copy()
    other[0, 20, 20] += 1
    changed = np.argwhere(np.abs(model(small) - model(other)).max(axis=(0, 3)) > 0)
    reach = max(20 - changed.min() // 4, changed.max() // 4 - 20)
    # 3x3 at the start, four in the blocks, one behind them, one to the pixels.
    assert reach == 7 and reach <= receptive_field(model).margin <= reach + 1
    assert receptive_field(model).multiple == 1


def test_srresnet_is_the_published_one():
    model = srresnet()
    kernels = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(kernels) == 1 + 2 * 16 + 1 + 2 + 1
    assert [kernels[0].kernel_size, kernels[-1].kernel_size] == [(9, 9), (9, 9)]
    assert sum(isinstance(layer, keras.layers.PReLU) for layer in model.layers) == 1 + 16 + 2
    slopes = [layer for layer in model.layers if isinstance(layer, keras.layers.PReLU)]
    assert all(tuple(layer.alpha.shape) == (1, 1, 64) for layer in slopes)
    assert 1.5e6 < model.count_params() < 1.6e6
    assert srresnet(2, channels=8, blocks=1)(tf.zeros([1, 5, 6, 3])).shape == (1, 10, 12, 3)


def test_a_scale_that_no_doubling_reaches_is_refused():
    with pytest.raises(ValueError, match="scale is 3; 2, 4 or another power of 2"):
        srresnet(3)


def test_the_discriminator_is_the_published_one():
    model = srgan_discriminator()
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [64, 64, 128, 128, 256, 256, 512, 512]
    assert [layer.strides[0] for layer in convolutions] == [1, 2] * 4
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers) == 7
    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)] == [1024, 1]
    assert srgan_discriminator(32, widths=(8, 8), dense=4)(tf.zeros([3, 32, 32, 3])).shape == (3, 1)
    with pytest.raises(ValueError, match="size is 100; a multiple of 16"):
        srgan_discriminator(100)


def found_in(whole, patch):
    """Where in a photograph a part of it lies, as (top, left)."""
    windows = np.lib.stride_tricks.sliding_window_view(whole, patch.shape)[:, :, 0]
    (place,) = [
        at for at in np.argwhere((windows[:, :, 0] == patch[0]).all(axis=(2, 3))) if (windows[*at] == patch).all()
    ]
    return place


@pytest.mark.parametrize("scale", [2, 4])
def test_pairs_are_what_the_whole_photograph_gives(scale):
    whole = bundled_photographs("train")["coffee"]
    dataset = patches({"coffee": whole}, size=16 * scale, batch_size=4, per_photograph=4, turn=False)
    (small, clean), *_ = super_resolution_pairs(dataset, scale=scale).take(1)
    assert small.shape == (4, 12, 12, 3) and clean.shape == (4, 12 * scale, 12 * scale, 3)
    levels = images.from_network(small).numpy() * 255
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)  # rounded as a file would be
    # Each small patch, rim or not, is what a large neighbourhood in the photograph is scaled down to.
    rim, compared = 8 * scale, 0
    for index in range(len(clean)):
        patch = images.to_uint8(images.from_network(clean[index]).numpy())
        top, left = found_in(whole, patch)
        if min(top, left) < rim or max(top + rim - whole.shape[0], left + rim - whole.shape[1]) > -len(patch):
            continue  # too near to the photograph's own edge
        around = whole[top - rim : top + len(patch) + rim, left - rim : left + len(patch) + rim]
        side = len(around) // scale
        scaled = np.asarray(Image.fromarray(around).resize((side, side), Image.Resampling.BICUBIC))[8:-8, 8:-8]
        assert np.abs(scaled - levels[index]).max() <= 1.01
        compared += 1
    assert compared


def test_patches_that_are_all_rim_are_refused(photograph):
    dataset = patches({"one": photograph}, size=16, batch_size=2)
    with pytest.raises(ValueError, match="16 x 16 pixels came; more than 16 were expected"):
        super_resolution_pairs(dataset, scale=4)


@pytest.mark.slow
def test_a_few_steps_beat_bicubic_on_their_own_patch(photograph):
    dataset = patches({"one": photograph}, size=64, batch_size=4, per_photograph=4)
    batches = super_resolution_pairs(dataset, scale=2).take(1).cache().repeat()
    scheme = training.Restoration(upscaler(2, channels=8, blocks=1))
    scheme.compile({"generator": keras.optimizers.Adam(1e-2)})
    before = scheme.evaluate(batches, steps=1, return_dict=True, verbose=0)["psnr"]
    scheme.fit(batches, steps_per_epoch=200, epochs=1, verbose=0)
    assert scheme.evaluate(batches, steps=1, return_dict=True, verbose=0)["psnr"] > before + 0.3
