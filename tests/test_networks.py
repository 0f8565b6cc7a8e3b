"""networks: shapes, ranges, precision, sizes and starting weights of every builder."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_lib.networks.dcgan import UPSAMPLINGS, dcgan_discriminator, dcgan_generator
from gan_lib.networks.digit_classifier import FEATURES_LAYER, digit_classifier
from gan_lib.networks.gan import (
    fully_connected_discriminator,
    fully_connected_generator,
    ring_discriminator,
    ring_generator,
)
from gan_lib.networks.layers import SpectralNormalization

GENERATORS = {
    "fully_connected": fully_connected_generator,
    "dcgan_transposed": lambda: dcgan_generator(upsampling="transposed"),
    "dcgan_resize": lambda: dcgan_generator(upsampling="resize"),
    "dcgan_three": lambda: dcgan_generator(widths=(64, 32, 16), upsampling="resize"),
}
DISCRIMINATORS = {
    "fully_connected": fully_connected_discriminator,
    "dcgan": dcgan_discriminator,
    "dcgan_plain": lambda: dcgan_discriminator(normalisation=None),
    "dcgan_spectral": lambda: dcgan_discriminator(normalisation="spectral"),
    "dcgan_hidden": lambda: dcgan_discriminator(normalisation=None, hidden_units=32),
}
TRAINED = [*GENERATORS.values(), *DISCRIMINATORS.values(), ring_generator, ring_discriminator]
POLICIES = ["float32", "mixed_bfloat16", "mixed_float16"]

# By hand: Dense inputs * outputs + outputs, Conv2D height * width * inputs * outputs (+ outputs), and 4 numbers for
# each channel of a batch normalisation, of which 2 are trained.
SIZES = {
    # 100*256+256 + 256*512+512 + 512*1024+1024 + 1024*784+784
    fully_connected_generator: 25_856 + 131_584 + 525_312 + 803_600,
    # 784*512+512 + 512*256+256 + 256+1
    fully_connected_discriminator: 401_920 + 131_328 + 257,
    # 16*128+128 + 128*128+128 + 128*2+2
    ring_generator: 2_176 + 16_512 + 258,
    # 2*128+128 + 128*128+128 + 128+1
    ring_discriminator: 384 + 16_512 + 129,
    # 100*6272, 4*128, 5*5*128*64, 4*64, 5*5*64+1
    GENERATORS["dcgan_transposed"]: 627_200 + 512 + 204_800 + 256 + 1_601,
    # 100*6272, 4*128, 3*3*128*64, 4*64, 3*3*64+1
    GENERATORS["dcgan_resize"]: 627_200 + 512 + 73_728 + 256 + 577,
    # 5*5*64+64, 5*5*64*128, 4*128, 7*7*128+1
    dcgan_discriminator: 1_664 + 204_800 + 512 + 6_273,
    # 5*5*64+64, 5*5*64*128+128, 7*7*128+1
    DISCRIMINATORS["dcgan_plain"]: 1_664 + 204_928 + 6_273,
    # the same with 7*7*128*32+32, 32+1 at its end
    DISCRIMINATORS["dcgan_hidden"]: 1_664 + 204_928 + 200_736 + 33,
    # 9*32, 9*32*32, 9*32*64, 9*64*64, 9*64*48, each with 4 a channel; 4*4*48*128+128, 128*10+10
    digit_classifier: 416 + 9_344 + 18_688 + 37_120 + 27_840 + 98_432 + 1_290,
}


@pytest.mark.parametrize("builder, size", SIZES.items(), ids=range(len(SIZES)))
def test_number_of_weights(builder, size):
    assert builder().count_params() == size


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", GENERATORS)
def test_generators_make_pictures(name, policy, precision):
    precision(policy)
    generator = GENERATORS[name]()
    # Latents a hundred times too long drive the tanh to its ends; they must not go beyond.
    for training in (False, True):
        pictures = generator(tf.random.stateless_normal([3, 100], seed=(0, 0)) * 100.0, training=training)
        assert pictures.shape == (3, 28, 28, 1)
        assert pictures.dtype == tf.float32
        assert 0.5 < np.abs(pictures.numpy()).max() <= 1.0
    assert all(weight.dtype == "float32" for weight in generator.weights)


def unwrapped(layer):
    return layer.layer if isinstance(layer, SpectralNormalization) else layer


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminators_return_logits(name, policy, precision):
    precision(policy)
    discriminator = DISCRIMINATORS[name]()
    pictures = tf.random.stateless_uniform([16, 28, 28, 1], seed=(0, 0), minval=-1, maxval=1) * 30.0
    logits = discriminator(pictures, training=False)
    assert logits.shape == (16, 1)
    assert logits.dtype == tf.float32
    last = discriminator.layers[-1]
    last = unwrapped(last)
    assert isinstance(last, keras.layers.Dense)
    assert last.activation is keras.activations.linear
    if name == "fully_connected":
        assert logits.numpy().min() < 0 or logits.numpy().max() > 1  # no sigmoid was here


@pytest.mark.parametrize("policy", POLICIES)
def test_ring_networks(policy, precision):
    precision(policy)
    points = ring_generator()(tf.random.stateless_normal([5, 16], seed=(0, 0)))
    assert points.shape == (5, 2)
    logits = ring_discriminator()(points)
    assert logits.shape == (5, 1)
    assert points.dtype == logits.dtype == tf.float32


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("builder", TRAINED)
def test_the_last_layer_computes_in_float32_and_the_others_do_not(builder, policy, precision):
    precision(policy)
    weighted = [unwrapped(layer) for layer in builder().layers if layer.weights]
    assert weighted[-1].compute_dtype == "float32"
    assert {layer.compute_dtype for layer in weighted[:-1]} == {policy.removeprefix("mixed_")}


@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
def test_dcgan_starts_from_small_normal_numbers(upsampling):
    for network in (dcgan_generator(upsampling=upsampling), dcgan_discriminator()):
        for layer in network.layers:
            if hasattr(layer, "kernel"):
                kernel = layer.kernel.numpy()
                assert kernel.std() == pytest.approx(0.02, rel=0.15 if kernel.size < 5_000 else 0.03)
                assert abs(kernel.mean()) < 0.003


def before_normalisation(network):
    """The layers whose output goes into a batch normalisation."""
    normalised = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    sources = {layer.input._keras_history.operation for layer in normalised}
    return {
        source.input._keras_history.operation if isinstance(source, keras.layers.Reshape) else source
        for source in sources
    }


@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
def test_batch_normalisation_where_dcgan_has_it(upsampling):
    generator, discriminator = dcgan_generator(upsampling=upsampling), dcgan_discriminator()
    kernels = [layer for layer in generator.layers if hasattr(layer, "kernel")]
    assert before_normalisation(generator) == set(kernels[:-1])  # all but the output
    kernels = [layer for layer in discriminator.layers if hasattr(layer, "kernel")]
    assert before_normalisation(discriminator) == set(kernels[1:-1])  # neither the input nor the logit
    slopes = [layer.negative_slope for layer in discriminator.layers if isinstance(layer, keras.layers.LeakyReLU)]
    assert slopes == pytest.approx([0.2, 0.2])


PLAIN = (fully_connected_generator, fully_connected_discriminator, ring_discriminator, DISCRIMINATORS["dcgan_plain"])


@pytest.mark.parametrize("builder", PLAIN)
def test_these_networks_have_no_batch_normalisation(builder):
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in builder().layers)


def checkerboard(upsampling):
    """How strongly the brightness of untrained pictures alternates from pixel to pixel, against their mean strength."""
    keras.utils.set_random_seed(3)
    generator = dcgan_generator(upsampling=upsampling)
    pictures = generator(tf.random.stateless_normal([160, 100], seed=(0, 0)), training=True).numpy()[..., 0]
    strength = pictures.std(axis=0)[4:24, 4:24]  # the border has other neighbours
    spectrum = np.abs(np.fft.fft2(strength)) / strength.sum()
    return max(spectrum[10, 0], spectrum[0, 10])


def test_transposed_convolution_leaves_a_checkerboard_and_resizing_does_not():
    transposed, resized = checkerboard("transposed"), checkerboard("resize")
    assert transposed > 0.05
    assert transposed > 4 * resized


def test_unknown_upsampling_is_named():
    with pytest.raises(ValueError, match="upsampling is 'bicubic'; one of transposed, resize was expected"):
        dcgan_generator(upsampling="bicubic")


def test_widths_of_another_number_are_refused():
    with pytest.raises(ValueError, match=r"widths is \(8,\); two numbers of channels, or three"):
        dcgan_generator(widths=(8,))


def test_a_third_width_adds_a_hidden_layer_at_full_size():
    generator = dcgan_generator(latent_dim=7, widths=(8, 4, 4), upsampling="resize")
    sizes = [layer.output.shape[1:] for layer in generator.layers if isinstance(layer, keras.layers.ReLU)]
    assert sizes == [(7, 7, 8), (14, 14, 4), (28, 28, 4)]
    assert generator.output.shape == (None, 28, 28, 1)
    assert generator.layers[-1].strides == (1, 1)


def test_unknown_normalisation_is_named():
    with pytest.raises(ValueError, match="normalisation is 'layer'; one of .*'spectral', None.* was expected"):
        dcgan_discriminator(normalisation="layer")


def test_a_spectrally_normalised_discriminator_is_no_steeper_than_its_bounds():
    discriminator = dcgan_discriminator(widths=(4, 8), normalisation="spectral")
    assert sum(isinstance(layer, SpectralNormalization) for layer in discriminator.layers) == 3
    for weight in discriminator.trainable_weights:
        weight.assign(100.0 * weight)
    for _ in range(60):
        discriminator(tf.zeros([2, 28, 28, 1]), training=True)  # the estimates settle
    pictures = tf.random.stateless_normal([16, 28, 28, 1], seed=(1, 0))
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        logits = discriminator(pictures)
    slopes = tf.norm(tf.reshape(tape.gradient(logits, pictures), [16, -1]), axis=1)
    # Windows of 5x5 at a stride of 2 share a pixel up to 9 times: a kernel of norm 1 stretches by at most 3.
    assert 0.01 < float(tf.reduce_max(slopes)) < 3 * 3


def test_other_sizes():
    assert dcgan_generator(latent_dim=7, widths=(8, 4))(tf.zeros([2, 7])).shape == (2, 28, 28, 1)
    assert dcgan_discriminator(widths=(4, 8))(tf.zeros([2, 28, 28, 1])).shape == (2, 1)
    assert fully_connected_generator(3, (8, 6, 3), widths=(5,))(tf.zeros([2, 3])).shape == (2, 8, 6, 3)
    assert fully_connected_discriminator((8, 6, 3), widths=(5,))(tf.zeros([2, 8, 6, 3])).shape == (2, 1)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_the_judge_sees_the_same_under_every_policy(policy, precision):
    pictures = tf.random.stateless_uniform([2, 28, 28, 1], seed=(0, 0), minval=-1, maxval=1)
    classifier = digit_classifier()
    seen = classifier(pictures, training=False)
    assert seen["logits"].shape == (2, 10)
    assert seen["features"].shape[0] == 2
    assert seen["features"].shape[1] >= 64
    assert seen["features"].numpy().min() >= 0
    precision(policy)
    other = digit_classifier()
    other.set_weights(classifier.get_weights())
    for key, value in other(pictures, training=False).items():
        assert value.dtype == tf.float32
        np.testing.assert_array_equal(value.numpy(), seen[key].numpy())
    assert classifier.get_layer(FEATURES_LAYER).output.shape[1] == seen["features"].shape[1]


@pytest.mark.parametrize("builder", SIZES, ids=range(len(SIZES)))
def test_every_network_can_be_copied(builder):
    network = builder()
    copy = keras.models.clone_model(network)
    assert [weight.shape for weight in copy.weights] == [weight.shape for weight in network.weights]
