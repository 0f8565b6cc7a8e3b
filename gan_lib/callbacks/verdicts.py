"""When a number of a training is bad, and what is said then: numbers in, a sentence or None out.

The numbers come from `signals`, and `monitor` decides when to look and how long to wait.
"""

from dataclasses import dataclass

import numpy as np

from gan_lib.callbacks.signals import Scale


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: one of `TrainingMonitor.KINDS`.
        epoch: the epoch after which it was found, counted from 1 as in Keras' progress line.
        sentence: what is wrong, and what to try.
    """

    kind: str
    epoch: int
    sentence: str


@dataclass(frozen=True)
class Limits:
    """From where on a number is bad.

    Attributes:
        too_sure: of the way from "cannot tell" to always sure and right. Healthy games of the course stay below 0.7,
            the published game of the Context Encoder, which is lost on digits, above 0.95 from its second epoch on.
        too_unsure: of the same way, taken with the mean logits. These flatter, since a loss is convex: what they do
            not show is not there.
        too_strange: of the largest energy distance to real pictures. Two draws of 64 real digits are 0.00 apart, the
            digit 3 alone is 0.05 from all, black pictures are 0.45 and grey ones 0.6.
        too_alike: of the spread of real pictures, for the mean distance and for that to the nearest neighbour. Real
            pictures of the digit 1 alone have 0.63 and 0.43; the fully connected GAN of lesson 01 has 0.5 and 0.27
            after a thousand steps, and 0.7 and 0.5 after two thousand.
        too_hard: of the real share of values between tanh's limits. 17 % of a digit's pixels lie there, and nearly
            all of a photograph's.
        too_flat: of the slope that the generator's loss has where the discriminator cannot tell.
        too_large: from 2048 on neighbouring float16 numbers are 2 apart, more than what makes a logit sure, and the
            largest one, 65,504, is five doublings away.
    """

    too_sure: float = 0.95
    too_unsure: float = 0.02
    too_strange: float = 0.2
    too_alike: tuple[float, float] = (0.3, 0.15)
    too_hard: float = 0.25
    too_flat: float = 0.01
    too_large: float = 2048.0


def too_strong(d_loss: float, scale: Scale, limits: Limits) -> str | None:
    """Whether the discriminator's loss stands at its floor."""
    if scale.floor is None or scale.certainty(d_loss) < limits.too_sure:
        return None
    return (
        f"The discriminator is too strong: d_loss is {d_loss:.2g}, where {scale.chance:.3g} means that it cannot tell, "
        "so the generator hears that all is wrong and not what. Try a lower learning rate for the discriminator, a "
        "smaller one, label smoothing, or R1."
    )


def does_not_learn() -> str:
    """The discriminator's weights stay as they are."""
    return (
        "The discriminator does not learn: none of its weights moved, so the generator plays against a judge that "
        "stands still. Look whether its learning rate is 0, or whether it is frozen (trainable = False)."
    )


def too_weak(d_real: float, d_fake: float) -> str:
    """The discriminator does not tell pictures that do differ."""
    return (
        f"The discriminator is too weak: its mean logits, {d_real:.2g} for real and {d_fake:.2g} for generated "
        "pictures, do not tell them apart, though the pictures differ. Try a higher learning rate for it, a larger "
        "one, or a smaller penalty on its slope."
    )


def collapsed(spread: np.ndarray, reference: np.ndarray, compared_with: str, limits: Limits) -> str | None:
    """Whether samples are too much alike: all of them, or each and a twin. A reference of 0 or NaN tells nothing."""
    shares = spread / np.maximum(reference, 1e-12)
    if not ((shares < limits.too_alike) & (reference > 0)).any():
        return None
    alike, twins = shares
    what = (
        f"samples differ from each other {alike:.0%} as much"
        if alike < limits.too_alike[0] and reference[0] > 0
        else f"most samples have a near twin, {twins:.0%} as far away"
    )
    return (
        f"The generator collapses: {what} as {compared_with}. Go back to weights from before, and try a lower learning "
        "rate for the generator, or R1 or spectral normalisation in the discriminator."
    )


def hard(inside: float, real_inside: float | None, limits: Limits) -> str | None:
    """Whether nearly all values of the samples are at tanh's limits; without real pictures, 99 % of them."""
    if inside >= (0.01 if real_inside is None else limits.too_hard * real_inside):
        return None
    real = "" if real_inside is None else f" ({1 - real_inside:.0%} of real ones do)"
    return (
        f"The generator is saturated: {1 - inside:.1%} of its values lie at tanh's limits{real}, where no gradient "
        "comes through. Start anew with a lower learning rate or smaller weights in its last layer, and look whether "
        "the real pictures are in [-1, 1]."
    )


def flat(slope: float, usual: float, d_fake: float, limits: Limits) -> str | None:
    """Whether the generator's loss has lost its slope at the logits of its own pictures."""
    if d_fake >= 0 or slope >= limits.too_flat * usual:
        return None
    return (
        f"The generator's loss is saturated: at the mean logit of its pictures, {d_fake:.2g}, it has "
        f"{slope / usual:.2%} of its usual slope, so the generator hardly learns. Use the non-saturating loss, or a "
        "weaker discriminator."
    )


def not_finite(what: str, kept: str, half: bool) -> str:
    """A number became NaN or infinite."""
    other = ", or compute in float32" if half else ""
    return (
        f"{what} is NaN or infinite. The training stops, and weights and optimizers are again as they were {kept}. "
        f"Go on with lower learning rates, a third of these{other}."
    )


def near_float16(size: float, limits: Limits) -> str | None:
    """Whether a float16 discriminator works with numbers too large for float16."""
    if size < limits.too_large:
        return None
    return (
        f"The discriminator computes in float16, and its numbers reach {size:,.0f}: from 2,048 on float16 knows even "
        "numbers only, and after 65,504 comes infinity. Compute in bfloat16 or float32, or bound the discriminator by "
        "R1 or spectral normalisation."
    )
