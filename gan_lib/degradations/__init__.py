"""Degradations: a clean picture, a strength and a seed in, a degraded picture out.

Never in here: weights, files, and the making of batches (``gan_lib.datasets``).

Everything works on batches of float32 pictures (batch, height, width, channels) in [-1, 1], eagerly and inside
``tf.data``. It belongs there and not into a training step: JPEG and antialiased resizing do not compile under XLA. The
random ones take a ``seed``, two integers, and give the same result for the same seed. Strengths may be one number for
the whole batch or one for each picture, unless it says otherwise. Strengths of noise are given for pictures in
[0, 255], as the literature does.

Masks are another matter: plain arrays, drawn one at a time (`masks`); `remove` applies them to a batch.
"""

from gan_lib.degradations.masks import (
    MASKS,
    centre_hole,
    free_form,
    mask_bank,
    occlusion,
    random_blocks,
    remove,
    scratches,
)
from gan_lib.degradations.noise import gaussian_noise, noise_map, poisson_noise, salt_and_pepper
from gan_lib.degradations.optics import bicubic_downscale, gaussian_blur, jpeg, motion_blur
from gan_lib.degradations.ramps import RAMPS, Ramp
from gan_lib.degradations.strengths import Seed, Strength

__all__ = [
    "MASKS",
    "RAMPS",
    "Ramp",
    "Seed",
    "Strength",
    "bicubic_downscale",
    "centre_hole",
    "free_form",
    "gaussian_blur",
    "gaussian_noise",
    "jpeg",
    "mask_bank",
    "motion_blur",
    "noise_map",
    "occlusion",
    "poisson_noise",
    "random_blocks",
    "remove",
    "salt_and_pepper",
    "scratches",
]
