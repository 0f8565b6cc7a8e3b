"""training: `GAN` under `fit`: settings, logs, validation, averages, labels."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_gans import (
    LATENT,
    NAMES,
    adam,
    assert_same,
    batches,
    differ,
    discriminator,
    fit,
    gan,
    generator,
    pictures,
    sgd,
    weights,
)

from gan_lib import losses
from gan_lib.training import GAN, draw_latent, update_discriminator, update_generator

LOGS = {"d_loss", "g_loss", "g_adv", "d_real", "d_fake"}


def conditional():
    return generator(labels=3), discriminator(labels=3)


def with_labels(classes=3):
    labels = np.arange(32) % classes
    return (
        tf.data.Dataset.from_tensor_slices((pictures(32), labels.astype("int32")))
        .batch(8, drop_remainder=True)
        .repeat()
    )


def test_optimizers_are_named_like_the_networks():
    model = GAN(generator(), discriminator())
    with pytest.raises(ValueError, match=r"came for \['critic', 'generator'\].*\['discriminator', 'generator'\]"):
        model.compile({"generator": keras.optimizers.Adam(1e-3), "critic": keras.optimizers.Adam(1e-3)})
    with pytest.raises(ValueError, match="Give one optimizer for each network"):
        model.compile({"generator": keras.optimizers.Adam(1e-3)})


@pytest.mark.parametrize(
    ("given", "came"),
    [
        ({"generator": "adam", "discriminator": "adam"}, "types came: str for 'generator', str for 'discriminator'"),
        ({"generator": keras.optimizers.SGD(), "discriminator": "sgd"}, "types came: str for 'discriminator'"),
        (dict.fromkeys(NAMES, keras.optimizers.Adam), "type for 'generator'"),
        (keras.optimizers.Adam(), "As optimizers an object of type Adam came"),
        ("adam", "an object of type str came"),
        (None, "an object of type NoneType came"),
    ],
)
def test_optimizers_come_as_a_dictionary_of_optimizers(given, came):
    with pytest.raises(TypeError, match=f'{came}.*such as {{"generator": keras.optimizers.Adam'):
        GAN(generator(), discriminator()).compile(given)


def test_an_optimizer_that_already_scales_its_loss_is_taken():
    wrap = keras.optimizers.LossScaleOptimizer
    model = gan(optimizers=lambda: {name: wrap(optimizer) for name, optimizer in sgd().items()})
    assert isinstance(model.generator_optimizer, keras.optimizers.LossScaleOptimizer)


def test_two_networks_do_not_share_an_optimizer():
    shared = keras.optimizers.Adam(1e-3)
    with pytest.raises(ValueError, match="same optimizer object"):
        GAN(generator(), discriminator()).compile(dict.fromkeys(NAMES, shared))


@pytest.mark.parametrize("decay", [-0.1, 1.0, 999])
def test_an_average_has_a_decay_below_one(decay):
    with pytest.raises(ValueError, match=f"average_decay is {decay}"):
        GAN(generator(), discriminator(), average_decay=decay)


def test_a_penalty_comes_at_whole_steps():
    with pytest.raises(ValueError, match="penalty_every is 0"):
        GAN(generator(), discriminator()).compile(adam(), penalty_every=0)


def test_labels_and_networks_must_agree():
    with pytest.raises(ValueError, match="this generator takes none"):
        fit(gan(run_eagerly=True), data=with_labels())
    with pytest.raises(ValueError, match="takes labels, but none came"):
        fit(gan(networks=conditional, run_eagerly=True))


def test_logs_and_history():
    history = fit(gan(), epochs=2).history
    assert set(history) == LOGS
    assert all(len(values) == 2 and np.isfinite(values).all() for values in history.values())
    assert history["g_adv"] == history["g_loss"]


def test_logs_are_the_losses_of_the_networks_before_the_step():
    model = gan(optimizers=lambda: {name: keras.optimizers.SGD(0.0) for name in NAMES}, average_decay=None)
    real, logs = tf.constant(pictures(8)), None
    latents = [draw_latent(8, LATENT, seed=3, stream=name, iteration=0) for name in ("discriminator", "generator")]
    logs = {key: float(value) for key, value in model.train_step(real).items()}
    real_logits = model.discriminator(real, training=True)
    fake_logits, fresh_logits = (
        model.discriminator(model.generator(latent, training=True), training=True) for latent in latents
    )
    assert logs["d_loss"] == pytest.approx(
        float(losses.non_saturating_discriminator_loss(real_logits, fake_logits)), abs=1e-5
    )
    assert logs["g_loss"] == pytest.approx(float(losses.non_saturating_generator_loss(fresh_logits)), abs=1e-5)
    assert logs["d_real"] == pytest.approx(float(tf.reduce_mean(real_logits)), abs=1e-5)
    assert logs["d_fake"] == pytest.approx(float(tf.reduce_mean(fake_logits)), abs=1e-5)


def test_it_learns():
    """The mean brightness of each row, which differs between rows of the real pictures, is met within seconds."""
    model = gan(
        average_decay=0.95,
        networks=lambda: (generator(), discriminator(normalised=False)),
        optimizers=lambda: {name: keras.optimizers.Adam(1e-2, beta_1=0.5) for name in NAMES},
    )

    def error():
        drawn = model.sampling_generator()(draw_latent(256, LATENT, seed=9), training=False).numpy()
        return np.abs((drawn.mean(axis=0) - pictures(32).mean(axis=0)).mean(axis=1)).mean()

    before = error()
    fit(model, epochs=1, steps=200)
    assert before > 0.25
    assert error() < 0.15


@pytest.mark.slow
def test_validation_changes_nothing_and_its_keys_can_be_watched(tmp_path):
    model = gan()
    checkpoint = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.weights.h5", monitor="val_d_loss", mode="max", save_best_only=True, save_weights_only=True
    )
    held_out = tf.data.Dataset.from_tensor_slices(pictures(16, seed=5)).batch(8)
    history = fit(model, epochs=2, validation_data=held_out, callbacks=[checkpoint]).history
    assert set(history) == LOGS | {f"val_{key}" for key in LOGS}
    assert checkpoint.best == pytest.approx(max(history["val_d_loss"]))
    assert (tmp_path / "best.weights.h5").exists()

    before = weights(model)
    first, second = (
        {key: float(value) for key, value in model.evaluate(held_out, verbose=0, return_dict=True).items()}
        for _ in range(2)
    )
    assert set(first) == LOGS
    assert_same(weights(model), before)
    assert first == pytest.approx(second)
    assert first["d_loss"] == pytest.approx(history["val_d_loss"][-1], abs=1e-5)


def test_each_batch_of_a_validation_has_latents_of_its_own():
    model, batch = gan(), pictures(8)
    twice = tf.data.Dataset.from_tensors(batch).repeat(2)
    once, both, again = (
        model.evaluate(data, verbose=0, return_dict=True)["d_fake"] for data in (twice.take(1), twice, twice.take(1))
    )
    assert abs(once - both) > 1e-6  # the mean of one number twice would be that number
    assert once == again


def test_arrays_can_be_trained_on():
    model = gan(run_eagerly=True)
    history = model.fit(pictures(16), batch_size=8, verbose=0, validation_data=(pictures(8), None)).history
    assert np.isfinite(history["val_d_loss"]).all()


def test_a_dataset_is_taken_in_its_own_order_without_a_warning(recwarn):
    model = gan(run_eagerly=True)
    model.fit(batches(), epochs=1, steps_per_epoch=1, verbose=0)
    assert not [warning for warning in recwarn if "shuffle" in str(warning.message)]


def test_no_dataset_is_tuned_while_it_is_trained_on():
    # The end of an iteration may wait for the thread that tunes it, which sleeps up to a minute (see `fetched_ahead`).
    own = tf.data.Dataset.from_tensor_slices(pictures(16)).batch(8)
    taken = []
    model = gan(run_eagerly=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "fit", lambda self, x, y, **told: taken.extend([x, told["validation_data"]]))
        model.fit(own, validation_data=own)
        model.fit(pictures(16))
    assert [data.options().autotune.enabled for data in taken[:2]] == [False, False]
    assert own.options().autotune.enabled is None  # the caller's own is left as it was
    assert isinstance(taken[2], np.ndarray) and taken[3] is None


def test_call_is_the_generator():
    model = gan()
    latent = draw_latent(3, LATENT, seed=0)
    np.testing.assert_array_equal(model(latent).numpy(), model.generator(latent, training=False).numpy())
    parts = [*model.generator.weights, *model.discriminator.weights, *model.averages, model.iteration]
    assert model.count_params() == sum(int(np.prod(part.shape)) for part in parts)


def test_labels_reach_both_networks():
    model = gan(networks=conditional)
    before = [network.layers for network in (model.generator, model.discriminator)]
    tables = [
        next(layer for layer in layers if isinstance(layer, keras.layers.Embedding)).embeddings for layers in before
    ]
    start = [table.numpy() for table in tables]
    fit(model, data=with_labels(classes=2))
    for table, old in zip(tables, start, strict=True):
        assert (table.numpy()[:2] != old[:2]).any()
        np.testing.assert_array_equal(table.numpy()[2], old[2])  # no picture had label 2
    with_label = model([draw_latent(2, LATENT, seed=0), tf.constant([0, 1])])
    assert with_label.shape == (2, 4, 4, 1)


def test_averages_follow_the_formula():
    model = gan(average_decay=0.3, run_eagerly=True)
    expected = [weight.numpy() for weight in model.generator.weights]
    assert_same([average.numpy() for average in model.averages], expected)
    for step in range(4):
        keep = min(0.3, (1 + step) / (10 + step))
        model.train_step(tf.constant(pictures(8)))
        now = weights(model.generator)
        expected = [keep * old + (1 - keep) * new for old, new in zip(expected, now, strict=True)]
    assert keep == 0.3  # both branches have been met
    assert_same([average.numpy() for average in model.averages], expected, atol=1e-6)
    assert not any(average.trainable for average in model.averages)


def test_a_sampling_generator_is_a_copy():
    model = gan(average_decay=0.5, run_eagerly=True)
    sampler = model.sampling_generator()
    before = weights(sampler)
    fit(model)
    assert_same(weights(sampler), before)
    assert differ(weights(model.sampling_generator()), before)
    plain = gan(average_decay=None)
    assert plain.sampling_generator() is plain.generator
    assert plain.averages == []


def test_every_third_step_has_a_penalty_of_three_times_the_weight():
    model = gan(
        penalty=lambda judge, real, fake, seed: tf.constant(1.0),
        penalty_weight=2.0,
        penalty_every=3,
        discriminator_loss=lambda real, fake: 0.0 * tf.reduce_mean(real),
        average_decay=None,
    )
    seen = [fit(model, steps=1).history["d_loss"][0] for _ in range(4)]
    assert seen == pytest.approx([6.0, 0.0, 0.0, 6.0])


def test_a_penalty_moves_the_discriminator():
    model = gan(
        networks=lambda: (generator(normalised=False), discriminator(normalised=False)),
        optimizers=sgd,
        average_decay=None,
        run_eagerly=True,
        penalty=lambda judge, real, fake, seed: tf.reduce_mean(judge(real)),
        penalty_weight=2.0,
        discriminator_loss=lambda real, fake: 0.0 * tf.reduce_mean(real),
    )
    bias = model.discriminator.layers[-1].bias
    before = bias.numpy()
    model.train_step(tf.constant(pictures(8)))
    np.testing.assert_allclose(bias.numpy() - before, -0.05 * 2.0, rtol=1e-5)  # the rate times the weight


@pytest.mark.slow
def test_the_loop_of_lesson_one_ends_where_fit_ends():
    def made():
        return gan(seed=3, average_decay=None, jit_compile=False)

    fitted, looped = made(), made()
    fit(fitted, steps=3)
    for step, real in enumerate(batches().take(3)):
        latents = {name: draw_latent(len(real), LATENT, seed=3, stream=name, iteration=step) for name in NAMES}
        arguments = looped.generator, looped.discriminator
        d_logs = update_discriminator(*arguments, looped.discriminator_optimizer, real, latents["discriminator"])
        g_logs = update_generator(*arguments, looped.generator_optimizer, latents["generator"])
    for name in NAMES:
        assert_same(weights(getattr(looped, name)), weights(getattr(fitted, name)), rtol=1e-5, atol=1e-6)
    assert set(d_logs) | set(g_logs) == LOGS


@pytest.mark.slow
def test_steps_that_are_fused_end_at_the_same_weights():
    one, two = gan(optimizers=sgd), gan(optimizers=sgd, steps_per_execution=2)
    fit(one, steps=4)
    fit(two, steps=4)
    assert (one.steps_per_execution, two.steps_per_execution) == (1, 2)
    assert int(two.iteration.numpy()) == 4
    assert_same(weights(two), weights(one), rtol=1e-5, atol=1e-6)


def test_compiling_again_starts_with_the_new_optimizers():
    model = gan(run_eagerly=True)
    fit(model)
    model.compile(sgd(), generator_loss=losses.hinge_generator_loss, discriminator_loss=losses.hinge_discriminator_loss)
    assert isinstance(model.generator_optimizer, keras.optimizers.SGD)
    assert np.isfinite(fit(model).history["d_loss"]).all()
