"""What happens between training steps: sample pictures, scores, backups.

No maths of measures (see `metrics`) and no update of weights (see `training`). TensorBoard, CSV logs and the like
are Keras' own callbacks and work beside these.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf

from gan_lib import images
from gan_lib.files import whole_file
from gan_lib.training import draw_latent

_ABOUT = "about_this_backup"  # a dataset of the backup file, beside what Keras writes


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

    Example:
        >>> pictures = draw_pictures(gan.sampling_generator(), 64)
    """
    latents = draw_latent(count, generator.inputs[0].shape[-1], seed=seed)
    return _drawn(generator, latents, None if labels is None else tf.convert_to_tensor(labels))


class SampleGrid(keras.callbacks.Callback):
    """Draws the same latents after each epoch, so that you watch the same pictures become better.

    With a folder each epoch's grid is written as ``epoch_001.png``; `frames` keeps them for an animation
    (``plots.animation``). Frame 0 is the untrained generator; a resumed run has none and leaves its file as it is.

    Args:
        count: how many pictures, best a square number.
        seed: from which the fixed latents follow.
        labels: integers (count,), where the generator takes them.
        folder: where the PNG files go; none are written without it.
        every: draws after every so many epochs.
    """

    def __init__(
        self,
        count: int = 64,
        *,
        seed: int = 0,
        labels: np.ndarray | None = None,
        folder: str | Path | None = None,
        every: int = 1,
    ):
        super().__init__()
        self.count, self.seed, self.labels, self.every = count, seed, labels, every
        self.folder = None if folder is None else Path(folder)
        self.frames: list[np.ndarray] = []

    def on_train_begin(self, logs=None):
        """Draws frame 0, unless the run goes on from an earlier one, even one of yesterday."""
        if not self.frames and int(self.model.iteration.numpy()) == 0:
            self._draw(0)

    def on_epoch_end(self, epoch, logs=None):
        """Draws one frame."""
        if (epoch + 1) % self.every == 0:
            self._draw(epoch + 1)

    def _draw(self, epoch):
        pictures = draw_pictures(self.model.sampling_generator(), self.count, seed=self.seed, labels=self.labels)
        self.frames.append(images.tile(pictures))
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
        labels: integers (count,), where the generator takes them.
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

    def on_epoch_end(self, epoch, logs=None):
        """Draws, measures, and adds the measures to the logs."""
        pictures = draw_pictures(self.model.sampling_generator(), self.count, seed=self.seed, labels=self.labels)
        if logs is not None:
            logs.update(self.score(pictures))


class TrainingBackup(keras.callbacks.Callback):
    """Writes the whole state of a training after each epoch, so that it can stop anywhere and go on.

    One file holds the weights of every network, the moments of every optimizer, the step counter, the averages, the
    states of random layers such as Dropout (which Keras leaves out), the epoch and the history so far. It is written
    beside the old one and then takes its place: a run that is killed during the write still has the backup before.
    (Keras' `BackupAndRestore` overwrites in place.)

    Args:
        path: the file, ending in ``.weights.h5``.

    Example:
        >>> backup = TrainingBackup("build/lesson/backup.weights.h5")
        >>> first_epoch = backup.restore(gan)          # 0 when there is nothing to go on from
        >>> gan.fit(batches(pictures, batch_size=128, first_epoch=first_epoch),
        ...         steps_per_epoch=len(pictures) // 128,  # the whole set, or a resumed run sees other batches
        ...         epochs=20, initial_epoch=first_epoch, callbacks=[backup])
    """

    def __init__(self, path: str | Path):
        super().__init__()
        self.path = Path(path)
        if not self.path.name.endswith(".weights.h5"):
            raise ValueError(f"The backup is called {self.path.name}; Keras asks for a name that ends in .weights.h5.")
        self.history: dict[str, list[float]] = {}

    def restore(self, model: keras.Model) -> int:
        """Brings a compiled model back to where the backup left it.

        Args:
            model: built and compiled as the one that was backed up.

        Returns:
            How many epochs are done: pass it as ``initial_epoch`` to `fit` and as ``first_epoch`` to the batches.
            0 where there is no backup.

        Raises:
            ValueError: if the file is damaged or belongs to other networks, or the model is not compiled; the model
                is then as it was.
        """
        if not all(hasattr(model, f"{name}_optimizer") for name in model.network_names):
            raise ValueError(f"{model.name} has no optimizers yet. Compile it before restoring, as for training.")
        if not self.path.exists():
            return 0
        before = [variable.numpy() for variable in _state(model)]
        try:
            with h5py.File(self.path) as file:
                about = json.loads(file[_ABOUT][()])
            if about["variables"] != _signature(model):
                raise ValueError("its networks or optimizers differ from this model's")
            model.load_weights(self.path)
            for variable, value in zip(_random_states(model), about["random_states"], strict=True):
                variable.assign(value)
        except Exception as error:  # a damaged file raises whatever h5py and Keras raise
            for variable, value in zip(_state(model), before, strict=True):
                variable.assign(value)
            raise ValueError(
                f"{self.path.name} cannot be resumed from: {error}. Delete it to start anew, or build the model as it "
                "was when the backup was written."
            ) from error
        self.history = about["history"]
        return about["epoch"]

    def on_epoch_end(self, epoch, logs=None):
        """Writes the backup."""
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(float(value))
        self._write(epoch + 1)

    def _write(self, epoch):
        about = {
            "epoch": epoch,
            "history": self.history,
            "variables": _signature(self.model),
            "random_states": [variable.numpy().tolist() for variable in _random_states(self.model)],
        }
        with whole_file(self.path) as new:
            self.model.save_weights(new)
            with h5py.File(new, "a") as file:
                file[_ABOUT] = json.dumps(about)


def _state(model: keras.Model) -> list[keras.Variable]:
    """Every variable that a backup of a compiled scheme holds and a later step reads."""
    optimizers = [getattr(model, f"{name}_optimizer") for name in model.network_names]
    return [*model.weights, *(variable for optimizer in optimizers for variable in optimizer.variables)]


def _random_states(model: keras.Model) -> list[keras.Variable]:
    """The states of the networks' random layers, which are among a network's variables but not its weights."""
    networks = [getattr(model, name) for name in model.network_names]
    return [
        variable
        for network in networks
        for variable in network.variables
        if not any(variable is weight for weight in network.weights)
    ]


def _signature(model: keras.Model) -> list[Any]:
    return [list(variable.shape) for variable in _state(model)]
