"""training: two replicas under `tf.distribute.MirroredStrategy`, here two logical CPUs.

Devices can only be split before TensorFlow starts, so all of it runs once in a process of its own, which prints
what it found; each test then looks at one thing.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.long]
TESTS = Path(__file__).resolve().parent

FOUND = """
import json, os, sys, tempfile
import tensorflow as tf

parts = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)

import keras
import numpy as np
from small_gans import LATENT, NAMES, differ, discriminator, fit, gan, generator, pictures, sgd, weights
from gan_lib import losses
from gan_lib.callbacks import SampleGrid, TrainingBackup
from gan_lib.networks.layers import SpectralNormalization
from gan_lib.training import discriminator_step, draw_latent, generator_step

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
found = {"replicas": strategy.num_replicas_in_sync}


def plain():
    return generator(normalised=False), discriminator(normalised=False)


def largest(first, second):
    return max(float(np.abs(one - other).max()) for one, other in zip(first, second))


def halves(array):
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(np.split(array, 2)[context.replica_id_in_sync_group])
    )


# One step with the whole batch on one device, against half of it on each of two.
real = pictures(16)
latent = np.random.default_rng(0).normal(size=(16, LATENT)).astype("float32")
single = gan(networks=plain, optimizers=sgd, average_decay=None)
start = weights(single)
discriminator_step(single.generator, single.discriminator, single.discriminator_optimizer, real, latent)
generator_step(single.generator, single.discriminator, single.generator_optimizer, latent)
with strategy.scope():
    double = gan(networks=plain, optimizers=sgd, average_decay=None)
found["start"] = largest(weights(double), start)


@tf.function
def both(real, latent):
    def steps(real, latent):
        discriminator_step(double.generator, double.discriminator, double.discriminator_optimizer, real, latent)
        generator_step(double.generator, double.discriminator, double.generator_optimizer, latent)

    strategy.run(steps, args=(real, latent))


both(halves(real), halves(latent))
found["step"] = largest(weights(double), weights(single))
found["moved"] = largest(weights(single), start)

# The published step does not divide by the number of replicas, whose gradients are added.
with strategy.scope():
    published = gan(networks=plain, optimizers=sgd, average_decay=None)


@tf.function
def undivided(real, latent):
    def step(real, latent):
        with tf.GradientTape() as tape:
            fake = published.generator(latent, training=True)
            logits = [published.discriminator(part, training=True) for part in (real, fake)]
            loss = losses.non_saturating_discriminator_loss(*logits)
        variables = published.discriminator.trainable_variables
        published.discriminator_optimizer.apply(tape.gradient(loss, variables), variables)

    strategy.run(step, args=(real, latent))


undivided(halves(real), halves(latent))
kernels = [model.discriminator.layers[-1].kernel.numpy() for model in (published, single)]
begin = start[[weight.path for weight in single.weights].index(single.discriminator.layers[-1].kernel.path)]
found["published_ratio"] = float(np.linalg.norm(kernels[0] - begin) / np.linalg.norm(kernels[1] - begin))


# Random numbers of the two replicas.
def drawn(draw):
    parts = strategy.experimental_local_results(strategy.run(draw))
    return [part.numpy().tolist() for part in parts]


found["ours"] = drawn(lambda: draw_latent(2, 2, seed=0, stream="generator", iteration=3))
with strategy.scope():
    seeds = keras.random.SeedGenerator(0)
found["keras"] = drawn(lambda: keras.random.normal((2, 2), seed=seeds))

# A whole fit, with everything that happens between the steps.
folder = tempfile.mkdtemp()
backup, samples = TrainingBackup(os.path.join(folder, "b.weights.h5")), SampleGrid(4)
with strategy.scope():
    model = gan(average_decay=0.5)
history = fit(model, epochs=2, callbacks=[samples, backup]).history
found["history"] = history
found["iteration"] = int(model.iteration.numpy())
found["frames"] = len(samples.frames)
found["averages_moved"] = differ([a.numpy() for a in model.averages], weights(model.generator))
found["averages_agree"] = all(
    np.array_equal(part.numpy(), average._value.values[0].numpy())
    for average in model.averages
    for part in average._value.values
)
with strategy.scope():
    fresh = gan(start=99, average_decay=0.5)
    found["restored"] = backup.restore(fresh)
found["restored_difference"] = largest(weights(fresh), weights(model))

# A condition may not hold a synchronisation between replicas: the lazy penalty is one, normalised layers are in it.
with strategy.scope():
    spectral = gan(
        networks=lambda: (generator(), discriminator(wrapper=SpectralNormalization)),
        penalty=losses.r1_penalty,
        penalty_every=2,
    )
found["lazy"] = fit(spectral, steps=4).history["d_loss"]

with strategy.scope():
    fused = gan(steps_per_execution=2)
try:
    fit(fused, steps=4)
    found["fused"] = "ran"
except Exception as error:
    found["fused"] = type(error).__name__

keras.config.set_dtype_policy("mixed_float16")
with strategy.scope():
    half = gan()
found["float16"] = fit(half, steps=2).history["d_loss"]

print("FOUND " + json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    environment = os.environ | {"PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", FOUND], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.split("FOUND ")[1])


def test_half_a_batch_on_each_is_a_whole_batch_on_one(found):
    assert found["replicas"] == 2
    assert found["start"] == 0.0
    assert found["moved"] > 1e-3
    assert found["step"] < 1e-5


def test_undivided_losses_make_a_step_twice_as_long(found):
    assert found["published_ratio"] == pytest.approx(2.0, rel=1e-3)


def test_each_replica_draws_latents_of_its_own(found):
    assert found["keras"][0] == found["keras"][1]  # half of such a batch is a copy of the other
    first, second = found["ours"]
    assert all(one != other for one, other in zip(first, second, strict=True))


def test_fit_counts_averages_backs_up_and_draws(found):
    assert found["iteration"] == 4
    assert found["frames"] == 3
    assert all(len(values) == 2 for values in found["history"].values())
    assert found["averages_moved"]
    assert found["averages_agree"]
    assert found["restored"] == 2
    assert found["restored_difference"] == 0.0


def test_a_lazy_penalty_on_normalised_layers_runs(found):
    assert all(0 < value < 100 for value in found["lazy"])


def test_loss_scaling_runs(found):
    assert all(0 < value < 10 for value in found["float16"])


def test_fused_steps_do_not_work_there(found):
    """A limit of Keras that lessons must know. If this fails Keras has mended it, and the limit may go."""
    assert found["fused"] != "ran"
