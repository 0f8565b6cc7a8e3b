"""Time a training step of lesson 02's published DCGAN in four ways, side by side.

    python benchmarks/dcgan_step.py [--batch 128] [--steps 10] [--rounds 7]

The ways are what people write: a loop with two gradient tapes, as articles have it; the same inside of `tf.function`,
as TensorFlow's own DCGAN tutorial has it; and `training.GAN.fit` of this course, in float32 and in the precision that
suits the machine. All four train the same networks on the same pictures of noise. They take turns, round by round, so
that a machine that slows down slows all of them; the medians are printed, and their ratio to the tutorial's way.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from gan_lib import hardware, training
from gan_lib.networks.dcgan import dcgan_discriminator, dcgan_generator

LATENT_DIM = 100


def tutorial_step(batch: int) -> Callable[[tf.Tensor], None]:
    """Both updates as TensorFlow's tutorial writes them, on fresh networks."""
    generator, discriminator = dcgan_generator(LATENT_DIM), dcgan_discriminator()
    optimizers = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in range(2)]
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    def step(real: tf.Tensor) -> None:
        latents = tf.random.normal([batch, LATENT_DIM])
        with tf.GradientTape() as of_generator, tf.GradientTape() as of_discriminator:
            fake = generator(latents, training=True)
            real_logits, fake_logits = discriminator(real, training=True), discriminator(fake, training=True)
            g_loss = entropy(tf.ones_like(fake_logits), fake_logits)
            d_loss = entropy(tf.ones_like(real_logits), real_logits) + entropy(tf.zeros_like(fake_logits), fake_logits)
        players = [(of_generator, g_loss, generator), (of_discriminator, d_loss, discriminator)]
        for (tape, loss, network), optimizer in zip(players, optimizers, strict=True):
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))

    return step


def by_hand(compiled: bool, real: tf.Tensor, steps: int) -> Callable[[], None]:
    """A loop of so many steps."""
    step = tutorial_step(len(real))
    step = tf.function(step) if compiled else step

    def run() -> None:
        for _ in range(steps):
            step(real)

    return run


def by_fit(policy: str, real: tf.Tensor, steps: int) -> Callable[[], None]:
    """So many steps of `fit`, with the losses that it logs."""
    keras.config.set_dtype_policy(policy)
    gan = training.GAN(dcgan_generator(LATENT_DIM), dcgan_discriminator())
    gan.compile({name: keras.optimizers.Adam(2e-4, beta_1=0.5) for name in ("generator", "discriminator")})
    keras.config.set_dtype_policy("float32")
    pictures = tf.data.Dataset.from_tensors(real).repeat()
    return lambda: gan.fit(pictures, steps_per_epoch=steps, verbose=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=128, help="pictures in a step")
    parser.add_argument("--steps", type=int, default=10, help="steps in a round")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each way")
    options = parser.parse_args()
    print(hardware.setup(seed=0))
    policy = keras.config.dtype_policy().name
    keras.config.set_dtype_policy("float32")
    real = tf.random.uniform([options.batch, 28, 28, 1], -1, 1)
    ways = {
        "a loop in Python, float32": by_hand(False, real, options.steps),
        "the same in tf.function": by_hand(True, real, options.steps),
        "training.GAN.fit, float32": by_fit("float32", real, options.steps),
        f"training.GAN.fit, {policy}": by_fit(policy, real, options.steps),
    }
    for run in ways.values():
        run()  # compiles
    seconds = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    medians = {name: 1_000 * float(np.median(each)) / options.steps for name, each in seconds.items()}
    print(f"\n{'one step, batch of ' + str(options.batch):40}{'ms':>8}   times the tutorial's")
    for name, milliseconds in medians.items():
        print(f"{name:40}{milliseconds:8.1f}{milliseconds / medians['the same in tf.function']:12.2f}")


if __name__ == "__main__":
    main()
