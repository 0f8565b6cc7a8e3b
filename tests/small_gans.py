"""What the tests of training and of callbacks train: networks that take a second, and the pattern that circulates."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from gan_lib.training import GAN

LATENT = 4
NAMES = ("generator", "discriminator")


def pictures(count=16, seed=0):
    """float32 (count, 4, 4, 1) in [-1, 1]; brighter above than below, so that there is something to learn."""
    random = np.random.default_rng(seed)
    rows = np.reshape([0.5, 0.2, -0.2, -0.5], (4, 1, 1))
    return np.clip(random.normal(rows, 0.3, (count, 4, 4, 1)), -1, 1).astype("float32")


def batches(batch_size=8, steps=4):
    """The same batches again and again."""
    whole = tf.data.Dataset.from_tensor_slices(pictures(batch_size * steps))
    return whole.batch(batch_size, drop_remainder=True).repeat()


def generator(normalised=True, labels=None):
    latent = keras.Input((LATENT,))
    inputs, x = latent, latent
    if labels is not None:
        label = keras.Input((), dtype="int32")
        x = layers.Concatenate()([latent, layers.Embedding(labels, 3)(label)])
        inputs = [latent, label]
    x = layers.Dense(8)(x)
    if normalised:
        x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Dense(16, activation="tanh", dtype="float32")(layers.ReLU()(x))
    return keras.Model(inputs, layers.Reshape((4, 4, 1), dtype="float32")(x))


def discriminator(normalised=True, labels=None, wrapper=lambda layer: layer):
    picture = keras.Input((4, 4, 1))
    inputs = picture
    x = layers.Flatten()(wrapper(layers.Conv2D(6, 3, strides=2, padding="same"))(picture))
    x = wrapper(layers.Dense(8))(x)
    if normalised:
        x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.LeakyReLU(negative_slope=0.2)(x)
    if labels is not None:
        label = keras.Input((), dtype="int32")
        x = layers.Concatenate()([x, layers.Embedding(labels, 3)(label)])
        inputs = [picture, label]
    return keras.Model(inputs, wrapper(layers.Dense(1, dtype="float32"))(x))


def adam():
    return {name: keras.optimizers.Adam(2e-3, beta_1=0.5) for name in NAMES}


def sgd():
    return {name: keras.optimizers.SGD(0.05) for name in NAMES}


def gan(*, seed=3, start=7, average_decay=0.9, networks=None, optimizers=adam, **kwargs):
    """A compiled `GAN`; the same arguments give the same starting weights."""
    keras.utils.set_random_seed(start)
    first, second = networks() if networks else (generator(), discriminator())
    made = GAN(first, second, seed=seed, average_decay=average_decay)
    made.compile(optimizers(), **kwargs)
    return made


def fit(model, epochs=1, steps=2, data=None, **kwargs):
    data = batches() if data is None else data
    # shuffle=False, since Keras 3.15 warns that it does not shuffle a dataset (ours does not need it).
    return model.fit(data, epochs=epochs, steps_per_epoch=steps, verbose=0, shuffle=False, **kwargs)


def weights(model):
    return [weight.numpy() for weight in model.weights]


def moments(optimizer):
    return [variable.numpy() for variable in optimizer.variables]


def assert_same(first, second, **tolerance):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, **({"rtol": 0, "atol": 0} | tolerance))


def differ(first, second):
    return any((one != other).any() for one, other in zip(first, second, strict=True))


class NaiveGAN(keras.Model):
    """The published pattern, as it stands in Keras' own guide to a GAN's `train_step`."""

    def __init__(self, generator, discriminator):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.seed_generator = keras.random.SeedGenerator(1337)

    def compile(self, d_optimizer, g_optimizer):
        super().compile()
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer
        self.loss = keras.losses.BinaryCrossentropy(from_logits=True)

    def train_step(self, real):
        count = tf.shape(real)[0]
        fake = self.generator(keras.random.normal((count, LATENT), seed=self.seed_generator))
        both, labels = tf.concat([fake, real], 0), tf.concat([tf.ones([count, 1]), tf.zeros([count, 1])], 0)
        with tf.GradientTape() as tape:
            d_loss = self.loss(labels, self.discriminator(both))
        variables = self.discriminator.trainable_weights
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, variables), variables, strict=True))
        latent = keras.random.normal((count, LATENT), seed=self.seed_generator)
        with tf.GradientTape() as tape:
            g_loss = self.loss(tf.zeros([count, 1]), self.discriminator(self.generator(latent)))
        variables = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, variables), variables, strict=True))
        return {"d_loss": d_loss, "g_loss": g_loss}


def naive(start=7, make=lambda: keras.optimizers.Adam(2e-3, beta_1=0.5), **networks):
    keras.utils.set_random_seed(start)
    model = NaiveGAN(generator(**networks), discriminator(**networks))
    model.compile(make(), make())
    model.run_eagerly = True  # quicker than tracing for a few steps, with the same faults
    return model
