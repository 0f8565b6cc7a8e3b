"""Sample pictures after an epoch, and scores of them.

No maths of measures (see `metrics`).
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gan_lib import images
from gan_lib.callbacks.references import labels_to_draw
from gan_lib.training import draw_latent


def _drawn(generator: keras.Model, latents: tf.Tensor, labels: tf.Tensor | None, batch_size: int = 500) -> np.ndarray:
    """Pictures of a generator in inference mode, uint8."""
    parts = []
    for start in range(0, len(latents), batch_size):
        z = latents[start : start + batch_size]
        inputs = z if labels is None else [z, labels[start : start + batch_size]]
        # Called directly, not through predict(): KERAS_MAX_STEPS_PER_EPOCH would cut predict short.
        parts.append(images.to_uint8(images.from_network(generator(inputs, training=False).numpy())))
    return np.concatenate(parts)


def draw_pictures(generator: keras.Model, count: int, *, seed: int = 0, labels: np.ndarray | None = None) -> np.ndarray:
    """Draws pictures from a generator.

    Args:
        generator: z (and labels) -> pictures in [-1, 1].
        count: how many.
        seed: the same seed gives the same latents.
        labels: integers (count,), where the generator takes them.

    Returns:
        uint8 (count, height, width, channels).

    Raises:
        ValueError: if labels came and the generator takes none, or the other way round; if they are no whole numbers,
            out of range, or not ``count``.

    Example:
        >>> from gan_lib.networks.conditional_gan import conditional_generator
        >>> from gan_lib.networks.dcgan import dcgan_generator
        >>> pictures = draw_pictures(dcgan_generator(), 64)
        >>> sevens = draw_pictures(conditional_generator(), 64, labels=np.full(64, 7))
    """
    labels = labels_to_draw(generator, labels, count)
    latents = draw_latent(count, generator.inputs[0].shape[-1], seed=seed)
    return _drawn(generator, latents, None if labels is None else tf.convert_to_tensor(labels))


class SampleGrid(keras.callbacks.Callback):
    """Draws the same latents after each epoch, so that you watch the same pictures become better.

    With a folder each epoch's grid is written as ``epoch_001.png``; `frames` keeps them for an animation
    (``plots.animation``). Frame 0 is the untrained generator; a resumed run has none and leaves its file as it is.

    Args:
        count: how many pictures, best a square number.
        seed: from which the fixed latents follow.
        labels: integers (count,), where the generator takes them; they are checked before the training.
        columns: pictures in a row; the square root of the count without it.
        folder: where the PNG files go; none are written without it.
        every: draws after every so many epochs.
    """

    def __init__(
        self,
        count: int = 64,
        *,
        seed: int = 0,
        labels: np.ndarray | None = None,
        columns: int | None = None,
        folder: str | Path | None = None,
        every: int = 1,
    ):
        super().__init__()
        self.count, self.seed, self.labels, self.every = count, seed, labels, every
        self.columns = columns
        self.folder = None if folder is None else Path(folder)
        self.frames: list[np.ndarray] = []

    def on_train_begin(self, logs=None):
        """Draws frame 0, unless the run goes on from an earlier one, even one of yesterday."""
        labels_to_draw(self.model.generator, self.labels, self.count)
        if not self.frames and int(self.model.iteration.numpy()) == 0:
            self._draw(0)

    def on_epoch_end(self, epoch, logs=None):
        """Draws one frame."""
        if (epoch + 1) % self.every == 0:
            self._draw(epoch + 1)

    def _draw(self, epoch):
        pictures = draw_pictures(self.model.sampling_generator(), self.count, seed=self.seed, labels=self.labels)
        self.frames.append(images.tile(pictures, self.columns))
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            images.save_image(self.folder / f"epoch_{epoch:03d}.png", self.frames[-1])


class ScoreEachEpoch(keras.callbacks.Callback):
    """Adds measures of freshly drawn pictures to each epoch's logs, and so to the history and to TensorBoard.

    Put it before callbacks that read those logs.

    Args:
        score: pictures, uint8 (count, height, width, channels) -> measures, name -> number.
        count: how many pictures to draw.
        seed: of their latents.
        labels: integers (count,), where the generator takes them; they are checked before the training.
    """

    def __init__(
        self,
        score: Callable[[np.ndarray], dict[str, float]],
        count: int,
        *,
        seed: int = 1,
        labels: np.ndarray | None = None,
    ):
        super().__init__()
        self.score, self.count, self.seed, self.labels = score, count, seed, labels

    def on_train_begin(self, logs=None):
        """Looks at the labels, so that no epoch is lost over them."""
        labels_to_draw(self.model.generator, self.labels, self.count)

    def on_epoch_end(self, epoch, logs=None):
        """Draws, measures, and adds the measures to the logs."""
        pictures = draw_pictures(self.model.sampling_generator(), self.count, seed=self.seed, labels=self.labels)
        if logs is not None:
            logs.update(self.score(pictures))
