"""Adversarial losses, in pairs; their table is in the docstring of `gan_lib.losses`.

Penalties on the discriminator's slope are in `penalties`, distances between pictures in `pixels`.
"""

import tensorflow as tf

from gan_lib.losses.means import mean


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
    return mean(real) + mean(tf.nn.softplus(fake_logits))


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
    return -mean(tf.nn.softplus(tf.cast(fake_logits, tf.float32)))


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
    return mean(tf.nn.softplus(-tf.cast(fake_logits, tf.float32)))


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
    return 0.5 * mean(tf.square(real_logits - 1.0)) + 0.5 * mean(tf.square(fake_logits))


def least_squares_generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Half the squared distance of fake logits to 1.

    Args:
        fake_logits: raw scores of generated pictures, any shape, any real numbers.

    Returns:
        A float32 scalar, at least 0; 1/8 where every score is 1/2.

    Source: Mao et al. 2017, equation 9.
    """
    return 0.5 * mean(tf.square(tf.cast(fake_logits, tf.float32) - 1.0))


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
    return mean(tf.nn.relu(1.0 - real_logits)) + mean(tf.nn.relu(1.0 + fake_logits))


def hinge_generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Minus the mean logit: the generator climbs the discriminator's score, without a bound.

    Args:
        fake_logits: logits of generated pictures, any shape, any real numbers.

    Returns:
        A float32 scalar of either sign; 0 at logits 0.

    Source: Miyato et al. 2018, equation 17.
    """
    return -mean(fake_logits)


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
    return mean(fake_logits) - mean(real_logits)


def wasserstein_generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Minus the mean score of generated pictures. Arguments and source as `wasserstein_discriminator_loss`."""
    return -mean(fake_logits)
