"""Photographs of any size -> batches of random square patches, in an order that survives a restart.

Never in here: files, degradations, whole pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from gan_lib import images
from gan_lib.datasets.batching import LAST_EPOCH, fetched_ahead

if TYPE_CHECKING:
    import tensorflow as tf

_WAYS = {True: (1, 1, 1), "mirror": (0, 1, 0), False: (0, 0, 0)}  # upside down, mirrored, transposed: allowed or not


def patches(
    photographs: Mapping[str, np.ndarray],
    *,
    size: int,
    batch_size: int,
    seed: int = 0,
    first_epoch: int = 0,
    per_photograph: int = 16,
    turn: bool | str = True,
) -> tf.data.Dataset:
    """Endless batches of random patches; each depends on nothing but (seed, epoch, index).

    One epoch takes ``per_photograph`` patches from each photograph, in mixed order, and has
    ``len(photographs) * per_photograph // batch_size`` batches. To resume after ``k`` epochs pass ``first_epoch=k``.

    Args:
        photographs: name -> (height, width, channels), uint8 in [0, 255] or float in [0, 1]; all with as many
            channels. One that is smaller than a patch is left out with a printed line. The dataset keeps a copy.
        size: side of a patch, in pixels.
        batch_size: patches per batch.
        seed: selects the patches.
        first_epoch: epoch to begin with, counted from 0.
        per_photograph: patches per photograph and epoch.
        turn: True mirrors each patch and turns it by quarters at random, eight ways in all; "mirror" exchanges left
            and right only, so that the sky stays above; False leaves all as they are.

    Returns:
        Dataset of float32 (batch_size, size, size, channels) in [-1, 1].

    Raises:
        ValueError: if no photograph is large enough, they differ in channels, or an epoch has less than one batch.

    Example:
        >>> from gan_lib.datasets import bundled_photographs
        >>> dataset = patches(bundled_photographs(), size=64, batch_size=16)
        >>> next(iter(dataset)).shape
        TensorShape([16, 64, 64, 3])
    """
    import tensorflow as tf

    if turn not in _WAYS:
        raise ValueError(f"turn is {turn!r}; one of {', '.join(map(repr, _WAYS))} was expected.")
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
        way = tf.random.stateless_uniform([count, 3], seeds[2], 0, 2, tf.int64, alg="philox") * _WAYS[turn]
        parts = (which % len(pictures), place, way)
        return tf.data.Dataset.from_tensor_slices(parts).batch(batch_size, drop_remainder=True)

    with tf.device("CPU:0"):
        pixels = tf.constant(np.concatenate([picture.reshape(-1, picture.shape[-1]) for picture in pictures]))
        sizes = tf.constant([picture.shape[:2] for picture in pictures], tf.int64)
        begins = tf.cumsum(tf.reduce_prod(sizes, axis=1), exclusive=True)

    def cut(which, place, way):
        # In TensorFlow's own operations. A tf.numpy_function would spare a copy of the photographs, but a dataset that
        # is thrown away while it fetches ahead would then wait for Python, and Python for it, for ever.
        index = _places(tf.gather(sizes, which), tf.gather(begins, which), size, place, way)
        batch = images.to_network(tf.gather(pixels, index))
        return tf.ensure_shape(batch, [batch_size, size, size, pictures[0].shape[-1]])

    dataset = tf.data.Dataset.range(first_epoch, LAST_EPOCH).flat_map(one_epoch)
    return fetched_ahead(dataset.map(cut, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True))


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
    if len({picture.dtype for picture in pictures}) > 1:  # 8-bit and 16-bit files
        pictures = [images.from_network(images.to_network(picture)) for picture in pictures]
    return pictures


def _places(sizes: tf.Tensor, begins: tf.Tensor, size: int, place: tf.Tensor, way: tf.Tensor) -> tf.Tensor:
    """Where the pixels of each patch lie in the row of all pixels.

    Args:
        sizes: height and width of each patch's picture, int64 (n, 2).
        begins: where that picture begins, int64 (n,).
        size: side of a patch.
        place: (n, 2) in [0, 1): how far down and to the right.
        way: (n, 3) of zeros and ones: upside down, mirrored, transposed.

    Returns:
        int64 (n, size, size).
    """
    import tensorflow as tf

    room = sizes - size + 1
    # float32 may round a number just below 1 up to the edge
    corner = tf.minimum(tf.cast(place * tf.cast(room, tf.float32), tf.int64), room - 1)
    line = tf.range(size, dtype=tf.int64)
    way = tf.cast(way, tf.int64)
    down = line + way[:, :1] * (size - 1 - 2 * line)
    right = line + way[:, 1:2] * (size - 1 - 2 * line)
    rows = (corner[:, :1] + down)[:, :, None]
    columns = (corner[:, 1:] + right)[:, None, :]
    index = begins[:, None, None] + rows * sizes[:, 1, None, None] + columns
    return tf.where(way[:, 2, None, None] == 1, tf.transpose(index, [0, 2, 1]), index)
