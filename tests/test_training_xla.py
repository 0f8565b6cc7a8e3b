"""training: every kind of step also runs under XLA, which `jit_compile="auto"` turns on where there is a GPU.

Nothing here needs a GPU: XLA compiles for the CPU as well, and refuses the same operations.
"""

import pytest
import tensorflow as tf
from small_gans import assert_same, discriminator, fit, gan, generator, pictures, sgd, weights
from test_training_gan import with_labels

from gan_lib import losses
from gan_lib.networks.layers import SpectralNormalization
from gan_lib.training import generation


def critic():
    return generator(), discriminator(normalised=False)


def labelled():
    return generator(labels=3), discriminator(normalised=False, labels=3)


def spectral():
    return generator(), discriminator(normalised=False, wrapper=SpectralNormalization)


# Compiling takes seconds, so each step shows several things at once.
STEPS = {
    "published": {},
    "least squares, labels, lazy R1": {
        "discriminator_loss": losses.least_squares_discriminator_loss,
        "generator_loss": losses.least_squares_generator_loss,
        "penalty": losses.r1_penalty,
        "penalty_weight": 1.0,
        "penalty_every": 2,
        "networks": labelled,
    },
    "Wasserstein, gradient penalty": {
        "discriminator_loss": losses.wasserstein_discriminator_loss,
        "generator_loss": losses.wasserstein_generator_loss,
        "penalty": losses.gradient_penalty,
        "networks": critic,
    },
    "hinge, spectral normalisation": {
        "discriminator_loss": losses.hinge_discriminator_loss,
        "generator_loss": losses.hinge_generator_loss,
        "networks": spectral,
    },
}


@pytest.fixture
def same_numbers(monkeypatch):
    """Latents and mixtures that are no random numbers: from the same seed XLA draws others than TensorFlow does."""

    def latents(batch_size, latent_dim, *, seed, stream, iteration):
        phase = tf.cast(iteration, tf.float32) + len(stream)
        numbers = tf.cast(tf.range(batch_size * latent_dim), tf.float32)
        return tf.reshape(tf.sin(3.7 * numbers + phase) * 1.4, [batch_size, latent_dim])

    uniform = tf.random.stateless_uniform

    def mixtures(shape, seed, alg="philox", **others):
        if others:  # an initializer of Keras
            return uniform(shape, seed, alg=alg, **others)
        return tf.reshape(tf.linspace(0.0, 1.0, shape[0]), shape)

    monkeypatch.setattr(generation, "draw_latent", latents)
    monkeypatch.setattr(tf.random, "stateless_uniform", mixtures)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
@pytest.mark.usefixtures("same_numbers")
def test_xla_ends_at_the_same_weights(name):
    settings = STEPS[name]
    data = with_labels() if settings.get("networks") is labelled else None
    plain, compiled = (gan(optimizers=sgd, jit_compile=jit, **settings) for jit in (False, True))
    assert (plain.jit_compile, compiled.jit_compile) == (False, True)
    start = weights(plain)
    for model in (plain, compiled):
        fit(model, steps=3, data=data)
    assert int(compiled.iteration.numpy()) == 3
    assert_same(weights(compiled), weights(plain), rtol=1e-3, atol=1e-4)
    moved = max(abs(new - old).max() for new, old in zip(weights(plain), start, strict=True) if new.shape)
    assert moved > 1e-3


@pytest.mark.long
@pytest.mark.slow
def test_xla_compiles_half_precision_with_loss_scaling(precision):
    precision("mixed_float16")
    model = gan(jit_compile=True)
    assert model.jit_compile
    before = weights(model.discriminator)
    history = fit(model, steps=2).history
    assert all(tf.math.is_finite(values[0]) for values in history.values())
    assert any((new != old).any() for new, old in zip(weights(model.discriminator), before, strict=True))


def resized(method, **kwargs):
    return lambda batch: tf.image.resize(batch, (2, 2), method=method, **kwargs)


def slope_of_nearest(batch):
    return tf.gradients(tf.square(tf.image.resize(batch, (8, 8), method="nearest")), batch)[0]


def through_jpeg(batch):
    return tf.image.adjust_jpeg_quality(batch[0], 50)[None]


REFUSED = {
    "bicubic": resized("bicubic"),
    "area": resized("area"),
    "antialiased": resized("bilinear", antialias=True),
    "slope of nearest": slope_of_nearest,
    "JPEG": through_jpeg,
    "py_function": lambda batch: tf.py_function(lambda x: x + 1, [batch], tf.float32),
    "numpy_function": lambda batch: tf.numpy_function(lambda x: x + 1, [batch], tf.float32),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_must_stay_in_the_data_pipeline_is_refused_by_xla(name):
    """Why degradations never belong in a step: on a GPU, where Keras turns XLA on, it would end here."""
    batch = tf.constant(pictures(2))
    assert tf.reduce_all(tf.math.is_finite(tf.function(REFUSED[name])(batch)))
    with pytest.raises((tf.errors.InvalidArgumentError, tf.errors.UnimplementedError)):
        tf.function(REFUSED[name], jit_compile=True)(batch)
