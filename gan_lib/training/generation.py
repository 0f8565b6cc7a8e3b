"""The training scheme for generation: latent vectors, and labels where there are any, become pictures.

Restoration, where a picture goes in, is another scheme; the update steps themselves are in `steps`.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from gan_lib import losses
from gan_lib.training.adversarial import AdversarialModel
from gan_lib.training.steps import discriminator_step, draw_latent, generator_step, network_inputs


class GAN(AdversarialModel):
    """Generation: latent vectors (and labels, where the networks take them) to pictures.

    Each training step draws latents, updates the discriminator, draws afresh and updates the generator:
    algorithm 1 of Goodfellow et al. 2014 with one discriminator step.

    Args:
        generator: z, float32 (batch, latent_dim), or [z, labels] -> pictures, float32 in [-1, 1].
        discriminator: pictures or [pictures, labels] -> logits, float32.
        seed: from which every random number of the training follows.
        average_decay: if given, an exponential moving average of the generator's weights is kept with this
            decay per step; 0.999 remembers about a thousand steps. See `sampling_generator`.

    Example:
        >>> from gan_lib.datasets import batches, load_digits
        >>> from gan_lib.networks.dcgan import dcgan_discriminator, dcgan_generator
        >>> gan = GAN(dcgan_generator(), dcgan_discriminator(), average_decay=0.99)
        >>> gan.compile({name: keras.optimizers.Adam(2e-4, beta_1=0.5) for name in ("generator", "discriminator")})
        >>> history = gan.fit(batches(load_digits().train_images, batch_size=128), epochs=2, steps_per_epoch=100)
    """

    log_keys = ("d_loss", "g_loss", "g_adv", "d_real", "d_fake", "d_penalty")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        seed: int = 0,
        average_decay: float | None = None,
        name: str = "gan",
    ):
        networks = {"generator": generator, "discriminator": discriminator}
        super().__init__(networks, seed=seed, average_decay=average_decay, name=name)
        latent = generator.inputs[0]
        self.latent_dim, self.conditional = latent.shape[-1], len(generator.inputs) > 1

    def compile(
        self,
        optimizers: dict[str, keras.optimizers.Optimizer],
        *,
        discriminator_loss: Callable = losses.non_saturating_discriminator_loss,
        generator_loss: Callable = losses.non_saturating_generator_loss,
        **kwargs,
    ):
        """Chooses optimizers and losses.

        Args:
            optimizers: "generator" and "discriminator" -> optimizer.
            discriminator_loss: from `gan_lib.losses`.
            generator_loss: its partner.
            **kwargs: ``penalty``, ``penalty_weight``, ``penalty_every``, ``jit_compile`` and Keras' own, as in
                `AdversarialModel.compile`.
        """
        super().compile(optimizers, **kwargs)
        self.discriminator_loss, self.generator_loss = discriminator_loss, generator_loss

    def call(self, inputs, training=False):
        """Latent vectors, or [latent vectors, labels], to pictures in [-1, 1]."""
        return self.generator(inputs, training=training)

    def _unpacked(self, data):
        real, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        if labels is not None and not self.conditional:
            raise ValueError("Labels came with the pictures, but this generator takes none. Make batches of pictures.")
        if labels is None and self.conditional:
            raise ValueError("This generator takes labels, but none came. Make batches of (pictures, labels).")
        # An embedding would round 3.7 to 3 and take a row of ten numbers for ten labels, without a word.
        if labels is not None and not (labels.dtype.is_integer and labels.shape.rank in (None, 1)):
            raise ValueError(
                f"The labels of a batch have shape {labels.shape} and dtype {labels.dtype.name}; whole numbers of "
                "shape (batch,) were expected, as datasets.batches(pictures, labels) makes them."
            )
        return real, labels

    def _latent(self, real, stream, later=0):
        iteration = tf.convert_to_tensor(self.iteration) + tf.cast(later, tf.int64)
        return draw_latent(tf.shape(real)[0], self.latent_dim, seed=self.seed, stream=stream, iteration=iteration)

    def train_step(self, data):
        """One update of the discriminator, one of the generator. ``data``: pictures or (pictures, labels)."""
        real, labels = self._unpacked(data)
        logs = discriminator_step(
            self.generator,
            self.discriminator,
            self.discriminator_optimizer,
            real,
            self._latent(real, "discriminator"),
            labels=labels,
            loss=self.discriminator_loss,
            penalty=None if self.penalty is None else self.weighted_penalty,
        )
        logs |= generator_step(
            self.generator,
            self.discriminator,
            self.generator_optimizer,
            self._latent(real, "generator"),
            labels=labels,
            loss=self.generator_loss,
        )
        self.finish_step()
        return self.log(logs)

    def test_step(self, data):
        """The same losses on held-out pictures, without an update: a discriminator that only recognises its
        training pictures shows here as ``val_d_loss`` far above ``d_loss``. Each batch gets latents of its own, the
        same ones at the same training step."""
        real, labels = self._unpacked(data)
        batches = self.trackers["d_loss"].count  # of this evaluation: Keras resets it at the start; iteration stands
        fake = self.generator(network_inputs(self._latent(real, "validation", batches), labels), training=False)
        real_logits = self.discriminator(network_inputs(real, labels), training=False)
        fake_logits = self.discriminator(network_inputs(fake, labels), training=False)
        adversarial = self.generator_loss(fake_logits)
        return self.log(
            {
                "d_loss": self.discriminator_loss(real_logits, fake_logits),
                "g_loss": adversarial,
                "g_adv": adversarial,
                "d_real": tf.reduce_mean(real_logits),
                "d_fake": tf.reduce_mean(fake_logits),
            }
        )
