"""A backup of a whole training, so that it can stop anywhere and go on.

Other files of weights are written by Keras' own callbacks.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from gan_lib.callbacks import signals
from gan_lib.files import whole_file

_ABOUT = "about_this_backup"  # a dataset of the backup file, beside what Keras writes


class TrainingBackup(keras.callbacks.Callback):
    """Writes the whole state of a training after each epoch, so that it can stop anywhere and go on.

    One file holds the weights of every network, the moments of every optimizer, the step counter, the averages, the
    states of random layers such as Dropout (which Keras leaves out), the epoch and the history so far. It is written
    beside the old one and then takes its place: a run that is killed during the write still has the backup before.
    (Keras' `BackupAndRestore` overwrites in place.)

    An epoch that failed is not written, nor is it part of the history: one with NaN or infinity in the scheme's own
    logs, in a weight or in a moment, and one whose steps were undone, as `TrainingMonitor` does after NaN. The file
    then still holds the epoch before, and a resumed run begins with the epoch that failed.

    Args:
        path: the file, ending in ``.weights.h5``.
        tell: is called with a sentence where an epoch is not written; None keeps it silent.

    Example:
        >>> from gan_lib.datasets import batches, load_digits
        >>> from gan_lib.networks.dcgan import dcgan_discriminator, dcgan_generator
        >>> from gan_lib.training import GAN
        >>> pictures = load_digits().train_images
        >>> gan = GAN(dcgan_generator(), dcgan_discriminator())
        >>> gan.compile({name: keras.optimizers.Adam(2e-4, beta_1=0.5) for name in gan.network_names})
        >>> backup = TrainingBackup("build/lesson/backup.weights.h5")
        >>> first_epoch = backup.restore(gan)          # 0 when there is nothing to go on from
        >>> gan.fit(batches(pictures, batch_size=128, first_epoch=first_epoch),
        ...         steps_per_epoch=len(pictures) // 128,  # the whole set, or a resumed run sees other batches
        ...         epochs=20, initial_epoch=first_epoch, callbacks=[backup])
    """

    def __init__(self, path: str | Path, *, tell: Callable[[str], None] | None = print):
        super().__init__()
        self.path, self.tell = Path(path), tell
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
        before = [variable.numpy() for variable in training_state(model)]
        try:
            with h5py.File(self.path) as file:
                about = json.loads(file[_ABOUT][()])
            if about["variables"] != _signature(model):
                raise ValueError("its networks or optimizers differ from this model's")
            model.load_weights(self.path)
            for variable, value in zip(random_states(model), about["random_states"], strict=True):
                variable.assign(value)
        except Exception as error:  # a damaged file raises whatever h5py and Keras raise
            for variable, value in zip(training_state(model), before, strict=True):
                variable.assign(value)
            raise ValueError(
                f"{self.path.name} cannot be resumed from: {error}. Delete it to start anew, or build the model as it "
                "was when the backup was written."
            ) from error
        self.history = about["history"]
        return about["epoch"]

    def on_epoch_begin(self, epoch, logs=None):
        """Notes how many steps came before."""
        self._steps_before = int(self.model.iteration.numpy())

    def on_epoch_end(self, epoch, logs=None):
        """Writes the backup, unless the epoch failed."""
        if trouble := self._trouble(logs or {}):
            if self.tell is not None:
                self.tell(f"No backup after epoch {epoch + 1}: {trouble}. {self.path.name} is left as it was.")
            return
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(float(value))
        self._write(epoch + 1)

    def _trouble(self, logs):
        """Why this epoch is no place to go on from, or None."""
        if int(self.model.iteration.numpy()) <= self._steps_before:
            return "its steps were undone"
        for key, value in logs.items():  # a measure that another callback adds may be NaN without harm
            if key.removeprefix("val_") in self.model.log_keys and not np.isfinite(float(value)):
                return f"{key} is NaN or infinite"
        return None if signals.all_finite(training_state(self.model)) else "a weight or a moment is NaN or infinite"

    def _write(self, epoch):
        about = {
            "epoch": epoch,
            "history": self.history,
            "variables": _signature(self.model),
            "random_states": [variable.numpy().tolist() for variable in random_states(self.model)],
        }
        with whole_file(self.path) as new:
            self.model.save_weights(new)
            with h5py.File(new, "a") as file:
                file[_ABOUT] = json.dumps(about)


def training_state(model: keras.Model) -> list[keras.Variable]:
    """Every variable that a backup of a compiled scheme holds and a later step reads."""
    optimizers = [getattr(model, f"{name}_optimizer") for name in model.network_names]
    return [*model.weights, *(variable for optimizer in optimizers for variable in optimizer.variables)]


def random_states(model: keras.Model) -> list[keras.Variable]:
    """The states of the networks' random layers, which are among a network's variables but not its weights."""
    networks = [getattr(model, name) for name in model.network_names]
    return [
        variable
        for network in networks
        for variable in network.variables
        if not any(variable is weight for weight in network.weights)
    ]


def _signature(model: keras.Model) -> list[Any]:
    return [list(variable.shape) for variable in training_state(model)]
