"""networks/layers: spectral normalisation against the decomposition and what Keras' own does wrong; shuffling;
channels fully connected to themselves; a choice out of normal numbers.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from gan_lib.networks.dcgan import dcgan_generator
from gan_lib.networks.layers import (
    CategoricalCode,
    ChannelwiseDense,
    PixelShuffle,
    PixelUnshuffle,
    SpectralNormalization,
)
from gan_lib.training import draw_latent

# name -> (layer to wrap, shape of its input)
LAYERS = {
    "dense": (lambda: layers.Dense(6), (3, 9)),
    "convolution": (lambda: layers.Conv2D(6, 3, padding="same"), (3, 8, 8, 4)),
    "transposed": (lambda: layers.Conv2DTranspose(6, 4, strides=2, padding="same"), (3, 5, 5, 4)),
    "narrow": (lambda: layers.Dense(1), (3, 9)),
}


def wrapped(name, wrapper=SpectralNormalization, **kwargs):
    make, shape = LAYERS[name]
    keras.utils.set_random_seed(5)
    layer = wrapper(make(), **kwargs)
    inputs = tf.random.stateless_normal(shape, seed=(0, 1))
    layer(inputs)  # builds it
    return layer, inputs


def as_matrix(name, kernel):
    kernel = tf.convert_to_tensor(kernel)
    if name == "transposed":
        kernel = tf.linalg.matrix_transpose(kernel)
    return tf.reshape(kernel, [-1, kernel.shape[-1]])


def settled(name, **kwargs):
    layer, inputs = wrapped(name, **kwargs)
    for _ in range(200):
        layer.normalised_kernel(training=True)
    return layer, inputs


@pytest.mark.parametrize("name", LAYERS)
def test_largest_singular_value_becomes_one(name):
    layer, inputs = wrapped(name)
    before = np.linalg.svd(as_matrix(name, layer.layer.kernel), compute_uv=False)
    for _ in range(60):
        layer(inputs, training=True)
    after = np.linalg.svd(as_matrix(name, layer.normalised_kernel()), compute_uv=False)
    assert after[0] == pytest.approx(1.0, abs=2e-3)
    # All are divided by one number, and the kernel itself has not moved.
    assert after == pytest.approx(before / before[0], abs=2e-3)
    assert np.linalg.svd(as_matrix(name, layer.layer.kernel), compute_uv=False) == pytest.approx(before, rel=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_output_is_that_of_the_divided_kernel_with_the_bias_untouched(name):
    layer, inputs = settled(name)
    layer.layer.bias.assign(tf.range(1.0, 1.0 + layer.layer.bias.shape[0]))
    reference = LAYERS[name][0]()
    reference.build(inputs.shape)
    singular = np.linalg.svd(as_matrix(name, layer.layer.kernel), compute_uv=False)[0]
    reference.kernel.assign(layer.layer.kernel / singular)
    reference.bias.assign(layer.layer.bias)
    assert layer(inputs, training=False).numpy() == pytest.approx(reference(inputs).numpy(), abs=1e-4)


def kernel_gradient(layer, inputs, direction, kernel):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs, training=True) * direction)
    return tape.gradient(loss, kernel).numpy()


@pytest.mark.parametrize("name", ["dense", "convolution", "transposed"])
def test_gradient_flows_through_the_singular_value(name):
    layer, inputs = settled(name)
    direction = tf.random.stateless_normal(layer(inputs).shape, seed=(0, 2))
    ours = kernel_gradient(layer, inputs, direction, layer.layer.kernel)

    reference = LAYERS[name][0]()
    reference.build(inputs.shape)
    reference.bias.assign(layer.layer.bias)
    kernel = tf.convert_to_tensor(layer.layer.kernel)
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        divided = kernel / tf.linalg.svd(as_matrix(name, kernel), compute_uv=False)[0]
        with keras.StatelessScope(state_mapping=[(reference.kernel, divided)]):
            loss = tf.reduce_sum(reference(inputs) * direction)
    exact = tape.gradient(loss, kernel).numpy()
    assert ours == pytest.approx(exact, abs=2e-3 * float(np.abs(exact).max()))
    # Growing the kernel as a whole changes nothing, so the gradient has no share along the kernel.
    along = np.sum(ours * layer.layer.kernel.numpy())
    assert abs(along) < 1e-3 * np.linalg.norm(ours) * np.linalg.norm(layer.layer.kernel)


def test_the_gradient_of_keras_own_layer_does_not_flow_through_it():
    layer, inputs = wrapped("dense", keras.layers.SpectralNormalization)
    for _ in range(200):
        layer(inputs, training=True)
    direction = tf.random.stateless_normal([3, 6], seed=(0, 2))
    gradient = kernel_gradient(layer, inputs, direction, layer.layer.kernel)
    along = np.sum(gradient * layer.layer.kernel.numpy())
    # If this fails Keras has mended its layer, and ours may go.
    assert abs(along) > 0.01 * np.linalg.norm(gradient) * np.linalg.norm(layer.layer.kernel)


def survives_float16(kernel):
    return (kernel.astype("float16").astype("float32") == kernel).all()


@pytest.mark.parametrize("name", ["dense", "convolution", "transposed"])
def test_master_weights_keep_their_precision_under_float16(precision, name):
    precision("mixed_float16")
    layer, inputs = wrapped(name)
    before = layer.layer.kernel.numpy()
    output = layer(inputs, training=True)
    assert output.dtype == tf.float16
    assert layer.layer.kernel.dtype == layer.u.dtype == "float32"
    assert not survives_float16(before)
    np.testing.assert_array_equal(layer.layer.kernel.numpy(), before)
    assert not survives_float16(layer.u.numpy())
    assert layer.normalised_kernel().dtype == tf.float32


def test_the_estimate_is_the_same_under_every_policy(precision):
    """Called on its own, a layer with a mixed policy is handed its weights in half precision, unless it refuses."""

    def estimate(policy):
        precision(policy)
        layer, inputs = wrapped("convolution")
        for _ in range(3):
            layer(inputs, training=True)
        return layer.u.numpy()

    np.testing.assert_array_equal(estimate("mixed_float16"), estimate("float32"))
    np.testing.assert_array_equal(estimate("mixed_bfloat16"), estimate("float32"))


def test_a_float16_network_of_such_layers_is_seen_as_one(precision):
    precision("mixed_float16")
    layer, inputs = wrapped("dense")
    assert layer.layer.compute_dtype == "float16"
    assert layer.compute_dtype == "float32"
    assert layer(tf.cast(inputs, tf.float16)).dtype == tf.float16
    assert keras.Sequential([keras.Input((9,)), layer]).outputs[0].dtype == "float16"


def test_keras_own_layer_rounds_the_master_weights_under_float16(precision):
    precision("mixed_float16")
    layer, inputs = wrapped("dense", keras.layers.SpectralNormalization)
    assert not survives_float16(layer.layer.kernel.numpy())
    layer(inputs, training=True)
    # If this fails Keras has mended its layer, and ours may go.
    assert survives_float16(layer.layer.kernel.numpy())


@pytest.mark.parametrize("name", LAYERS)
def test_only_training_moves_the_estimate(name):
    layer, inputs = wrapped(name)
    start = layer.u.numpy()
    first = layer(inputs, training=False).numpy()
    np.testing.assert_array_equal(layer.u.numpy(), start)
    np.testing.assert_array_equal(layer(inputs, training=False).numpy(), first)
    layer(inputs, training=True)
    assert (layer.u.numpy() != start).any()


def test_more_iterations_settle_sooner():
    def error(iterations):
        layer, inputs = wrapped("convolution", power_iterations=iterations)
        layer(inputs, training=True)
        return abs(np.linalg.svd(as_matrix("convolution", layer.normalised_kernel()), compute_uv=False)[0] - 1)

    assert error(20) < 0.2 * error(1)


def network():
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            SpectralNormalization(layers.Conv2D(4, 3, strides=2), power_iterations=2),
            layers.Flatten(),
            SpectralNormalization(layers.Dense(1, dtype="float32")),
        ]
    )


def test_weights_and_estimate_are_saved(tmp_path):
    pictures = tf.random.stateless_normal([2, 8, 8, 1], seed=(0, 0))
    trained = network()
    for _ in range(3):
        trained(pictures, training=True)
    trained.layers[0].layer.kernel.assign_add(tf.ones_like(trained.layers[0].layer.kernel))
    trained.save_weights(tmp_path / "n.weights.h5")
    fresh = network()
    assert np.abs(fresh(pictures).numpy() - trained(pictures).numpy()).max() > 1e-4
    fresh.load_weights(tmp_path / "n.weights.h5")
    np.testing.assert_array_equal(fresh.layers[0].u.numpy(), trained.layers[0].u.numpy())
    np.testing.assert_allclose(fresh(pictures).numpy(), trained(pictures).numpy(), atol=1e-6)


def test_settings_survive_a_copy_and_a_whole_saved_model(tmp_path):
    original = network()
    copy = keras.models.clone_model(original)
    assert copy.layers[0].power_iterations == 2
    assert copy.layers[0].layer.strides == (2, 2)
    original.save(tmp_path / "n.keras")
    loaded = keras.models.load_model(tmp_path / "n.keras")
    pictures = tf.random.stateless_normal([2, 8, 8, 1], seed=(0, 0))
    np.testing.assert_allclose(loaded(pictures).numpy(), original(pictures).numpy(), atol=1e-6)


def test_xla_compiles_it_with_its_gradient():
    layer, inputs = wrapped("convolution")

    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(layer(inputs, training=True)))
        return tape.gradient(loss, layer.trainable_variables)

    start = layer.u.numpy()
    plain, after = [part.numpy() for part in step()], layer.u.numpy()
    layer.u.assign(start)
    compiled = [part.numpy() for part in tf.function(step, jit_compile=True)()]
    for one, other in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(layer.u.numpy(), after, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_a_kernel_of_zeros_stays_zeros_and_finds_its_direction_later(name):
    layer, inputs = wrapped(name)
    kernel = layer.layer.kernel
    kernel.assign(0.0 * kernel)
    for training in (True, False):
        assert (layer(inputs, training=training).numpy() == 0.0).all()
    kernel.assign(1e-9 * tf.random.stateless_normal(kernel.shape, seed=(0, 3)))  # as a first small step leaves it
    for _ in range(200):
        layer(inputs, training=True)
    singular = tf.linalg.svd(as_matrix(name, layer.normalised_kernel()), compute_uv=False)
    assert float(singular[0]) == pytest.approx(1.0, abs=1e-3)


def test_what_cannot_be_wrapped_is_named():
    with pytest.raises(ValueError, match="LeakyReLU has no kernel"):
        SpectralNormalization(layers.LeakyReLU())(tf.zeros([1, 2]))
    with pytest.raises(ValueError, match="power_iterations is 0"):
        SpectralNormalization(layers.Dense(1), power_iterations=0)


@pytest.mark.parametrize("factor", [2, 3])
def test_shuffling_is_the_inverse_of_unshuffling(factor):
    pictures = tf.random.stateless_uniform([2, 6, 12, 3], seed=(0, 1))
    small = PixelUnshuffle(factor)(pictures)
    assert small.shape == (2, 6 // factor, 12 // factor, 3 * factor**2)
    np.testing.assert_array_equal(PixelShuffle(factor)(small), pictures)
    np.testing.assert_array_equal(PixelUnshuffle(factor)(PixelShuffle(factor)(small)), small)


def test_a_block_becomes_channels_row_by_row():
    pictures = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    np.testing.assert_array_equal(PixelUnshuffle(2)(pictures)[0, 0], [[0, 1, 4, 5], [2, 3, 6, 7]])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_shuffling_in_float32_keeps_every_bit(policy, precision):
    precision(policy)
    pictures = tf.random.stateless_uniform([1, 4, 4, 4], seed=(0, 1))
    exact = PixelShuffle(2, dtype="float32")
    np.testing.assert_array_equal(PixelUnshuffle(2, dtype="float32")(exact(pictures)), pictures)
    assert PixelShuffle(2)(pictures).dtype == policy.removeprefix("mixed_")


@pytest.mark.parametrize("kind, channels", [(PixelShuffle, 18), (PixelUnshuffle, 2)])
def test_shuffling_there_and_back_through_a_configuration(kind, channels):
    layer = kind(3, name="blocks")
    copy = kind.from_config(layer.get_config())
    assert (copy.factor, copy.name) == (3, "blocks")
    inputs = keras.Input((None, None, channels))
    copied = keras.Model.from_config(keras.Model(inputs, layer(inputs)).get_config())
    pictures = tf.random.stateless_uniform([1, 6, 6, channels], seed=(0, 1))
    np.testing.assert_array_equal(copied(pictures), layer(pictures))
    assert copied.output.shape == layer(inputs).shape


def test_shuffling_of_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="The picture is 5 x 8; sides that are multiples of 2 were expected. Pad it"):
        PixelUnshuffle(2)(tf.zeros([1, 5, 8, 3]))
    with pytest.raises(ValueError, match="The picture is 8 x 5"):
        PixelUnshuffle(2)(keras.Input((8, 5, 3)))
    with pytest.raises(ValueError, match="The input has 6 channels; a multiple of 4 was expected"):
        PixelShuffle(2)(tf.zeros([1, 4, 4, 6]))
    for kind in (PixelShuffle, PixelUnshuffle):
        with pytest.raises(ValueError, match="factor is 1; a whole number of pixels, at least 2"):
            kind(1)


# --- channels fully connected to themselves


def randomised(layer, shape):
    if not layer.built:
        layer.build(shape)
    random = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    return random.normal(size=(2, *shape[1:])).astype("float32")


@pytest.mark.parametrize("use_bias", [True, False])
def test_each_channel_is_a_dense_layer_of_its_own(use_bias):
    layer = ChannelwiseDense(use_bias=use_bias)
    inputs = randomised(layer, (None, 3, 5, 4))
    kernel = layer.kernel.numpy()
    expected = np.einsum("bpc,cpq->bqc", inputs.reshape(2, 15, 4), kernel).reshape(2, 3, 5, 4)
    # One channel by hand, so that the einsum above is not compared with its own mistakes.
    np.testing.assert_allclose(expected[1, ..., 2].ravel(), inputs[1, ..., 2].ravel() @ kernel[2], rtol=1e-4)
    expected = expected + layer.bias.numpy() if use_bias else expected
    np.testing.assert_allclose(layer(inputs).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_channels_do_not_mix_and_places_do():
    layer = ChannelwiseDense()
    inputs = randomised(layer, (None, 4, 4, 3))
    changed = inputs.copy()
    changed[:, 0, 0, 1] += 1
    difference = np.abs(layer(changed).numpy() - layer(inputs).numpy())
    assert (difference[..., [0, 2]] == 0).all()
    assert (difference[..., 1] > 0).all()


def test_channelwise_weights_are_counted_as_in_the_paper():
    layer = ChannelwiseDense(use_bias=False)
    layer.build((None, 4, 6, 5))
    assert layer.count_params() == 24**2 * 5  # a dense layer would have 24^2 * 5^2
    with_bias = ChannelwiseDense()
    with_bias.build((None, 4, 6, 5))
    assert with_bias.count_params() == 24**2 * 5 + 24 * 5


def test_a_fresh_channelwise_layer_neither_enlarges_nor_shrinks():
    inputs = tf.random.stateless_normal([8, 8, 8, 32], seed=(0, 1))
    assert float(tf.math.reduce_std(ChannelwiseDense()(inputs))) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_channelwise_under_a_mixed_policy(policy, precision):
    precision(policy)
    layer = ChannelwiseDense()
    assert layer(tf.ones([1, 4, 4, 2])).dtype == policy.removeprefix("mixed_")
    assert layer.kernel.dtype == "float32"


@pytest.mark.parametrize("start", [None, "zeros", keras.initializers.RandomNormal(stddev=0.02)])
def test_channelwise_there_and_back(start, tmp_path):
    inputs = keras.Input((3, 2, 4))
    model = keras.Model(inputs, ChannelwiseDense(use_bias=False, kernel_initializer=start, name="mixing")(inputs))
    picture = randomised(model.layers[1], (None, 3, 2, 4))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(picture), model(picture))
    copied = loaded.get_layer("mixing")
    assert not copied.use_bias
    assert type(copied.kernel_initializer) is type(keras.initializers.get(start))


def test_channelwise_needs_a_map_of_a_known_size():
    for shape in ((None, None, 4, 3), (None, 4, 4, None), (None, 16)):
        with pytest.raises(ValueError, match="all known but the batch"):
            ChannelwiseDense().build(shape)


# --- a choice out of normal numbers


def test_the_largest_of_the_first_numbers_chooses():
    z = np.array([[0.1, -1.0, 0.3, 0.7, 9.0], [2.0, -1.0, 0.3, -0.7, 9.0]], np.float32)
    root = np.sqrt(3).astype(np.float32)
    expected = [[0, 0, root, 0.7, 9.0], [root, 0, 0, -0.7, 9.0]]
    np.testing.assert_allclose(CategoricalCode(3)(z), np.array(expected, np.float32))


def test_categories_are_equally_frequent_and_as_long_as_normal_numbers():
    z = draw_latent(20_000, 12, seed=0)
    code = CategoricalCode(8)(z).numpy()[:, :8]
    shares = (code > 0).mean(axis=0)
    assert np.abs(shares - 1 / 8).max() < 0.01
    np.testing.assert_allclose((code**2).sum(axis=1), 8, rtol=1e-5)
    assert np.mean(np.square(z[:, :8]).sum(axis=1)) == pytest.approx(8, rel=0.01)


def test_the_choice_of_a_generator_does_not_hang_on_the_precision(precision):
    precision("mixed_bfloat16")
    generator = dcgan_generator(6, widths=(8, 4), categories=3)
    assert generator.get_layer("choice").compute_dtype == "float32"
    close = tf.constant([[1.0, 1.001, 0.0, 0.0, 0.0, 0.0]])  # equal in bfloat16
    assert generator.get_layer("choice")(close).numpy()[0, 1] > 0


def test_another_category_is_another_picture_and_no_stage_lies_between():
    keras.utils.set_random_seed(0)
    generator = dcgan_generator(6, widths=(8, 4), categories=3)
    steps = np.linspace(0, 1, 9, dtype=np.float32)[:, None]
    ends = np.array([[1, 0, 0, 0.2, 0.2, 0.2], [0, 1, 0, 0.2, 0.2, 0.2]], np.float32)
    drawn = generator(ends[0] + steps * (ends[1] - ends[0])).numpy()
    assert (drawn[0] == drawn[3]).all() and (drawn[5] == drawn[8]).all()
    assert (drawn[0] != drawn[8]).any()


@pytest.mark.parametrize("categories", [1, -1])
def test_a_choice_needs_two(categories):
    with pytest.raises(ValueError, match=f"categories is {categories}; at least 2 were expected"):
        CategoricalCode(categories)


def test_a_choice_needs_as_many_numbers():
    with pytest.raises(ValueError, match="z has 4 numbers, too few for a choice of 5 categories"):
        dcgan_generator(4, categories=5)


def test_a_generator_with_a_choice_is_saved_and_loaded_whole(tmp_path):
    generator = dcgan_generator(6, widths=(8, 4), categories=3)
    generator.save(tmp_path / "whole.keras")
    z = draw_latent(5, 6, seed=1)
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "whole.keras")(z), generator(z))
