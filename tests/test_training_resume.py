"""training: what a saved run brings back. Each test shows the naive pattern failing, and ours not."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_gans import LATENT, NAMES, assert_same, batches, differ, fit, gan, moments, naive, weights

from gan_lib.training import draw_latent, stream_seed


def rest(steps_done, batch_size=8):
    """The batches that come after so many steps."""
    return batches(batch_size).skip(steps_done)


def marked_as_built(start):
    """The published model, helped over the first trap, so that it can be saved at all."""
    model = naive(start)
    model.built = True
    return model


@pytest.mark.slow
def test_moments_come_back_with_the_weights(tmp_path):
    path = tmp_path / "run.weights.h5"
    published = marked_as_built(7)
    fit(published, steps=3)
    published.save_weights(path)
    fresh = marked_as_built(8)
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer"):
        fresh.load_weights(path)
    fresh.d_optimizer.build(fresh.discriminator.trainable_variables)
    assert_same(weights(fresh.discriminator), weights(published.discriminator))  # so nothing seems amiss
    assert differ(moments(published.d_optimizer), moments(fresh.d_optimizer))
    assert int(fresh.d_optimizer.iterations.numpy()) == 0

    model = gan()
    fit(model, steps=3)
    model.save_weights(path)
    fresh = gan(start=8)
    assert differ(weights(fresh), weights(model))
    fresh.load_weights(path)
    assert_same(weights(fresh), weights(model))
    for name in NAMES:
        optimizer = getattr(fresh, f"{name}_optimizer")
        assert_same(moments(optimizer), moments(getattr(model, f"{name}_optimizer")))
        assert int(optimizer.iterations.numpy()) == 3
    assert int(fresh.iteration.numpy()) == 3


CALLBACKS = {
    "BackupAndRestore": lambda folder: keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False),
    "ModelCheckpoint": lambda folder: keras.callbacks.ModelCheckpoint(folder / "a.weights.h5", save_weights_only=True),
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_the_callbacks_of_keras_accept_it(name, tmp_path):
    with pytest.raises(ValueError, match="built"):
        fit(naive(), callbacks=[CALLBACKS[name](tmp_path)])
    assert not list(tmp_path.rglob("*.weights.h5"))
    fit(gan(), callbacks=[CALLBACKS[name](tmp_path)])
    assert list(tmp_path.rglob("*.weights.h5"))


@pytest.mark.long
@pytest.mark.slow
def test_random_latents_after_a_resume(tmp_path):
    path = tmp_path / "run.weights.h5"

    def built(start):
        model = marked_as_built(start)
        model.d_optimizer.build(model.discriminator.trainable_variables)
        model.g_optimizer.build(model.generator.trainable_variables)
        return model

    straight, resumed = built(7), built(8)
    fit(straight, steps=2)
    straight.save_weights(path)
    resumed.load_weights(path)
    assert_same(weights(resumed.discriminator), weights(straight.discriminator))
    assert_same(moments(resumed.d_optimizer), moments(straight.d_optimizer))
    fit(straight, steps=2, data=rest(2))
    fit(resumed, steps=2, data=rest(2))
    assert differ(weights(resumed.generator), weights(straight.generator))  # the generator of noise began anew

    straight, interrupted, resumed = gan(), gan(), gan(start=8)
    fit(straight, steps=4)
    fit(interrupted, steps=2)
    interrupted.save_weights(path)
    resumed.load_weights(path)
    fit(resumed, steps=2, data=rest(2))
    assert_same(weights(resumed), weights(straight))  # networks, averages, step counter: to the last bit
    for name in NAMES:
        assert_same(moments(getattr(resumed, f"{name}_optimizer")), moments(getattr(straight, f"{name}_optimizer")))


def test_latents_are_a_function_of_seed_stream_and_iteration():
    def drawn(seed=1, stream="generator", iteration=5):
        return draw_latent(64, LATENT, seed=seed, stream=stream, iteration=iteration).numpy()

    np.testing.assert_array_equal(drawn(), drawn())
    np.testing.assert_array_equal(drawn(), drawn(iteration=tf.constant(5, tf.int64)))
    for other in (drawn(seed=2), drawn(stream="discriminator"), drawn(iteration=6)):
        assert (drawn() != other).all()
    many = draw_latent(20_000, 2, seed=0).numpy()
    assert many.dtype == np.float32
    assert many.mean(axis=0) == pytest.approx(0, abs=0.03)
    assert np.cov(many.T) == pytest.approx(np.eye(2), abs=0.03)


def test_seeds_reach_as_far_as_those_of_a_run():
    drawn = [draw_latent(4, 2, seed=seed).numpy() for seed in (0, 2**31 - 1, 2**31, 2**32 - 1)]
    assert len({latents.tobytes() for latents in drawn}) == 4
    for seed in (-1, 2**32):
        with pytest.raises(ValueError, match=f"The seed is {seed}; a whole number from 0"):
            draw_latent(4, 2, seed=seed)


def test_an_unknown_stream_is_named():
    with pytest.raises(ValueError, match="'noise'; one of discriminator, generator"):
        stream_seed(0, "noise")


def test_latents_of_a_step_do_not_depend_on_the_global_seed():
    keras.utils.set_random_seed(1)
    first = draw_latent(4, LATENT, seed=0).numpy()
    keras.utils.set_random_seed(2)
    np.testing.assert_array_equal(first, draw_latent(4, LATENT, seed=0).numpy())
