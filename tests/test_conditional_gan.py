"""The conditional GAN: its networks, its training, and labels that cannot be."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_lib import datasets, losses
from gan_lib.callbacks import SampleGrid, ScoreEachEpoch, TrainingMonitor, draw_pictures
from gan_lib.networks.conditional_gan import conditional_generator, projection_discriminator
from gan_lib.networks.dcgan import dcgan_generator
from gan_lib.training import GAN, draw_latent

LATENT = 8


def networks():
    keras.utils.set_random_seed(3)
    return conditional_generator(LATENT, label_dim=6, widths=(8, 6, 4)), projection_discriminator(widths=(4, 6))


def gan(**kwargs):
    model = GAN(*networks(), average_decay=0.9)
    optimizers = {name: keras.optimizers.Adam(1e-3, beta_1=0.0) for name in ("generator", "discriminator")}
    model.compile(optimizers, penalty=losses.r1_penalty, penalty_weight=0.1, penalty_every=2, **kwargs)
    return model


def pictures(count=16):
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)


def batches(labels=None, **kwargs):
    return datasets.batches(pictures(), np.arange(16) % 10 if labels is None else labels, batch_size=8, **kwargs)


def test_pictures_of_asked_labels():
    generator = networks()[0]
    latent = draw_latent(10, LATENT, seed=0)
    drawn = generator([latent, tf.range(10)], training=False)
    assert drawn.shape == (10, 28, 28, 1)
    assert drawn.dtype == tf.float32
    assert np.abs(drawn).max() <= 1.0
    # One z, ten labels: ten different pictures, and the same label gives the same one.
    same = tf.repeat(latent[:1], 10, axis=0)
    by_label = generator([same, tf.range(10)], training=False).numpy()
    differences = np.abs(by_label[:, np.newaxis] - by_label[np.newaxis]).max(axis=(2, 3, 4))
    assert (differences[~np.eye(10, dtype=bool)] > 1e-5).all()
    once_more = generator([same, tf.fill([10], 4)], training=False).numpy()
    np.testing.assert_allclose(once_more, np.repeat(by_label[4:5], 10, axis=0), atol=1e-7)


def test_the_paper_of_the_generator_has_its_widths():
    shapes = [layer.output.shape[1:] for layer in conditional_generator().layers if layer.__class__.__name__ == "ReLU"]
    assert shapes == [(7, 7, 64), (14, 14, 32), (28, 28, 16)]


@pytest.mark.parametrize("hidden_units", [0, 12])
def test_the_projection_is_an_inner_product_with_the_labels_vector(hidden_units):
    discriminator = projection_discriminator(widths=(4, 6), hidden_units=hidden_units)
    assert discriminator.get_layer("features").output.shape[-1] == (hidden_units or 7 * 7 * 6)
    inputs = [
        tf.constant(np.random.default_rng(1).normal(size=(5, 28, 28, 1)), tf.float32),
        tf.constant([0, 9, 3, 3, 7]),
    ]
    logits = discriminator(inputs)
    assert (logits.shape, logits.dtype) == ((5, 1), tf.float32)
    features = keras.Model(discriminator.inputs, discriminator.get_layer("features").output)(inputs).numpy()
    table = discriminator.get_layer("label_embedding").embeddings.numpy()
    dense = discriminator.get_layer("unconditional")
    unconditional = features @ dense.kernel.numpy() + dense.bias.numpy()
    expected = unconditional[:, 0] + (features * table[inputs[1].numpy()]).sum(axis=1)
    np.testing.assert_allclose(logits.numpy()[:, 0], expected, atol=1e-5)
    assert np.abs(expected - unconditional[:, 0]).min() > 1e-4


def test_each_picture_is_judged_alone():
    discriminator = networks()[1]
    some = tf.constant(np.random.default_rng(1).normal(size=(4, 28, 28, 1)), tf.float32)
    together = discriminator([some, tf.range(4)], training=True)
    alone = discriminator([some[:1], tf.range(1)], training=True)
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("how", [{"run_eagerly": True}, {"jit_compile": True}])
def test_a_step_of_training(how):
    model = gan(**how)
    assert model.jit_compile == how.get("jit_compile", False)
    before = [weight.numpy() for weight in model.trainable_weights]
    tables = [network.get_layer("label_embedding").embeddings for network in (model.generator, model.discriminator)]
    start = [table.numpy() for table in tables]
    logs = model.fit(batches(labels=np.arange(16) % 3), epochs=1, steps_per_epoch=1, verbose=0).history
    assert all(np.isfinite(value) for values in logs.values() for value in values)
    assert all((new.numpy() != old).any() for new, old in zip(model.trainable_weights, before, strict=True))
    for table, old in zip(tables, start, strict=True):
        assert (table.numpy()[:3] != old[:3]).any(axis=1).all()
        np.testing.assert_array_equal(table.numpy()[3:], old[3:])  # no picture had these labels


def test_under_16_bits_the_last_layers_stay_float32():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        generator, discriminator = networks()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    drawn = generator([draw_latent(2, LATENT, seed=0), tf.range(2)])
    logits = discriminator([drawn, tf.range(2)])
    assert (drawn.dtype, logits.dtype) == (tf.float32, tf.float32)
    assert discriminator.get_layer("features").compute_dtype == "bfloat16"
    assert discriminator.get_layer("projection").compute_dtype == "float32"


@pytest.mark.parametrize("build", [conditional_generator, projection_discriminator])
def test_one_class_is_none(build):
    with pytest.raises(ValueError, match="classes is 1; at least 2 were expected"):
        build(classes=1)


WRONG_LABELS = [
    (np.array([0, 3, 10, 1]), "Label 10 at position 2 of .* out of range: expected 0 to 9"),
    (np.array([0, 3, -1, 1]), "Label -1 at position 2"),
    (np.array([0.0, 1.0, 2.0, 3.0]), "whole numbers, got float64; convert them"),
    (np.eye(10)[:4], r"one whole number per picture, shape \(n,\), got shape \(4, 10\)"),
]


@pytest.mark.parametrize(("labels", "says"), WRONG_LABELS)
def test_labels_that_cannot_be(labels, says):
    with pytest.raises(ValueError, match=says):
        datasets.batches(pictures(4), labels, batch_size=2)
    with pytest.raises(ValueError, match=says):
        draw_pictures(networks()[0], 4, labels=labels)
    for callback in (SampleGrid(4, labels=labels), ScoreEachEpoch(lambda drawn: {}, 4, labels=labels)):
        with pytest.raises(ValueError, match=says):  # before the first step
            gan(run_eagerly=True).fit(batches(), epochs=1, steps_per_epoch=1, callbacks=[callback], verbose=0)


def test_labels_and_generator_must_agree():
    generator = networks()[0]
    with pytest.raises(ValueError, match="conditional_generator takes labels, but none came. Give one for each"):
        draw_pictures(generator, 4)
    with pytest.raises(ValueError, match="3 labels came for 4 pictures"):
        draw_pictures(generator, 4, labels=np.arange(3))
    with pytest.raises(ValueError, match="takes no labels, but some came. Leave them out"):
        draw_pictures(dcgan_generator(LATENT, widths=(4, 4)), 2, labels=np.arange(2))


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.zeros(16, "float32"), r"shape \(8,\) and dtype float32"),
        (np.eye(10, dtype="int32")[:8].repeat(2, 0), r"\(8, 10\)"),
    ],
)
def test_batches_that_were_made_by_hand_are_looked_at(labels, says):
    prepared = tf.data.Dataset.from_tensor_slices((pictures().astype("float32") / 127.5 - 1, labels)).batch(8)
    with pytest.raises(ValueError, match=says):
        gan(run_eagerly=True).fit(prepared, epochs=1, steps_per_epoch=1, verbose=0)


def test_a_grid_has_a_column_for_each_digit():
    grid = SampleGrid(20, labels=np.arange(20) % 10, columns=10)
    gan(run_eagerly=True).fit(batches(), epochs=1, steps_per_epoch=1, callbacks=[grid], verbose=0)
    assert [frame.shape for frame in grid.frames] == [(2 * 28, 10 * 28, 1)] * 2


def test_the_monitor_looks_at_its_labels_before_the_training():
    monitor = TrainingMonitor(labels=np.arange(11), count=32)
    with pytest.raises(ValueError, match="Label 10 at position 10 of the labels to draw"):
        gan(run_eagerly=True).fit(batches(), epochs=1, steps_per_epoch=1, callbacks=[monitor], verbose=0)
