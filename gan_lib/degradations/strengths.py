"""What all degradations of a given strength share: bounds, and one strength for each picture of a batch.

Never in here: a degradation.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

Strength = float | tf.Tensor
Seed = tuple[int, int] | tf.Tensor


def check(name: str, value: Strength, *, at_least: float, at_most: float = np.inf) -> None:
    """Raises for a number that is out of bounds. Tensors pass: within ``tf.data`` their values are not known yet.

    Raises:
        ValueError: if it is too low, too high, or not a number.
    """
    if not tf.is_tensor(value) and not np.all((np.asarray(value) >= at_least) & (np.asarray(value) <= at_most)):
        expected = f"at least {at_least:g}" if at_most == np.inf else f"{at_least:g} to {at_most:g}"
        raise ValueError(f"The {name} is {value}; {expected} was expected.")


def each(strength: Strength, pictures: tf.Tensor) -> tf.Tensor:
    """A strength, or one for each picture, in a shape that multiplies a batch."""
    strength = tf.cast(strength, tf.float32)
    if strength.shape.rank == 0:
        return strength
    return tf.reshape(strength, [-1] + [1] * (len(pictures.shape) - 1))
