"""What a released network can do to a picture, one record for each task.

How a picture is cut into tiles, read and written is the same for all tasks and not here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

import tensorflow as tf

from gan_lib import degradations


class SettingsError(ValueError):
    """What was asked for cannot be done; the message says what can."""


class Task(NamedTuple):
    """One thing to do to pictures.

    Attributes:
        name: as on the command line.
        faithful: names of the released weights that stay close to what is there, by how many times larger the result
            is.
        sharp: the same of those that add what looks right.
        inputs: a tile, float32 (1, height, width, 3) in [-1, 1], and sigma -> the inputs of the network; None where a
            network is called otherwise, elsewhere (`holes`, `enlarging`).
        made: what the network did, for people who find the picture later.
    """

    name: str
    faithful: dict[int, str]
    sharp: dict[int, str]
    inputs: Callable[[tf.Tensor, tf.Tensor], list[tf.Tensor]] | None
    made: str

    def weights(self, sharp: bool = False, scale: int = 1) -> str:
        """The name of the released weights.

        Raises:
            SettingsError: if there are none for that scale, or no sharp ones.
        """
        if scale not in self.faithful:
            known = " or ".join(map(str, sorted(self.faithful)))
            raise SettingsError(f"The scale is {scale!r}; {known} was expected, what there are released weights for.")
        if sharp and scale not in self.sharp:
            faithful, known = (" and ".join(map(str, sorted(names))) for names in (self.faithful, self.sharp))
            raise SettingsError(
                f"There are no sharp weights for scale {scale}; there are faithful ones for {faithful} and sharp ones "
                f"for {known}. Leave out --sharp (sharp=True), or take scale {known}."
            )
        return (self.sharp if sharp else self.faithful)[scale]

    def is_sharp(self, card: Mapping) -> bool:
        """Whether weights with that model card bear the name of a released version that adds what looks right."""
        return card["name"] in self.sharp.values()


TASKS = {
    "denoise": Task(
        name="denoise",
        faithful={1: "denoiser"},
        sharp={1: "denoiser_sharp"},
        inputs=lambda tile, sigma: [tile, degradations.noise_map(tile, sigma)],
        made="removed noise",
    ),
    "inpaint": Task(
        name="inpaint",
        faithful={1: "inpainter"},
        sharp={1: "inpainter_sharp"},
        inputs=None,
        made="filled holes",
    ),
    "super-resolution": Task(
        name="super-resolution",
        faithful={2: "upscaler_x2", 4: "upscaler_x4"},
        sharp={4: "upscaler_x4_sharp"},
        inputs=None,
        made="enlarged a picture",
    ),
}


def check_version(sharp: bool, weights: str | os.PathLike | None) -> None:
    """Raise SettingsError if weights are named and a released version is chosen too: one of them would not count."""
    if sharp and weights is not None:
        raise SettingsError(
            f"--sharp (sharp=True) chooses among the released weights, and --weights (weights=) names {weights}; leave "
            "one of them out."
        )


def check_task(task: str) -> None:
    """Raise SettingsError for a task that is not known."""
    if task not in TASKS:
        raise SettingsError(f"The task is {task!r}; one of {', '.join(TASKS)} was expected.")
