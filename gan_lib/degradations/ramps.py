"""Kinds of damage at rising strength, to look at and to test a measure with.

Never in here: the degradations themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gan_lib.degradations.noise import gaussian_noise, poisson_noise, salt_and_pepper
from gan_lib.degradations.optics import gaussian_blur, jpeg, motion_blur
from gan_lib.degradations.strengths import Seed


class Ramp(NamedTuple):
    """One kind of damage at rising strength, to look at and to test a measure with.

    Attributes:
        degrade: (clean, strength, seed) -> degraded pictures of the same shape.
        strengths: from hardly visible to heavy.
        unit: what the strengths count.
    """

    degrade: Callable[[tf.Tensor, float, Seed], tf.Tensor]
    strengths: tuple[float, ...]
    unit: str


def _smaller_and_back(clean: tf.Tensor, factor: int, seed: Seed) -> tf.Tensor:
    del seed
    sides = [max(1, round(side / factor)) for side in clean.shape[1:3]]
    small = tf.image.resize(clean, sides, method="bicubic", antialias=True)
    return tf.clip_by_value(tf.image.resize(small, clean.shape[1:3], method="bicubic"), -1.0, 1.0)


RAMPS = {
    "Gaussian noise": Ramp(lambda x, s, seed: gaussian_noise(x, s, seed=seed), (5, 10, 20, 35, 50), "sigma"),
    "Poisson noise": Ramp(lambda x, s, seed: poisson_noise(x, s, seed=seed), (500, 150, 50, 20, 10), "photons"),
    "salt and pepper": Ramp(
        lambda x, s, seed: salt_and_pepper(x, s, seed=seed), (0.005, 0.01, 0.03, 0.06, 0.12), "share"
    ),
    "Gaussian blur": Ramp(lambda x, s, seed: gaussian_blur(x, s), (0.5, 0.8, 1.2, 2.0, 3.0), "pixels"),
    "motion blur": Ramp(lambda x, s, seed: motion_blur(x, s, 30.0), (2, 4, 6, 10, 15), "pixels"),
    "JPEG": Ramp(lambda x, s, seed: jpeg(x, s), (75, 50, 25, 12, 6), "quality"),
    "smaller and back": Ramp(_smaller_and_back, (2, 3, 4, 6, 8), "times smaller"),
}
