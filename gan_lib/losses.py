"""Adversarial losses: tensors in, a scalar to differentiate out.

No state and no weight updates live here (see `training`), and no measures (see `metrics`).

Every loss comes as a pair, ``x_discriminator_loss(real_logits, fake_logits)`` and
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

from collections.abc import Callable

import tensorflow as tf

Judge = Callable[[tf.Tensor], tf.Tensor]


def _mean(values: tf.Tensor) -> tf.Tensor:
    # Losses are float32 whatever the networks compute in: a float16 mean over a large map overflows.
    return tf.reduce_mean(tf.cast(values, tf.float32))


def minimax_discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor, real_target: float = 1.0) -> tf.Tensor:
    """Binary cross-entropy of "real" and "fake": what the discriminator minimises in the original game.

    With D = sigmoid(logit) this is -E[log D(real)] - E[log(1 - D(fake))].

    Args:
        real_logits: logits of real pictures, any shape, any real numbers.
        fake_logits: logits of generated pictures, any shape, any real numbers.
        real_target: the probability asked for real pictures, in (0, 1]. Values below 1, such as 0.9, are
            one-sided label smoothing (Salimans 2016, section 3.4): the discriminator is no longer paid for
            being ever more certain. The fake target stays 0, as smoothing it would reward today's fakes.

    Returns:
        A float32 scalar, the sum of both halves; 2 log 2 = 1.386 at logits 0, whatever the target.

    Raises:
        ValueError: if ``real_target`` is not in (0, 1].

    Example:
        >>> import tensorflow as tf
        >>> round(float(minimax_discriminator_loss(tf.zeros([4, 1]), tf.zeros([4, 1]))), 3)
        1.386

    Source: Goodfellow et al. 2014, "Generative Adversarial Nets", equation 1.
    """
    if not 0.0 < real_target <= 1.0:
        raise ValueError(
            f"real_target is {real_target}, but a probability in (0, 1] was expected: 0.9 smooths, 1 does not."
        )
    real_logits, fake_logits = tf.cast(real_logits, tf.float32), tf.cast(fake_logits, tf.float32)
    # softplus(-l) = -log sigmoid(l): the logarithm of a sigmoid that has become 0 would be minus infinity.
    real = real_target * tf.nn.softplus(-real_logits) + (1.0 - real_target) * tf.nn.softplus(real_logits)
    return _mean(real) + _mean(tf.nn.softplus(fake_logits))


def minimax_generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """The original generator loss, E[log(1 - D(fake))], which saturates: shown in lesson 1, used nowhere else.

    Where the discriminator is sure of a fake (a very negative logit) the loss is flat, so the worse the
    generator, the less it learns.

    Args:
        fake_logits: logits of generated pictures, any shape, any real numbers.

    Returns:
        A float32 scalar, at most 0; -log 2 = -0.693 at logits 0.

    Source: Goodfellow et al. 2014, equation 1 and the remark on saturation at the end of section 3.
    """
    return -_mean(tf.nn.softplus(tf.cast(fake_logits, tf.float32)))


def non_saturating_discriminator_loss(
    real_logits: tf.Tensor, fake_logits: tf.Tensor, real_target: float = 1.0
) -> tf.Tensor:
    """The discriminator's half of the non-saturating game; the same as in the minimax game.

    See `minimax_discriminator_loss` for arguments, value and source.
    """
    return minimax_discriminator_loss(real_logits, fake_logits, real_target)


def non_saturating_generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """-E[log D(fake)]: steepest where the discriminator is sure of a fake, so a bad generator learns fast.

    Args:
        fake_logits: logits of generated pictures, any shape, any real numbers.

    Returns:
        A float32 scalar, at least 0; log 2 = 0.693 at logits 0.

    Source: Goodfellow et al. 2014, end of section 3.
    """
    return _mean(tf.nn.softplus(-tf.cast(fake_logits, tf.float32)))


def least_squares_discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """Half the squared distance of real logits to 1 and of fake logits to 0.

    Args:
        real_logits: raw scores of real pictures, any shape, any real numbers (no sigmoid follows).
        fake_logits: raw scores of generated pictures, any shape, any real numbers.

    Returns:
        A float32 scalar, at least 0; 1/4 where every score is 1/2.

    Source: Mao et al. 2017, "Least Squares GANs", equation 9 (targets 1 for real, 0 for fake).
    """
    real_logits, fake_logits = tf.cast(real_logits, tf.float32), tf.cast(fake_logits, tf.float32)
    return 0.5 * _mean(tf.square(real_logits - 1.0)) + 0.5 * _mean(tf.square(fake_logits))


def least_squares_generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Half the squared distance of fake logits to 1.

    Args:
        fake_logits: raw scores of generated pictures, any shape, any real numbers.

    Returns:
        A float32 scalar, at least 0; 1/8 where every score is 1/2.

    Source: Mao et al. 2017, equation 9.
    """
    return 0.5 * _mean(tf.square(tf.cast(fake_logits, tf.float32) - 1.0))


def hinge_discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """Asks for real logits above 1 and fake logits below -1, and for nothing beyond that.

    Args:
        real_logits: logits of real pictures, any shape, any real numbers.
        fake_logits: logits of generated pictures, any shape, any real numbers.

    Returns:
        A float32 scalar, at least 0; 2 at logits 0.

    Source: Lim and Ye 2017, "Geometric GAN"; Miyato et al. 2018, "Spectral Normalization", equation 16.
    """
    real_logits, fake_logits = tf.cast(real_logits, tf.float32), tf.cast(fake_logits, tf.float32)
    return _mean(tf.nn.relu(1.0 - real_logits)) + _mean(tf.nn.relu(1.0 + fake_logits))


def hinge_generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Minus the mean logit: the generator climbs the discriminator's score, without a bound.

    Args:
        fake_logits: logits of generated pictures, any shape, any real numbers.

    Returns:
        A float32 scalar of either sign; 0 at logits 0.

    Source: Miyato et al. 2018, equation 17.
    """
    return -_mean(fake_logits)


def wasserstein_discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """E[critic(fake)] - E[critic(real)]: minus the estimate of the earth mover's distance.

    Only a critic of bounded slope estimates a distance: add `gradient_penalty`, and leave batch
    normalisation out of the critic, since the penalty is defined picture by picture.

    Args:
        real_logits: scores of real pictures, any shape, any real numbers.
        fake_logits: scores of generated pictures, any shape, any real numbers.

    Returns:
        A float32 scalar of either sign; 0 where the two means agree.

    Source: Arjovsky et al. 2017, "Wasserstein GAN", algorithm 1.
    """
    return _mean(fake_logits) - _mean(real_logits)


def wasserstein_generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Minus the mean score of generated pictures. Arguments and source as `wasserstein_discriminator_loss`."""
    return -_mean(fake_logits)


def _input_gradients(discriminator: Judge, pictures: tf.Tensor) -> tf.Tensor:
    """The gradient of each picture's score by its own pixels, shape (batch, pixels), float32."""
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        scores = tf.cast(discriminator(pictures), tf.float32)
    gradients = tf.cast(tape.gradient(scores, pictures), tf.float32)  # squares of float16 numbers underflow
    return tf.reshape(gradients, [tf.shape(pictures)[0], -1])


def gradient_penalty(
    discriminator: Judge, real: tf.Tensor, fake: tf.Tensor, seed: tf.Tensor | tuple[int, int]
) -> tf.Tensor:
    """How far the critic's slope is from 1, on the lines between real and generated pictures.

    Each picture pair gets **one** uniform draw in [0, 1], so each pair gives one point of its line. (A normal
    draw, which circulates, leaves the line.)

    Args:
        discriminator: pictures -> logits, called on float32 pictures shaped like ``real``. It must treat each
            picture alone: no batch normalisation.
        real: real pictures, float32 (batch, height, width, channels) in [-1, 1].
        fake: generated pictures of the same shape and range.
        seed: two integers for the draw; the same seed gives the same points.

    Returns:
        A float32 scalar, the mean of (||gradient|| - 1)^2; the paper multiplies it by 10.

    Source: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", equation 3.
    """
    # A named algorithm: "auto" may draw other numbers on another device.
    mix = tf.random.stateless_uniform([tf.shape(real)[0]] + [1] * (len(real.shape) - 1), seed=seed, alg="philox")
    points = tf.cast(real, tf.float32) + mix * (tf.cast(fake, tf.float32) - tf.cast(real, tf.float32))
    squares = tf.reduce_sum(tf.square(_input_gradients(discriminator, points)), axis=1)
    # The root has an infinite slope at 0, which would turn the second derivative into NaN.
    return _mean(tf.square(tf.sqrt(squares + 1e-12) - 1.0))


def r1_penalty(
    discriminator: Judge, real: tf.Tensor, fake: tf.Tensor | None = None, seed: tf.Tensor | None = None
) -> tf.Tensor:
    """Half the mean squared slope of the discriminator on real pictures.

    At equilibrium nothing distinguishes real from fake, so the discriminator should be flat there; R1 asks
    for that and makes the game converge.

    Args:
        discriminator: pictures -> logits, called on float32 pictures.
        real: real pictures, float32 (batch, height, width, channels) in [-1, 1].
        fake: not used; there so that both penalties are called alike.
        seed: not used, likewise.

    Returns:
        A float32 scalar, at least 0. Multiply it by gamma; the paper uses 10.

    Source: Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?", equation 9.
    """
    del fake, seed
    return 0.5 * _mean(tf.reduce_sum(tf.square(_input_gradients(discriminator, tf.cast(real, tf.float32))), axis=1))


def _over_mask(values: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """The mean of all values, or of those where the mask is 1."""
    if mask is None:
        return _mean(values)
    mask = tf.broadcast_to(tf.cast(mask, tf.float32), tf.shape(values))
    return tf.math.divide_no_nan(tf.reduce_sum(tf.cast(values, tf.float32) * mask), tf.reduce_sum(mask))


def mean_absolute_error(restored: tf.Tensor, clean: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """The L1 distance. Its best answer to several plausible pictures is their median: it blurs less than L2.

    Args:
        restored: float (batch, height, width, channels) in [-1, 1].
        clean: the truth, of the same shape and range.
        mask: (batch, height, width, 1) of zeros and ones; if given, only pixels where it is 1 count.

    Returns:
        A float32 scalar from 0 to 2; 0 where the mask is 0 everywhere.

    Source: Zhao et al. 2017, "Loss Functions for Image Restoration with Neural Networks".
    """
    return _over_mask(tf.abs(tf.cast(restored, tf.float32) - tf.cast(clean, tf.float32)), mask)


def mean_squared_error(restored: tf.Tensor, clean: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """The squared L2 distance. Its best answer to several plausible pictures is their mean: it blurs.

    Arguments as `mean_absolute_error`.

    Returns:
        A float32 scalar from 0 to 4; 0 where the mask is 0 everywhere.
    """
    return _over_mask(tf.square(tf.cast(restored, tf.float32) - tf.cast(clean, tf.float32)), mask)
