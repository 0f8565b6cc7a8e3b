"""Photographs of any size -> batches of random square patches, in an order that survives a restart.

Never in here: files, degradations, whole pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from gan_lib import images
from gan_lib.datasets.batching import LAST_EPOCH

if TYPE_CHECKING:
    import tensorflow as tf


def patches(
    photographs: Mapping[str, np.ndarray],
    *,
    size: int,
    batch_size: int,
    seed: int = 0,
    first_epoch: int = 0,
    per_photograph: int = 16,
    turn: bool = True,
) -> tf.data.Dataset:
    """Endless batches of random patches; each depends on nothing but (seed, epoch, index).

    One epoch takes ``per_photograph`` patches from each photograph, in mixed order, and has
    ``len(photographs) * per_photograph // batch_size`` batches. To resume after ``k`` epochs pass ``first_epoch=k``.

    Args:
        photographs: name -> (height, width, channels), uint8 in [0, 255] or float in [0, 1]; all with as many
            channels. One that is smaller than a patch is left out with a printed line.
        size: side of a patch, in pixels.
        batch_size: patches per batch.
        seed: selects the patches.
        first_epoch: epoch to begin with, counted from 0.
        per_photograph: patches per photograph and epoch.
        turn: mirror each patch and turn it by quarters at random, eight ways in all.

    Returns:
        Dataset of float32 (batch_size, size, size, channels) in [-1, 1].

    Raises:
        ValueError: if no photograph is large enough, they differ in channels, or an epoch has less than one batch.

    Example:
        >>> dataset = patches(bundled_photographs(), size=64, batch_size=16)
        >>> next(iter(dataset)).shape
        TensorShape([16, 64, 64, 3])
    """
    import tensorflow as tf

    pictures = _large_enough(photographs, size)
    count = len(pictures) * per_photograph
    if not 1 <= batch_size <= count:
        raise ValueError(
            f"Expected a batch size from 1 to {count} ({len(pictures)} photographs with {per_photograph} patches "
            f"each), got {batch_size}; raise per_photograph."
        )

    def one_epoch(epoch):
        # Three independent streams of random numbers for each epoch: order, place and turn.
        seeds = [tf.random.experimental.stateless_fold_in([seed, epoch], stream) for stream in range(3)]
        which = tf.random.experimental.stateless_shuffle(tf.range(count), seed=seeds[0], alg="philox")
        place = tf.random.stateless_uniform([count, 2], seeds[1], alg="philox")
        way = tf.random.stateless_uniform([count, 3], seeds[2], 0, 2 if turn else 1, tf.int64, alg="philox")
        parts = (which % len(pictures), place, way)
        return tf.data.Dataset.from_tensor_slices(parts).batch(batch_size, drop_remainder=True)

    def cut(which, place, way):
        # In NumPy, on the arrays as they are: TensorFlow would copy all photographs three times before it begins.
        batch = tf.numpy_function(
            lambda *numbers: _cut(pictures, size, *numbers), [which, place, way], tf.float32, stateful=False
        )
        return tf.ensure_shape(batch, [batch_size, size, size, pictures[0].shape[-1]])

    dataset = tf.data.Dataset.range(first_epoch, LAST_EPOCH).flat_map(one_epoch)
    return dataset.map(cut, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def _large_enough(photographs: Mapping[str, np.ndarray], size: int) -> list[np.ndarray]:
    pictures, small = [], []
    for name, picture in photographs.items():
        if picture.ndim != 3:
            raise ValueError(f"Expected photographs of shape (height, width, channels); {name} has {picture.shape}.")
        images.check_picture(picture)
        if min(picture.shape[:2]) < size:
            small.append(name)
        else:
            pictures.append(picture)
    if not pictures:
        raise ValueError(
            f"None of the {len(small)} photographs is {size} x {size} pixels or larger; take a smaller size."
        )
    if small:
        print(f"Left out, because smaller than {size} x {size} pixels: {', '.join(small)}")
    channels = {picture.shape[-1] for picture in pictures}
    if len(channels) > 1:
        raise ValueError(
            f"Expected photographs with as many channels each, got {sorted(channels)}; load them all with mode 'rgb'."
        )
    return pictures


def _cut(pictures: list[np.ndarray], size: int, which: np.ndarray, place: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Cut one batch: which picture (n,), place (n, 2) in [0, 1), way (n, 3) of zeros and ones; in [-1, 1]."""
    batch = np.empty((len(which), size, size, pictures[0].shape[-1]), np.float32)
    for row, number in enumerate(which):
        picture = pictures[number]
        room = np.array(picture.shape[:2]) - size + 1
        # float32 may round a number just below 1 up to the edge
        top, left = np.minimum((place[row] * room).astype(int), room - 1)
        patch = picture[top : top + size, left : left + size]
        patch = patch[:: -1 if way[row, 0] else 1, :: -1 if way[row, 1] else 1]
        batch[row] = images.to_network(patch.transpose(1, 0, 2) if way[row, 2] else patch)
    return batch
