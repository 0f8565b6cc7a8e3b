"""What `TrainingMonitor` looks at: numbers that show how a game between two networks stands.

When a number is bad, and what to say then, is not here: see `monitor`. Measures to report are in `gan_lib.metrics`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from scipy.spatial.distance import cdist, pdist, squareform

_LOGITS = np.arange(-20.0, 20.1, 0.5)  # holds 0 and 1/2, where the published losses cannot tell


@dataclass(frozen=True)
class Scale:
    """The two ends of a discriminator's loss.

    Attributes:
        chance: its lowest value if real and fake pictures get one and the same logit: it cannot tell them apart.
        floor: its lowest value at all; None where it falls for ever, as the Wasserstein loss does.
    """

    chance: float
    floor: float | None

    def certainty(self, d_loss: float) -> float:
        """0 for a discriminator that cannot tell, 1 for one that is always sure and right; negative for one that is
        worse than a coin."""
        return (self.chance - d_loss) / (self.chance - self.floor)


def loss_of(discriminator_loss: Callable, real: float, fake: float) -> float:
    """The loss if every real picture has one logit and every fake picture another."""
    return float(discriminator_loss(tf.fill([2, 1], np.float32(real)), tf.fill([2, 1], np.float32(fake))))


def scale_of(discriminator_loss: Callable) -> Scale:
    """Finds both ends by trying logits from -20 to 20, so that a smoothed or home-made loss is understood as well."""
    equal = [loss_of(discriminator_loss, logit, logit) for logit in _LOGITS]
    by_real = [loss_of(discriminator_loss, logit, 0.0) for logit in _LOGITS]
    best_real = _LOGITS[int(np.argmin(by_real))]
    by_fake = [loss_of(discriminator_loss, best_real, logit) for logit in _LOGITS]
    for curve in (by_real, by_fake):
        steepest = max(curve[1] - curve[0], curve[-2] - curve[-1])
        if steepest > 0.1:  # still falling at an end: there is no floor
            return Scale(min(equal), None)
    return Scale(min(equal), min(by_fake))


def slope(generator_loss: Callable, logit: float) -> float:
    """How strongly the generator's loss answers to the logits of its pictures, at one logit; at least 0."""
    logits = tf.fill([2, 1], np.float32(logit))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = generator_loss(logits)
    gradient = tape.gradient(loss, logits)
    return 0.0 if gradient is None else float(tf.reduce_sum(tf.abs(gradient)))


def _flat(samples: np.ndarray) -> np.ndarray:
    return samples.reshape(len(samples), -1)


def spread(samples: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """How different samples are from each other.

    Two numbers, since a generator can collapse to one picture or to a few: the mean distance of two samples, and the
    median distance to the nearest other one, which is about 0 as soon as most samples have a twin (Arora, Risteski and
    Zhang 2018, "Do GANs learn the distribution? Some theory and empirics", count twins too).

    Args:
        samples: float (count, ...), any range.
        labels: integers (count,); if given, both are taken within each class and averaged over the classes.

    Returns:
        Both numbers in the samples' units, float (2,); NaN where no class has two samples.
    """
    if labels is not None:
        classes = [samples[labels == label] for label in np.unique(labels)]
        each = [spread(few) for few in classes if len(few) > 1]
        return np.mean(each, axis=0) if each else np.full(2, np.nan)
    distances = pdist(_flat(samples))
    table = squareform(distances)
    np.fill_diagonal(table, np.inf)
    return np.array([distances.mean(), np.median(table.min(axis=1))])


def strangeness(samples: np.ndarray, real: np.ndarray) -> float:
    """The energy distance of two sets as a share of its largest value: about 0 if they are drawn alike, at most 1.

    Args:
        samples: float (count, ...), any range.
        real: float (another count, ...), same range.

    Source: Székely and Rizzo 2013, "Energy statistics", section 7, the coefficient H.
    """
    samples, real = _flat(samples), _flat(real)
    across = cdist(samples, real).mean()
    return float(1.0 - (pdist(samples).mean() + pdist(real).mean()) / (2.0 * across)) if across else 0.0


def inside(samples: np.ndarray) -> float:
    """The share of values that are not at tanh's limits, |x| <= 0.99."""
    return float(np.mean(np.abs(samples) <= 0.99))


def all_finite(variables: list[keras.Variable]) -> bool:
    """Whether no variable holds NaN or infinity."""
    return all(np.isfinite(variable.numpy()).all() for variable in variables)


def moved(before: list[np.ndarray], now: list[np.ndarray]) -> bool:
    """Whether weights changed by more than a millionth of their size."""
    change = sum(float(np.sum(np.square(new - old))) for old, new in zip(before, now, strict=True))
    size = sum(float(np.sum(np.square(old))) for old in before)
    return change > 1e-12 * size


def float16_probe(network: keras.Model) -> keras.Model | None:
    """The network with its logits and the output of each float16 layer; None if no layer computes in float16."""
    half = [
        layer.output
        for layer in network.layers
        if layer.compute_dtype == "float16" and not isinstance(layer, keras.layers.InputLayer)
    ]
    inputs = network.inputs if len(network.inputs) > 1 else network.inputs[0]
    return keras.Model(inputs, [*half, *network.outputs]) if half else None


def largest(probe: keras.Model, inputs: list) -> float:
    """The largest absolute number that a probe gives for any of several inputs, in inference mode."""
    outputs = [output for each in inputs for output in probe(each, training=False)]
    return max(float(tf.reduce_max(tf.abs(tf.cast(output, tf.float32)))) for output in outputs)
