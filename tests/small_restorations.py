"""What the tests of restoration train: networks that take a second, and pictures with a pattern to be found again."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from gan_lib.datasets import patches, restoration_pairs
from gan_lib.degradations import gaussian_noise, noise_map
from gan_lib.training import Restoration

SIDE, BATCH = 16, 4


def photographs():
    """Two pictures of 24 x 32 pixels, uint8: waves of two colours."""
    rows, columns = np.mgrid[:24, :32]
    waves = [np.sin(rows / 3 + shift) * np.cos(columns / 4) for shift in (0, 1, 2)]
    picture = np.uint8(np.stack(waves, axis=-1) * 100 + 127)
    return {"waves": picture, "mirrored": picture[::-1].copy()}


def degrade(clean, seed):
    return (gaussian_noise(clean, 50.0, seed=seed), noise_map(clean, 50.0)), clean


def with_hole(clean, seed):
    mask = tf.broadcast_to(tf.reshape(tf.range(SIDE) // 5 == 1, [1, SIDE, 1, 1]), [BATCH, SIDE, SIDE, 1])
    mask = tf.cast(mask, tf.float32)
    # Known pixels that no 8-bit picture holds: a blend would round some of them.
    known = clean + 1e-3 * tf.random.stateless_normal(tf.shape(clean), seed=seed)
    return known * (1 - mask), clean, mask


def pairs(what=degrade, first_epoch=0, steps=3, seed=5):
    """Endless batches; an epoch of `steps` of them is the whole set."""
    clean = patches(
        photographs(),
        size=SIDE,
        batch_size=BATCH,
        seed=seed,
        first_epoch=first_epoch,
        per_photograph=steps * BATCH // 2,
    )
    return restoration_pairs(clean, what, seed=seed, first_batch=first_epoch * steps)


def generator(level=True, dropout=0.0):
    noisy = keras.Input((None, None, 3))
    inputs, x = noisy, noisy
    if level:
        inputs = [noisy, keras.Input((None, None, 1))]
        x = layers.Concatenate()(inputs)
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(x)
    x = layers.Dropout(dropout, seed=3)(x) if dropout else x
    x = layers.Conv2D(3, 3, padding="same", dtype="float32")(x)
    return keras.Model(inputs, layers.Add(dtype="float32")([noisy, x]))


def discriminator(conditional=True, normalised=True):
    picture = keras.Input((None, None, 3))
    inputs, x = picture, picture
    if conditional:
        inputs = [keras.Input((None, None, 3)), picture]
        x = layers.Concatenate()(inputs)
    x = layers.Conv2D(6, 4, strides=2, padding="same")(x)
    x = layers.BatchNormalization()(x) if normalised else x
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    return keras.Model(inputs, layers.Conv2D(1, 4, dtype="float32")(x))


def perceptual(restored, clean):
    """A stand-in for a feature network: distances of differences between neighbours."""
    return tf.reduce_mean(tf.abs((restored[:, 1:] - restored[:, :-1]) - (clean[:, 1:] - clean[:, :-1])))


def optimizers(model, learning_rate=2e-3):
    return {name: keras.optimizers.Adam(learning_rate) for name in model.network_names}


def regression(*, start=7, level=True, dropout=0.0, average_decay=None, optimizer=None, **kwargs):
    """A compiled `Restoration` without a discriminator; the same arguments give the same starting weights."""
    keras.utils.set_random_seed(start)
    model = Restoration(generator(level, dropout), seed=3, average_decay=average_decay)
    model.compile({"generator": optimizer} if optimizer else optimizers(model), **kwargs)
    return model


def adversarial(*, start=7, level=True, conditional=True, average_decay=None, **kwargs):
    """The same with one."""
    keras.utils.set_random_seed(start)
    model = Restoration(generator(level), discriminator(conditional), seed=3, average_decay=average_decay)
    model.compile(optimizers(model), **kwargs)
    return model


def one_step(model, batch):
    """The logs of one training step as numbers, each for this step alone."""
    for metric in model.trackers.values():
        metric.reset_state()
    return {key: float(value) for key, value in model.train_step(batch).items()}
