"""The Context Encoder: shapes and weights as published, its discriminators, and that `Restoration` trains it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_lib import degradations, images, losses
from gan_lib.datasets import batches, inpainting_pairs, restoration_pairs
from gan_lib.networks.context_encoder import (
    context_encoder_discriminator,
    context_encoder_generator,
    region_discriminator,
)
from gan_lib.networks.layers import ChannelwiseDense
from gan_lib.training import Restoration

SMALL = {"picture_size": 16, "picture_channels": 1, "widths": (8, 16)}


def layers_of(network, kind):
    return [layer for layer in network.layers if type(layer) is kind]


def encoder_and_decoder(network):
    down = [layer.output.shape[1:] for layer in layers_of(network, keras.layers.Conv2D) if layer.strides == (2, 2)]
    up = [layer.output.shape[1:] for layer in layers_of(network, keras.layers.Conv2DTranspose)]
    return down, up


def test_maps_of_the_published_network():
    down, up = encoder_and_decoder(context_encoder_generator())
    assert down == [(64, 64, 64), (32, 32, 64), (16, 16, 128), (8, 8, 256), (4, 4, 512)]
    assert up == [(8, 8, 256), (16, 16, 128), (32, 32, 64), (64, 64, 3)]
    down, up = encoder_and_decoder(context_encoder_generator(output="whole"))
    assert len(down) == 5
    assert up == [(8, 8, 256), (16, 16, 128), (32, 32, 64), (64, 64, 64), (128, 128, 3)]


def test_kernels_steps_and_normalisation_as_published():
    network = context_encoder_generator()
    halvings = [layer for layer in layers_of(network, keras.layers.Conv2D) if layer.strides == (2, 2)]
    doublings = layers_of(network, keras.layers.Conv2DTranspose)
    for layer in halvings + doublings:
        assert (layer.kernel_size, layer.strides) == ((4, 4), (2, 2))
    # All but the first and the last: four on the way down, one in the bottleneck, three on the way up.
    assert len(layers_of(network, keras.layers.BatchNormalization)) == 8
    assert [layer.use_bias for layer in halvings + doublings] == [True] + [False] * 7 + [True]
    assert not layers_of(context_encoder_generator(batch_normalisation=False), keras.layers.BatchNormalization)
    assert network.layers[-1].activation is keras.activations.tanh


def test_the_bottlenecks_have_as_many_weights_as_the_papers_count_says():
    channelwise = context_encoder_generator(**SMALL)
    (layer,) = layers_of(channelwise, ChannelwiseDense)
    assert layer.count_params() == 16 * (4 * 4) ** 2  # 16 channels, 4x4 places
    mixing = next(layer for layer in layers_of(channelwise, keras.layers.Conv2D) if layer.strides == (1, 1))
    assert mixing.count_params() == 16 * 16
    dense = context_encoder_generator(**SMALL, bottleneck="dense", bottleneck_width=40)
    assert [layer.count_params() for layer in layers_of(dense, keras.layers.Dense)] == [4 * 4 * 16 * 40] * 2
    assert not layers_of(dense, ChannelwiseDense)


@pytest.mark.parametrize("bottleneck", ["channelwise", "dense"])
def test_every_value_of_the_answer_depends_on_far_away_pixels(bottleneck):
    """Halvings alone see 4 + 2 * 3 = 10 pixels here; the bottleneck sees the whole picture."""
    keras.utils.set_random_seed(2)
    kwargs = {"picture_size": 32, "picture_channels": 1, "widths": (8, 16), "bottleneck_width": 40}
    network = context_encoder_generator(**kwargs, bottleneck=bottleneck)
    picture = tf.zeros([1, 32, 32, 1])
    changed = tf.tensor_scatter_nd_update(picture, [[0, 0, 0, 0]], [1.0])
    difference = np.abs(network(changed).numpy() - network(picture).numpy())
    assert difference.shape == (1, 16, 16, 1)
    assert (difference > 0).mean() > 0.95


@pytest.mark.parametrize("size, widths", [(28, (8, 16)), (32, (8, 8, 16))])
@pytest.mark.parametrize("output, share", [("centre", 2), ("whole", 1)])
def test_small_grey_pictures(size, widths, output, share):
    network = context_encoder_generator(size, 1, widths=widths, output=output)
    assert network(tf.zeros([2, size, size, 1])).shape == (2, size // share, size // share, 1)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("bottleneck", ["channelwise", "dense"])
def test_half_precision_ends_in_float32(policy, bottleneck, precision):
    precision(policy)
    network = context_encoder_generator(**SMALL, bottleneck=bottleneck, bottleneck_width=10)
    assert network.layers[2].compute_dtype == policy.removeprefix("mixed_")
    answer = network(tf.ones([2, 16, 16, 1]))
    assert answer.dtype == tf.float32
    assert np.abs(answer).max() <= 1
    assert region_discriminator(8, 1, widths=(4,))(answer).dtype == tf.float32


def test_the_region_discriminator_as_published():
    network = region_discriminator()
    maps = [layer.output.shape[1:] for layer in layers_of(network, keras.layers.Conv2D)]
    assert maps == [(32, 32, 64), (16, 16, 128), (8, 8, 256), (4, 4, 512)]
    assert {layer.kernel_size for layer in layers_of(network, keras.layers.Conv2D)} == {(4, 4)}
    assert len(layers_of(network, keras.layers.BatchNormalization)) == 3
    assert network.input_shape == (None, 64, 64, 3)
    assert network.output_shape == (None, 1)
    assert network.layers[-1].activation is keras.activations.linear
    whole = context_encoder_discriminator()
    assert whole.input_shape == (None, 128, 128, 3)
    assert layers_of(whole, keras.layers.Conv2D)[-1].output.shape == (None, 4, 4, 512)
    assert region_discriminator(14, 1, widths=(4, 8))(tf.zeros([3, 14, 14, 1])).shape == (3, 1)
    assert not layers_of(region_discriminator(batch_normalisation=False), keras.layers.BatchNormalization)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="28 pixels cannot be halved 3 times.*multiple of 8"):
        context_encoder_generator(28, 1, widths=(8, 8, 8))
    with pytest.raises(ValueError, match="bottleneck is 'none'; one of channelwise, dense"):
        context_encoder_generator(bottleneck="none")
    with pytest.raises(ValueError, match="output is 'center'; one of centre, whole"):
        context_encoder_generator(output="center")
    with pytest.raises(ValueError, match="at least two halvings"):
        context_encoder_generator(widths=(8,))
    with pytest.raises(ValueError, match="14 pixels cannot be halved 4 times"):
        region_discriminator(14)


# --- training


def pictures(count=32):
    """Grey slopes in all directions: what is in the middle follows from what is around it."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    across = np.linspace(-1, 1, 16)
    slopes = np.cos(angles)[:, None, None] * across[:, None] + np.sin(angles)[:, None, None] * across
    return images.to_uint8((0.5 + slopes / 2.9).astype("float32"))[..., None]


def compiled(generator, discriminator, **kwargs):
    scheme = Restoration(generator, discriminator, seed=1)
    rates = {"generator": 2e-3, "discriminator": 2e-4}
    optimizers = {name: keras.optimizers.Adam(rate, beta_1=0.5) for name, rate in rates.items()}
    scheme.compile(optimizers, pixel_weight=0.999, adversarial_weight=0.001, **kwargs)
    assert not scheme.conditional
    return scheme


def losses_of(scheme, data):
    history = scheme.fit(data, epochs=6, steps_per_epoch=15, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert history["g_loss"][-1] == pytest.approx(
        0.999 * history["g_pixel"][-1] + 0.001 * history["g_adv"][-1], rel=1e-4
    )
    return history["g_pixel"]


@pytest.mark.slow
def test_training_the_centre_with_the_overlap():
    """The generator gives the region alone; the hole that it sees is smaller by the overlap, as in the paper."""
    overlap = 1
    hole = degradations.centre_hole(16, 16, share=(8 - 2 * overlap) / 16)

    def pair(clean, seed):
        return degradations.remove(clean, tf.broadcast_to(hole, tf.shape(clean))), images.centre(clean, 8)

    data = restoration_pairs(batches(pictures(), batch_size=8), pair)
    keras.utils.set_random_seed(4)
    generator = context_encoder_generator(**SMALL | {"widths": (16, 32)})
    weights = losses.overlap_weights(8, overlap)
    scheme = compiled(
        generator, region_discriminator(8, 1, widths=(4, 8)), pixel_loss=losses.weighted_squared_error(weights)
    )
    course = losses_of(scheme, data)
    assert course[-1] < 0.3 * course[0]
    degraded, clean = next(iter(data))
    filled = images.paste_centre(degraded, generator(degraded), overlap=overlap).numpy()
    known = np.broadcast_to(hole == 0, filled.shape)
    np.testing.assert_array_equal(filled[known], degraded.numpy()[known])
    errors = [np.square(images.centre(each, 6) - images.centre(clean, 6)).mean() for each in (filled, degraded)]
    assert errors[0] < 0.1 * errors[1]  # better than the mean of the known pixels


@pytest.mark.slow
def test_training_the_whole_picture_with_masks_of_any_shape():
    masks = degradations.mask_bank(["centre", "blocks"], 20, 16, 16, seed=0)
    data = inpainting_pairs(batches(pictures(), batch_size=8), masks)
    keras.utils.set_random_seed(4)
    generator = context_encoder_generator(**SMALL, output="whole", mask_input=True)
    scheme = compiled(
        generator, context_encoder_discriminator(16, 1, widths=(4, 8)), pixel_loss=losses.mean_squared_error
    )
    course = losses_of(scheme, data)
    assert course[-1] < 0.5 * course[0]
    inputs, clean, mask = next(iter(data))
    restored = scheme.restore(inputs, mask).numpy()
    known = mask.numpy() == 0
    np.testing.assert_array_equal(restored[known], inputs[0].numpy()[known])


def test_a_whole_picture_generator_without_the_mask_as_input():
    data = inpainting_pairs(
        batches(pictures(), batch_size=8), degradations.mask_bank(["blocks"], 4, 16, 16, seed=0)
    ).map(lambda inputs, clean, mask: (inputs[0], clean, mask))
    scheme = compiled(
        context_encoder_generator(**SMALL, output="whole"),
        context_encoder_discriminator(16, 1, widths=(4, 8)),
        pixel_loss=losses.weighted_squared_error(np.ones((16, 16, 1))),
    )
    logs = scheme.train_step(next(iter(data)))
    assert 0 < float(logs["g_pixel"]) < 4
