"""The update steps: a batch in, logs out, and the weights of one network change.

What drives them over a whole run is not here: see `adversarial` and `generation`.

A step is a plain function (`discriminator_step`, `generator_step`); the schemes are made of these. The compiled
versions, `update_discriminator` and `update_generator`, are for loops that you write yourself. The schemes do
not call the compiled ones: under `tf.distribute` an optimizer refuses to work inside a nested `tf.function`.
"""

from collections.abc import Callable
from functools import partial

import keras
import tensorflow as tf

from gan_lib import losses

Logs = dict[str, tf.Tensor]

# Each use of randomness draws from a stream of its own, so that adding one never changes another.
STREAMS = {"discriminator": 0, "generator": 1, "penalty": 2, "validation": 3, "samples": 4}


def stream_seed(seed: int, stream: str, iteration: tf.Tensor | int = 0) -> tf.Tensor:
    """Two integers that depend on the seed, the stream, the iteration and (under `tf.distribute`) the replica.

    Args:
        seed: the run's seed, a whole number from 0 to 2**32 - 1.
        stream: what the numbers are for, one of `STREAMS`.
        iteration: how many training steps came before, an integer.

    Returns:
        An int32 tensor of shape (2,), for TensorFlow's stateless random functions.

    Raises:
        ValueError: if the stream is unknown or the seed out of range.
    """
    if stream not in STREAMS:
        raise ValueError(f"The random stream is {stream!r}; one of {', '.join(STREAMS)} was expected.")
    if not 0 <= seed < 2**32:
        raise ValueError(f"The seed is {seed}; a whole number from 0 to 2**32 - 1 was expected.")
    seed = seed - 2**32 if seed >= 2**31 else seed  # the same bits, as an int32
    fold = partial(tf.random.experimental.stateless_fold_in, alg="philox")  # "auto" may differ between devices
    numbers = fold(tf.constant([seed, STREAMS[stream]], tf.int32), tf.cast(iteration, tf.int32))
    replicas = tf.distribute.get_replica_context()
    if replicas is not None and replicas.num_replicas_in_sync > 1:
        numbers = fold(numbers, tf.cast(replicas.replica_id_in_sync_group, tf.int32))
    return numbers


def draw_latent(
    batch_size: int | tf.Tensor, latent_dim: int, *, seed: int, stream: str = "samples", iteration: tf.Tensor | int = 0
) -> tf.Tensor:
    """Draws latent vectors that are a function of the seed and the iteration alone.

    A random generator with a state would start anew when training resumes, and would give every replica of a
    distributed run the same numbers. (XLA draws other numbers than TensorFlow does from the same seed, so runs are
    comparable number by number only with the same ``jit_compile``.)

    Args:
        batch_size: how many vectors.
        latent_dim: their length.
        seed: the run's seed.
        stream: what they are for, one of `STREAMS`.
        iteration: how many training steps came before.

    Returns:
        z from N(0, 1), float32 (batch_size, latent_dim).

    Example:
        >>> z = draw_latent(16, 100, seed=0)
    """
    numbers = stream_seed(seed, stream, iteration)
    return tf.random.stateless_normal([batch_size, latent_dim], seed=numbers, alg="philox")


def network_inputs(tensor: tf.Tensor, labels: tf.Tensor | None):
    return tensor if labels is None else [tensor, labels]


def apply_gradients(
    tape: tf.GradientTape, scaled_loss: tf.Tensor, network: keras.Model, optimizer: keras.optimizers.Optimizer
) -> None:
    """Takes the gradient of a scaled loss by a network's trainable weights and lets the optimizer apply it.

    Raises:
        RuntimeError: if the optimizer is not built. It would create its moments in the middle of the first
            step, and a checkpoint that is loaded before that step would lose them without an error.
    """
    if not optimizer.built:
        raise RuntimeError(
            f"The optimizer of {network.name} is not built. "
            "Call optimizer.build(network.trainable_variables) before the first update."
        )
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(scaled_loss, variables), variables)


def scaled_loss(loss: tf.Tensor, optimizer: keras.optimizers.Optimizer) -> tf.Tensor:
    # Replicas add their gradients, so each contributes its share; float16 needs the loss scaled up besides.
    return optimizer.scale_loss(loss / tf.distribute.get_strategy().num_replicas_in_sync)


def discriminator_update(
    judge: Callable[[tf.Tensor], tf.Tensor],
    real: tf.Tensor,
    fake: tf.Tensor,
    discriminator: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    *,
    loss: Callable,
    penalty: Callable | None = None,
) -> Logs:
    """Updates a discriminator once with pictures that are there already: what `discriminator_step` ends with.

    ``judge`` maps pictures, float32 (batch, ...), to the discriminator's logits; all else is as there.
    """
    with tf.GradientTape() as tape:
        real_logits, fake_logits = judge(real), judge(fake)
        total = loss(real_logits, fake_logits)
        logs = {"d_real": tf.reduce_mean(real_logits), "d_fake": tf.reduce_mean(fake_logits)}
        if penalty is not None:
            logs["d_penalty"] = penalty(judge, real, fake)
            total += logs["d_penalty"]
        scaled = scaled_loss(total, optimizer)
    apply_gradients(tape, scaled, discriminator, optimizer)
    return {"d_loss": total} | logs


def discriminator_step(
    generator: keras.Model,
    discriminator: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    real: tf.Tensor,
    latent: tf.Tensor,
    *,
    labels: tf.Tensor | None = None,
    loss: Callable = losses.non_saturating_discriminator_loss,
    penalty: Callable | None = None,
) -> Logs:
    """Updates the discriminator once; the generator's weights stay.

    Real and generated pictures go through the discriminator separately, each with its own batch statistics.

    Args:
        generator: z (and labels) -> pictures.
        discriminator: pictures (and labels) -> logits.
        optimizer: the discriminator's, already built.
        real: float32 (batch, ...) in the range the generator returns, [-1, 1] for pictures.
        latent: z, float32 (batch, latent_dim).
        labels: integers (batch,), where both networks take them.
        loss: (real_logits, fake_logits) -> scalar, from `gan_lib.losses`.
        penalty: (judge, real, fake) -> scalar that is added to the loss, where judge maps pictures to logits.

    Returns:
        ``d_loss`` with the penalty, ``d_real`` and ``d_fake`` (mean logits), and ``d_penalty``, the penalty's share of
        ``d_loss``, where there is one; all float32 scalars.
    """
    fake = generator(network_inputs(latent, labels), training=True)

    def judge(pictures):
        # Without training=True inside a train_step, batch normalisation would use its running averages.
        return discriminator(network_inputs(pictures, labels), training=True)

    return discriminator_update(judge, real, fake, discriminator, optimizer, loss=loss, penalty=penalty)


def generator_step(
    generator: keras.Model,
    discriminator: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    latent: tf.Tensor,
    *,
    labels: tf.Tensor | None = None,
    loss: Callable = losses.non_saturating_generator_loss,
) -> Logs:
    """Updates the generator once; the discriminator's weights stay.

    Nothing is frozen: the gradient is asked for by the generator's weights alone. (Setting
    ``discriminator.trainable = False`` in a compiled model leaves the discriminator untrained in Keras 3.)

    Args:
        generator: z (and labels) -> pictures.
        discriminator: pictures (and labels) -> logits.
        optimizer: the generator's, already built.
        latent: z, float32 (batch, latent_dim).
        labels: integers (batch,), where both networks take them.
        loss: fake_logits -> scalar, from `gan_lib.losses`.

    Returns:
        ``g_adv``, the adversarial loss, and ``g_loss``, the total (here the same), float32 scalars.
    """
    with tf.GradientTape() as tape:
        fake = generator(network_inputs(latent, labels), training=True)
        adversarial = loss(discriminator(network_inputs(fake, labels), training=True))
        scaled = scaled_loss(adversarial, optimizer)
    apply_gradients(tape, scaled, generator, optimizer)
    return {"g_loss": adversarial, "g_adv": adversarial}


update_discriminator = tf.function(discriminator_step)
update_generator = tf.function(generator_step)
