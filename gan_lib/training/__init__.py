"""Training: a batch in, logs out, and weights change.

The update steps and the `keras.Model` schemes that `fit()` drives. No paper's architecture lives here, and no
degradation of pictures: those belong to `tf.data`, since a step must compile under XLA.
"""

from gan_lib.training.adversarial import AdversarialModel
from gan_lib.training.generation import GAN
from gan_lib.training.restoration import Restoration
from gan_lib.training.steps import (
    apply_gradients,
    discriminator_step,
    draw_latent,
    generator_step,
    stream_seed,
    update_discriminator,
    update_generator,
)

__all__ = [
    "GAN",
    "AdversarialModel",
    "Restoration",
    "apply_gradients",
    "discriminator_step",
    "draw_latent",
    "generator_step",
    "stream_seed",
    "update_discriminator",
    "update_generator",
]
