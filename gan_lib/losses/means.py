"""The means that every loss ends with: float32, of all values or of those inside of a mask.

Losses themselves do not belong here.
"""

import tensorflow as tf


def mean(values: tf.Tensor) -> tf.Tensor:
    """The mean of all values, any shape, float32 whatever the networks compute in.

    A float16 mean over a large map overflows.
    """
    return tf.reduce_mean(tf.cast(values, tf.float32))


def mean_over(values: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """The mean of all values, or of those where the mask is 1; 0 where it is 0 everywhere. float32.

    Args:
        values: (batch, height, width, channels), any range.
        mask: (batch, height, width, 1) of zeros and ones, or None for all values.
    """
    if mask is None:
        return mean(values)
    mask = tf.broadcast_to(tf.cast(mask, tf.float32), tf.shape(values))
    return tf.math.divide_no_nan(tf.reduce_sum(tf.cast(values, tf.float32) * mask), tf.reduce_sum(mask))
