"""training: what the published pattern gets wrong. Each test shows the naive pattern failing, and ours not.

If a naive half fails one day Keras has mended that fault, and our counterpart may go. Traps of resuming are in
`test_training_resume`, those of several devices in `test_training_replicas`.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_gans import (
    LATENT,
    NAMES,
    adam,
    differ,
    discriminator,
    fit,
    gan,
    generator,
    naive,
    pictures,
    weights,
)

from gan_lib.training import discriminator_step, generator_step


def test_no_unused_optimizer():
    assert isinstance(naive().optimizer, keras.optimizers.RMSprop)  # nobody asked for it
    model = gan()
    assert model.optimizer is None
    assert isinstance(model.generator_optimizer, keras.optimizers.Adam)


def test_extra_optimizers_are_built_when_compiled():
    published, model = naive(), gan()
    assert not published.d_optimizer.built
    assert all(getattr(model, f"{name}_optimizer").built for name in NAMES)
    # Adam: two moments for each trained weight, the step number and the learning rate.
    assert len(model.generator_optimizer.variables) == 2 + 2 * len(model.generator.trainable_variables)


def test_an_unbuilt_optimizer_is_refused_in_a_step():
    first, second, optimizer = generator(), discriminator(), keras.optimizers.Adam(1e-3)
    latent = tf.zeros([8, LATENT])
    with pytest.raises(RuntimeError, match="not built.*optimizer.build"):
        discriminator_step(first, second, optimizer, pictures(8), latent)
    with pytest.raises(RuntimeError, match=f"The optimizer of {first.name} is not built"):
        generator_step(first, second, optimizer, latent)
    optimizer.apply_gradients([(tf.zeros_like(weight), weight) for weight in second.trainable_variables])
    assert optimizer.built  # Keras builds it without a word


def statistics(network):
    """Mean and variance that a batch normalisation uses in inference mode."""
    return [weight.numpy() for weight in network.non_trainable_weights]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_batch_normalisation_is_in_training_mode(name):
    published, model = naive(), gan()
    for network, moves in ((getattr(published, name), False), (getattr(model, name), True)):
        before = statistics(network)
        assert before
        fit(published if network is getattr(published, name) else model)
        assert differ(before, statistics(network)) == moves


def test_statistics_move_under_a_loop_of_steps_too():
    first, second = generator(), discriminator()
    optimizers = adam()
    optimizers["discriminator"].build(second.trainable_variables)
    before = statistics(first), statistics(second)
    discriminator_step(first, second, optimizers["discriminator"], pictures(8), tf.ones([8, LATENT]))
    assert differ(before[0], statistics(first))
    assert differ(before[1], statistics(second))


def test_real_and_generated_pictures_have_statistics_of_their_own():
    """In one mixed batch the statistics would give away which half is which, or hide it."""
    model = gan(optimizers=lambda: {name: keras.optimizers.SGD(0.0) for name in NAMES})
    logs = model.train_step(tf.constant(pictures(8)))
    real_logits = model.discriminator(pictures(8), training=True)
    assert float(logs["d_real"]) == pytest.approx(float(tf.reduce_mean(real_logits)), abs=1e-5)
    fake = model.generator(tf.random.stateless_normal([8, LATENT], seed=(0, 0)), training=True)
    mixed = model.discriminator(tf.concat([pictures(8), fake], 0), training=True)
    assert float(logs["d_real"]) != pytest.approx(float(tf.reduce_mean(mixed[:8])), abs=1e-3)


def test_freezing_the_discriminator_leaves_it_untrained():
    """The recipe of Keras 2: compile, freeze, build the combined model, train the first with train_on_batch."""
    network = discriminator(normalised=False)
    network.compile(keras.optimizers.Adam(1e-2), keras.losses.BinaryCrossentropy(from_logits=True))
    network.trainable = False
    latent = keras.Input((LATENT,))
    keras.Model(latent, network(generator()(latent))).compile("adam", "mse")
    before = weights(network)
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        network.train_on_batch(pictures(8), np.ones([8, 1]))
    assert not differ(before, weights(network))


def test_each_step_moves_its_own_network_only():
    model = gan()
    latent, real = tf.random.stateless_normal([8, LATENT], seed=(0, 0)), tf.constant(pictures(8))
    for step, moved, kept in (
        (lambda m: discriminator_step(m.generator, m.discriminator, m.discriminator_optimizer, real, latent), 1, 0),
        (lambda m: generator_step(m.generator, m.discriminator, m.generator_optimizer, latent), 0, 1),
    ):
        networks = model.generator, model.discriminator
        before = [[weight.numpy() for weight in network.trainable_weights] for network in networks]
        step(model)
        after = [[weight.numpy() for weight in network.trainable_weights] for network in networks]
        assert differ(before[moved], after[moved])
        assert not differ(before[kept], after[kept])
        assert all(network.trainable for network in networks)


def test_every_optimizer_is_wrapped_for_float16(precision):
    precision("mixed_float16")
    published, model = naive(), gan()
    wrapper = keras.optimizers.LossScaleOptimizer
    assert isinstance(published.optimizer, wrapper)  # the unused one is
    assert not isinstance(published.d_optimizer, wrapper)
    assert not isinstance(published.g_optimizer, wrapper)
    for name in NAMES:
        assert isinstance(getattr(model, f"{name}_optimizer"), wrapper)
    already = {name: wrapper(optimizer) for name, optimizer in adam().items()}
    assert gan(optimizers=lambda: already).generator_optimizer is already["generator"]  # not wrapped twice


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_no_loss_scaling_where_it_is_not_needed(policy, precision):
    precision(policy)
    assert isinstance(gan().generator_optimizer, keras.optimizers.Adam)


def of_real_logits(factor):
    return lambda real, fake: factor * tf.reduce_mean(real)


def test_small_gradients_survive_float16(precision):
    precision("mixed_float16")

    def moves(wrap):
        network, optimizer = discriminator(normalised=False), wrap(keras.optimizers.Adam(1e-2))
        optimizer.build(network.trainable_variables)
        kernel = network.layers[1].kernel
        before = kernel.numpy()
        # A slope of a hundred-millionth rounds to 0 in float16; Adam would make a full step of it.
        loss = of_real_logits(1e-8)
        discriminator_step(generator(), network, optimizer, pictures(8), tf.zeros([8, LATENT]), loss=loss)
        return bool((kernel.numpy() != before).any())

    assert not moves(lambda optimizer: optimizer)
    assert moves(keras.optimizers.LossScaleOptimizer)


def test_an_infinite_gradient_skips_the_step_of_its_network_only(precision):
    precision("mixed_float16")
    model = gan(discriminator_loss=of_real_logits(1e30))
    before = [weight.numpy() for weight in model.discriminator.trainable_weights], weights(model.generator)
    fit(model, steps=1)
    assert not differ(before[0], [weight.numpy() for weight in model.discriminator.trainable_weights])
    assert differ(before[1], weights(model.generator))
    assert float(model.discriminator_optimizer.dynamic_scale.numpy()) == 2.0**14  # halved
    assert float(model.generator_optimizer.dynamic_scale.numpy()) == 2.0**15
    assert all(np.isfinite(weight).all() for weight in weights(model))

    network, optimizer = discriminator(normalised=False), keras.optimizers.Adam(1e-2)
    optimizer.build(network.trainable_variables)
    loss = of_real_logits(1e30)
    discriminator_step(generator(), network, optimizer, pictures(8), tf.zeros([8, LATENT]), loss=loss)
    assert not all(np.isfinite(weight).all() for weight in weights(network))  # without the wrapper it is over


@pytest.mark.slow
def test_the_average_of_an_extra_optimizer_is_never_used_and_ours_is():
    def averaging():
        return keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=0.5)

    published = naive(make=averaging)
    fit(published, steps=3)
    averages = [average.numpy() for average in published.g_optimizer._model_variables_moving_average]
    trained = [weight.numpy() for weight in published.generator.trainable_variables]
    # fit() ends by putting the average into the weights, but only for `model.optimizer`.
    assert differ(averages, trained)

    model = gan(average_decay=0.5)
    fit(model, steps=3)
    sampler = model.sampling_generator()
    assert not differ(weights(sampler), [average.numpy() for average in model.averages])
    assert differ(weights(sampler), weights(model.generator))


def test_an_epoch_does_not_remember_the_one_before():
    """train_on_batch averages over all calls since the last reset on Keras 3.13; fit() must not."""
    level = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    level.compile(keras.optimizers.SGD(0.0), "mse")
    ones = np.ones([4, 1], np.float32)
    losses_of_calls = [float(level.train_on_batch(ones, target * ones)) for target in (0, 2)]
    assert losses_of_calls == [0.0, 2.0 if keras.__version__.startswith("3.13") else 4.0]

    model = gan(optimizers=lambda: {name: keras.optimizers.SGD(0.0) for name in NAMES})
    first = fit(model, epochs=2, steps=2).history["d_loss"]
    other = gan(optimizers=lambda: {name: keras.optimizers.SGD(0.0) for name in NAMES})
    other.iteration.assign(2)
    # The second epoch alone: the same latents, and weights that do not move.
    data = tf.data.Dataset.from_tensor_slices(pictures(32)).batch(8).skip(2).repeat()
    alone = fit(other, steps=2, data=data).history["d_loss"]
    assert first[1] == pytest.approx(alone[0], abs=1e-5)
    assert first[0] != pytest.approx(first[1], abs=1e-5)
