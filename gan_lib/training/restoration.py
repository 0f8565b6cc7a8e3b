"""The training scheme for restoration: degraded pictures become clean ones.

Generation, where pictures come from random numbers, is another scheme; how pictures are degraded is none of its
business: batches come with both sides (`gan_lib.datasets.restoration_pairs`).
"""

from collections.abc import Callable
from functools import partial

import keras
import tensorflow as tf

from gan_lib import images, losses, metrics
from gan_lib.training.adversarial import AdversarialModel
from gan_lib.training.steps import Logs, apply_gradients, discriminator_update, scaled_loss


class Restoration(AdversarialModel):
    """Restoration: (degraded, clean) pictures, with a pixel term and, if wanted, further ones: adversarial, perceptual,
    and one against the checkerboard.

    Batches are ``(inputs, clean)`` or ``(inputs, clean, mask)``. ``inputs`` is what the generator takes: degraded
    pictures, or a tuple that begins with them, such as (noisy, noise_level). ``mask``, (batch, height, width, 1), is 1
    where pixels are missing: then only those pixels are taken from the generator, all others are the degraded
    picture's own, bit by bit, and the pixel term counts the missing ones only. All other terms see the whole picture.

    Without a discriminator this is ordinary regression. With one, each step updates the discriminator on the restored
    pictures, then the generator; the discriminator sees the degraded picture too if it has two inputs.

    Args:
        generator: inputs -> restored pictures, float32 (batch, height, width, channels), about [-1, 1].
        discriminator: ``picture`` or ``[degraded, picture]`` -> logits, a number or a map of them for each picture.
        seed: from which every random number of the training follows.
        average_decay: as in `AdversarialModel`. Only `sampling_generator` has the averaged weights: every measure in
            the logs, ``val_psnr`` too, is that of the generator as it is trained.

    Example:
        >>> from gan_lib.datasets import bundled_photographs, denoising_pairs, patches
        >>> from gan_lib.networks.denoiser import denoiser
        >>> pairs = denoising_pairs(patches(bundled_photographs(), size=64, batch_size=16), sigma=(0, 55))
        >>> scheme = Restoration(denoiser())
        >>> scheme.compile({"generator": keras.optimizers.Adam(1e-3)})
        >>> history = scheme.fit(pairs, epochs=5, steps_per_epoch=400)

    Source of the terms: Isola et al. 2017 (pixel and adversarial), Ledig et al. 2017, "SRGAN" (perceptual; what
    `networks.features.PerceptualLoss` does differently is said there); the checkerboard term is the course's own.
    """

    log_keys = (
        "d_loss",
        "g_loss",
        "g_adv",
        "g_pixel",
        "g_perceptual",
        "g_checkerboard",
        "d_real",
        "d_fake",
        "d_penalty",
        "psnr",
        "ssim",
        "pixel_weight",
        "adversarial_weight",
        "perceptual_weight",
        "checkerboard_weight",
    )

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model | None = None,
        *,
        seed: int = 0,
        average_decay: float | None = None,
        name: str = "restoration",
    ):
        networks = {"generator": generator}
        if discriminator is not None:
            networks["discriminator"] = discriminator
        super().__init__(networks, seed=seed, average_decay=average_decay, name=name)
        self.adversarial = discriminator is not None
        self.conditional = self.adversarial and len(discriminator.inputs) > 1

    def compile(
        self,
        optimizers: dict[str, keras.optimizers.Optimizer],
        *,
        pixel_loss: Callable = losses.mean_absolute_error,
        pixel_weight: float = 1.0,
        adversarial_weight: float = 0.01,
        adversarial_from: int = 0,
        discriminator_loss: Callable = losses.non_saturating_discriminator_loss,
        generator_loss: Callable = losses.non_saturating_generator_loss,
        perceptual_loss: Callable | None = None,
        perceptual_weight: float = 0.0,
        checkerboard_loss: Callable | None = None,
        checkerboard_weight: float = 0.0,
        **kwargs,
    ):
        """Chooses optimizers, losses and their weights.

        Args:
            optimizers: "generator" (and "discriminator", if there is one) -> optimizer.
            pixel_loss: (restored, clean, mask or None) -> scalar, from `gan_lib.losses`.
            pixel_weight: what it is multiplied by. (pix2pix: 100 beside an adversarial term of weight 1.)
            adversarial_weight: likewise for the adversarial term; of no effect without a discriminator.
            adversarial_from: steps at the start in which that weight is 0. The discriminator learns from the first
                step on, so that it has an opinion when the generator begins to listen.
            discriminator_loss: from `gan_lib.losses`.
            generator_loss: its partner.
            perceptual_loss: (restored, clean) -> scalar, such as `networks.features.PerceptualLoss`, or none.
            perceptual_weight: what it is multiplied by.
            checkerboard_loss: likewise, such as `losses.checkerboard_loss(4)`, or none.
            checkerboard_weight: what it is multiplied by.
            **kwargs: ``penalty``, ``penalty_weight``, ``penalty_every``, ``jit_compile`` and Keras' own, as in
                `AdversarialModel.compile`.

        Raises:
            ValueError: if a weight is negative, or a perceptual or checkerboard weight comes without its loss.
        """
        for name, weight in (
            ("pixel_weight", pixel_weight),
            ("adversarial_weight", adversarial_weight),
            ("perceptual_weight", perceptual_weight),
            ("checkerboard_weight", checkerboard_weight),
        ):
            if weight < 0:
                raise ValueError(f"{name} is {weight}; 0 (to leave the term out) or more was expected.")
        further = {
            "perceptual": (perceptual_loss, perceptual_weight),
            "checkerboard": (checkerboard_loss, checkerboard_weight),
        }
        for name, (loss, weight) in further.items():
            if weight and loss is None:
                raise ValueError(f"{name}_weight is {weight}, but no {name}_loss came. Give one.")
        super().compile(optimizers, **kwargs)
        self.pixel_loss, self.pixel_weight = pixel_loss, pixel_weight
        self.discriminator_loss, self.generator_loss = discriminator_loss, generator_loss
        self.adversarial_weight, self.adversarial_from = adversarial_weight, adversarial_from
        self.further_terms = {name: term for name, term in further.items() if term[1]}  # one of weight 0 costs nothing

    def call(self, inputs, training=False):
        """Inputs to restored pictures, about [-1, 1]; without pasting back."""
        return self.generator(inputs, training=training)

    def restore(self, inputs, mask=None, training=False) -> tf.Tensor:
        """Restored pictures; with a mask, only the missing pixels are the generator's."""
        restored = self.generator(inputs, training=training)
        if mask is None:
            return restored
        # Chosen, not blended: mask * a + (1 - mask) * b would round the known pixels.
        return tf.where(mask > 0.5, restored, tf.cast(degraded_picture(inputs), restored.dtype))

    def _judge(self, inputs, pictures):
        return self.discriminator([degraded_picture(inputs), pictures] if self.conditional else pictures, training=True)

    def _update_discriminator(self, inputs, clean, restored) -> Logs:
        return discriminator_update(
            partial(self._judge, inputs),
            clean,
            restored,
            self.discriminator,
            self.discriminator_optimizer,
            loss=self.discriminator_loss,
            penalty=None if self.penalty is None else self.weighted_penalty,
        )

    def train_step(self, data):
        """One update of each network. ``data``: (inputs, clean) or (inputs, clean, mask)."""
        inputs, clean, mask = keras.utils.unpack_x_y_sample_weight(data)
        logs = {}
        with tf.GradientTape() as tape:
            restored = self.restore(inputs, mask, training=True)
            if self.adversarial:
                # The discriminator learns from the same pictures; its own tape knows nothing of the generator.
                with tape.stop_recording():
                    logs |= self._update_discriminator(inputs, clean, tf.stop_gradient(restored))
            terms = self._generator_terms(inputs, clean, mask, restored)
            scaled = scaled_loss(terms["g_loss"], self.generator_optimizer)
        apply_gradients(tape, scaled, self.generator, self.generator_optimizer)
        self.finish_step()
        return self.log(logs | terms | {"psnr": _psnr(restored, clean)})

    def _generator_terms(self, inputs, clean, mask, restored) -> Logs:
        terms = {"g_pixel": self.pixel_loss(restored, clean, mask), "pixel_weight": self.pixel_weight}
        total = self.pixel_weight * terms["g_pixel"]
        if self.adversarial:
            due = tf.cast(self.iteration >= self.adversarial_from, tf.float32)
            terms["adversarial_weight"] = self.adversarial_weight * due
            terms["g_adv"] = self.generator_loss(self._judge(inputs, restored))
            total += terms["adversarial_weight"] * terms["g_adv"]
        for name, (loss, weight) in self.further_terms.items():
            terms[f"g_{name}"], terms[f"{name}_weight"] = loss(restored, clean), weight
            total += weight * terms[f"g_{name}"]
        return terms | {"g_loss": total}

    def test_step(self, data):
        """PSNR, SSIM and the pixel term on held-out pictures, without an update. Monitor ``val_psnr``.

        They are the generator's own, not those of the averaged one that `sampling_generator` returns.
        """
        inputs, clean, mask = keras.utils.unpack_x_y_sample_weight(data)
        restored = self.restore(inputs, mask)
        return self.log(
            {
                "g_pixel": self.pixel_loss(restored, clean, mask),
                "psnr": _psnr(restored, clean),
                "ssim": tf.reduce_mean(metrics.ssim(images.from_network(restored), images.from_network(clean))),
            }
        )


def degraded_picture(inputs) -> tf.Tensor:
    """The degraded picture among a generator's inputs: the first of several."""
    return inputs[0] if isinstance(inputs, (tuple, list)) else inputs


def _psnr(restored, clean) -> tf.Tensor:
    decibels = metrics.psnr(images.from_network(restored), images.from_network(clean))
    return tf.reduce_mean(tf.minimum(decibels, 100.0))  # one picture restored perfectly must not make the mean infinite
