"""Losses, adversarial and pixel by pixel: tensors in, a scalar to differentiate out.

No state and no weight updates live here (see `training`), and no measures (see `metrics`).

Every adversarial loss comes as a pair, ``x_discriminator_loss(real_logits, fake_logits)`` and
``x_generator_loss(fake_logits)``. *Logits* are what the discriminator returns: any real numbers, before a
sigmoid. Each discriminator loss is the **sum** of its real half and its fake half, each half a mean over
the batch (and over the map, for a discriminator that returns a map of logits).

===================  ==============================  =================  =============
pair                 "cannot tell" means             discriminator      generator
===================  ==============================  =================  =============
minimax              logits 0                        2 log 2 = 1.386    -log 2
non_saturating       logits 0                        2 log 2 = 1.386    log 2 = 0.693
least_squares        logits 1/2                      1/4                1/8
hinge                logits 0                        2                  0
wasserstein          equal means, here at 0          0                  0
===================  ==============================  =================  =============
"""

from gan_lib.losses.adversarial import (
    hinge_discriminator_loss,
    hinge_generator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    minimax_discriminator_loss,
    minimax_generator_loss,
    non_saturating_discriminator_loss,
    non_saturating_generator_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
)
from gan_lib.losses.penalties import Judge, gradient_penalty, r1_penalty
from gan_lib.losses.pixels import (
    checkerboard_loss,
    mean_absolute_error,
    mean_squared_error,
    overlap_weights,
    weighted_squared_error,
)

__all__ = [
    "Judge",
    "checkerboard_loss",
    "gradient_penalty",
    "hinge_discriminator_loss",
    "hinge_generator_loss",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "mean_absolute_error",
    "mean_squared_error",
    "minimax_discriminator_loss",
    "minimax_generator_loss",
    "non_saturating_discriminator_loss",
    "non_saturating_generator_loss",
    "overlap_weights",
    "r1_penalty",
    "wasserstein_discriminator_loss",
    "wasserstein_generator_loss",
    "weighted_squared_error",
]
