"""Arrays and photographs -> ``tf.data.Dataset`` of float32 batches in [-1, 1], in an order that survives a restart.

Never in here: files, downloads, networks, and degradations of a picture.

``Dataset.shuffle(seed=...)`` replays its first epoch after a restart, so a resumed run would see other batches than
an uninterrupted one. Here the order is a pure function of (seed, epoch, index): epoch 7 looks the same whether you
come from epoch 6 or start there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_lib import images
from gan_lib.datasets.places import DataError

if TYPE_CHECKING:
    import tensorflow as tf

# An epoch counter that nobody reaches; the dataset is endless for every practical purpose.
LAST_EPOCH = 2**31 - 1


def check_labels(labels: np.ndarray, classes: int = 10, *, origin: str = "the labels") -> np.ndarray:
    """Check class labels and return them as int32.

    Args:
        labels: integers of shape (n,), each in 0..classes-1.
        classes: number of classes.
        origin: how an error message calls them.

    Returns:
        The labels, shape (n,), int32.

    Raises:
        DataError: for another shape, for numbers that are not whole, or for a label out of range; the message names
            the first offender.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise DataError(f"Expected {origin} as one whole number per picture, shape (n,), got shape {labels.shape}.")
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"Expected {origin} as whole numbers, got {labels.dtype}; convert them with .astype('int32').")
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise DataError(
            f"Label {labels[wrong[0]]} at position {wrong[0]} of {origin} is out of range: expected 0 to "
            f"{classes - 1} ({wrong.size} of {labels.size} labels are wrong). Correct or remove those pictures."
        )
    return labels.astype(np.int32)


def batches(
    pictures: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    batch_size: int,
    seed: int = 0,
    first_epoch: int = 0,
    shuffle: bool = True,
    drop_remainder: bool = True,
    classes: int = 10,
) -> tf.data.Dataset:
    """Endless batches for training, in an order that depends on nothing but (seed, epoch, index).

    Each epoch visits every picture once, in a fresh permutation drawn from ``(seed, epoch)`` without state. To resume
    after ``k`` finished epochs pass ``first_epoch=k``: the batches are those that an uninterrupted run would have
    seen. One epoch has ``len(pictures) / batch_size`` batches, rounded down, or up without
    ``drop_remainder`` (pass that as ``steps_per_epoch`` to ``fit``).

    Args:
        pictures: array (n, height, width, channels), uint8 in [0, 255] or float in [0, 1].
        labels: integers (n,) in 0..classes-1, or None.
        batch_size: pictures per batch, at most n.
        seed: selects the family of permutations.
        first_epoch: epoch to begin with, counted from 0.
        shuffle: False keeps the order of the array in each epoch.
        drop_remainder: True leaves out the last, smaller batch of each epoch (other pictures each time when shuffled).
        classes: number of classes that the labels may name.

    Returns:
        Dataset of float32 (batch_size, height, width, channels) in [-1, 1], or of pairs with int32 (batch_size,).

    Raises:
        ValueError: for a wrong shape, dtype or range, or fewer pictures than one batch needs.
        DataError: for labels that are out of range or too few.

    Example:
        >>> from gan_lib.datasets import load_digits
        >>> digits = load_digits()
        >>> for batch in batches(digits.train_images, batch_size=128).take(1):
        ...     print(batch.shape)
        (128, 28, 28, 1)
    """
    import tensorflow as tf

    pictures = np.asarray(pictures)
    _check_pictures(pictures, batch_size, first_epoch)
    parts = [tf.constant(pictures)]
    if labels is not None:
        labels = check_labels(labels, classes)
        if len(labels) != len(pictures):
            raise DataError(f"Got {len(pictures)} pictures but {len(labels)} labels; expected one label per picture.")
        parts.append(tf.constant(labels))

    def to_batch(index):
        # Gather first, convert after: the whole set stays uint8, only one batch at a time is float32.
        batch = images.to_network(tf.gather(parts[0], index))
        return batch if labels is None else (batch, tf.gather(parts[1], index))

    order = _epoch_order(
        len(pictures), batch_size, seed=seed, first_epoch=first_epoch, shuffle=shuffle, drop_remainder=drop_remainder
    )
    dataset = order.map(lambda epoch, index: to_batch(index), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return fetched_ahead(dataset)


def fetched_ahead(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The same dataset, made some batches ahead of its use, whose iteration ends at once when nobody wants more.

    tf.data would tune itself instead, in a thread that sleeps twice as long each time, up to a minute, and the end of
    an iteration may wait for that sleep: a `fit` of 11 seconds took 20. (`training` does the same for datasets that it
    is handed.)
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(2).with_options(options)


def _epoch_order(
    count: int,
    batch_size: int,
    *,
    seed: int = 0,
    first_epoch: int = 0,
    shuffle: bool = True,
    drop_remainder: bool = True,
) -> tf.data.Dataset:
    """Endless dataset of (epoch, indices): which of ``count`` things form each batch.

    Returns:
        Dataset of pairs: epoch, int64 scalar; indices into 0..count-1, int32 (batch_size,).
    """
    import tensorflow as tf

    def one_epoch(epoch):
        index = tf.range(count)
        if shuffle:
            # A named algorithm: "auto" may pick another one on another device and with it another order.
            index = tf.random.experimental.stateless_shuffle(index, seed=[seed, epoch], alg="philox")
        pieces = tf.data.Dataset.from_tensor_slices(index).batch(batch_size, drop_remainder=drop_remainder)
        return pieces.map(lambda piece: (epoch, piece))

    return tf.data.Dataset.range(first_epoch, LAST_EPOCH).flat_map(one_epoch)


def _check_pictures(pictures: np.ndarray, batch_size: int, first_epoch: int) -> None:
    if pictures.ndim != 4:
        raise ValueError(
            f"Expected pictures of shape (n, height, width, channels), got {pictures.shape}; "
            "give grey pictures a last axis with pictures[..., None]."
        )
    if not 1 <= batch_size <= len(pictures):
        # Dropping the remainder would leave no batch at all, and an endless dataset of nothing never returns.
        raise ValueError(
            f"Expected a batch size between 1 and the number of pictures, {len(pictures)}, got {batch_size}."
        )
    if first_epoch < 0:
        raise ValueError(f"Expected first_epoch of 0 or more, got {first_epoch}.")
    # One look at the whole array here; inside the dataset a range can no longer be reported in words.
    images.check_picture(pictures)
